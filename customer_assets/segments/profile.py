"""What tells the groups apart: size, worth, and every measure of their customers, with intervals.

Groups are the k-means segments and the rules of the source. Intervals are of 95 %: of a share of
customers Wilson's, of a mean the normal one, of a share of value the one of a ratio estimator
(Cochran 1977, ch. 6). They say how sure a figure is if the customers are a sample of many alike;
not how sure it is who belongs to a group, which is in segment_stability.
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from customer_assets.segments.known_customers import (
    BASE_TABLES,
    FEATURES,
    SCORES,
    known_customers,
    measures,
)
from customer_assets.sources import Segments
from customer_assets.warehouse.source_warehouse import PythonModel
from customer_assets.warehouse.table import Column, Table

_Z = 1.959963984540054
_MONEY = pl.Decimal(18, 4)
_TYPICAL_VALUES = 3
SEGMENT, RULE = "segment", "rule"


def wilson(part: pl.Expr, of: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Return the ends of Wilson's 95 % interval of a share, null where there is nobody."""
    share = part / of
    middle = share + _Z**2 / (2 * of)
    half = _Z * (share * (1 - share) / of + _Z**2 / (4 * of**2)).sqrt()
    scale = 1 + _Z**2 / of
    low, high = ((middle - half) / scale).clip(0, 1), ((middle + half) / scale).clip(0, 1)
    return pl.when(of > 0).then(low), pl.when(of > 0).then(high)


