"""How long before its month a season begins, and whether what is said of it holds.

The weeks of half a year before are the calm ones; a season has begun with the first of three
successive weeks that all lie above what the calm ones would let expect. One year shows one season:
whether the next one is alike cannot be told from it.
"""

import datetime as dt
import math
from typing import TYPE_CHECKING, Any

import polars as pl

from customer_assets.learning.demand import Weeks, weeks_of

if TYPE_CHECKING:
    import numpy as np

_CALM_WEEKS = 26
_FEWEST_CALM_WEEKS = 12
_WEEKS_BEFORE = 20
_RUN = 3
_DRAWS = 500
_SEED = 42


def season_lead(
    demand_weekly: pl.DataFrame, *, season_month: int | None, season_lead_days: int | None
) -> list[dict[str, Any]]:
    """Return for all sales and each category how many days before the month its season began.

    The interval is by bootstrap of the calm weeks: they say where the bound lies, and how much a
    week of the season may be off.
    """
    import numpy as np

    weeks = weeks_of(demand_weekly.filter(pl.col("kind") != "item"))
    if season_month is None or not weeks.things:
        return []
    random = np.random.default_rng(_SEED)
    starts = [
        start
        for year in range(weeks.first.year, weeks.date(weeks.last).year + 1)
        if weeks.first + dt.timedelta(weeks=_FEWEST_CALM_WEEKS + _WEEKS_BEFORE)
        <= (start := dt.date(year, season_month, 1))
        <= weeks.date(weeks.last) + dt.timedelta(days=7)
    ]
    rows = []
    for start in starts:
        begin = math.floor((start - weeks.first).days / 7) - _WEEKS_BEFORE
        for row, (kind, thing) in enumerate(weeks.things):
            calm = weeks.values[row, max(begin - _CALM_WEEKS, 0) : begin]
            coming = weeks.values[row, begin : begin + _WEEKS_BEFORE + 4]
            found = _onset(calm, coming)
            draws = [_drawn(calm, coming, random) for _ in range(_DRAWS)]
            seen = [_days(weeks, begin, each, start) for each in draws if each is not None]
            # A season that half of the draws do not show is not sure to have begun.
            is_seen = found is not None and len(seen) >= _DRAWS / 2
            low, high = np.quantile(seen, [0.025, 0.975]).tolist() if is_seen else (None, None)
            days = _days(weeks, begin, found, start) if found is not None else None
            rows.append(
                {
                    "kind": kind,
                    "thing": thing,
                    "season_start": start,
                    "calm_quantity": float(calm.mean()),
                    "peak_quantity": float(coming.max()),
                    "lead_days": days,
                    "lead_days_low": low,
                    "lead_days_high": high,
                    "stated_lead_days": season_lead_days,
                    "is_as_stated": None
                    if low is None or high is None or season_lead_days is None
                    else low <= season_lead_days <= high,
                    "n_seasons": len(starts),
                    "is_sure": is_seen and len(starts) > 1,
                }
            )
    return rows


def _onset(calm: "np.ndarray", coming: "np.ndarray") -> int | None:
    """Return the first of successive weeks that lie above the bound for a week like the calm."""
    from scipy.stats import t

    n = len(calm)
    bound = calm.mean() + t.ppf(0.95, n - 1) * calm.std(ddof=1) * math.sqrt(1 + 1 / n)
    above = coming > bound
    for at in range(len(coming) - _RUN + 1):
        if above[at : at + _RUN].all():
            return at
    return None


def _drawn(calm: "np.ndarray", coming: "np.ndarray", random: "np.random.Generator") -> int | None:
    """Return the onset of other calm weeks, and of weeks of the season as much off as these are."""
    again = random.choice(calm, len(calm))
    if again.std() == 0:
        return None
    mean = calm.mean() or 1.0
    off = random.choice((calm - calm.mean()) / mean, len(coming))
    return _onset(again, coming * (1 + off / 2))


def _days(weeks: Weeks, begin: int, at: int, start: dt.date) -> int:
    return (start - weeks.date(begin + at)).days
