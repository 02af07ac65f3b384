"""---
description: >-
  One row per season and category, and one of all: how many days before the first of its month sales
  rose above those of half a year before, and whether what the source states lies in the interval.
  One season is no rule: is_sure needs two.
key: [season_start, kind, thing]
requires: [purchase, value, item]
parameters:
  season_month: {type: bigint, description: Month of the season; null where there is none.}
  season_lead_days: {type: bigint, description: Days before it that it is said to begin.}
columns:
  season_start: {type: date, description: First day of the season's month.}
  kind: {type: varchar, description: all or category.}
  thing: {type: varchar, description: The category; all for everything.}
  calm_quantity: {type: double, description: Units of a week in half a year before the season.}
  peak_quantity: {type: double, description: Units of its best week.}
  lead_days:
    type: bigint
    description: Days from the first of three weeks above the calm ones to the month; null if none.
  lead_days_low: {type: double, description: Lower end of its 95 % interval (bootstrap of weeks).}
  lead_days_high: {type: double, description: Upper end of that interval.}
  stated_lead_days: {type: bigint, description: What the source states.}
  is_as_stated: {type: boolean, description: Whether that lies in the interval; null if unknown.}
  n_seasons: {type: bigint, description: Seasons that the log has whole.}
  is_sure: {type: boolean, description: Whether the rise is seen and there are two seasons or more.}
checks:
  - expect_column_values_to_be_between: {column: calm_quantity, min_value: 0}
---
"""

from typing import Any

import polars as pl

from customer_assets.learning import season


def compute(
    demand_weekly: pl.LazyFrame, *, season_month: int | None, season_lead_days: int | None
) -> list[dict[str, Any]]:
    return season.season_lead(
        demand_weekly.collect(), season_month=season_month, season_lead_days=season_lead_days
    )
