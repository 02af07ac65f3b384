"""Logs as people bring them, and the right result: cases that were reported in public, with more
of each kind. The cases themselves lie beside the checkout, in ../shared/cases."""

import datetime as dt
import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from customer_assets import settings
from customer_assets.sources import EventLogSource
from customer_assets.sources.customer_table import InputColumn
from customer_assets_tests.conftest import SourceRun, run_source

BUYS = {
    "files": "*",
    "columns": {"customer_id": "who", "event_at": "at", "value": "amount"},
    "default_event_type": "buy",
    "purchase_event": "buy",
    "timezone": "UTC",
    "first_day": "2024-01-01",
    "last_day": "2024-01-31",
}


@pytest.fixture
def case(request, tmp_path) -> "Case":
    shared = Path(os.environ.get("CUSTOMER_ASSETS_SHARED") or settings.PROJECT_ROOT.parent)
    folder = shared / "shared" / "cases" / request.param
    if not folder.is_dir():
        pytest.skip("the cases are not beside the checkout (../shared/cases)")
    stated = yaml.safe_load((folder / "defs.yaml").read_text())["attributes"]
    return Case(stated, folder, tmp_path)


class Case:
    """A case's files and its YAML, which a test may change."""

    def __init__(self, stated: dict[str, Any], landing: Path, home: Path) -> None:
        self.stated, self.landing, self.home = stated, landing, home

    def run(self, *tables: str, **changes: Any) -> SourceRun:
        patterns = {"files": ["*.csv", "*.json"]} if self.landing != self.home / "landing" else {}
        return run(self.stated | patterns | changes, self.landing, self.home, *tables)


def run(stated: dict[str, Any], landing: Path, home: Path, *tables: str) -> SourceRun:
    found = run_source("my_shop", EventLogSource.model_validate(stated), landing, home / "home")
    found.ingest()
    if tables:
        found.materialize(*tables)
    landed, loaded, rejected = (
        found.frame("landed_files")
        .select("rows_landed", "rows_loaded", "rows_rejected")
        .sum()
        .row(0)
    )
    assert landed == loaded + rejected
    return found


def read(tmp_path: Path, files: dict[str, str | bytes], stated: dict[str, Any], *tables: str):
    landing = tmp_path / "landing"
    landing.mkdir()
    for name, content in files.items():
        path = landing / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return run(stated, landing, tmp_path, *tables)


def events(found: SourceRun, *columns: str) -> list[tuple]:
    return sorted(found.frame("raw_events").select(*columns).rows(), key=repr)


def amounts(tmp_path: Path, texts: list[str], **column: Any) -> list[tuple[str, Decimal]]:
    rows = "".join(f'{n},2024-01-05,"{text}"\n' for n, text in enumerate(texts))
    stated = BUYS | {"columns": BUYS["columns"] | {"value": {"from": "amount", **column}}}
    found = read(tmp_path, {"a.csv": f"who,at,amount\n{rows}"}, stated)
    return [(texts[int(who)], value) for who, value in events(found, "customer_id", "value")]


@pytest.mark.parametrize("case", ["amounts_as_people_write_them"], indirect=True)
def test_amounts_as_people_write_them(case):
    columns = case.stated["columns"] | {"value": {"from": "amount", "decimal": ","}}
    found = case.run(columns=columns)
    wanted = ["1234.5", "12", "12.5", "-12", "12", "1000", "0.0508", "7", "0"]
    assert events(found, "customer_id", "value") == [
        (n, Decimal(value).quantize(Decimal("0.0001"))) for n, value in enumerate(wanted, 1)
    ]
    (reason,) = found.frame("landed_files")["reason"]
    rounded = "amounts with more than four decimals are rounded: 2 rows"
    assert reason == f"{rounded}; `scale` of their column keeps more of them"


@pytest.mark.parametrize("case", ["amounts_as_people_write_them"], indirect=True)
def test_an_amount_that_may_be_two_is_rejected_and_says_what_to_state(case):
    found = case.run()
    assert found.frame("rejected_rows").select("row", "column_name").rows() == [(4, "amount")]
    assert "`decimal`" in found.frame("rejected_rows")["reason"][0]


