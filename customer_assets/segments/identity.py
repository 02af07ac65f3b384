"""Segments over time: which of today's groups is which of the last refresh, and who moved.

customer_segments is a function of what has landed, so its names follow today's means. Here each
of today's groups takes the name of the earlier group that it stands nearest to, so that names
can be compared over time. A new definition of the segments starts anew, with its own names. The
ledger segment_members remembers only what changed.
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from customer_assets.segments.kmeans import coordinates
from customer_assets.segments.known_customers import BASE_TABLES, known_customers
from customer_assets.sources import Segments
from customer_assets.warehouse.manifest import digest
from customer_assets.warehouse.source_warehouse import PythonModel
from customer_assets.warehouse.table import Column, Table

_MONEY = pl.Decimal(18, 4)


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


def segment_members(
    frames: Mapping[str, pl.DataFrame], parameters: Mapping[str, Any]
) -> pl.DataFrame:
    """Return the customers whose segment is another one than at the last refresh.

    At the first refresh that is everybody; where nothing changed, nobody.
    """
    segments: Segments = parameters["segments"]
    ledger = frames["segment_members"]
    customers = known_customers(frames).join(
        frames["customer_segments"].select("customer_id", "segment"), on="customer_id"
    )
    before = members_at(ledger)
    definition = digest([segments.model_dump_json()])[:12]
    names = {name: name for name in customers["segment"].unique()}
    if definition in ledger.sort("refresh")["definition"].tail(1):
        names = matched_names(customers, before.select("customer_id", "segment"), segments)
    as_of = customers["last_order_at"].max() if "last_order_at" in customers.columns else None
    value = pl.col(segments.value) if segments.value else pl.lit(None)
    today = customers.select(
        "customer_id",
        pl.col("segment").alias("today_segment"),
        pl.col("segment").replace_strict(names, return_dtype=pl.String),
        value.cast(_MONEY).alias("value"),
    )
    earlier = before.select(
        "customer_id", earlier_segment="segment", earlier_value="value", was_known=pl.lit(True)
    )
    both = today.with_columns(is_known=pl.lit(True)).join(
        earlier, on="customer_id", how="full", coalesce=True
    )
    changed = both.filter(pl.col("segment").ne_missing(pl.col("earlier_segment")))
    return changed.select(
        pl.lit(last_refresh(ledger) + 1, pl.Int64).alias("refresh"),
        pl.lit(as_of, pl.Datetime("us")).alias("as_of"),
        "customer_id",
        "segment",
        "today_segment",
        pl.coalesce("value", "earlier_value").alias("value"),
        pl.lit(definition).alias("definition"),
    ).sort("customer_id")


def members_at(ledger: pl.DataFrame, refresh: int | None = None) -> pl.DataFrame:
    """Return the members of segments after a refresh, by default the last one."""
    rows = ledger if refresh is None else ledger.filter(pl.col("refresh") <= refresh)
    last = rows.sort("refresh").unique("customer_id", keep="last")
    return last.filter(pl.col("segment").is_not_null()).sort("customer_id")


def last_refresh(ledger: pl.DataFrame) -> int:
    """Return the number of the last refresh that a ledger knows, 0 before the first."""
    return int(ledger["refresh"].to_numpy().max(initial=0))


def segment_moves(
    frames: Mapping[str, pl.DataFrame], parameters: Mapping[str, Any]
) -> pl.DataFrame:
    """Return how many customers went from which segment to which at the last refresh.

    The first refresh has nothing to compare with; one that is written down already adds nothing.
    """
    segments: Segments = parameters["segments"]
    members = frames["segment_members"]
    refresh = last_refresh(members)
    if refresh <= max(1, last_refresh(frames["segment_moves"])):
        return pl.DataFrame(schema=_MOVES_SCHEMA)
    customers = known_customers(frames)
    value = pl.col(segments.value) if segments.value else pl.lit(None)
    values = customers.select("customer_id", value.cast(_MONEY).alias("value_today"))
    before = members_at(members, refresh - 1).select("customer_id", "segment", "value")
    after = members_at(members, refresh).select("customer_id", "segment", "value")
    both = (
        before.rename({"segment": "from_segment", "value": "value_before"})
        .join(after.rename({"segment": "to_segment"}), on="customer_id", how="full", coalesce=True)
        .join(values, on="customer_id", how="left")
    )
    as_of = members.filter(pl.col("refresh") == refresh)["as_of"][0]
    return (
        both.group_by("from_segment", "to_segment")
        .agg(
            pl.len().cast(pl.Int64).alias("n_customers"),
            pl.coalesce("value_today", "value", "value_before").sum().alias("value"),
        )
        .select(
            pl.lit(refresh, pl.Int64).alias("refresh"),
            pl.lit(as_of, pl.Datetime("us")).alias("as_of"),
            "from_segment",
            "to_segment",
            "n_customers",
            pl.col("value").cast(_MONEY),
        )
        .sort("from_segment", "to_segment", nulls_last=True)
    )


_MOVES_SCHEMA: dict[str, Any] = {
    "refresh": pl.Int64,
    "as_of": pl.Datetime("us"),
    "from_segment": pl.String,
    "to_segment": pl.String,
    "n_customers": pl.Int64,
    "value": _MONEY,
}
_REFRESH = Column(type="bigint", description="Number of the refresh that changed a member, from 1.")
_AS_OF = Column(
    type="timestamp",
    description="Last purchase that the refresh knew, business time; null for a customer table.",
)
_VALUE = (
    "by the column that the source names as value: their worth at the refresh, of who is gone the "
    "last one known."
)

SEGMENT_MEMBERS = PythonModel(
    table=Table(
        name="segment_members",
        layer="segments",
        description=(
            "One row per refresh and customer whose segment changed at it, with the segment's "
            "name carried over from refresh to refresh by the nearest centroids."
        ),
        columns={
            "refresh": _REFRESH,
            "as_of": _AS_OF,
            "customer_id": Column(type="source", description="Who."),
            "segment": Column(
                type="varchar",
                description="Segment from now on, by the name that its group had at the refresh "
                "before; null where the customer is in none any more.",
            ),
            "today_segment": Column(
                type="varchar",
                description="The same group's name in customer_segments, by the means of its day.",
            ),
            "value": Column(type="decimal(18,4)", description=f"Value of the customer, {_VALUE}"),
            "definition": Column(
                type="varchar", description="Hash of the segments' definition at the refresh."
            ),
        },
        key=["refresh", "customer_id"],
        ledger=True,
        checks=[{"expect_column_values_to_be_between": {"column": "refresh", "min_value": 1}}],
    ),
    inputs=("customer_segments",),
    optional_inputs=BASE_TABLES,
    compute=segment_members,
    parameters=("segments",),
)

SEGMENT_MOVES = PythonModel(
    table=Table(
        name="segment_moves",
        layer="segments",
        description=(
            "One row per refresh that changed a segment's members, segment before and segment "
            "after it, with the customers; who stays counts too, so customers are conserved: "
            "those from a segment are its members before, those to it its members after."
        ),
        columns={
            "refresh": _REFRESH,
            "as_of": _AS_OF,
            "from_segment": Column(
                type="varchar", description="Segment before; null for new customers."
            ),
            "to_segment": Column(
                type="varchar", description="Segment after; null for customers who are gone."
            ),
            "n_customers": Column(type="bigint", description="Customers who went this way."),
            "value": Column(type="decimal(18,4)", description=f"What they are worth, {_VALUE}"),
        },
        key=["refresh", "from_segment", "to_segment"],
        ledger=True,
        checks=[
            {"expect_column_values_to_be_between": {"column": "n_customers", "min_value": 1}},
            {"expect_column_values_to_be_between": {"column": "refresh", "min_value": 2}},
        ],
    ),
    inputs=("segment_members",),
    optional_inputs=BASE_TABLES,
    compute=segment_moves,
    parameters=("segments",),
)
