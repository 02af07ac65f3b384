"""Time to the second order: Kaplan and Meier's estimate, against published numbers."""

import datetime as dt

import polars as pl
import pytest
from statsmodels.duration.survfunc import SurvfuncRight

from customer_assets.segments.survival import survival_curve
from customer_assets_tests.tables import computed

# Weeks of remission under 6-MP, Freireich et al. (Blood 21, 1963), as every textbook has them.
RELAPSED = [6, 6, 6, 7, 10, 13, 16, 22, 23]
CENSORED = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
PUBLISHED = {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}


def test_the_curve_is_the_published_one():
    customers = pl.DataFrame(
        {
            "days": RELAPSED + CENSORED,
            "has_ordered_again": [True] * len(RELAPSED) + [False] * len(CENSORED),
        }
    )
    curve = survival_curve(customers)
    assert dict(curve.select("days", "survival").rows()) == pytest.approx(PUBLISHED, abs=5e-4)
    assert set(curve["median_days"]) == {23}
    theirs = SurvfuncRight(customers["days"].to_numpy(), customers["has_ordered_again"].to_numpy())
    assert curve["n_at_risk"].to_list() == theirs.n_risk.tolist()
    # The 95 % interval at 10 weeks on the log-log scale, as R's survival prints it.
    at_ten = curve.filter(days=10).row(0, named=True)
    assert (at_ten["survival_low"], at_ten["survival_high"]) == pytest.approx(
        (0.503, 0.889), abs=1e-3
    )


def test_orders_of_one_day_are_one_visit_and_small_groups_are_left_out():
    start = dt.date(2024, 1, 1)
    # All order twice on the first day; every second one comes back after ten days.
    visits = [(who, start, 2) for who in range(40)]
    visits += [(who, start + dt.timedelta(days=10), 1) for who in range(0, 40, 2)]
    orders = pl.DataFrame(
        [(who, day) for who, day, times in visits for _ in range(times)],
        schema=["customer_id", "order_date"],
        orient="row",
    )
    segments = pl.DataFrame({"customer_id": range(40), "segment": ["few"] * 29 + ["too few"] * 11})
    told = {"last_complete_day": "2024-03-01"}
    frames = {"orders": orders, "customer_segments": segments}
    rows = computed("survival", frames, told)
    assert rows.select("kind", "group_name").rows() == [("all", "all"), ("cohort", "2024-01")]
    assert rows["survival"].to_list() == [0.5, 0.5]
    assert rows["days"].to_list() == [10, 10]