@pytest.mark.parametrize(
    ("column", "wanted"),
    [
        ({}, {"1,234.56": "1234.56", "12,34,567.50": "1234567.5", "1 234.5": "1234.5"}),
        ({"decimal": ","}, {"1.234": "1234", "€ 3,5": "3.5", "1.234.567,8-": "-1234567.8"}),
        (
            {"decimal": "."},
            {"1,234": "1234", "-$7.25": "-7.25", "R$ 5": "5", "CHF 1'000.5": "1000.5"},
        ),
        ({"scale": 0.01}, {"1999": "19.99", "-5": "-0.05"}),
        (
            {},
            {
                "$(12.00)": "-12",
                "(12.00) USD": "-12",
                "\u20133": "-3",
                "5 usd": "5",
                "500 \u0440\u0443\u0431.": "500",
            },
        ),
        ({"decimal": ","}, {"CHF 12.-": "12", "5,-": "5", "Rp 5.000": "5000", "7,50 lei": "7.5"}),
    ],
)
def test_more_amounts(tmp_path, column, wanted):
    found = amounts(tmp_path, list(wanted), **column)
    assert found == [(text, Decimal(value)) for text, value in wanted.items()]


def test_an_amount_in_another_currency_is_none(tmp_path):
    rows = {"a.csv": "who,at,amount\n1,2024-01-05,5 EUR\n2,2024-01-05,5 USD\n3,2024-01-05,£5\n"}
    found = read(tmp_path, rows, BUYS | {"currency": "EUR"})
    assert events(found, "customer_id", "value") == [("1", Decimal(5))]


@pytest.mark.parametrize("case", ["fractional_quantities"], indirect=True)
def test_goods_by_weight(case):
    found = case.run("events", "order_lines", "order_returns", "orders")
    assert found.frame("orders").select("order_id", "value").sort("order_id").rows() == [
        ("R1", Decimal("5.0096")),
        ("R2", Decimal("2.7168")),
    ]
    assert events(found, "item_id", "quantity")[0] == ("apple", Decimal("0.396"))


@pytest.mark.parametrize(
    ("decimal", "row", "quantity", "value"),
    [(".", "1000,0.050830508", "1000", "50.8305"), (",", '"1,5","2,25"', "1.5", "3.375")],
)
def test_more_goods_by_weight(tmp_path, decimal, row, quantity, value):
    column = {name: {"from": name, "decimal": decimal} for name in ("quantity", "unit_price")}
    stated = BUYS | {"columns": {"customer_id": "who", "event_at": "at", **column}}
    found = read(tmp_path, {"a.csv": f"who,at,quantity,unit_price\n1,2024-01-05,{row}\n"}, stated)
    assert events(found, "quantity", "value") == [(Decimal(quantity), Decimal(value))]


@pytest.mark.parametrize("case", ["funnel_steps_with_conditions"], indirect=True)
def test_a_funnel_step_that_is_a_page(case):
    found = case.run("events", "funnel_entries")
    levels = found.frame("funnel_entries").select("customer_id", "level").sort("customer_id")
    assert levels.rows() == [("1", 2), ("2", 1)]


@pytest.mark.parametrize(
    ("funnel", "levels"),
    [
        (
            {"steps": ["view", {"event": "buy", "value": {"at_least": 10}}]},
            [("1", 2), ("2", 1), ("3", 2)],
        ),
        (
            {"steps": ["view", "buy"], "exclusions": [{"event": {"path": "/help"}}]},
            [("1", 2), ("2", 2)],
        ),
    ],
)
def test_more_funnels_with_conditions(tmp_path, funnel, levels):
    rows = "1,view,/,\n1,buy,,12\n2,view,/,\n2,buy,,3\n3,view,/,\n3,read,/help,\n3,buy,,10\n"
    lines = [f"2024-01-05 10:0{n}:00,{row}" for n, row in enumerate(rows.splitlines())]
    stated = BUYS | {
        "columns": BUYS["columns"] | {"event_type": "what"},
        "attributes": {"path": "path"},
        "funnels": {"f": funnel | {"window": "1 day"}},
    }
    text = "\n".join(["at,who,what,path,amount", *lines])
    found = read(tmp_path, {"a.csv": text}, stated, "events", "funnel_entries")
    entries = found.frame("funnel_entries").select("customer_id", "level").sort("customer_id")
    assert entries.rows() == levels


