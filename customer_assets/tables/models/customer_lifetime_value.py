"""---
description: >-
  One row per customer who bought: purchases and money to expect, from BG/NBD (where the log
  does not tell dropout, NBD) and Gamma-Gamma. Purchases are days of which something stayed; who
  gave everything back has no row.
key: [customer_id]
requires: [purchase, value]
columns:
  customer_id: {type: source, description: Who.}
  frequency: {type: bigint, description: Days with a purchase after the first such day.}
  recency_days: {type: bigint, description: Days from the first day with a purchase to the last.}
  age_days: {type: bigint, description: Days from the first purchase to the end of the log.}
  purchase_model: {type: varchar, description: 'bg_nbd, or nbd where dropout is not identified.'}
  probability_alive:
    type: double
    description: >-
      Probability that the customer has not left, 1 by construction without a repeat purchase;
      null where dropout is not identified.
  purchase_value: {type: "decimal(18,4)", description: Money of a day with purchases to expect.}
  purchase_value_low:
    type: "decimal(18,4)"
    description: 'Money of a day with purchases to expect: lower end of its 95 % interval.'
  purchase_value_high:
    type: "decimal(18,4)"
    description: 'Money of a day with purchases to expect: upper end of its 95 % interval.'
  purchases_30_days:
    type: double
    description: >-
      Days with purchases to expect over 30 days; null where the trial was
      shorter, or the log shows that customers leave, and not how many.
  purchases_30_days_low:
    type: double
    description: >-
      Days with purchases to expect over 30 days; lower end of
      its 95 % interval.
  purchases_30_days_high:
    type: double
    description: >-
      Days with purchases to expect over 30 days; upper end of
      its 95 % interval.
  purchases_90_days:
    type: double
    description: >-
      Days with purchases to expect over 90 days; null where the trial was
      shorter, or the log shows that customers leave, and not how many.
  purchases_90_days_low:
    type: double
    description: >-
      Days with purchases to expect over 90 days; lower end of
      its 95 % interval.
  purchases_90_days_high:
    type: double
    description: >-
      Days with purchases to expect over 90 days; upper end of
      its 95 % interval.
  purchases_365_days:
    type: double
    description: >-
      Days with purchases to expect over 365 days; null where the trial was
      shorter, or the log shows that customers leave, and not how many.
  purchases_365_days_low:
    type: double
    description: >-
      Days with purchases to expect over 365 days; lower end of
      its 95 % interval.
  purchases_365_days_high:
    type: double
    description: >-
      Days with purchases to expect over 365 days; upper end of
      its 95 % interval.
  value_30_days:
    type: "decimal(18,4)"
    description: Money to expect over the next 30 days, not discounted.
  value_30_days_low:
    type: "decimal(18,4)"
    description: >-
      Money to expect over the next 30 days, not discounted: lower end of its 95 % interval.
  value_30_days_high:
    type: "decimal(18,4)"
    description: >-
      Money to expect over the next 30 days, not discounted: upper end of its 95 % interval.
  value_90_days:
    type: "decimal(18,4)"
    description: Money to expect over the next 90 days, not discounted.
  value_90_days_low:
    type: "decimal(18,4)"
    description: >-
      Money to expect over the next 90 days, not discounted: lower end of its 95 % interval.
  value_90_days_high:
    type: "decimal(18,4)"
    description: >-
      Money to expect over the next 90 days, not discounted: upper end of its 95 % interval.
  value_365_days:
    type: "decimal(18,4)"
    description: Money to expect over the next 365 days, not discounted.
  value_365_days_low:
    type: "decimal(18,4)"
    description: >-
      Money to expect over the next 365 days, not discounted: lower end of its 95 % interval.
  value_365_days_high:
    type: "decimal(18,4)"
    description: >-
      Money to expect over the next 365 days, not discounted: upper end of its 95 % interval.
  status:
    type: varchar
    description: 'Which assumptions hold, how the trial went, and what is null for it.'
checks:
  - expect_column_values_to_not_be_null: {column: status}
  - expect_column_values_to_be_between: {column: probability_alive, min_value: 0, max_value: 1}
  - expect_column_values_to_be_between: {column: purchases_30_days, min_value: 0, max_value: 30}
  - expect_column_values_to_be_between: {column: purchase_value, min_value: 0}
---
"""

from typing import Any

import polars as pl

from customer_assets.learning.lifetime_value import customer_lifetime_value


def compute(
    customer_value_history: pl.LazyFrame,
    lifetime_value_fit: pl.LazyFrame,
) -> pl.DataFrame | list[dict[str, Any]]:
    return customer_lifetime_value(customer_value_history.collect(), lifetime_value_fit.collect())