def groups(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return kind, segment, segment_rank and customer_id of the members of every group.

    A customer is in one k-means segment, and in any number of rules. Ranks of rules go on after
    those of segments, in the order of their names.
    """
    members = frames["customer_segments"].select(
        pl.lit(SEGMENT).alias("kind"), "segment", "segment_rank", "customer_id"
    )
    if "rule_segments" not in frames:
        return members
    n_segments = members["segment_rank"].max() or 0
    rules = frames["rule_segments"].select(
        pl.lit(RULE).alias("kind"),
        pl.col("rule").alias("segment"),
        (pl.col("rule").rank("dense") + n_segments).cast(pl.Int64).alias("segment_rank"),
        "customer_id",
    )
    return pl.concat([members, rules])


def segment_profile(
    frames: Mapping[str, pl.DataFrame], parameters: Mapping[str, Any]
) -> pl.DataFrame:
    """Return one row per k-means segment with its size and its worth."""
    segments: Segments = parameters["segments"]
    value = pl.col(segments.value) if segments.value else pl.lit(None)
    customers = (
        known_customers(frames)
        .select("customer_id", value.cast(_MONEY).alias("value"))
        .join(frames["customer_segments"], on="customer_id", how="inner")
        .sort("customer_id")
        .with_columns(pl.col("value").cast(pl.Float64).alias("number"))
    )
    total = float(customers["value"].sum() or 0)
    # A share of the value is a ratio of two sums over the same customers: its error is that of
    # the sum of the residuals.
    sizes = customers.group_by("segment", "segment_rank").agg(
        pl.len().cast(pl.Int64).alias("n_customers"),
        pl.col("value").drop_nulls().sum().cast(_MONEY).alias("value"),
        pl.col("value").count().alias("n_valued"),
        pl.col("number").mean().alias("mean_value"),
        pl.col("number").median().alias("median_value"),
        (_Z * pl.col("number").std() / pl.col("number").count().sqrt()).alias("half"),
        (pl.col("number") ** 2).sum().alias("squares"),
    )
    all_squares = float((customers["number"] ** 2).sum() or 0)
    share = pl.col("value").cast(pl.Float64) / total if total else pl.lit(None, pl.Float64)
    n = pl.lit(float(customers.height))
    spread = (
        (1 - share) ** 2 * pl.col("squares") + share**2 * (all_squares - pl.col("squares"))
    ).sqrt()
    value_half = _Z * spread / total if total else pl.lit(None, pl.Float64)
    low, high = wilson(pl.col("n_customers").cast(pl.Float64), n)
    is_valued = pl.col("n_valued") > 0
    return sizes.select(
        "segment",
        "segment_rank",
        "n_customers",
        (pl.col("n_customers") / n).alias("customer_share"),
        low.alias("customer_share_low"),
        high.alias("customer_share_high"),
        pl.lit(segments.value, pl.String).alias("value_measure"),
        pl.when(is_valued).then("value").alias("value"),
        pl.when(is_valued).then(share).alias("value_share"),
        pl.when(is_valued).then((share - value_half).clip(0, 1)).alias("value_share_low"),
        pl.when(is_valued).then((share + value_half).clip(0, 1)).alias("value_share_high"),
        "mean_value",
        (pl.col("mean_value") - pl.col("half")).alias("mean_value_low"),
        (pl.col("mean_value") + pl.col("half")).alias("mean_value_high"),
        "median_value",
    ).sort("segment_rank")


def segment_measures(
    frames: Mapping[str, pl.DataFrame], parameters: Mapping[str, Any]
) -> pl.DataFrame:
    """Return one row per group and measure of its customers; of yes-or-no the mean is a share."""
    customers = known_customers(frames)
    names = [name for name in measures(customers) if customers[name].count()]
    numbers = customers.select("customer_id", pl.col(names).cast(pl.Float64)).sort("customer_id")
    members = groups(frames).join(numbers, on="customer_id", how="inner").sort("customer_id")
    found = []
    for name in names:
        of = pl.col(name)
        low, high = of.mean() - _half_width(of), of.mean() + _half_width(of)
        found.append(
            members.group_by("kind", "segment", "segment_rank")
            .agg(
                pl.lit(name).alias("measure"),
                of.count().cast(pl.Int64).alias("n_known"),
                of.mean().alias("mean"),
                low.alias("mean_low"),
                high.alias("mean_high"),
                of.median().alias("median"),
                of.quantile(0.1, "linear").alias("tenth"),
                of.quantile(0.9, "linear").alias("ninetieth"),
            )
            .with_columns(pl.lit(numbers[name].mean(), pl.Float64).alias("all_mean"))
        )
    if not found:
        return pl.DataFrame(schema=_MEASURES_SCHEMA)
    return (
        pl.concat(found)
        .with_columns(
            pl.when(pl.col("all_mean") != 0)
            .then(pl.col("mean") / pl.col("all_mean"))
            .alias("ratio_to_all")
        )
        .filter(pl.col("n_known") > 0)
        .select(list(_MEASURES_SCHEMA))
        .sort("kind", "segment_rank", "measure")
    )


def _half_width(of: pl.Expr) -> pl.Expr:
    return _Z * of.std() / of.count().sqrt()


def segment_attributes(
    frames: Mapping[str, pl.DataFrame], parameters: Mapping[str, Any]
) -> pl.DataFrame:
    """Return the values of text columns that are most over-represented in each group."""
    customers = frames["customers"].sort("customer_id")
    texts = [c for c, kind in customers.schema.items() if kind == pl.String and c != "customer_id"]
    members = groups(frames).join(customers.select("customer_id", *texts), on="customer_id")
    found = []
    for name in texts:
        all_values = customers[name].drop_nulls().value_counts(name="n_all").rename({name: "value"})
        by_value = (
            members.rename({name: "value"})
            .filter(pl.col("value").is_not_null())
            .group_by("kind", "segment", "segment_rank", "value")
            .agg(pl.len().cast(pl.Int64).alias("n_customers"))
            .join(all_values, on="value")
            .with_columns(
                pl.lit(name).alias("attribute"),
                pl.col("n_customers").sum().over("kind", "segment").alias("n_known"),
                (pl.col("n_all") / customers[name].count()).alias("all_share"),
            )
        )
        found.append(by_value.select(_ATTRIBUTES_BASE))
    if not found:
        return pl.DataFrame(schema=_ATTRIBUTES_SCHEMA)
    share = pl.col("n_customers") / pl.col("n_known")
    low, high = wilson(pl.col("n_customers").cast(pl.Float64), pl.col("n_known").cast(pl.Float64))
    excess = (pl.col("share") - pl.col("all_share")).round(12)
    return (
        pl.concat(found)
        .with_columns(share.alias("share"), low.alias("share_low"), high.alias("share_high"))
        .filter(pl.col("share_low") > pl.col("all_share"))
        .with_columns((pl.col("share") / pl.col("all_share")).alias("lift"), excess.alias("excess"))
        .sort("excess", "value", descending=[True, False])
        .with_columns(
            (pl.int_range(pl.len()) + 1).over("kind", "segment", "attribute").alias("place")
        )
        .filter(pl.col("place") <= _TYPICAL_VALUES)
        .select(list(_ATTRIBUTES_SCHEMA))
        .sort("kind", "segment_rank", "attribute", "place")
    )


_MEASURES_SCHEMA: dict[str, Any] = {
    "kind": pl.String,
    "segment": pl.String,
    "segment_rank": pl.Int64,
    "measure": pl.String,
    "n_known": pl.Int64,
    "mean": pl.Float64,
    "mean_low": pl.Float64,
    "mean_high": pl.Float64,
    "median": pl.Float64,
    "tenth": pl.Float64,
    "ninetieth": pl.Float64,
    "all_mean": pl.Float64,
    "ratio_to_all": pl.Float64,
}
_ATTRIBUTES_BASE = [
    "kind", "segment", "segment_rank", "attribute", "value", "n_customers", "n_known", "all_share",
]  # fmt: skip
_ATTRIBUTES_SCHEMA: dict[str, Any] = {
    "kind": pl.String,
    "segment": pl.String,
    "segment_rank": pl.Int64,
    "attribute": pl.String,
    "place": pl.Int64,
    "value": pl.String,
    "n_customers": pl.Int64,
    "share": pl.Float64,
    "share_low": pl.Float64,
    "share_high": pl.Float64,
    "all_share": pl.Float64,
    "lift": pl.Float64,
}


def _column(kind: str, description: str) -> Column:
    return Column(type=kind, description=description)


def _share_check(column: str) -> dict[str, dict[str, Any]]:
    return {
        "expect_column_values_to_be_between": {"column": column, "min_value": 0, "max_value": 1}
    }


_GROUP = {
    "kind": _column("varchar", "segment (by k-means) or rule (by a condition of the source)."),
    "segment": _column("varchar", "Name of the segment or rule."),
    "segment_rank": _column("bigint", "Its place: segments as the source lists them, then rules."),
}

SEGMENT_PROFILE = PythonModel(
    table=Table(
        name="segment_profile",
        layer="segments",
        description="One row per k-means segment with its size and its worth, with intervals.",
        columns={
            "segment": _GROUP["segment"],
            "segment_rank": _column("bigint", "Place of the name in the source's list."),
            "n_customers": _column("bigint", "Customers in the segment."),
            "customer_share": _column("double", "Share of all segmented customers."),
            "customer_share_low": _column("double", "Low end of its 95 % interval (Wilson)."),
            "customer_share_high": _column("double", "High end of the interval."),
            "value_measure": _column(
                "varchar", "The column that says what a customer is worth; null: none does."
            ),
            "value": _column("decimal(18,4)", "Sum of it over the segment's customers."),
            "value_share": _column("double", "Share of the sum over all segments."),
            "value_share_low": _column("double", "Low end of its 95 % interval."),
            "value_share_high": _column("double", "High end of the interval."),
            "mean_value": _column("double", "Mean value of a customer."),
            "mean_value_low": _column("double", "Low end of its 95 % interval (normal)."),
            "mean_value_high": _column("double", "High end of the interval."),
            "median_value": _column("double", "Median value of a customer."),
        },
        key=["segment"],
        checks=[
            _share_check("customer_share"),
            {
                "unexpected_rows_expectation": {
                    "name": "shares_sum_to_one",
                    "description": "The shares of all segments sum to one, of customers and of "
                    "value.",
                    "unexpected_rows_query": "select * from (select sum(customer_share) as "
                    "customers, sum(value_share) as worth from {batch}) as sums "
                    "where abs(customers - 1) > 1e-6 or abs(worth - 1) > 1e-6",
                }
            },
        ],
    ),
    inputs=("customer_segments",),
    optional_inputs=BASE_TABLES,
    compute=segment_profile,
    parameters=("segments",),
)

_EVERYTHING = (*BASE_TABLES, FEATURES, SCORES, "rule_segments")

SEGMENT_MEASURES = PythonModel(
    table=Table(
        name="segment_measures",
        layer="segments",
        description=(
            "One row per segment or rule and measure of its customers (what they buy, do, and are "
            "predicted to do), with the mean, its interval, and the same of all customers."
        ),
        columns={
            **_GROUP,
            "measure": _column(
                "varchar", "Column of rfm, rfem, customers, customer_features or model_scores."
            ),
            "n_known": _column("bigint", "Customers of the group of whom it is known."),
            "mean": _column("double", "Mean; of a yes-or-no measure the share of yes."),
            "mean_low": _column("double", "Low end of its 95 % interval (normal)."),
            "mean_high": _column("double", "High end of the interval."),
            "median": _column("double", "Median."),
            "tenth": _column("double", "A tenth of the customers are below."),
            "ninetieth": _column("double", "A tenth of the customers are above."),
            "all_mean": _column("double", "Mean over all customers."),
            "ratio_to_all": _column("double", "mean / all_mean; null where that is 0."),
        },
        key=["kind", "segment", "measure"],
        checks=[
            {"expect_column_values_to_be_between": {"column": "n_known", "min_value": 1}},
            {"expect_column_values_to_not_be_null": {"column": "mean"}},
        ],
    ),
    inputs=("customer_segments",),
    optional_inputs=_EVERYTHING,
    compute=segment_measures,
)

SEGMENT_ATTRIBUTES = PythonModel(
    table=Table(
        name="segment_attributes",
        layer="segments",
        description=(
            "One row per segment or rule, text column of customers and value that is more frequent "
            "in the group than among all, beyond chance; the three with the most excess."
        ),
        columns={
            **_GROUP,
            "attribute": _column("varchar", "Column of customers."),
            "place": _column("bigint", "1 is the value with the largest excess of its share."),
            "value": _column("varchar", "The value."),
            "n_customers": _column("bigint", "Customers of the group who have it."),
            "share": _column("double", "Their share of those whose value is known."),
            "share_low": _column("double", "Low end of its 95 % interval (Wilson)."),
            "share_high": _column("double", "High end of the interval."),
            "all_share": _column("double", "Share among all customers."),
            "lift": _column("double", "share / all_share, above 1."),
        },
        key=["kind", "segment", "attribute", "place"],
        checks=[
            _share_check("share"),
            {
                "expect_column_values_to_be_between": {
                    "column": "lift",
                    "min_value": 1,
                    "strict_min": True,
                }
            },
        ],
    ),
    inputs=("customer_segments", "customers"),
    optional_inputs=("rule_segments",),
    compute=segment_attributes,
)