def test_a_funnel_step_over_an_unknown_column_says_what_a_step_may_be():
    funnels = {"f": {"steps": [{"event": "buy", "paht": "/"}], "window": "1 day"}}
    with pytest.raises(ValueError, match="no column 'paht'; a step names event types, or under"):
        EventLogSource.model_validate(BUYS | {"funnels": funnels})


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        ({"value": "much"}, "value: it is a number .*, and 'much' is none"),
        ({"path": {"at_least": 5}}, "path: it is no number, so it has no at_least"),
    ],
)
def test_a_condition_that_does_not_fit_its_column_is_refused(condition, why):
    funnels = {"f": {"steps": ["view", {"event": "buy"} | condition], "window": "1 day"}}
    with pytest.raises(ValueError, match=why):
        EventLogSource.model_validate(BUYS | {"attributes": {"path": "p"}, "funnels": funnels})


EIGHT_THIRTY = dt.datetime(2024, 1, 5, 20, 30)


@pytest.mark.parametrize("case", ["iso_variants"], indirect=True)
def test_iso_times_as_they_are_written(case):
    found = case.run()
    times = dict(found.frame("raw_events").select("event_type", "event_at").rows())
    assert found.frame("rejected_rows")["row"].to_list() == [10, 15, 16]
    apart = {
        "nanoseconds": dt.timedelta(microseconds=123456),
        "india": dt.timedelta(hours=-5, minutes=-30, milliseconds=100),
        "date_only": -dt.timedelta(hours=20, minutes=30),
        "hour_24": dt.timedelta(hours=3, minutes=30),
        "comma_fraction": dt.timedelta(milliseconds=123),
        "short": -dt.timedelta(hours=12),
    }
    assert times == {name: EIGHT_THIRTY + apart.get(name, dt.timedelta()) for name in times}
    assert len(times) == 15


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-05T22:30+0200",
        "20240105T223000,000+02:00",
        "2024-01-05 22:30:00 +0200 EET",
        "2024-01-05T22:30:00+02:00[Europe/Kyiv]",
        "20240105t2030Z",
        "2024-01-05 20:30 gmt",
        "20240106T043000",
        "2024-01-05 20:30:00 Z",
        "2024-01-05 20:30:00 GMT",
    ],
)
def test_more_iso_times(tmp_path, text):
    found = read(
        tmp_path,
        {"a.csv": f'who,at,amount\n1,"{text}",5\n'},
        BUYS | {"timezone": "Asia/Shanghai"},
    )
    assert events(found, "event_at") == [(EIGHT_THIRTY + dt.timedelta(hours=8),)]


@pytest.mark.parametrize(
    "text", ["20240106", "2024-01-06T00", "20240105T16Z", "2024-01-05 16 +0000"]
)
def test_iso_times_that_are_cut_short(tmp_path, text):
    found = read(
        tmp_path,
        {"a.csv": f"who,at,amount\n1,{text},5\n"},
        BUYS | {"timezone": "Asia/Shanghai"},
    )
    assert events(found, "event_at") == [(dt.datetime(2024, 1, 6),)]


def test_formats_by_row_and_serials_of_spreadsheets(tmp_path):
    at = {"from": "at", "format": ["iso", "%d/%m/%Y %H:%M", "spreadsheet_days"], "by_row": True}
    rows = ["2024-01-05T20:30Z", "05/01/2024 20:30", "45296.8541666667", "soon"]
    text = "who,at,amount\n" + "".join(f"{n},{row},1\n" for n, row in enumerate(rows))
    found = read(tmp_path, {"a.csv": text}, BUYS | {"columns": BUYS["columns"] | {"event_at": at}})
    assert events(found, "event_at") == [(EIGHT_THIRTY,)] * 3
    assert found.frame("rejected_rows")["row"].to_list() == [5]


