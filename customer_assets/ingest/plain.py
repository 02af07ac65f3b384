"""Landed text files as plain UTF-8 on disk, and a survey of their bytes.

Decompression, decoding and counting; each in one streaming pass, in bounded memory. What the
lines mean (CSV, JSON) is the business of `records` and `readers`.
"""

import codecs
import gzip
import re
import shutil
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, cast

from customer_assets import settings

_CHUNK = 1 << 19
# What is not larger than this when unpacked fills no disk.
_HARMLESS = 1 << 26
# How much of the free disk one file may take.
_SHARE_OF_DISK = 0.5
_BOMS = {
    "utf-8": (codecs.BOM_UTF8,),
    "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
}
_ENDS = (b"\r", b"\n")
# More blank lines than this, and rows are numbered by the careful reader.
_MOST_BLANKS = 10_000


class FileRefusedError(Exception):
    """A landed file that cannot be loaded at all; the text says why."""


class BeyondLimitError(FileRefusedError):
    """A landed file that takes more than one may take here: another day it may be taken."""


@dataclass(frozen=True)
class Survey:
    """What a count of a text file's bytes tells.

    `lines` are physical lines, save those that start inside of quotes (where quotes mean
    something); blank ones are among them. `peculiarity` names what the fast reader would lose or
    merge without a word: such a file is read with care.
    """

    lines: int
    has_quotes: bool
    is_utf8: bool
    peculiarity: str | None


@dataclass(frozen=True)
class PlainText:
    """A text file as plain UTF-8 (save for bytes that are no UTF-8 at all), and its encoding."""

    path: Path
    encoding: str
    survey: Survey


def plain_text(
    path: Path, encodings: Sequence[str], scratch: Path, *, quotes_mean: bool = True
) -> PlainText:
    """Return a landed file as plain text; what must be unpacked or decoded goes to `scratch`.

    `quotes_mean`: a quoted text may hold line ends, as in CSV and not in JSON lines. The first of
    the encodings that decodes the whole file holds. Where none does, the file is taken as UTF-8
    and its broken lines are for the reader to reject.

    Raises:
        FileRefusedError: the file is empty, cut short or not text.
        OSError: the file cannot be read.
    """
    source = _unpacked(path, scratch)
    with source.open("rb") as file:
        head = file.read(4)
    if not head:
        raise FileRefusedError("it is empty")
    marked = next((name for name, boms in _BOMS.items() if head.startswith(boms)), None)
    if marked == "utf-16" and marked not in encodings:
        raise FileRefusedError("it is UTF-16 text: add utf-16 to the encodings of the format")
    found = None
    for encoding in [marked] if marked else encodings:
        if encoding == "utf-8":
            found = PlainText(source, encoding, survey(source, quotes_mean))
            if found.survey.is_utf8:
                return found
        elif decoded := _decoded(source, encoding, scratch):
            return PlainText(decoded, encoding, survey(decoded, quotes_mean))
    return found or PlainText(source, "utf-8", survey(source, quotes_mean))


def survey(path: Path, quotes_mean: bool = True) -> Survey:
    """Count the bytes of a text file that matter to a reader.

    `quotes_mean`: a quoted text may hold line ends, as in CSV and not in JSON lines.
    """
    newlines = returns = pairs = 0
    has_nul = has_quotes = has_long_line = starts_blank = False
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_utf8 = True
    outside = _OutsideQuotes()
    last = b""
    for chunk in _chunks(path):
        line_ends = chunk.count(b"\n")
        has_long_line = has_long_line or (line_ends == 0 and len(chunk) == _CHUNK)
        has_nul = has_nul or b"\0" in chunk
        if b"\r" in chunk or last == b"\r":
            returns += chunk.count(b"\r")
            pairs += chunk.count(b"\r\n") + (last == b"\r" and chunk[:1] == b"\n")
        has_quotes = has_quotes or (quotes_mean and b'"' in chunk)
        if has_quotes:
            outside.feed(chunk)
        else:
            outside.newlines += line_ends
        if is_utf8 and not (chunk.isascii() and decoder.getstate()[0] == b""):
            is_utf8 = _decodes(decoder, chunk)
        starts_blank = starts_blank or (not last and chunk.lstrip(codecs.BOM_UTF8)[:1] in _ENDS)
        newlines += line_ends
        last = chunk[-1:]
    is_utf8 = is_utf8 and _decodes(decoder, b"", final=True)
    return Survey(
        lines=outside.newlines + (last != b"\n"),
        has_quotes=has_quotes,
        is_utf8=is_utf8,
        peculiarity=_peculiarity(
            {
                "bytes that are not UTF-8": not is_utf8,
                "NUL bytes": has_nul,
                "lone carriage returns": returns > pairs,
                "mixed line ends": 0 < pairs < newlines,
                "very long lines": has_long_line,
                "a blank first line": starts_blank,
                "a quote left open": outside.is_open,
            }
        ),
    )


