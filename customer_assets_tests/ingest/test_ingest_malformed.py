"""Malformed files of every kind: each row is loaded or rejected, or the file refused whole."""

import gzip
import io
import os
from dataclasses import dataclass, field

import polars as pl
import pyarrow as pa
import pytest
from ingest_shop import Shop, shop_source

HEADER = "who,at,what,n,price\n"
GOOD = "ann,2024-01-05 10:00:00,view,1,2.50\n"
ALSO_GOOD = "bob,2024-01-06 11:00:00,buy,2,1.25\n"


@dataclass
class Case:
    """A file; how many rows are loaded; the rejected ones by row, with a word of the reason.

    `refused` is a word of the reason why the whole file is refused.
    """

    name: str
    content: bytes | str
    loaded: int = 0
    rejected: dict[int, str] = field(default_factory=dict)
    refused: str | None = None
    file: str = "a.csv"
    settings: dict = field(default_factory=dict)


def parquet(**columns) -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame(columns).write_parquet(buffer)
    return buffer.getvalue()


def zstd(content: bytes) -> bytes:
    return pa.compress(content, codec="zstd", asbytes=True)


CSV = HEADER + GOOD + ALSO_GOOD
NAMES = {"format": {"names": ["who", "at", "what", "n", "price"]}}
LATIN = {"format": {"encodings": ["utf-8", "latin-1"]}}
JSON = '{"who":"ann","at":"2024-01-05T10:00:00Z","what":"view","n":1,"price":2.5}\n'
GOOD_PARQUET = {
    "who": ["ann", "bob"],
    "at": ["2024-01-05 10:00:00", "2024-01-06 11:00:00"],
    "what": ["view", "buy"],
    "n": [1, 2],
    "price": [2.5, 1.25],
}
EPOCH = {
    "columns": {
        "customer_id": "who",
        "event_at": {"from": "at", "format": "epoch_seconds"},
        "event_type": "what",
    }
}


def with_row(row: str | bytes) -> bytes:
    """A good row, the given one as line 3, a good row."""
    middle = row if isinstance(row, bytes) else row.encode()
    return (HEADER + GOOD).encode() + middle + b"\n" + ALSO_GOOD.encode()


