"""What the columns of a file become: types, names, defaults, formats."""

import datetime as dt
import io
import json
import zipfile
from dataclasses import fields
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ingest_shop import Shop, shop_source

from customer_assets import ingest
from customer_assets.ingest import text_readers
from customer_assets.ingest.published import LandedRow
from customer_assets.sources import CANONICAL_COLUMNS

CSV = "who,at,what,n,price\n17850.0,2024-01-05 10:00:00,view,3,2.55\n"


def test_raw_events_have_all_canonical_columns_then_the_source_s_own(shop: Shop):
    shop.source = shop_source(
        columns={"customer_id": "who", "event_at": "at", "sequence": "n"},
        attributes={"channel": "what", "amount": {"from": "price", "type": "double"}},
        rules=[{"name": "big", "condition": "amount > 1", "action": "flag"}],
    )
    shop.land("a.csv", CSV)
    shop.run()
    (file,) = shop.store("raw_events").files()
    found = shop.connection.execute("describe from read_parquet(?)", [str(file)]).fetchall()
    table = ingest.tables(shop.source)["raw_events"]
    described = table.columns
    # What the source does not map is null in every row, and not stored.
    assert {"item_id", "item_name", "value"} <= table.derived.keys()
    assert shop.rows("raw_events", "distinct item_id, item_name, value") == [(None, None, None)]
    assert [(row[0], row[1].lower()) for row in found] == [
        (name, column.type) for name, column in table.stored_columns.items()
    ]
    assert list(described) == [
        *CANONICAL_COLUMNS[:-1],
        "sequence",
        "channel",
        "amount",
        "is_big",
        "source_file",
    ]


@pytest.mark.parametrize("name", ["landed_files", "rejected_rows", "arrivals"])
def test_the_other_tables_are_as_described(shop: Shop, name):
    shop.land("a.csv", CSV + "x\n")
    shop.run()
    (file,) = shop.store(name).files()
    found = shop.connection.execute("describe from read_parquet(?)", [str(file)]).fetchall()
    described = ingest.tables(shop.source)[name].columns
    assert [(row[0], row[1].lower()) for row in found] == [
        (column, each.type) for column, each in described.items()
    ]


def test_rows_of_landed_files_are_what_its_table_describes():
    described = ingest.tables(shop_source())["landed_files"].columns
    assert [field.name for field in fields(LandedRow)] == list(described)


@pytest.mark.parametrize(("kind", "value"), [("varchar", "17850"), ("bigint", 17850)])
def test_a_customer_is_never_a_float(shop: Shop, kind, value):
    shop.source = shop_source(
        columns={"customer_id": {"from": "who", "type": kind}, "event_at": "at"}
    )
    shop.land("a.csv", CSV)
    buffer = io.BytesIO()
    pl.DataFrame(
        {"who": [17850.0, None, float("nan")], "at": [dt.datetime(2024, 1, 5)] * 3}
    ).write_parquet(buffer)
    shop.land("a.parquet", buffer.getvalue())
    shop.run()
    assert shop.rows("raw_events", "customer_id") == [value, value, None, None]


def test_money_is_exact(shop: Shop):
    buffer = io.BytesIO()
    at = [dt.datetime(2024, 1, 5, 10)] * 3
    prices = [2.55, 0.1, 1.1e-3]
    frame = pl.DataFrame(
        {"who": ["a", "b", "c"], "at": at, "what": "v", "n": [3, 3, 1], "price": prices}
    )
    frame.write_parquet(buffer)
    shop.land("a.parquet", buffer.getvalue())
    shop.run()
    assert shop.rows("raw_events", "unit_price, value") == [
        (Decimal("0.0011"), Decimal("0.0011")),
        (Decimal("0.1000"), Decimal("0.3000")),
        (Decimal("2.5500"), Decimal("7.6500")),
    ]


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Tokyo"])
def test_native_time_stamps_of_parquet(shop: Shop, unit, zone):
    buffer = io.BytesIO()
    at = pl.Series([dt.datetime(2024, 1, 5, 10, 0, 0, 250_000)]).dt.cast_time_unit(unit)
    at = at.dt.replace_time_zone(zone)
    pl.DataFrame({"who": ["a"], "at": at, "what": "v", "n": [1], "price": [1]}).write_parquet(
        buffer
    )
    shop.land("a.parquet", buffer.getvalue())
    shop.run()
    (found,) = shop.rows("raw_events", "event_at")
    assert found == dt.datetime(2024, 1, 5, 1 if zone == "Asia/Tokyo" else 10, 0, 0, 250_000)


