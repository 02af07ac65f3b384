"""---
description: >-
  One row per cut-off and figure: the parameters of the lifetime value models, whether their
  assumptions hold, how well the calibration period foretold the rest, whether that allows a total
  to be told (passes_purchases, passes_value), and the totals that may be, with what may come.
key: [cut_off, figure]
requires: [purchase, value]
columns:
  cut_off: {type: varchar, description: 'calibration: two thirds of the log; full: all of it.'}
  figure:
    type: varchar
    description: >-
      Name of the figure; parameters are those of BG/NBD and NBD (time in days) and of
      Gamma-Gamma (money of a day with purchases).
  value:
    type: double
    description: The figure, 1 for yes, 0 for no; null where the log does not tell it.
  low:
    type: double
    description: >-
      Lower end of its 95 % interval: of a parameter, of what the log leaves open; of a total, of
      what will come, by chance and by what the log leaves open.
  high: {type: double, description: Upper end of its 95 % interval.}
  note: {type: varchar, description: 'What it is, or what follows from it.'}
checks:
  - expect_column_values_to_not_be_null: {column: note}
---
"""

from typing import Any

import polars as pl

from customer_assets.learning.lifetime_value import lifetime_value_fit


def compute(
    customer_value_history: pl.LazyFrame,
) -> list[dict[str, Any]]:
    return lifetime_value_fit(customer_value_history.collect())
