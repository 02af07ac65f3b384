"""Segments over time: which of today's groups is which of the last refresh, and who moved.

customer_segments is a function of what has landed, so its names follow today's means. Here each
of today's groups takes the name of the earlier group that it stands nearest to, so that names
can be compared over time. A new definition of the segments starts anew, with its own names. The
ledger segment_members remembers only what changed.
"""

import polars as pl

from customer_assets.segments.kmeans import coordinates
from customer_assets.sources import Segments


def matched_names(
    customers: pl.DataFrame, before: pl.DataFrame, segments: Segments
) -> dict[str, str]:
    """Return for each of today's segments the name by which the last refresh knew it.

    `customers` are today's, with `segment`; `before` has customer_id and the earlier `segment`.
    The centroids of both groupings, where their customers stand today, are paired so that the
    distances add up to the least (the assignment problem, Kuhn 1955). A group without a partner,
    or whose partner's name the source no longer uses, goes by today's name.
    """
    import numpy as np
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    axes = [f"__axis_{at}" for at in range(len(segments.columns or []))]
    placed = customers.select("customer_id", "segment").hstack(
        pl.DataFrame(coordinates(customers, segments), schema=axes)
    )
    earlier = placed.drop("segment").join(before, on="customer_id", how="inner")
    today_means, earlier_means = (_centroids(frame, axes) for frame in (placed, earlier))
    if today_means.is_empty() or earlier_means.is_empty():
        return {name: name for name in today_means["segment"]}
    cost = cdist(today_means.select(axes).to_numpy(), earlier_means.select(axes).to_numpy())
    ours, theirs = linear_sum_assignment(np.round(cost, 12))
    names = dict(
        zip(
            today_means["segment"][ours.tolist()],
            earlier_means["segment"][theirs.tolist()],
            strict=True,
        )
    )
    names = {today: name for today, name in names.items() if name in segments.names}
    for today in today_means["segment"]:
        if today not in names:
            free = [n for n in segments.names if n not in names.values()]
            names[today] = today if today in free else free[0]
    return names


def _centroids(frame: pl.DataFrame, axes: list[str]) -> pl.DataFrame:
    return frame.group_by("segment").agg(pl.col(axes).mean()).sort("segment")


def members_at(ledger: pl.DataFrame, refresh: int | None = None) -> pl.DataFrame:
    """Return the members of segments after a refresh, by default the last one."""
    rows = ledger if refresh is None else ledger.filter(pl.col("refresh") <= refresh)
    last = rows.sort("refresh").unique("customer_id", keep="last")
    return last.filter(pl.col("segment").is_not_null()).sort("customer_id")


def last_refresh(ledger: pl.DataFrame) -> int:
    """Return the number of the last refresh that a ledger knows, 0 before the first."""
    return int(ledger["refresh"].to_numpy().max(initial=0))