@pytest.mark.parametrize("case", ["literal_zone_in_pattern"], indirect=True)
def test_a_zone_in_plain_letters_is_read_as_such(case):
    found = case.run()
    times = events(found, "customer_id", "event_at", "event_date")
    assert times[0][1:] == (dt.datetime(2024, 1, 6, 4, 30), dt.date(2024, 1, 6))
    assert len(times) == 3


@pytest.mark.parametrize(
    ("pattern", "text"),
    [("%Y%m%dT%H%M%SZ", "20240105T203000Z"), ("%d %b %Y %H:%M GMT", "05 Jan 2024 20:30 GMT")],
)
def test_more_zones_in_plain_letters(tmp_path, pattern, text):
    at = {"from": "at", "format": pattern}
    stated = BUYS | {"columns": BUYS["columns"] | {"event_at": at}, "timezone": "Asia/Shanghai"}
    found = read(tmp_path, {"a.csv": f"who,at,amount\n1,{text},5\n"}, stated)
    assert events(found, "event_at") == [(EIGHT_THIRTY + dt.timedelta(hours=8),)]


@pytest.mark.parametrize(
    "pattern",
    [
        "%Y-%m-%d %H:%M EST",
        "%Y-%m-%d %H:%M:%S+01:00",
        "%Y-%m-%d %H:%M:%S UTC+8",
        "%a %b %d %Y %H:%M:%S GMT+0200",
        "%Y-%m-%d %H:%M:%S.000 -03",
        "%I:%M %p PT, %d %b %Y",
        "%Y-%m-%d %H:%M Europe/Berlin",
    ],
)
def test_another_zone_in_plain_letters_is_refused(pattern):
    columns = BUYS["columns"] | {"event_at": {"from": "at", "format": pattern}}
    with pytest.raises(ValueError, match="write %Z for a zone's name, %z for an offset"):
        EventLogSource.model_validate(BUYS | {"columns": columns})
    with pytest.raises(ValueError, match="write %Z for a zone's name, %z for an offset"):
        InputColumn.model_validate({"type": "timestamp", "format": ["iso", pattern]})


@pytest.mark.parametrize(
    "pattern",
    ["%Y-%m-01", "%d de %B de %Y at %I:%M %p", "%Y-%m-%dT%H:%M:%S.000Z", "%H:00-%d.%m.%Y"],
)
def test_words_that_are_no_zone_stand_in_a_pattern(pattern):
    columns = BUYS["columns"] | {"event_at": {"from": "at", "format": pattern}}
    assert EventLogSource.model_validate(BUYS | {"columns": columns})


@pytest.mark.parametrize("case", ["json_array_file"], indirect=True)
def test_a_json_file_that_is_one_array(case):
    assert events(case.run(), "customer_id", "event_type") == [(1, "view"), (2, "view")]


@pytest.mark.parametrize(
    "text",
    [
        '[\n  {"who": "a", "at": "2024-01-05",\n   "amount": 1.5},\n  {"who": "b", "at": '
        '"2024-01-05", "amount": 1.5},\n 7]\n',
        '{\n "who": "a", "at": "2024-01-05", "amount": 1.5\n}\n{\n "who": "b",\n'
        ' "at": "2024-01-05", "amount": 1.5\n}\n{\n "who": "c"}\n',
    ],
)
def test_more_json_that_is_not_one_object_a_line(tmp_path, text):
    found = read(tmp_path, {"a.json": text}, BUYS)
    assert events(found, "customer_id", "value") == [("a", Decimal("1.5")), ("b", Decimal("1.5"))]
    assert found.frame("rejected_rows")["row"].to_list() == [3]


