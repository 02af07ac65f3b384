"""Small inputs from what people report in public, each with the result that is right."""

import os
from pathlib import Path

import polars as pl
import pytest
import yaml

from customer_assets import settings
from customer_assets.sources import EventLogSource
from customer_assets_tests.conftest import run_source


@pytest.fixture
def run(tmp_path):
    def run(case: str, *tables: str, **changes):
        """Compute some tables of a case, and those that they need; if none is named, all."""
        shared = Path(
            os.environ.get("CUSTOMER_ASSETS_SHARED") or settings.PROJECT_ROOT.parent / "shared"
        )
        folder = shared / "cases" / case
        if not folder.exists():
            pytest.skip("the cases are not beside the checkout (../shared/cases)")
        stated = yaml.safe_load((folder / "defs.yaml").read_text())["attributes"]
        source = EventLogSource.model_validate(stated | changes)
        of_case = run_source("shop", source, folder, tmp_path / "home")
        of_case.ingest()
        needed: set[str] = set(tables)
        for model in reversed(list(of_case.pipeline.models.values())):
            if model.name in needed:
                needed.update(model.inputs)
        of_case.materialize(*needed)
        return of_case

    return run


def test_order_numbers_that_are_not_unique(run):
    case = run("order_ids_reused", "orders", "rfm", "sales_daily", "product_performance",
               "basket_pairs", "cut_offs", "customer_features")  # fmt: skip
    orders = case.frame("orders")
    of_customer = dict(orders.group_by("customer_id").len().rows())
    assert of_customer == {17: 2, 18: 1, 19: 1, 20: 1}
    assert dict(case.frame("rfm").select("customer_id", "n_orders").rows()) == of_customer
    features = case.frame("customer_features").filter(
        pl.col("cut_off_ts").max() == pl.col("cut_off_ts")
    )
    assert dict(features.select("customer_id", "n_orders").rows()) == of_customer
    assert case.frame("sales_daily")["n_orders"].to_list() == [1, 4]
    items = case.frame("product_performance").select("item_id", "n_orders")
    assert dict(items.rows()) == {"mug": 4, "bowl": 3}
    [warned] = [r for r in case.warehouse.audit_published("order_lines") if not r.passed]
    assert warned.check.severity == "warn"
    assert "order_key" in warned.check.description
    assert warned.sample[0]["order_id"] == "1"
    assert (warned.sample[0]["n_customers"], warned.sample[0]["n_orders"]) == ("2", "3")


def test_refunds_booked_as_negative_orders(run):
    """One of them blocks no table; told apart by the sign, they are taken off their sale."""
    case = run("negative_purchase_lines")
    [warned] = [r for r in case.warehouse.audit_published("orders") if not r.passed]
    assert warned.sample[0]["order_id"] == "A1-R"
    assert warned.sample[0]["order_date"] == "2024-01-06"
    assert "return_when" in warned.check.description
    assert float(dict(case.frame("rfm").select("customer_id", "monetary").rows())[17]) == 10


@pytest.mark.parametrize("condition", ["quantity < 0", "value < 0"])
def test_refunds_told_by_the_sign(run, condition):
    case = run("negative_purchase_lines", "orders", "rfm", "sales_daily", return_when=condition)
    orders = case.frame("orders").select("order_id", "value", "net_value").rows()
    assert [(o, float(v), float(n)) for o, v, n in orders] == [
        ("A1", 20, 10), ("A2", 7, 7), ("A3", 0, 0)
    ]  # fmt: skip
    money = case.frame("rfm").select("customer_id", "monetary", "gross_monetary").rows()
    assert [(c, float(m), float(g)) for c, m, g in money] == [(17, 10, 20), (18, 7, 7), (19, 0, 0)]
    assert [float(n) for n in case.frame("sales_daily")["net_revenue"]] == [17, 0]


def test_pings_are_no_acts(run):
    case = run("heartbeat_events", "daily_traffic", passive_events=["ping"])
    sessions = case.frame("sessions").select("customer_id", "started_at", "n_events")
    assert [(c, f"{at:%H:%M}", n) for c, at, n in sessions.rows()] == [
        (1, "10:00", 1), (1, "11:15", 1), (2, "10:00", 1)
    ]  # fmt: skip
    assert case.frame("events")["event_type"].to_list().count("ping") == 5
    [day] = case.frame("daily_traffic").to_dicts()
    assert (day["n_events"], day["n_sessions"], day["n_bounces"]) == (8, 3, 3)


def test_what_is_known_ends_with_the_log_and_not_with_the_last_purchase(run):
    case = run("purchases_stopped", "rfm", "model_scores", "customer_lifetime_value")
    assert case.frame("rfm")["recency_days"].min() == 45
    features = case.frame("customer_features").filter(
        pl.col("is_buyer_within_horizon").is_not_null()
    )
    newest = features.filter(pl.col("cut_off_ts").max() == pl.col("cut_off_ts"))
    assert newest["cut_off_ts"][0] // 86_400_000_000 == 19_852  # 9 May 2024
    assert newest["is_buyer_within_horizon"].sum() == 0
    history = case.frame("customer_value_history").filter(cut_off="full")
    assert str(history["cut_off_date"].max()) == "2024-06-08"
    decision = case.frame("champions").row(0, named=True)
    assert not decision["promoted"]
    assert "0 of 277 say yes: the question cannot be judged there" in decision["reason"]
    assert case.frame("model_scores").is_empty()
    value = case.frame("customer_lifetime_value")
    assert value["purchases_30_days"].is_null().all()
