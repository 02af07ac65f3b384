"""From a landing folder to raw tables: variants of files, refusals, replacement, withdrawal."""

import gzip
import tempfile
from pathlib import Path

import pytest
from customer_table_run import CALLS, PEOPLE, CustomerRun, shop_source
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_assets.ingest import LandingError

PEOPLE_AS_TEXT = [
    ("1", "basic", "3", "1.50"),
    ("2", "gold", "0", "20"),
    ("3", "basic", "-1", "0"),
]


def people(shop: CustomerRun) -> list[tuple[str, ...]]:
    shop.read()
    file = shop.store("raw_people").files()[0]
    return shop.rows(f"read_parquet('{file}')", "customer_id", "plan", "visits", "paid")


@pytest.mark.parametrize(
    "variant",
    [
        PEOPLE.replace("\n", "\r\n"),
        PEOPLE.replace("\n", "\r\n", 2),
        "\ufeff" + PEOPLE,
        PEOPLE.replace(",", ";"),
        PEOPLE.replace(",", "\t"),
        PEOPLE.removesuffix("\n"),
        PEOPLE.replace("id,plan,visits,paid", "ID, Plan ,VISITS,p_aid\u00a0"),
        PEOPLE.replace("id,plan", "customer,plan"),
        '"id","plan","visits","paid"\n"1","basic",3,"1.50"\n2,gold,0,20\n3,basic,-1,0\n',
        "plan,paid,id,visits\nbasic,1.50,1,3\ngold,20,2,0\nbasic,0,3,-1\n",
    ],
    ids=["crlf", "mixed", "bom", "semicolon", "tab", "no_end", "header", "spelling", "quoted",
         "reordered"],
)  # fmt: skip
def test_every_variant_of_a_file_gives_the_same_rows(shop: CustomerRun, variant: str):
    shop.land("people.csv", variant)
    assert people(shop) == PEOPLE_AS_TEXT


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_the_first_encoding_that_decodes_a_file_holds(shop: CustomerRun, encoding: str):
    stated = shop.source.model_dump(by_alias=True)
    stated["tables"]["people"]["format"] = {"encodings": ["utf-8", "utf-16", "latin-1"]}
    shop.source = shop_source(tables=stated["tables"])
    shop.land("people.csv", PEOPLE.replace("gold", "doré").encode(encoding))
    assert ("2", "doré", "0", "20") in people(shop)


def test_a_file_in_an_unlisted_encoding_is_refused_by_name(shop: CustomerRun):
    shop.land("people.csv", PEOPLE.replace("plan", "тариф").encode("cp1251"))
    with pytest.raises(LandingError, match=r"people\.csv is refused: .*not UTF-8"):
        shop.read()


def test_values_land_as_they_are_and_say_where_from(shop: CustomerRun):
    shop.land("people.csv", "id,plan,visits,paid\n1 , x ,n/a,\n")
    shop.read()
    file = shop.store("raw_people").files()[0]
    assert shop.rows(f"read_parquet('{file}')") == [("1 ", " x ", "n/a", None, "people.csv")]


def test_compressed_and_split_files_are_one_input(shop: CustomerRun):
    shop.source.tables["people"].files = ["people*.csv", "people*.csv.gz"]
    shop.land("people.csv", "id,plan,visits,paid\n1,basic,3,1.50\n")
    shop.land("people_2.csv.gz", gzip.compress(b"id,plan,visits,paid\n2,gold,0,20\n3,basic,-1,0\n"))
    assert people(shop) == PEOPLE_AS_TEXT


def test_a_column_that_nothing_reads_is_reported(shop: CustomerRun):
    shop.land("people.csv", PEOPLE.replace("paid\n", "paid,colour\n").replace("20\n", "20,red\n")
              .replace("1.50\n", "1.50,\n").replace("-1,0\n", "-1,0,blue\n"))  # fmt: skip
    reasons = {report.file: report.reason for report in shop.read().files}
    assert reasons == {"people.csv": "columns that nothing reads: 'colour'", "calls.csv": None}


def test_a_missing_column_refuses_the_file_by_name(shop: CustomerRun):
    shop.land("people.csv", PEOPLE.replace("visits", "visitors"))
    with pytest.raises(LandingError, match=r"people\.csv is refused: it has no column 'visits'"):
        shop.read()


def test_a_column_that_is_there_twice_refuses_the_file(shop: CustomerRun):
    shop.land("people.csv", "id,plan,visits,Paid,P_AID\n1,basic,3,1,2\n")
    with pytest.raises(LandingError, match="it has more than one column 'paid'"):
        shop.read()


def test_a_missing_input_is_named_with_what_is_there(shop: CustomerRun):
    (shop.landing / "calls.csv").rename(shop.landing / "Calls.csv")
    with pytest.raises(LandingError, match=r"input calls is missing: no file is calls\*\.csv; the "
                       r"folder holds Calls\.csv, people\.csv"):  # fmt: skip
        shop.read()


def test_all_refused_files_are_named_at_once(shop: CustomerRun):
    shop.land("people.csv", "")
    shop.land("calls.csv", gzip.compress(CALLS.encode())[:20])
    with pytest.raises(LandingError, match=r"calls\.csv is refused.*people\.csv is refused"):
        shop.read()


def test_a_refused_landing_leaves_what_was_published(shop: CustomerRun):
    shop.read()
    before = shop.state()
    shop.land("people.csv", "nothing,to,see\n1,2,3\n")
    with pytest.raises(LandingError, match="what was published stays"):
        shop.read()
    assert shop.state() == before