def test_each_file_is_read_with_the_format_that_fits_most_of_its_rows(shop: Shop):
    formats = ["iso", "%m/%d/%y %H:%M", "%d/%m/%Y %H:%M"]
    shop.source = shop_source(
        columns={"customer_id": "who", "event_at": {"from": "at", "format": formats}}
    )
    shop.land("a.csv", "who,at\na,2/1/24 9:05\nb,1/31/24 10:00\nc,2024-01-05\n")
    shop.land("b.csv", "who,at\na,2/1/2024 9:05\nb,31/1/2024 10:00\n")
    shop.run()
    assert shop.rows("landed_files", "file, time_format") == list(
        zip(["a.csv", "b.csv"], formats[1:], strict=True)
    )
    days = shop.rows("raw_events", "source_file, strftime(event_date, '%m-%d')")
    assert days == [("a.csv", "01-31"), ("a.csv", "02-01"), ("b.csv", "01-02"), ("b.csv", "01-31")]
    assert shop.rows("rejected_rows", "file, row") == [("a.csv", 4)]


def test_a_format_that_only_seems_to_fit_is_not_taken(shop: Shop):
    formats = ["iso", "%m/%d/%Y %H:%M", "%m/%d/%y %H:%M"]
    shop.source = shop_source(
        columns={"customer_id": "who", "event_at": {"from": "at", "format": formats}}
    )
    shop.land("a.csv", "who,at\na,2/1/24 9:05\nb,1/12/24 10:00\n")
    shop.run()
    assert [str(day) for day in shop.rows("raw_events", "event_date")] == [
        "2024-01-12",
        "2024-02-01",
    ]


def test_event_names_are_mapped_and_others_kept_and_told(shop: Shop):
    shop.source = shop_source(event_names={"pv": "view"}, default_event_type="other")
    shop.land(
        "a.csv",
        "who,at,what,n,price\n" + "".join(f"a,2024-01-05,{what},,\n" for what in ("pv", "buy", "")),
    )
    shop.run()
    assert shop.rows("raw_events", "event_type") == ["buy", "other", "view"]
    (reason,) = shop.rows("landed_files", "reason")
    assert reason == "event types that event_names does not list: 'buy' (1 rows)"


def test_attributes_are_typed_and_what_is_not_of_the_type_is_rejected(shop: Shop):
    shop.source = shop_source(
        columns={"customer_id": "who", "event_at": "at"},
        attributes={
            "c0": "a",
            "score": {"from": "b", "type": "double"},
            "is_new": {"from": "c", "type": "boolean"},
            "since": {"from": "d", "type": "date"},
            "row": {"from": "e", "type": "bigint"},
        },
    )
    rows = ["x,1.5,true,2024-01-01,7", "x,,,,", "x,one,,,", "x,,2,,", "x,,,2024-13-01,", "x,,,,7.5"]
    shop.land("a.csv", "who,at,a,b,c,d,e\n" + "".join(f"w,2024-01-05,{row}\n" for row in rows))
    shop.run()
    kept = shop.rows("raw_events", "c0, score, is_new, since, row")
    assert kept == [("x", 1.5, True, dt.date(2024, 1, 1), 7), ("x", None, None, None, None)]
    assert shop.rows("rejected_rows", "row, column_name") == [
        (4, "b"),
        (5, "c"),
        (6, "d"),
        (7, "e"),
    ]


def test_json_keys_may_be_nested_odd_or_absent(shop: Shop):
    shop.source = shop_source(
        columns={"customer_id": "user.id", "event_at": "at"},
        attributes={"odd": 'a/b~"c', "late": "late", "dotted": "x.y"},
    )
    lines = [{"user": {"id": i}, "at": "2024-01-05", 'a/b~"c': i, "x.y": "z"} for i in range(3)]
    shop.land("a.jsonl", "\n".join(json.dumps(line) for line in lines))
    shop.run()
    assert shop.rows("raw_events", "customer_id, odd, late, dotted") == [
        (str(i), str(i), None, "z") for i in range(3)
    ]
    (reason,) = shop.rows("landed_files", "reason")
    keys = "'user', 'at', 'a/b~\"c', 'x.y', 'user.id'"
    assert reason == f"no 'late' was seen among the first rows, but {keys}"


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        (
            "a.jsonl",
            '{"user": 1, "at": "2024-01-05"}\n',
            "no column 'who'; its columns are 'user', 'at'",
        ),
        ("a.csv", "who#at\na#2024-01-05\n", "read as one column: what separates them?"),
    ],
)
def test_a_column_that_is_not_there_is_told_with_those_that_are(shop: Shop, name, content, why):
    shop.source = shop_source(columns={"customer_id": "who", "event_at": "at"})
    shop.land(name, content)
    with pytest.raises(ingest.LandingError) as raised:
        shop.run()
    assert why in str(raised.value)