@pytest.mark.parametrize(
    "text",
    [
        '{{"object": "list", "data": [{a}, {b}], "has_more": false}}',
        '{{\n "response": {{\n  "orders": [\n   {a},\n   {b}\n  ]}}\n}}\n',
        '{{"page": 1, "data": [{a}]}}\n{{"page": 2, "data": [{b}]}}\n{{"page": 3, "data": []}}\n',
        "[{a}]\n[{b}]\n",
    ],
)
def test_the_list_inside_of_what_an_api_answers_holds_the_rows(tmp_path, text):
    row = {"at": "2024-01-05", "amount": 1.5, "tags": [{"t": 1}]}
    a, b = (json.dumps({"who": who} | row) for who in "ab")
    files = {"a.json": text.format(a=a, b=b), "none.json": "[]"}
    found = read(tmp_path, files, BUYS)
    assert events(found, "customer_id", "value") == [("a", Decimal("1.5")), ("b", Decimal("1.5"))]
    assert set(found.frame("landed_files")["status"]) == {"loaded"}


def test_a_nested_key_that_is_nowhere_names_those_that_are(tmp_path):
    row = '{"user": {"id": 7}, "at": "2024-01-05", "items": [{"price": 2}]}\n'
    columns = BUYS["columns"] | {"customer_id": "user.uid", "value": "items.price"}
    found = read(tmp_path, {"a.jsonl": row}, BUYS | {"columns": columns})
    (note,) = found.frame("landed_files")["reason"]
    assert "no 'user.uid' was seen among the first rows" in note
    assert "'user.id'" in note
    assert "'items' is a list: sql/raw/<source>/rows.sql parts it" in note


def test_a_json_array_that_is_cut_short_is_refused(tmp_path):
    found = read(tmp_path, {"a.json": '[{"who": "a", "at": "2024-01-05"}, {"wh'}, BUYS)
    (reason,) = found.frame("landed_files")["reason"]
    assert reason.startswith("it is one JSON array that cannot be read")


@pytest.mark.parametrize("case", ["two_kinds_of_file"], indirect=True)
def test_a_file_for_each_kind_of_event(case):
    columns = dict(case.stated["columns"])
    orders = {name: columns.pop(name) for name in ("order_id", "value")}
    kinds = [
        {"files": "pages.csv", "attributes": {"path": "path"}},
        {"files": "orders*.csv", "columns": orders},
    ]
    found = case.run(columns=columns, attributes={}, kinds=kinds)
    assert events(found, "event_type", "path", "order_id", "value") == [
        ("order", None, "O1", Decimal(12)),
        ("page", "/", None, None),
        ("page", "/mug", None, None),
    ]


def test_kinds_have_names_defaults_and_formats_of_their_own(tmp_path):
    files = {
        "clicks-web.csv": "who,at,item\n1,2024-01-05,a\n",
        "buys-shop 1.csv": "1;1704448800;b;1,50\n",
        "notes.csv": "who;at\n1;2024-01-05\n",
    }
    stated = BUYS | {
        "columns": {"customer_id": {"from": "who", "type": "bigint"}, "event_at": "at"},
        "attributes": {"place": {"file_name": r"-(.+)\.csv"}, "log": {"constant": "both"}},
        "kinds": [
            {"files": "clicks*", "columns": {"item_id": "item"}, "default_event_type": "click"},
            {
                "files": "buys*",
                "format": {"names": ["c", "t", "i", "v"]},
                "columns": {
                    "customer_id": "c",
                    "event_at": {"from": "t", "format": "epoch_seconds"},
                    "item_id": {"from": ["none", "i"]},
                    "value": {"from": "v", "decimal": ","},
                },
            },
        ],
        "default_event_type": "buy",
    }
    found = read(tmp_path, files, stated)
    shown = events(found, "event_type", "item_id", "value", "place", "log")
    assert shown == [
        ("buy", "b", Decimal("1.5"), "shop 1", "both"),
        ("buy", None, None, None, "both"),
        ("click", "a", None, "web", "both"),
    ]


def test_a_column_that_a_kind_of_file_lacks_refuses_the_file(tmp_path):
    stated = BUYS | {"kinds": [{"files": "a.csv", "columns": {"order_id": "receipt"}}]}
    files = {"a.csv": "who,at,amount\n1,2024-01-05,1\n", "b.csv": "who,at,amount\n1,2024-01-05,1\n"}
    found = read(tmp_path, files, stated)
    assert found.frame("landed_files")["status"].to_list() == ["refused", "loaded"]
