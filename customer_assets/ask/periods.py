"""Two periods side by side: what each active customer did in them, by customer."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from customer_assets.ask.answering import AskError, Question
from customer_assets.ask.period import Period
from customer_assets.intervals import wilson
from customer_assets.segments.groups import Sums, difference_interval, mean_interval

if TYPE_CHECKING:
    import numpy as np

_ID = "customer_id"
# By measure: the table it is counted in, the day that it counts on, and what is counted.
_MEASURES = {
    "n_active_days": ("customer_day", "event_date", "count(*)"),
    "n_events": ("customer_day", "event_date", "sum(n_events)"),
    "n_sessions": ("sessions", "session_date", "count(*)"),
    "n_orders": ("orders", "order_date", "count(*)"),
    "net_value": ("orders", "order_date", "sum(net_value)"),
    "is_buyer": ("orders", "order_date", "1"),
}


def compared(question: Question, a: Period, b: Period) -> pl.DataFrame:
    """Return a row per measure: its mean over the customers active in each period, the difference.

    `total` is the sum over these customers. A customer may be active in both periods: the interval
    of the difference takes them for different ones, and is then wider than it need be.
    """
    frames = [_of_period(question, each) for each in (a, b)]
    rows = []
    for name in frames[0].columns:
        if name == _ID:
            continue
        ours, theirs = (frame[name].to_numpy() for frame in frames)
        rows.append({"measure": name, **_both(ours, theirs, is_share=name.startswith("is_"))})
    return pl.DataFrame(rows, infer_schema_length=None)


def _of_period(question: Question, period: Period) -> pl.DataFrame:
    """Return one row per customer active in a period, with the measures that the source has."""
    question.needs("customer_day")
    found = None
    for name, (table, day, counted) in _MEASURES.items():
        if table not in question.snapshot.tables:
            continue
        statement = (
            f"select customer_id, cast({counted} as double) as {name} from {table} where "
            f"customer_id is not null and {day} between date '{period.first}' and "
            f"date '{period.last}' group by customer_id order by customer_id"
        )
        question.view_for(statement, table)
        rows = question.rows(statement)
        if found is None:
            found = rows
            continue
        found = found.join(rows, on=_ID, how="left").with_columns(pl.col(name).fill_null(0))
    if found is None or found.is_empty():
        raise AskError(f"nobody was active in {period}")
    return found


def _both(ours: "np.ndarray", theirs: "np.ndarray", *, is_share: bool) -> dict[str, Any]:
    # About one middle: the sums of squares of large numbers lose digits.
    middle = float(ours.mean())
    sums = [_sums(values - middle) for values in (ours, theirs)]
    row: dict[str, Any] = {}
    for letter, values, of in zip("ab", (ours, theirs), sums, strict=True):
        n, total = float(len(values)), float(values.sum())
        ends = wilson(total, n) if is_share else _moved(mean_interval(of), middle)
        row |= {
            f"{letter}_n_customers": len(values),
            f"{letter}_total": total,
            f"{letter}_mean": total / n,
            f"{letter}_mean_low": ends[0],
            f"{letter}_mean_high": ends[1],
        }
    difference, low, high = map(_known, difference_interval(sums[0], sums[1]))
    return row | {"difference": difference, "difference_low": low, "difference_high": high}


def _moved(ends: Sequence["np.ndarray"], by: float) -> list[float | None]:
    return [None if end is None else end + by for end in map(_known, ends)]


def _sums(values: "np.ndarray") -> Sums:
    import numpy as np

    return Sums(np.array([len(values)]), *(np.array([(values**p).sum()]) for p in (1, 2, 3)))


def _known(end: "np.ndarray") -> float | None:
    """Return the one number of an array; None where it is not known, as the variance of one."""
    return None if end[0] != end[0] else float(end[0])