def test_rows_that_cannot_be_read_are_rejected_with_their_place(shop: CustomerRun):
    shop.land(
        "people.csv", PEOPLE + "4,basic\n,gold,1,1\n5.5,gold,1,1\n9007199254740993,gold,1,1\n"
    )
    [report] = [report for report in shop.read().files if report.file == "people.csv"]
    assert (report.rows_landed, report.rows_loaded, report.rows_rejected) == (7, 4, 3)
    rejected = shop.store("rejected_rows").files()[0]
    assert shop.rows(f"read_parquet('{rejected}')") == [
        ("people.csv", 5, None, "2 fields instead of 4", "4,basic"),
        ("people.csv", 6, "id", "no customer_id", ",gold,1,1"),
        ("people.csv", 7, "id", "customer_id is no bigint", "5.5,gold,1,1"),
    ]


def test_quotes_left_open_and_nul_bytes_cost_their_own_row(shop: CustomerRun):
    shop.land("people.csv", PEOPLE + '4,"gold,1,1\n5,go\0ld,1,1\n6,"a ""b""",1,1\n')
    assert [row[0] for row in people(shop)] == ["1", "2", "3", "6"]
    rejected = shop.store("rejected_rows").files()[0]
    assert shop.rows(f"read_parquet('{rejected}')", "row", "reason") == [
        (5, "a quote left open"),
        (6, "a NUL byte"),
    ]


def test_a_file_of_which_no_row_can_be_read_is_refused(shop: CustomerRun):
    shop.land("people.csv", "id,plan,visits,paid\nx,basic,1,1\ny,basic,1,1\n")
    with pytest.raises(LandingError, match="none of its 2 rows can be read: customer_id is no big"):
        shop.read()


def test_a_header_alone_is_an_empty_input(shop: CustomerRun):
    shop.land("calls.csv", "id,month,minutes\n")
    shop.read()
    assert shop.store("raw_calls").manifest().rows == 0


def test_the_same_content_counts_once(shop: CustomerRun):
    shop.land("people_copy.csv", PEOPLE)
    statuses = {report.file: report.status for report in shop.read().files}
    assert statuses == {
        "people.csv": "loaded",
        "people_copy.csv": "duplicate",
        "calls.csv": "loaded",
    }
    assert shop.store("raw_people").manifest().rows == 3


def test_a_file_of_two_inputs_is_an_error(shop: CustomerRun):
    shop.source.tables["calls"].files = "*.csv"
    with pytest.raises(LandingError, match=r"people\.csv belongs to more than one input"):
        shop.read()


def test_nothing_is_staged_where_nothing_changed(shop: CustomerRun):
    first = shop.read()
    again = shop.prepare()
    assert (again.staged, again.files) == ({}, first.files)


def test_another_configuration_reads_the_files_again(shop: CustomerRun):
    shop.read()
    shop.source = shop_source(customer_id={"from": "id", "type": "varchar"})
    assert set(shop.prepare().staged) == {
        "raw_people",
        "raw_calls",
        "rejected_rows",
        "landed_files",
    }


def test_a_file_that_is_still_being_written_waits(shop: CustomerRun):
    shop.land("people_2.csv.part", "id,pl")
    assert shop.read().waiting == ["people_2.csv.part"]
    assert people(shop) == PEOPLE_AS_TEXT


def test_a_landing_without_a_finished_file_says_so(shop: CustomerRun):
    (shop.landing / "calls.csv").rename(shop.landing / "calls.csv.part")
    with pytest.raises(LandingError, match=r"calls is missing: calls\.csv\.part is still being"):
        shop.read()


def test_nothing_is_read_while_a_published_file_changes(shop: CustomerRun, monkeypatch):
    from customer_assets.ingest.landing import Entry

    shop.read()
    before = shop.state()
    shop.land("people.csv", PEOPLE + "4,gold,1,1\n")
    monkeypatch.setattr(Entry, "has_changed", lambda entry: entry.file == "people.csv")
    again = shop.read()
    assert (again.waiting, again.staged, shop.state()) == (["people.csv"], {}, before)


def test_a_folder_in_place_of_a_file_is_named(shop: CustomerRun):
    (shop.landing / "people_2.csv").mkdir()
    with pytest.raises(LandingError, match=r"people_2\.csv: it is a folder"):
        shop.read()


VERSIONS = {
    "people.csv": [PEOPLE, "id,plan,visits,paid\n1,gold,3,9\n", PEOPLE + "4,basic,,\n"],
    "people_2.csv": [
        "id;plan;visits;paid\n7;gold;1;1,5\n",
        "id,plan,visits,paid\nbad\n8,basic,1,1\n",
    ],
    "calls.csv": [CALLS, CALLS.replace("\n", "\r\n"), "id,month,minutes\n"],
}
ALWAYS_THERE = ("people.csv", "calls.csv")
STEPS = st.lists(
    st.sampled_from(
        [(file, version) for file, texts in VERSIONS.items() for version in [None, *texts]]
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=10)
@given(STEPS)
def test_any_sequence_of_landings_ends_as_a_fresh_load(steps: list[tuple[str, str | None]]):
    with tempfile.TemporaryDirectory() as folder:
        run = CustomerRun(Path(folder) / "grown")
        landed = {file: VERSIONS[file][0] for file in ALWAYS_THERE}
        for file, text in [*landed.items(), *steps]:
            if text is not None:
                landed[file] = text
                run.land(file, text)
            elif file not in ALWAYS_THERE:
                landed.pop(file, None)
                (run.landing / file).unlink(missing_ok=True)
            if all((run.landing / each).exists() for each in ALWAYS_THERE):
                run.read()
        fresh = CustomerRun(Path(folder) / "fresh")
        for file, text in landed.items():
            fresh.land(file, text)
        fresh.read()
        assert run.state() == fresh.state()
