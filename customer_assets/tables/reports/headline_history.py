"""---
description: >-
  One row per headline figure of the report and time at which it was known: its value then, with
  the data and the definitions behind it. A ledger: what was once published is never computed
  anew.
key: [known_at, figure]
ledger: true
columns:
  known_at: {type: timestamp, description: 'When it was computed, UTC.'}
  as_of:
    type: date
    description: >-
      The day up to which it holds: the last day with events, business time; for a customer
      table the day on which its newest file landed.
  figure: {type: varchar, description: Key of the figure.}
  label: {type: varchar, description: What the report calls it.}
  value:
    type: "decimal(24,6)"
    description: 'Its value: a number, money in the source''s currency, or a share.'
  low: {type: "decimal(24,6)", description: Lower end of a share's 95 % interval.}
  high: {type: "decimal(24,6)", description: Upper end of a share's 95 % interval.}
  unit: {type: varchar, description: 'count, money or share.'}
  table_name: {type: varchar, description: Table that it is read from.}
  data_version: {type: varchar, description: Digest of the contents of all files that counted.}
  definition_version:
    type: varchar
    description: >-
      Digest of what the table's rows depend on beside what landed, and of those before it.
  definition:
    type: varchar
    description: Those things by name with a digest of each, as JSON; null in older entries.
checks:
  - expect_compound_columns_to_be_unique: {column_list: [known_at, figure]}
  - expect_column_values_to_not_be_null: {column: value}
  - expect_column_values_to_be_in_set: {column: unit, value_set: [count, money, share]}
---
"""

import datetime as dt
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import polars as pl

from customer_assets.reports.figures import figures
from customer_assets.warehouse.versions import Version, digest


def compute(
    landed_files: pl.LazyFrame,
    sales_daily: pl.LazyFrame | None = None,
    rfm: pl.LazyFrame | None = None,
    daily_traffic: pl.LazyFrame | None = None,
    bounce_rate: pl.LazyFrame | None = None,
    funnel_people: pl.LazyFrame | None = None,
    accounting: pl.LazyFrame | None = None,
    customers: pl.LazyFrame | None = None,
    *,
    definition_versions: Mapping[str, Version],
) -> list[dict[str, Any]]:
    known_at = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    landed = landed_files.collect()
    content = "loaded_hash" if "loaded_hash" in landed.columns else "content_hash"
    data_version = digest(sorted(landed[content].drop_nulls()))[:12]
    inputs = {
        "sales_daily": sales_daily,
        "rfm": rfm,
        "daily_traffic": daily_traffic,
        "bounce_rate": bounce_rate,
        "funnel_people": funnel_people,
        "accounting": accounting,
        "customers": customers,
    }
    frames = {name: frame.collect() for name, frame in inputs.items() if frame is not None}
    as_of = _as_of(landed, frames.get("accounting"))
    return [
        {
            "known_at": known_at,
            "as_of": as_of,
            "figure": figure.name,
            "label": figure.label,
            "value": _decimal(figure.value),
            "low": _decimal(figure.low),
            "high": _decimal(figure.high),
            "unit": figure.unit,
            "table_name": figure.table,
            "data_version": data_version,
            "definition_version": definition_versions[figure.table].digest,
            "definition": json.dumps(dict(definition_versions[figure.table].parts)),
        }
        for figure in figures(frames)
    ]


def _as_of(landed: pl.DataFrame, accounting: pl.DataFrame | None) -> dt.date | None:
    """Return the last day with events; for a source without days, when its newest file landed."""
    if accounting is not None:
        days = accounting.filter(pl.col("n_events") > 0)["event_date"].drop_nulls()
        if len(days):
            return days.max()  # type: ignore[return-value]
    modified = landed["modified_at"].drop_nulls()
    return modified.max().date() if len(modified) else None  # type: ignore[union-attr]


def _decimal(value: Decimal | float | int | None) -> Decimal | None:
    return None if value is None else Decimal(str(value)).quantize(Decimal("0.000001"))
