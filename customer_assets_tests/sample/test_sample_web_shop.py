import datetime as dt

import numpy as np
import polars as pl
import pytest

from customer_assets.sample import write_next_day, write_sample

UNTIL = dt.date(2026, 11, 22)


@pytest.fixture(scope="module")
def events(samples):
    """All events with the day of their file, and their time in the shop's zone."""
    frames = [
        pl.read_ndjson(path, infer_schema_length=None).with_columns(
            landed=pl.lit(dt.date.fromisoformat(path.stem.removeprefix("events_")))
        )
        for path in sorted(samples["web_shop"].glob("*.jsonl"))
    ]
    at = pl.col("occurred_at").str.to_datetime("%Y-%m-%dT%H:%M:%S%.3f%:z", time_zone="UTC")
    return pl.concat(frames, how="vertical_relaxed").with_columns(
        at=at.dt.convert_time_zone("Europe/Berlin")
    )


def test_one_file_per_day_for_sixty_days(samples, events):
    days = events["landed"].unique().sort()
    assert days.to_list() == [UNTIL - dt.timedelta(back) for back in range(59, -1, -1)]
    assert len(list(samples["web_shop"].glob("*.jsonl"))) == 60


def test_files_are_dated_to_the_night_after_their_day(samples):
    modified = (samples["web_shop"] / "events_2026-10-01.jsonl").stat().st_mtime
    landed = dt.datetime.fromtimestamp(modified, dt.UTC)
    assert landed == dt.datetime(2026, 10, 2, tzinfo=dt.UTC)


def test_about_the_rows_asked_for(events):
    assert 0.75 * 30_000 < events.height < 1.25 * 30_000


def test_offset_changes_with_summer_time(events):
    assert set(events["occurred_at"].str.slice(-6)) == {"+01:00", "+02:00"}


def test_some_events_land_up_to_five_days_late_none_early(events):
    late = (events["landed"] - events["at"].dt.date()).dt.total_days()
    assert late.min() == 0
    assert late.max() in (5, 6)
    assert 0.02 < (late > 0).mean() < 0.08


def test_few_events_are_delivered_twice(events):
    n_again = events.height - events["event_id"].n_unique()
    assert 20 < n_again < 120
    assert events.drop("landed").unique().height == events["event_id"].n_unique()


def test_funnel_loses_customers_on_each_step(events):
    n = dict(
        events.drop_nulls("customer_id")
        .group_by("event")
        .agg(pl.col("customer_id").n_unique())
        .iter_rows()
    )
    assert n["view"] > n["add_to_cart"] > n["checkout"] > n["purchase"] > n["refund"] > 10


def test_refunds_are_of_purchases_before_them(events):
    key = ["order_id", "product_id", "quantity", "unit_price"]
    refunds = events.filter(pl.col("event") == "refund").unique("event_id")
    paid = (
        events.filter(pl.col("event") == "purchase")
        .group_by(key)
        .agg(pl.col("at").min().alias("paid"))
    )
    joined = refunds.join(paid, on=key, how="left")
    assert (joined["at"] > joined["paid"]).mean() > 0.9


def test_prices_have_a_tail_and_unknown_visitors_no_id(events):
    prices = events["unit_price"].drop_nulls()
    assert prices.min() > 0
    assert prices.max() > 5 * prices.median()
    assert 0.005 < events["customer_id"].null_count() / events.height < 0.06


def test_next_day_is_the_file_that_a_longer_sample_has(tmp_path):
    write_sample("web_shop", tmp_path / "a", rows=3_000, until=UNTIL, tell=lambda _: None)
    path = write_next_day(tmp_path / "a", rows=3_000, tell=lambda _: None)
    tomorrow = UNTIL + dt.timedelta(1)
    write_sample("web_shop", tmp_path / "b", rows=3_000, until=tomorrow, tell=lambda _: None)
    assert path.name == "events_2026-11-23.jsonl"
    assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_next_day_needs_a_sample_to_go_on_from(tmp_path):
    with pytest.raises(FileNotFoundError, match="write one first"):
        write_next_day(tmp_path)


def test_who_buys_in_the_last_two_weeks_can_be_learned_but_not_known(events, auc):
    cut = dt.date(2026, 11, 8)
    before = events.filter(pl.col("at").dt.date() < cut).drop_nulls("customer_id")
    features = before.group_by("customer_id").agg(
        *((pl.col("event") == event).sum().alias(event) for event in ("view", "purchase")),
        (cut - pl.col("at").dt.date().max()).dt.total_days().alias("recency"),
    )
    buys = events.filter(pl.col("at").dt.date() >= cut, pl.col("event") == "purchase")
    label = features["customer_id"].is_in(buys["customer_id"].unique().to_list())
    x = np.log1p(features.sort("customer_id").drop("customer_id").to_numpy())
    y = label.to_numpy()[features["customer_id"].arg_sort().to_numpy()]
    assert 0.6 < auc(x, y) < 0.95
