"""The careful reader: text files line by line, with nothing lost and nothing merged.

The engine's reader is many times faster and reads every file that is as it should be. Files in
which it would lose or merge lines (a quote left open, NUL bytes, broken encodings, mixed line
ends) come here: whatever cannot be a row is handed back with its line number, its text and the
reason.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from customer_assets import settings

RAW_CHARACTERS = 10_000
_CHUNK = 1 << 20
# How far an open quote may reach before it is taken for a stray one.
_MOST_LINES_OF_A_RECORD = 1_000
_LINE_END = re.compile(rb"(\r\n|\n|\r)")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Line:
    """A physical line: its number from 1, its text and line end, and why it cannot be a row."""

    number: int
    text: str
    end: str = ""
    fault: str | None = None


@dataclass(frozen=True)
class Record:
    """A row of a text file as it stands: where it starts, its text, its fields or its fault."""

    line: int
    raw: str
    fields: list[str] | None
    fault: str | None = None


def lines(path: Path) -> Iterator[Line]:
    """Yield the physical lines of a file.

    A line ends with \\n, \\r\\n or \\r. Of a line that is too long, only the start is kept.
    """
    longest = settings.longest_row()
    for number, (content, length, end) in enumerate(_physical_lines(path, longest), 1):
        if number == 1 and content.startswith(_BOM):
            yield _line(number, content[len(_BOM) :], length - len(_BOM), end, longest)
        else:
            yield _line(number, content, length, end, longest)


def records(path: Path, delimiter: str, width: int | None = None) -> Iterator[Record]:
    """Yield the rows of a CSV file of `width` columns, header line included.

    A quoted field may hold line ends. A quote that is left open costs its own line only: the
    lines after it are read as if it were not there. Without a width every row is taken as it is.
    Blank lines are no rows.
    """
    splitter, longest = _Splitter(delimiter), settings.longest_row()
    source = lines(path)
    waiting: list[Line] = []
    while (line := waiting.pop(0) if waiting else next(source, None)) is not None:
        if line.fault is not None:
            yield Record(line.number, line.text, None, line.fault)
            continue
        if not line.text:
            continue
        record, used = _record(line, waiting, source, splitter, width, longest)
        del waiting[:used]
        yield record


def bounded(text: str) -> str:
    """Return a text cut to what is worth keeping, with a note of what was cut."""
    if len(text) <= RAW_CHARACTERS:
        return text
    return f"{text[:RAW_CHARACTERS]} ... and {len(text) - RAW_CHARACTERS} more characters"


def _physical_lines(path: Path, longest: int) -> Iterator[tuple[bytes, int, str]]:
    """Yield each line's bytes, of a long one the first only, its length and its line end."""
    rest, dropped = b"", 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            # A carriage return at the end may be half of a line end.
            while chunk.endswith(b"\r") and (more := file.read(1)):
                chunk += more
            *parts, tail = _LINE_END.split(rest + chunk)
            for content, end in zip(parts[::2], parts[1::2], strict=True):
                yield content, len(content) + dropped, end.decode()
                dropped = 0
            rest, dropped = tail[:longest], dropped + max(0, len(tail) - longest)
    if rest:
        yield rest, len(rest) + dropped, ""


def _line(number: int, content: bytes, length: int, end: str, longest: int) -> Line:
    if length > longest:
        text = content[:RAW_CHARACTERS].decode("utf-8", "backslashreplace").replace("\0", "\\x00")
        note = f"{text} ... and {length - RAW_CHARACTERS} more bytes"
        return Line(number, note, end, f"a line of {length} bytes, more than {longest}")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        wrong = f"bytes that are not UTF-8, the first at byte {error.start + 1} of the line"
        return Line(number, content.decode("utf-8", "backslashreplace"), end, wrong)
    if "\0" in text:
        return Line(number, text.replace("\0", "\\x00"), end, "a NUL byte")
    return Line(number, text, end)


def _record(
    line: Line,
    waiting: list[Line],
    source: Iterator[Line],
    splitter: "_Splitter",
    width: int | None,
    longest: int,
) -> tuple[Record, int]:
    """Return the record that starts at a line and how many waiting lines it takes."""
    fields, fault = splitter.split(line.text)
    if fault == _OPEN_QUOTE:
        text, end = line.text, line.end
        for used in range(_MOST_LINES_OF_A_RECORD):
            if used == len(waiting):
                waiting.extend(itertools.islice(source, 1))
            if used == len(waiting) or waiting[used].fault is not None:
                break
            text += end + waiting[used].text
            end = waiting[used].end
            if len(text) > longest:
                break
            if '"' not in waiting[used].text:
                continue
            fields, wider_fault = splitter.split(text)
            if wider_fault == _OPEN_QUOTE:
                continue
            if fields is not None and len(fields) == (width or len(fields)):
                return Record(line.number, text, fields), used + 1
            break
        return Record(line.number, line.text, None, _OPEN_QUOTE), 0
    record = Record(line.number, line.text, fields, fault)
    if fields is not None and width is not None and len(fields) != width:
        record = replace(record, fields=None, fault=width_fault(len(fields), width))
    return record, 0


def width_fault(found: int, width: int) -> str:
    return f"{found} fields instead of {width}"


_OPEN_QUOTE = "a quote left open"
_AFTER_QUOTE = "text after a closing quote"


class _Splitter:
    """Splits the text of a record into fields, as RFC 4180 has it; blanks may surround quotes."""

    def __init__(self, delimiter: str) -> None:
        self.delimiter = delimiter
        blanks = "" if delimiter == " " else " *"
        opening, inside = f'{blanks}"', '([^"]*(?:""[^"]*)*)'
        self._opening = re.compile(opening)
        self._quoted = re.compile(rf'{opening}{inside}"{blanks}({re.escape(delimiter)}|\Z)')
        self._open = re.compile(rf"{opening}{inside}\Z")

    def split(self, text: str) -> tuple[list[str] | None, str | None]:
        """Return the fields, or why there are none."""
        if '"' not in text:
            return text.split(self.delimiter), None
        fields = []
        position = 0
        while True:
            if self._opening.match(text, position):
                match = self._quoted.match(text, position)
                if match is None:
                    is_open = self._open.match(text, position)
                    return None, _OPEN_QUOTE if is_open else _AFTER_QUOTE
                fields.append(match[1].replace('""', '"'))
                position = match.end()
                if not match[2]:
                    return fields, None
            else:
                end = text.find(self.delimiter, position)
                if end < 0:
                    fields.append(text[position:])
                    return fields, None
                fields.append(text[position:end])
                position = end + len(self.delimiter)
