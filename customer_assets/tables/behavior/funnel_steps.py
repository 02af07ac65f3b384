"""---
description: >-
  One row per funnel and step: what takes it, in words, and after which step it is judged.
key: [funnel, step]
requires: [funnel]
columns:
  funnel: {type: varchar, description: Name of the funnel.}
  step: {type: bigint, description: "Number of the step, from 1."}
  step_name: {type: varchar, description: "Event types that take it, and what else it asks for."}
  is_optional:
    type: boolean
    description: Whether attempts go on without it. It then counts who took it on the way.
  previous_step:
    type: bigint
    description: The step before it that is not optional; null for the first.
checks:
  - expect_compound_columns_to_be_unique: {column_list: [funnel, step]}
---
"""

from customer_assets.behavior import funnel
from customer_assets.sources import EventLogSource
from customer_assets.sources.event_log import FunnelStep, step_text


def sql(source: EventLogSource) -> str:
    return funnel.steps_sql(
        {name: funnel.of_source(stated) for name, stated in source.funnels.items()},
        {
            name: [step_text(_asked(step)) for step in stated.steps]
            for name, stated in source.funnels.items()
        },
    )


def _asked(step: FunnelStep) -> FunnelStep:
    """Return what a step asks for; a column of its own says whether it is optional."""
    if not isinstance(step, dict):
        return step
    return {name: wanted for name, wanted in step.items() if name != "optional"}