def test_a_file_with_more_days_than_open_files_gets_one_piece_per_day(shop: Shop):
    shop.connection.execute("set partitioned_write_max_open_files = 3")
    shop.connection.execute("set partitioned_write_flush_threshold = 1")
    days = [f"2024-01-{day:02}" for day in range(1, 29)] * 200
    shop.land("a.csv", "who,at,what,n,price\n" + "".join(f"a,{day},v,1,1\n" for day in days))
    staged = shop.run().staged["raw_events"]
    assert len(staged) == 28
    assert {piece.rows for piece in staged.values()} == {200}


FIELD = st.text(st.sampled_from(["a", "1", ",", '"', "\n", "\r", " ", "é", "."]), max_size=4)
PIECES = st.lists(
    st.one_of(
        st.sampled_from(["ann,2024-01-05,v,1,1\n", "\n", "x,y\n", 'b,"2024-01-06",v,2,"1"\r\n']),
        st.tuples(FIELD, FIELD).map(lambda f: f"{f[0]},2024-01-05,{f[1]},1,1\n"),
        st.tuples(FIELD, FIELD).map(lambda f: f'"{f[0]}",2024-01-05,"{f[1]}",1,1\n'),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=PIECES)
def test_the_fast_reader_agrees_with_the_careful_one(tmp_path_factory, connection, pieces):
    content = "who,at,what,n,price\n" + "".join(pieces)
    results = []
    for careful in (False, True):
        shop = Shop(tmp_path_factory.mktemp("shop"), connection)
        shop.land("a.csv", content)
        with pytest.MonkeyPatch.context() as patch:
            if careful:
                patch.setattr(text_readers.FastText, "malformed", lambda *_: None)
            shop.run()
        results.append(
            [
                shop.rows("landed_files", "status, reason, rows_landed, rows_loaded"),
                shop.rows("raw_events", "* exclude event_at"),
                shop.rows("rejected_rows"),
            ]
        )
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("file_format", "content"),
    [
        ({"escape": "\\"}, 'who,at,what\n"a \\"b\\", c",2024-01-05,x\n'),
        ({"merge_blanks": True}, 'who   at  what\n"a ""b"", c"   2024-01-05\t x \n'),
    ],
)
def test_quotes_escaped_otherwise_and_runs_of_blanks(shop: Shop, file_format, content):
    columns = {"customer_id": "who", "event_at": "at", "event_type": "what"}
    shop.source = shop_source(columns=columns, format=file_format)
    shop.land("a.csv", content)
    shop.run()
    assert shop.rows("raw_events", "customer_id, event_type") == [('a "b", c', "x")]


SHEET = """<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>
<row r="1"><c r="A1" t="inlineStr"><is><t>who</t></is></c>
<c r="B1" t="inlineStr"><is><t>at</t></is></c>
<c r="C1" t="inlineStr"><is><t>price</t></is></c></row>
<row r="3"><c r="A3"><v>17</v></c><c r="B3"><v>45296.5</v></c><c r="C3"><v>12.5</v></c></row>
<row r="4"><c r="A4"><v>18</v></c><c r="B4" t="inlineStr"><is><t>soon</t></is></c></row>
</sheetData></worksheet>"""
BOOK = """<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"
xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>
<sheet name="Orders" sheetId="1" r:id="rId1"/></sheets></workbook>"""
RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
    'relationships/{}" Target="{}"/></Relationships>'
)


def test_a_sheet_of_a_spreadsheet_is_read_by_its_rows(shop: Shop):
    columns = {
        "customer_id": {"from": "who", "type": "bigint"},
        "event_at": {"from": "at", "format": "spreadsheet_days"},
        "value": "price",
    }
    shop.source = shop_source(columns=columns)
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/'
        'content-types"><Default Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": RELATIONS.format("officeDocument", "xl/workbook.xml"),
        "xl/workbook.xml": BOOK,
        "xl/_rels/workbook.xml.rels": RELATIONS.format("worksheet", "worksheets/sheet1.xml"),
        "xl/worksheets/sheet1.xml": SHEET,
    }
    shop.land("a.xlsx", zipped(parts))
    shop.run()
    found = shop.rows("raw_events", "customer_id, event_at, value")
    assert found == [(17, dt.datetime(2024, 1, 5, 12), Decimal("12.5"))]
    assert shop.rows("rejected_rows", "row, column_name, raw_text") == [(4, "at", "18\tsoon\t")]


def test_a_zip_archive_of_one_file_is_that_file(shop: Shop):
    shop.land("a.zip", zipped({"log.csv": CSV}))
    shop.land("b.zip", zipped({"a.csv": CSV, "b.csv": CSV}))
    shop.run()
    assert shop.rows("raw_events", "customer_id") == ["17850"]
    assert dict(shop.rows("landed_files", "file, reason"))["b.zip"].startswith(
        "it is a ZIP archive of 2 files ('a.csv', 'b.csv')"
    )


def zipped(parts: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return buffer.getvalue()