CASES = [
    Case("all is well", CSV, 2),
    Case("no line end at the end", CSV.rstrip("\n"), 2),
    Case("CRLF", CSV.replace("\n", "\r\n"), 2),
    Case("carriage returns only", CSV.replace("\n", "\r"), 2),
    Case("byte order mark", b"\xef\xbb\xbf" + CSV.encode(), 2),
    Case("byte order mark, no header", b"\xef\xbb\xbf" + GOOD.encode(), 1, settings=NAMES),
    Case("blank lines", HEADER + "\n" + GOOD + "\n\n" + ALSO_GOOD + "\n", 2),
    Case("blank first line", "\n" + CSV, 2),
    Case("blank lines, CRLF", (HEADER + GOOD + "\n" + ALSO_GOOD).replace("\n", "\r\n"), 2),
    Case("bad row after blank lines", HEADER + GOOD + "\n\nbob,never,buy,1,1\n", 1, {5: "time"}),
    Case("a line of blanks", with_row("   "), 2, {3: "1 fields"}),
    Case("short row", with_row("cid,2024-01-05 10:00:00"), 2, {3: "2 fields instead of 5"}),
    Case("long row", with_row("cid,2024-01-05 10:00:00,view,1,2,9,9"), 2, {3: "7 fields"}),
    Case("cut last row", HEADER + GOOD + "bob,2024-01-0", 1, {3: "2 fields"}),
    Case("cut time in the last row", HEADER + GOOD + "bob,2024-01-06 1,,,", 1, {3: "time"}),
    Case("header only", HEADER, 0),
    Case("header in the middle", with_row(HEADER.strip()), 2, {3: "header line repeated"}),
    Case("null time", with_row("cid,,view,1,2"), 2, {3: "no time"}),
    Case("word for a time", with_row("cid,infinity,view,1,2"), 2, {3: "not a time"}),
    Case("impossible date", with_row("cid,2024-02-30 10:00:00,view,1,2"), 2, {3: "not a time"}),
    Case("before the first day", with_row("cid,2023-12-31 23:59:59,view,1,2"), 2, {3: "first day"}),
    Case("after the last day", with_row("cid,2024-04-01,view,1,2"), 2, {3: "last day"}),
    Case("year 9999", with_row("cid,9999-12-31,view,1,2"), 2, {3: "last day"}),
    Case("half a quantity", with_row("cid,2024-01-05,view,1.5,2"), 3),
    Case("quantity as float", with_row("cid,2024-01-05,view,3.0,2"), 3),
    Case(
        "quantity too big", with_row("cid,2024-01-05,view,9223372036854775808,2"), 2, {3: "amount"}
    ),
    Case("price too big", with_row("cid,2024-01-05,view,1,999999999999999"), 2, {3: "amount"}),
    Case("value too big", with_row("cid,2024-01-05,view,99999999,99999999"), 2, {3: "14 digits"}),
    Case("decimal comma in quotes", with_row('cid,2024-01-05,view,1,"2,5"'), 2, {3: "amount"}),
    Case("price is NaN", with_row("cid,2024-01-05,view,1,nan"), 2, {3: "amount"}),
    Case("no customer", with_row(",2024-01-05,view,1,2"), 3),
    Case("empty but for delimiters", with_row(",,,,"), 2, {3: "no time"}),
    Case("NUL byte", with_row(b"c\0d,2024-01-05,view,1,2"), 2, {3: "NUL"}),
    Case("line of NUL bytes", with_row(b"\0" * 5000), 2, {3: "NUL"}),
    Case("bad UTF-8", with_row(b"ren\xe9,2024-01-05,view,1,2"), 2, {3: "not UTF-8"}),
    Case("latin-1", with_row(b"ren\xe9,2024-01-05,view,1,2"), 3, settings=LATIN),
    Case("cut UTF-8 at the end", CSV.encode() + b"c,2024-01-05,\xc3", 2, {4: "not UTF-8"}),
    Case(
        "UTF-16",
        CSV.encode("utf-16"),
        2,
        settings={"format": {"encodings": ["utf-8", "utf-16"]}},
    ),
    Case("UTF-16 not announced", CSV.encode("utf-16"), refused="utf-16"),
    Case("mixed line ends", HEADER + GOOD.replace("\n", "\r\n") + ALSO_GOOD, 2),
    Case("mixed line ends, short row", HEADER + "x,y\r\n" + GOOD, 1, {2: "2 fields"}),
    Case("lone carriage return", with_row("cid,2024-01-05\rview,1,2"), 2, {3: "2 f", 4: "3 f"}),
    Case("quoted line end", with_row('"c\nd",2024-01-05,view,1,2'), 3),
    Case("quoted blank line", with_row('"c\n\nd",2024-01-05,view,1,2'), 3),
    Case(
        "row after a quoted line end",
        with_row('"c\nd",2024-01-05,view,1,2\n"e",never,view,1,2'),
        3,
        {5: "not a time"},
    ),
    Case("doubled quotes", with_row('"c ""d""",2024-01-05,view,1,2'), 3),
    Case("quote inside a field", with_row('5" disk,2024-01-05,view,1,2'), 3),
    Case("quote left open", with_row('"cid,2024-01-05,view,1,2'), 2, {3: "quote left open"}),
    Case(
        "two quotes left open",
        with_row('"cid,2024-01-05,view,1,2\n' + GOOD + 'dan,2024-01-05,"view,1,2'),
        3,
        {3: "quote left open", 5: "quote left open"},
    ),
    Case("quote left open in the last row", CSV + '"cid,2024-01-05', 2, {4: "quote left open"}),
    Case("text after a quote", with_row('"c"d,2024-01-05,view,1,2'), 2, {3: "closing quote"}),
    Case("very long line", with_row("x" * 3_000_000), 2, {3: "a line of 3000000 bytes"}),
    Case("10 MB line", with_row("c," * 5_000_000), 2, {3: "a line of 10000000 bytes"}),
    Case("empty file", "", refused="empty"),
    Case("only a byte order mark", b"\xef\xbb\xbf", refused="no"),
    Case("blank lines only", "\n\n\n", refused="no line"),
    Case(
        "duplicate header of a mapped column", "who,who,at,what,n,price\n", refused="more than one"
    ),
    Case("duplicate header of another column", "x,x," + HEADER + "1,2," + GOOD, 1),
    Case("columns reordered", "price,n,what,at,who\n2,1,view,2024-01-05,ann\n", 1),
    Case("header in other case", " WHO ,At,What,N,Price\n" + GOOD, 1),
    Case("column renamed", HEADER.replace("price", "cost") + GOOD, refused="no column 'price'"),
    Case("semicolons", CSV.replace(",", ";"), 2),
    Case("tabs", CSV.replace(",", "\t"), 2, file="a.tsv"),
    Case("header quote left open", '"who,at,what,n,price\n' + GOOD, refused="header"),
    Case("names for another file", "1;2\n3;4\n", refused="2 rows", settings=NAMES),
    Case("no header", GOOD + ALSO_GOOD, 2, settings=NAMES),
    Case("header that was not announced", CSV, 2, {1: "header line repeated"}, settings=NAMES),
    Case(
        "times of another kind", HEADER + GOOD.replace("2024-01-05", "5.1."), refused="not a time"
    ),
    Case("cut epoch", "who,at,what\na,1704448800,v\nb,15,v\n", 1, {3: "first"}, settings=EPOCH),
    Case(
        "negative epoch", "who,at,what\na,1704448800,v\nb,-9,v\n", 1, {3: "first"}, settings=EPOCH
    ),
    Case("big epoch", f"who,at,what\na,1704448800,v\nb,{'9' * 18},v\n", 1, {3: ""}, settings=EPOCH),
    Case("gzip", gzip.compress(CSV.encode()), 2, file="a.csv.gz"),
    Case("gzip cut short", gzip.compress(CSV.encode())[:-12], refused="cut short", file="a.csv.gz"),
    Case("gzip damaged", b"\x1f\x8b" + b"\0" * 40, refused="damaged", file="a.csv.gz"),
    Case("gzip of a bad row", gzip.compress(with_row("x")), 2, {3: "1 fields"}, file="a.csv.gz"),
    Case("no gzip", CSV, refused="not compressed", file="a.csv.gz"),
    Case("zstd", zstd(CSV.encode()), 2, file="a.csv.zst"),
    Case("zstd cut short", zstd(os.urandom(90_000))[:-9], refused="cut short", file="a.csv.zst"),
    Case("parquet", parquet(**GOOD_PARQUET), 2, file="a.parquet"),
    Case("parquet under another name", parquet(**GOOD_PARQUET), 2),
    Case("no parquet", "PAR1", refused="Parquet", file="a.parquet"),
    Case("parquet cut short", parquet(**GOOD_PARQUET)[:-9], refused="Parquet", file="a.parquet"),
    Case(
        "parquet without a column",
        parquet(**{name: GOOD_PARQUET[name] for name in ("who", "at", "what", "n")}),
        refused="no column 'price'",
        file="a.parquet",
    ),
    Case(
        "parquet with other types",
        parquet(**GOOD_PARQUET | {"n": ["1", "many"], "who": [1.0, None]}),
        1,
        {2: "amount"},
        file="a.parquet",
    ),
    Case(
        "parquet with null times",
        parquet(**GOOD_PARQUET | {"at": ["2024-01-05", None]}),
        1,
        {2: "no time"},
        file="a.parquet",
    ),
    Case("parquet without rows", parquet(**{name: [] for name in GOOD_PARQUET}), file="a.parquet"),
    Case("JSON lines", JSON + JSON, 2, file="a.jsonl"),
    Case("JSON lines, blank and CRLF", JSON + "\n" + JSON.replace("\n", "\r\n"), 2, file="a.jsonl"),
    Case("JSON cut", JSON + JSON[:30], 1, {2: "not JSON"}, file="a.jsonl"),
    Case("JSON list", JSON + "[1, 2]\n" + JSON, 2, {2: "not a JSON object"}, file="a.jsonl"),
    Case("JSON without a time", JSON + '{"who":"bob"}\n', 1, {2: "no time"}, file="a.jsonl"),
    Case("JSON bad UTF-8", JSON.encode() + b'{"who":"\xff"}\n', 1, {2: "UTF-8"}, file="a.jsonl"),
    Case("JSON with a control character", JSON + '{"w\x01":1}\n', 1, {2: "JSON"}, file="a.jsonl"),
    Case("no JSON at all", "who,at\n1,2\n", refused="JSON", file="a.jsonl"),
    Case("JSON with other keys", '{"user":1}\n', refused="no column", file="a.jsonl"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_row_is_loaded_or_rejected_or_the_file_refused(shop: Shop, case: Case) -> None:
    shop.source = shop_source(**case.settings)
    shop.land("z-good.csv", HEADER + "zoe,2024-02-01,view,1,1\n") if not case.settings else None
    shop.land(case.file, case.content)
    shop.run()
    landed = {row[0]: row[1:] for row in shop.rows("landed_files", "file, status, reason")}
    status, reason = landed[case.file]
    assert (status == "refused") == (case.refused is not None), reason
    assert (case.refused or "") in (reason or "")
    events = [name for name in shop.rows("raw_events", "source_file") if name == case.file]
    assert len(events) == case.loaded
    rejected = dict(shop.rows("rejected_rows", "row, reason"))
    assert rejected.keys() == case.rejected.keys()
    assert all(word in rejected[row] for row, word in case.rejected.items()), rejected
    total_landed, total_loaded, total_rejected = shop.accounting()
    assert total_landed == total_loaded + total_rejected
    assert total_loaded == len(shop.rows("raw_events", "source_file"))
    assert total_rejected == len(rejected)


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 60
    assert len({case.name for case in CASES}) == len(CASES)


def test_raw_text_is_the_line_and_is_cut_where_it_is_long(shop: Shop) -> None:
    shop.land("a.csv", with_row('cid,"2,4",x,1\ndan,never,' + "v" * 20_000 + ",1,2"))
    shop.run()
    short, long = shop.rows("rejected_rows", "raw_text")
    assert short == 'cid,"2,4",x,1'
    assert long.startswith("dan,never,vvv")
    assert long.endswith(" ... and 10014 more characters")
