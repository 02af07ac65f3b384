"""Scores in SQL: cells, levels and RFE of a log with and without money, and typical products."""

from pathlib import Path

import polars as pl
import pytest

from customer_assets import settings
from customer_assets.pipeline import pipeline_of
from customer_assets.sources import CustomerTableSource, EventLogSource
from customer_assets.sources.configuration import ConfigurationError
from customer_assets_tests.conftest import SourceRun, run_source

NAMES = (
    "events", "customer_day", "order_lines", "order_returns", "rfm", "rfem", "rfm_distribution",
    "rfem_distribution", "customer_segments", "segment_products",
)  # fmt: skip


def log(folder: Path, value: bool, copies: int = 1) -> SourceRun:
    """Ten customers, or so many of each kind: the k-th last buys k days before the end, on 1 to 10
    days; two only look."""
    lines = ["who,at,what,item,paid"]
    for k in range(10):
        for n in range(10 - k):
            item = "mug" if k < 5 else f"item{k}"
            lines += [
                f"{k + 100 * copy},2024-01-{20 - k - n} 10:00:00,buy,{item},{10 - k}"
                for copy in range(copies)
            ]
    lines += [f"{who},2024-01-02 09:00:00,look,mug," for who in (20, 21)]
    (folder / "landing").mkdir()
    (folder / "landing" / "log.csv").write_text("\n".join(lines) + "\n")
    columns = {"customer_id": {"from": "who", "type": "bigint"}, "event_at": "at",
               "event_type": "what", "item_id": "item"}  # fmt: skip
    source = EventLogSource.model_validate(
        {
            "files": "*.csv", "purchase_event": "buy", "timezone": "UTC",
            "first_day": "2024-01-01", "last_day": "2024-01-20",
            "columns": columns | ({"value": "paid"} if value else {}),
            "segments": {"names": ["more", "less"]},
        }
    )  # fmt: skip
    run = run_source("shop", source, folder / "landing", folder / "home")
    run.ingest()
    run.materialize(*NAMES)
    return run


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> SourceRun:
    return log(tmp_path_factory.mktemp("shop"), value=True)


@pytest.fixture(scope="module")
def clicks(tmp_path_factory) -> SourceRun:
    return log(tmp_path_factory.mktemp("clicks"), value=False)


def test_cells_and_levels_follow_from_the_scores(shop):
    rows = {row["customer_id"]: row for row in shop.frame("rfm").to_dicts()}
    first, last = rows[0], rows[9]
    assert (first["r_score"], first["fm_score"], first["rfm_cell"]) == (5, 5, "champions")
    assert (last["r_score"], last["fm_score"], last["rfm_cell"]) == (1, 1, "hibernating")
    # Ten purchases are the second band; the most recent fifth is diamond all the same.
    assert (first["f_band"], first["rf_level"]) == (2, "diamond")
    assert (last["f_band"], last["rf_level"]) == (1, "bronze")
    assert [rows[k]["rf_level"] for k in (2, 4, 6, 8)] == ["gold", "silver", "bronze", "bronze"]


def test_without_money_there_are_scores_all_the_same(clicks):
    rfm = clicks.frame("rfm")
    assert rfm["monetary"].null_count() == rfm["m_score"].null_count() == rfm.height == 10
    assert rfm["fm_score"].to_list() == rfm["f_score"].to_list()
    assert "m_score" not in set(clicks.frame("rfm_distribution")["scheme"])
    assert clicks.frame("segment_products").is_empty()


def test_rfe_counts_lookers_too(shop):
    rfem = shop.frame("rfem")
    assert rfem.height == 12
    looker = rfem.filter(customer_id=20).row(0, named=True)
    assert (looker["recency"], looker["frequency"], looker["engagement"]) == (19, 1, 1)
    assert (looker["rfe_score"], looker["money"]) == (3, 0)
    same = rfem.filter(customer_id=21).row(0, named=True)
    assert same["rfem_score"] == looker["rfem_score"]


@pytest.mark.parametrize("table", ["rfm_distribution", "rfem_distribution"])
def test_shares_of_each_scheme_sum_to_one(shop, table):
    sums = shop.frame(table).group_by("scheme").agg(pl.sum("customer_share"))["customer_share"]
    assert all(share == pytest.approx(1) for share in sums)


def test_typical_products_are_beyond_chance(tmp_path):
    crowd = log(tmp_path, value=False, copies=4)
    assert crowd.frame("customer_segments").height == 40
    of_more = crowd.frame("segment_products").filter(segment="more").to_dicts()
    assert [row["product"] for row in of_more] == ["mug"]
    assert of_more[0]["buyer_share"] > of_more[0]["all_buyer_share"] == 0.5


def people(**rfem: str) -> CustomerTableSource:
    return CustomerTableSource.model_validate(
        {
            "customer_id": {"from": "id", "type": "bigint"},
            "tables": {"people": {"files": "*.csv", "columns": ["away", "visits", "pages"]}},
            "attributes": {
                name: {"type": "bigint", "description": name}
                for name in ("away", "visits", "pages")
            },
            "rfem": {"recency": "away", "frequency": "visits", "engagement": "pages"} | rfem,
        }
    )


def test_a_customer_table_states_what_is_recent_and_engaged(connection, tmp_path):
    (tmp_path / "staging" / "people").mkdir(parents=True)
    (tmp_path / "staging" / "people" / "customers_joined.sql").write_text(
        "/* ---\ndescription: One row.\nkey: [customer_id]\nattributes: true\ncolumns:\n"
        "  customer_id: {type: source, description: Who.}\n--- */\n"
        "select customer_id, away, visits, pages from typed_people"
    )
    roots = (*settings.table_roots(), tmp_path)
    pipeline = pipeline_of("people", people(engagement="pages * 2"), roots)
    connection.execute(
        "create table customers as select * from (values (1, 5, 3, 10), (2, 9, 1, 0), "
        "(3, null, null, null)) as t (customer_id, away, visits, pages)"
    )
    rows = connection.execute(pipeline.models["rfem"].sql).pl().sort("customer_id").to_dicts()
    assert [row["recency"] for row in rows] == [5, 9, 9]
    assert [row["engagement"] for row in rows] == [20, 0, 0]
    assert [row["rfe_score"] for row in rows] == [12, 4, 3]
    assert rows[0]["rfem_score"] is None
    assert "rfem_distribution" in pipeline.models


def test_an_expression_that_gives_no_number_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="a number") as error:
        pipeline_of("one_click", people(recency="away > 1"))
    assert error.value.location == ("rfem", "recency")
