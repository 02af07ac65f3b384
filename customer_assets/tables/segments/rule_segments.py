"""---
description: One row per segment rule of the source and customer for whom it holds.
key: [rule, customer_id]
requires: [segment_rules]
columns:
  rule: {type: varchar, description: Name of the rule.}
  customer_id: {type: source, description: Who.}
checks:
  - expect_column_values_to_not_be_null: {column: customer_id}
---
"""

from collections.abc import Sequence

import polars as pl

from customer_assets.segments.known_customers import known_customers
from customer_assets.segments.rules import rule_members
from customer_assets.sources import SegmentRule


def compute(
    rfm: pl.LazyFrame | None = None,
    customers: pl.LazyFrame | None = None,
    rfem: pl.LazyFrame | None = None,
    customer_features: pl.LazyFrame | None = None,
    model_scores: pl.LazyFrame | None = None,
    *,
    segment_rules: Sequence[SegmentRule],
) -> pl.DataFrame:
    known = known_customers(rfm, customers, rfem, customer_features, model_scores).collect()
    found = [
        rule_members(rule, known).select(pl.lit(rule.name).alias("rule"), "customer_id")
        for rule in segment_rules
    ]
    return pl.concat(found).sort("rule", "customer_id")
