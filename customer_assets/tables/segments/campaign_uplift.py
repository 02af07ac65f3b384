"""---
description: >-
  One row per campaign that held somebody out and measure: what followed within the horizon for
  those who were written to, beside those who were held out. The difference is what the campaign
  caused, on average for each customer of its list. `export-customers --hold-out` makes such
  campaigns.
key: [campaign, measure]
requires: [purchase]
columns:
  campaign: {type: varchar, description: Name that the export was given.}
  kind: {type: varchar, description: 'What the list was: segment, rule or best.'}
  target: {type: varchar, description: Name of the segment or rule; of the best their question.}
  measure:
    type: varchar
    description: >-
      Per customer of the arm: buyers (share who ordered), orders, net_revenue (money of these
      orders that stayed; left out where the log knows no money).
  exported_ts: {type: bigint, description: 'When the list was written, epoch microseconds (UTC).'}
  exported_at: {type: timestamp, description: 'When the list was written, UTC.'}
  horizon_days: {type: double, description: Days that are looked at after that.}
  n_exposed: {type: bigint, description: Customers of the list.}
  n_held_out: {type: bigint, description: Customers who were held out of it.}
  exposed: {type: double, description: Mean of the customers of the list.}
  held_out: {type: double, description: Mean of those who were held out.}
  difference: {type: double, description: 'exposed - held_out: the uplift.'}
  difference_low:
    description: Low end of its 95 % interval; null where an arm has fewer than 30 customers.
  difference_high: {}
  is_more_than_chance:
    type: boolean
    description: Whether the interval leaves out 0; null without an interval or while it goes on.
  planned_share: {type: double, description: Share that was to be held out.}
  ratio_p_value:
    type: double
    description: How likely a split at least as uneven as this one is by chance.
  is_ratio_as_planned:
    type: boolean
    description: Whether that is at least one in a thousand; where not, the arms are not alike.
  is_mature: {type: boolean, description: Whether the horizon of all customers is over.}
checks:
  - expect_column_values_to_be_in_set:
      {column: measure, value_set: [buyers, orders, net_revenue]}
  - unexpected_rows_expectation:
      name: arms_are_as_planned
      severity: warn
      description: >-
        So many were held out as the export said. Where not, somebody changed the list of the
        campaign afterwards, and its difference is not what it caused.
      unexpected_rows_query: select * from {batch} where not is_ratio_as_planned
---
"""

import datetime as dt
from typing import Any

import polars as pl

from customer_assets.advice.exposures import Exposures
from customer_assets.advice.uplift import arm_outcomes, uplift

_DAY_US = 86_400_000_000


def compute(
    orders: pl.LazyFrame, *, exposures: Exposures, horizon_us: int, complete_until_ts: int
) -> list[dict[str, Any]]:
    """Return the rows of all campaigns; none where nobody was held out yet."""
    drawn = exposures.read()
    if drawn is None:
        return []
    rows = []
    ordered = orders.select("customer_id", "ordered_ts", "net_value").collect()
    knows_money = ordered["net_value"].is_not_null().any()
    # Of a list that held nobody out nothing is known.
    tried = drawn.filter(pl.col("planned_share") > 0)
    outcomes = arm_outcomes(tried, ordered, horizon_us)
    for (campaign,), arms in outcomes.group_by("campaign", maintain_order=True):
        exported_ts = int(arms["exported_ts"][0])
        is_mature = exported_ts + horizon_us <= complete_until_ts
        for row in uplift(arms):
            if row["measure"] == "net_revenue" and not knows_money:
                continue
            is_told = is_mature and "difference_low" in row
            rows.append(
                {
                    **row,
                    "campaign": campaign,
                    "kind": arms["kind"][0],
                    "target": arms["target"][0],
                    "exported_ts": exported_ts,
                    "exported_at": dt.datetime.fromtimestamp(
                        exported_ts // 1_000_000, dt.UTC
                    ).replace(tzinfo=None),
                    "horizon_days": horizon_us / _DAY_US,
                    "is_more_than_chance": not (
                        row["difference_low"] <= 0 <= row["difference_high"]
                    )
                    if is_told
                    else None,
                    "is_mature": is_mature,
                }
            )
    return rows
