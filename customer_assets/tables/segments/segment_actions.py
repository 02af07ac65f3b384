"""---
description: >-
  One row per segment or rule and action of the source's catalogue whose condition holds for the
  group, with the figures that it was chosen for.
key: [kind, segment, action]
requires: [actions]
columns:
  kind: {type: varchar, description: segment (by k-means) or rule (by a condition of the source).}
  segment: {type: varchar, description: Name of the segment or rule.}
  segment_rank:
    type: bigint
    description: 'Its place: segments as the source lists them, then rules.'
  action:
    type: varchar
    description: 'Name of the action in the source''s catalogue; null: none fits.'
  priority: {}
  offer: {}
  channel: {}
  tone: {}
  timing: {}
  owner: {type: varchar, description: Who does it.}
  n_customers: {type: bigint, description: Customers of the group.}
  reason: {type: varchar, description: The group's figures that the action was chosen for.}
  origin: {type: varchar, description: 'The study that proposes it; null: none.'}
checks:
  - expect_column_values_to_not_be_null: {column: reason}
  - expect_column_values_to_not_be_null:
      column: action
      severity: warn
      name: every_group_has_an_action
      description: The catalogue has an action for every group.
---
"""

from typing import Any

import polars as pl

from customer_assets.advice.actions import fitting, group_rows, reason
from customer_assets.sources import Advice, Segments


def compute(
    segment_profile: pl.LazyFrame,
    segment_measures: pl.LazyFrame,
    segment_rules: pl.LazyFrame | None = None,
    *,
    advice: Advice,
    segments: Segments,
) -> list[dict[str, Any]]:
    """Return one row per group and action that fits; a group that none fits has one without."""
    groups = group_rows(segment_profile, segment_measures, segment_rules, segments.value)
    rows = [
        {
            "kind": group["kind"],
            "segment": group["segment"],
            "segment_rank": group["segment_rank"],
            "action": action.name,
            "priority": action.priority,
            "offer": action.offer,
            "channel": action.channel,
            "tone": action.tone,
            "timing": action.timing or None,
            "owner": action.owner,
            "n_customers": group["n_customers"],
            "reason": reason(action, group),
            "origin": action.origin or None,
        }
        for action in advice.actions
        for group in fitting(action, groups)
    ]
    advised = {(row["kind"], row["segment"]) for row in rows}
    without = [
        {
            "kind": group["kind"],
            "segment": group["segment"],
            "segment_rank": group["segment_rank"],
            "n_customers": group["n_customers"],
            "reason": "No action of the catalogue fits.",
        }
        for group in groups.to_dicts()
        if (group["kind"], group["segment"]) not in advised
    ]
    return rows + without
