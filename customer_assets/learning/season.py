"""How long before its month a season begins, and whether what is said of it holds.

The weeks of half a year before are the calm ones; a season has begun with the first of three
successive weeks that all lie above what the calm ones would let expect. One year shows one season:
whether the next one is alike cannot be told from it.
"""

import datetime as dt
import math
from typing import TYPE_CHECKING, Any

import polars as pl

from customer_assets.learning.demand import Panel, panels

if TYPE_CHECKING:
    import numpy as np

_KINDS = ("category", "shop")
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

    if season_month is None:
        return []
    random = np.random.default_rng(_SEED)
    rows = []
    for panel in panels(demand_weekly.filter(pl.col("demand_kind").is_in(_KINDS)), 1):
        starts = _starts(panel, season_month)
        for start in starts:
            begin = (start - panel.first_week).days // 7 - _WEEKS_BEFORE
            for (thing, thing_name), units in zip(panel.things, panel.units, strict=True):
                calm = units[max(begin - _CALM_WEEKS, 0) : begin]
                coming = units[begin : begin + _WEEKS_BEFORE + 4]
                found = _onset(calm, coming)
                draws = [_drawn(calm, coming, random) for _ in range(_DRAWS)]
                seen = [(start - panel.week(begin + at)).days for at in draws if at is not None]
                # A season that half of the draws do not show is not sure to have begun.
                is_seen = found is not None and len(seen) >= _DRAWS / 2
                low, high = np.quantile(seen, [0.025, 0.975]).tolist() if is_seen else (None, None)
                rows.append(
                    {
                        "season_start": start,
                        "demand_kind": panel.kind,
                        "thing": thing,
                        "thing_name": thing_name,
                        "calm_units": float(calm.mean()),
                        "peak_units": float(coming.max()),
                        "lead_days": None
                        if found is None
                        else (start - panel.week(begin + found)).days,
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


def _starts(panel: Panel, month: int) -> list[dt.date]:
    """Return the first days of the seasons before which there are calm weeks enough."""
    first, last = panel.first_week, panel.week(panel.units.shape[1] - 1)
    earliest = first + dt.timedelta(weeks=_FEWEST_CALM_WEEKS + _WEEKS_BEFORE)
    starts = [dt.date(year, month, 1) for year in range(first.year, last.year + 1)]
    return [start for start in starts if earliest <= start <= last + dt.timedelta(days=7)]


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
