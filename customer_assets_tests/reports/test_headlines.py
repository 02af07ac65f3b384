"""The table of headline figures: periods as long as each other, and what is more than chance."""

import datetime as dt
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from customer_assets.sources import EventLogSource
from customer_assets_tests.conftest import SourceRun, run_source

FIRST, N_DAYS = dt.date(2024, 1, 1), 30
WEEK, BEFORE = dt.date(2024, 1, 24), dt.date(2024, 1, 17)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> SourceRun:
    """A month of 40 customers who look every day and buy at random, some without a name."""
    made_up = np.random.default_rng(7)
    rows = ["who,at,what,paid"]
    for day in range(N_DAYS):
        date = FIRST + dt.timedelta(days=day)
        for who in range(40):
            rows.append(f"{who},{date} 10:{who:02},view,")
            if made_up.random() < 0.1 + 0.005 * day:
                name = "" if who % 10 == 9 else who
                rows.append(f"{name},{date} 11:{who:02},buy,{made_up.integers(1, 90)}.{who:02}")
            if made_up.random() < 0.01:
                rows.append(f"{who},{date} 12:{who:02},refund,5")
    return run_of(tmp_path_factory.mktemp("headlines"), rows)


def run_of(folder: Path, rows: list[str]) -> SourceRun:
    """Compute the headlines of a log that holds these rows."""
    (folder / "landing").mkdir()
    (folder / "landing" / "log.csv").write_text("\n".join(rows) + "\n")
    source = EventLogSource.model_validate(
        {
            "files": "*.csv",
            "columns": {"customer_id": "who", "event_at": "at", "event_type": "what",
                        "value": "paid"},
            "view_event": "view", "purchase_event": "buy", "return_event": "refund",
            "timezone": "UTC", "first_day": FIRST,
            "funnels": {"f": {"steps": ["view", "buy"], "window": "3 days"}},
        }
    )  # fmt: skip
    of_log = run_source("log", source, folder / "landing", folder / "home")
    of_log.now = dt.datetime(2024, 1, 31, 0, 5, tzinfo=dt.UTC)
    of_log.ingest()
    needed = {"headlines"}
    for model in reversed(list(of_log.pipeline.models.values())):
        if model.name in needed:
            needed.update(model.inputs)
    of_log.materialize(*needed)
    return of_log


def rows_of(run: SourceRun, name: str) -> pl.DataFrame:
    return run.frame("headlines").filter(name=name)


def test_a_log_without_a_purchase_has_no_share_of_buyers(tmp_path: Path) -> None:
    run = run_of(tmp_path, ["who,at,what,paid", "1,2024-01-01 10:00,view,"])
    told = run.frame("headlines").filter(pl.col("period").is_null())
    assert "repeat_share" not in told["name"]
    assert told.filter(name="visitors")["value"].to_list() == [1]


def test_periods_are_weeks_back_from_the_last_day_that_is_over(run: SourceRun) -> None:
    weeks = rows_of(run, "net_revenue").drop_nulls("period").sort("period")
    assert weeks["period"].to_list() == [WEEK - dt.timedelta(days=7 * n) for n in (3, 2, 1, 0)]
    assert weeks["last_date"].max() == dt.date(2024, 1, 30)
    days = run.frame("sales_daily")
    for row in weeks.iter_rows(named=True):
        inside = pl.col("sales_date").is_between(row["period"], row["last_date"])
        assert row["value"] == days.filter(inside)["net_revenue"].sum()
        assert row["is_complete"]


def test_all_of_the_log_is_what_the_tables_say(run: SourceRun) -> None:
    in_all = run.frame("headlines").filter(pl.col("period").is_null())
    value = dict(in_all.select("name", "value").iter_rows())
    days, rfm = run.frame("sales_daily"), run.frame("rfm")
    assert value["net_revenue"] == days["net_revenue"].sum()
    assert value["orders"] == days["n_orders"].sum()
    assert value["customers"] == rfm.height
    assert value["visitors"] == 40
    people = run.frame("funnel_people").filter(is_all=True, step=2)
    assert float(value["conversion_f"]) == pytest.approx(people["entry_conversion"][0], abs=1e-6)


def test_a_difference_of_sums_compares_each_customer_with_himself(run: SourceRun) -> None:
    orders = run.frame("orders").with_columns(
        who=pl.coalesce(pl.col("customer_id"), pl.col("order_key")),
        sign=pl.when(pl.col("order_date") >= WEEK).then(1).otherwise(-1),
    )
    both = orders.filter(pl.col("order_date").is_between(BEFORE, dt.date(2024, 1, 30)))
    moved = both.group_by("who").agg(pl.col("sign").sum())["sign"]
    (row,) = rows_of(run, "orders").filter(period=WEEK).to_dicts()
    assert row["change"] == moved.sum()
    half = 1.959963984540054 * math.sqrt((moved**2).sum())
    assert float(row["change_high"] - row["change"]) == pytest.approx(half, abs=1e-5)
    assert float(row["change_low"] - row["change"]) == pytest.approx(-half, abs=1e-5)


def test_a_difference_of_ratios_has_the_interval_of_a_bootstrap_of_customers(
    run: SourceRun,
) -> None:
    orders = run.frame("orders").filter(pl.col("order_date") >= BEFORE)
    money = orders["net_value"].cast(pl.Float64).to_numpy()
    is_new = (orders["order_date"] >= WEEK).to_numpy()
    whose = orders.select(pl.coalesce("customer_id", "order_key").rank("dense") - 1).to_series()
    weights = np.random.default_rng(1).poisson(1, (4000, whose.n_unique()))[:, whose.to_numpy()]
    mean = [weights[:, part] @ money[part] / weights[:, part].sum(1) for part in (is_new, ~is_new)]
    (row,) = rows_of(run, "order_value").filter(period=WEEK).to_dicts()
    half = float(row["change_high"] - row["change_low"]) / 2
    assert half == pytest.approx(1.96 * np.std(mean[0] - mean[1]), rel=0.1)


def test_windows_that_are_open_make_a_period_incomplete(run: SourceRun) -> None:
    (row,) = rows_of(run, "conversion_f").filter(period=WEEK).to_dicts()
    assert not row["is_complete"]
    assert row["note"] == "3 days are not over"
    levels = run.frame("funnel").filter(pl.col("is_mature"), pl.col("entry_date") >= WEEK, step=2)
    share = levels["n_reached"].sum() / levels["n_entered"].sum()
    assert float(row["value"]) == pytest.approx(share, abs=1e-6)
