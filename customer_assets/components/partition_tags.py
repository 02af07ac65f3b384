"""The tags by which a run says which days it is of: Dagster's own names, and what they mean."""

import datetime as dt
from collections.abc import Mapping, Sequence

_ONE = "dagster/partition"
_FIRST = "dagster/asset_partition_range_start"
_LAST = "dagster/asset_partition_range_end"


def range_tags(keys: Sequence[str]) -> dict[str, str]:
    """Return the tags of a run over successive days."""
    return {_FIRST: keys[0], _LAST: keys[-1]}


def tagged_days(tags: Mapping[str, str]) -> list[dt.date]:
    """Return the days that a run's tags ask for, one or a range; none where it has none."""
    one = tags.get(_ONE, "")
    first, last = tags.get(_FIRST, one), tags.get(_LAST, one)
    if not first or not last:
        return []
    day, end = dt.date.fromisoformat(first), dt.date.fromisoformat(last)
    return [day + dt.timedelta(days=n) for n in range((end - day).days + 1)]