def blank_lines(path: Path) -> list[int] | None:
    """Return the numbers of the blank lines of a file; null where they are too many to list."""
    blanks: list[int] = []
    newlines, tail = 0, b""
    for chunk in _chunks(path):
        blanks.extend(_blank_lines(tail, chunk, newlines))
        if len(blanks) > _MOST_BLANKS:
            return None
        newlines += chunk.count(b"\n")
        tail = (tail + chunk)[-2:]
    return blanks


class _OutsideQuotes:
    """Counts the line ends that stand outside of quotes, over chunks."""

    def __init__(self) -> None:
        self.newlines = 0
        self.is_open = False

    def feed(self, chunk: bytes) -> None:
        parts = re.sub(rb'"[^"]*"', b"q", (b'"' if self.is_open else b"") + chunk)
        before, quote, _ = parts.partition(b'"')
        self.newlines += before.count(b"\n")
        self.is_open = bool(quote)


def _peculiarity(tests: dict[str, bool]) -> str | None:
    return ", ".join(name for name, holds in tests.items() if holds) or None


def _blank_lines(tail: bytes, chunk: bytes, newlines_before: int) -> Iterator[int]:
    """Yield the numbers of the blank lines that end in a chunk; `tail` is what came before."""
    if b"\n\n" not in chunk and b"\n\r\n" not in chunk and b"\n" not in tail:
        return
    text = tail + chunk
    counted, position = newlines_before, len(tail)
    for blank in re.finditer(rb"\n\r?(?=\n)", text):
        if (end := blank.end()) >= len(tail):
            counted += text.count(b"\n", position, end)
            position = end
            yield counted + 1


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, final: bool = False) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def unzipped(path: Path, scratch: Path) -> Path:
    """Return the one file that a ZIP archive holds, as a file of its name's kind.

    Raises:
        FileRefusedError: it holds several files, or cannot be unpacked.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [n for n in archive.namelist() if not n.endswith("/") and "__MACOSX/" not in n]
            if "[Content_Types].xml" in names:
                return path
            if len(names) != 1:
                shown = ", ".join(repr(name) for name in names[:5])
                raise FileRefusedError(
                    f"it is a ZIP archive of {len(names)} files ({shown}): unpack it in its folder"
                )
            target = scratch / f"unzipped{PurePosixPath(names[0]).suffix[:10]}"
            with archive.open(names[0]) as packed, target.open("wb") as plain:
                _unpack(packed, plain, path)
            return target
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, zlib.error) as error:
        raise FileRefusedError(f"it is a ZIP archive that cannot be unpacked ({error})") from error


def _unpacked(path: Path, scratch: Path) -> Path:
    with path.open("rb") as file:
        magic = file.read(4)
    is_gzip, is_zstd = magic[:2] == b"\x1f\x8b", magic == b"\x28\xb5\x2f\xfd"
    if not is_gzip and not is_zstd:
        if path.suffix.lower() in (".gz", ".zst") and magic:
            raise FileRefusedError(f"its name ends in {path.suffix}, but it is not compressed so")
        return path
    target = scratch / "unpacked"
    try:
        with _open_packed(path, is_gzip) as packed, target.open("wb") as plain:
            _unpack(packed, plain, path)
    except (EOFError, zlib.error, OSError) as error:
        # An error of the system has a number, an error in the packed bytes has none.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise FileRefusedError(f"it is cut short or damaged ({error})") from error
    return target


def _unpack(packed: IO[bytes], plain: IO[bytes], path: Path) -> None:
    """Unpack a file. Raises BeyondLimitError where it is larger than a file may be."""
    size, times = path.stat().st_size, settings.most_unpacked()
    room = int(shutil.disk_usage(Path(plain.name).parent).free * _SHARE_OF_DISK)
    written = 0
    while chunk := packed.read(_CHUNK):
        written += len(chunk)
        if written > max(size * times, _HARMLESS):
            raise BeyondLimitError(
                f"its {size:,} bytes become more than {written:,} when unpacked, over {times} "
                "times as many: raise CUSTOMER_ASSETS_MOST_UNPACKED if that is right"
            )
        if written > room:
            raise BeyondLimitError(
                f"unpacked it takes more than {room:,} bytes, half of what is free on the disk: "
                "free some (CUSTOMER_ASSETS_HOME)"
            )
        plain.write(chunk)


def _open_packed(path: Path, is_gzip: bool) -> BinaryIO:
    if is_gzip:
        return cast(BinaryIO, gzip.open(path, "rb"))
    import pyarrow as pa

    return cast(BinaryIO, pa.input_stream(path, compression="zstd"))


def _decoded(path: Path, encoding: str, scratch: Path) -> Path | None:
    """Write a file as UTF-8; return None where it is not in this encoding."""
    target = scratch / "decoded"
    try:
        with (
            path.open(encoding=encoding, newline="") as text,
            target.open("w", encoding="utf-8", newline="") as plain,
        ):
            while chunk := text.read(_CHUNK):
                plain.write(chunk)
    except UnicodeError:
        return None
    return target
