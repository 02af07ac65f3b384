"""---
description: >-
  One row per headline figure of all of the log and time at which it was known: its value then,
  with the data and the definitions behind it. A ledger: what was once published is never computed
  anew.
key: [known_at, figure]
ledger: true
columns:
  known_at: {type: timestamp, description: 'When it was computed, UTC.'}
  as_of:
    type: date
    description: >-
      The day up to which it holds: the last day of the log that is over, business time; for a
      customer table the day on which its newest file landed.
  figure: {type: varchar, description: Key of the figure.}
  label: {type: varchar, description: What the report calls it.}
  value:
    type: "decimal(24,6)"
    description: 'Its value: a number, money in the source''s currency, or a share.'
  low: {type: "decimal(24,6)", description: Lower end of a share's 95 % interval.}
  high: {type: "decimal(24,6)", description: Upper end of a share's 95 % interval.}
  unit: {type: varchar, description: 'count, money, share or ratio.'}
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
  - expect_column_values_to_be_in_set: {column: unit, value_set: [count, money, share, ratio]}
---
"""

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from customer_assets.warehouse.versions import Version, digest

_TAKEN_OVER = ("label", "value", "low", "high", "unit", "table_name")


def compute(
    landed_files: pl.LazyFrame,
    headlines: pl.LazyFrame,
    *,
    definition_versions: Mapping[str, Version],
) -> list[dict[str, Any]]:
    known_at = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    landed = landed_files.collect()
    content = "loaded_hash" if "loaded_hash" in landed.columns else "content_hash"
    data_version = digest(sorted(landed[content].drop_nulls()))[:12]
    newest = landed["modified_at"].drop_nulls().max()
    in_all = headlines.filter(pl.col("period").is_null()).sort("place", "name").collect()
    return [
        {
            **{name: row[name] for name in _TAKEN_OVER},
            "known_at": known_at,
            "as_of": row["last_date"] or (newest.date() if newest else None),  # type: ignore[union-attr]
            "figure": row["name"],
            "data_version": data_version,
            "definition_version": definition_versions[row["table_name"]].digest,
            "definition": json.dumps(dict(definition_versions[row["table_name"]].parts)),
        }
        for row in in_all.iter_rows(named=True)
    ]
