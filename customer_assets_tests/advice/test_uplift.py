"""What a hold-out tells: nothing where nothing happened, what was planted where something was."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from customer_assets.advice.exposures import Exposures, draw
from customer_assets.advice.uplift import uplift
from customer_assets_tests.advice.shop import TOLD, frames
from customer_assets_tests.tables import computed

NOW = dt.datetime(2025, 3, 1, tzinfo=dt.UTC)
NOW_US = round(NOW.timestamp() * 1_000_000)
DAY = 86_400_000_000


def listed(n):
    return pl.DataFrame({"customer_id": range(n)})


def test_a_draw_is_the_same_each_time_and_another_for_each_campaign():
    once, again, other = (
        draw(listed(5_000), name, 0.1, NOW)["is_held_out"] for name in ("may", "may", "june")
    )
    assert once.equals(again)
    assert 430 < once.sum() < 570
    assert 25 < (once & other).sum() < 80
    # Who is held out does not hang on who else is on the list.
    assert draw(listed(50), "may", 0.1, NOW)["is_held_out"].equals(once.head(50))


def arms(campaign, n, share, lift, random):
    """Customers of whom a fifth buys, and `lift` more of those who were written to."""
    drawn = draw(listed(n), campaign, share, NOW)
    chance = np.where(drawn["is_held_out"], 0.2, 0.2 + lift)
    n_orders = random.binomial(1, chance) * (1 + random.poisson(0.5, n))
    return drawn.with_columns(
        buyers=pl.Series(n_orders > 0).cast(pl.Float64),
        orders=pl.Series(n_orders).cast(pl.Float64),
        net_revenue=pl.Series(random.lognormal(3, 1, n) * n_orders),
    )


def test_an_arm_that_was_tampered_with_is_seen():
    drawn = arms("may", 2_000, 0.1, 0, np.random.default_rng(1))
    tampered = drawn.filter(~pl.col("is_held_out") | (pl.col("customer_id") % 2 == 0))
    assert uplift(drawn)[0]["is_ratio_as_planned"]
    assert not uplift(tampered)[0]["is_ratio_as_planned"]


def test_of_few_customers_nothing_is_said():
    rows = uplift(arms("may", 100, 0.1, 0, np.random.default_rng(1)))
    assert all("difference_low" not in row and row["difference"] is not None for row in rows)


def test_the_table_counts_what_followed_within_the_horizon(tmp_path):
    exposures = Exposures.below(tmp_path)
    with exposures.kept("may", draw(listed(4), "may", 0.5, NOW).with_columns(
        pl.Series("is_held_out", [True, False, False, True]),
        kind=pl.lit("segment"), target=pl.lit("loyal"),
    )):  # fmt: skip
        pass
    orders = pl.DataFrame(
        {
            "customer_id": [0, 1, 1, 2, 3, 9],
            "ordered_ts": [NOW_US + d * DAY for d in (1, 2, 30, -1, 31, 3)],
            "net_value": [5.0, 7.0, 1.0, 50.0, 60.0, 70.0],
        }
    )
    told = {"horizon_us": 30 * DAY, "complete_until_ts": NOW_US + 30 * DAY}

    def rows(**changed):
        now = {"exposures": Exposures.below(tmp_path), **told, **changed}
        return {r["measure"]: r for r in computed("campaign_uplift", {"orders": orders}, now)
                .rows(named=True)}  # fmt: skip

    found = rows()
    assert {m: (r["exposed"], r["held_out"], r["difference"]) for m, r in found.items()} == {
        "buyers": (0.5, 0.5, 0), "orders": (1, 0.5, 0.5), "net_revenue": (4, 2.5, 1.5)
    }  # fmt: skip
    assert found["buyers"]["is_mature"]
    assert (found["buyers"]["kind"], found["buyers"]["target"]) == ("segment", "loyal")
    assert not rows(complete_until_ts=NOW_US + 29 * DAY)["buyers"]["is_mature"]
    assert rows(exposures=Exposures(tmp_path)) == {}


def test_a_campaign_has_one_list_and_none_where_the_export_failed(tmp_path):
    exposures = Exposures.below(tmp_path)
    drawn = draw(listed(4), "may", 0.5, NOW)
    with pytest.raises(ZeroDivisionError), exposures.kept("may", drawn):
        _ = 1 / 0
    assert Exposures.below(tmp_path).campaigns == ()
    with exposures.kept("may", drawn):
        pass
    taken = pytest.raises(FileExistsError, match="campaign may has its list already")
    with taken, exposures.kept("may", drawn):
        pass


def test_a_campaign_that_was_measured_says_what_contacting_its_group_earns():
    told = {"is_mature": True, "is_ratio_as_planned": True, "measure": "buyers", "kind": "segment"}
    rows = [
        {"campaign": "first", "target": "best", "exported_ts": 1, "difference": 0.5},
        {"campaign": "second", "target": "best", "exported_ts": 2, "difference": 0.25},
        {"campaign": "unripe", "target": "best", "exported_ts": 3, "is_mature": False},
        {"campaign": "spoilt", "target": "rest", "exported_ts": 4, "is_ratio_as_planned": False},
    ]
    ends = {"difference": 0.1, "difference_low": 0.05, "difference_high": 0.5}
    measured = pl.DataFrame([told | ends | row for row in rows])
    found = computed("campaign_economics", frames() | {"campaign_uplift": measured}, TOLD)
    [row] = found.filter(basis="measured").to_dicts()
    assert (row["plan"], row["target"], row["measured_by"]) == ("segment", "best", "second")
    # Of 20 customers a contact brings 5, at 60 each; a contact costs 10.
    assert (row["n_contacts"], row["n_buyers"], float(row["profit"])) == (20, 5, 100)
    assert (float(row["profit_low"]), float(row["profit_high"])) == (-140, 400)
    assert set(found["basis"]) == {"observed", "expected", "measured"}
