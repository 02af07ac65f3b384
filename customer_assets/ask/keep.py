"""The lines of a `defs.yaml` that keep a question: from the next refresh on it is a table."""

from collections.abc import Sequence
from typing import Any

import yaml

from customer_assets.ask.period import duration
from customer_assets.sources.event_log import FunnelStep


def funnel_yaml(
    steps: Sequence[FunnelStep], window: str, by: str | None, hold: str | None = None
) -> str:
    """Return what a source states to have the funnel in `funnel` and `funnel_people`."""
    stated: dict[str, Any] = {"steps": list(steps), "window": duration(window)}
    if by is not None:
        stated["breakdown"] = by
    if hold is not None:
        stated["hold"] = hold
    return _attributes({"funnels": {"asked": stated}})


def segment_yaml(condition: str) -> str:
    """Return what a source states to have the group in `rule_segments`."""
    return _attributes({"segment_rules": [{"name": "asked", "condition": condition}]})


def _attributes(stated: dict[str, Any]) -> str:
    return yaml.safe_dump(
        {"attributes": stated}, sort_keys=False, default_flow_style=None, width=95
    )
