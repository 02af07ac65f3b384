"""---
description: >-
  One row per segment rule of the source: what it says, and for how many customers it holds.
key: [rule]
requires: [segment_rules]
columns:
  rule: {type: varchar, description: Name of the rule.}
  description: {type: varchar, description: Whom it is meant to find.}
  condition: {type: varchar, description: When it holds.}
  question: {type: varchar, description: 'Question whose scores it reads; null: none.'}
  missing:
    type: varchar
    description: 'What it reads and is not there, so that it holds for nobody; null: nothing.'
  n_customers: {type: bigint, description: Customers for whom it holds.}
  customer_share: {type: double, description: Their share of all customers.}
checks:
  - expect_column_values_to_be_null:
      column: missing
      severity: warn
      name: rules_have_what_they_read
      description: Every rule has the scores that it reads.
  - expect_column_values_to_be_between: {column: customer_share, min_value: 0, max_value: 1}
---
"""

from collections.abc import Sequence
from typing import Any

import polars as pl

from customer_assets.segments.known_customers import known_customers
from customer_assets.sources import SegmentRule


def compute(
    rule_segments: pl.LazyFrame,
    rfm: pl.LazyFrame | None = None,
    customers: pl.LazyFrame | None = None,
    rfem: pl.LazyFrame | None = None,
    model_scores: pl.LazyFrame | None = None,
    *,
    segment_rules: Sequence[SegmentRule],
) -> list[dict[str, Any]]:
    n_known = known_customers(rfm, customers, rfem).select("customer_id").collect().height
    n_members = dict(rule_segments.group_by("rule").len().collect().iter_rows())
    scored: set[str] = set()
    if model_scores is not None:
        scored = set(model_scores.select("question").unique().collect()["question"])
    rows = []
    for rule in segment_rules:
        n_customers = n_members.get(rule.name, 0)
        is_missing = rule.question is not None and rule.question not in scored
        rows.append(
            {
                "rule": rule.name,
                "description": rule.description,
                "condition": rule.condition,
                "question": rule.question,
                "missing": f"no scores of the question {rule.question}" if is_missing else None,
                "n_customers": n_customers,
                "customer_share": n_customers / n_known if n_known else None,
            }
        )
    return rows
