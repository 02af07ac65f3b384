"""Which steps the same event could take: what decides how events of one instant are shared out.

By Hall's theorem different events can take some steps together iff every set of predicates
among them has as many events that satisfy one of it as it has steps.
"""

import itertools
from collections.abc import Sequence

from customer_assets.behavior.funnel.definition import FunnelError, Predicate, may_overlap

# Hall's condition asks about each set of predicates that one event may satisfy together.
MAX_OVERLAPPING_PREDICATES = 10


def one_row_per_event(steps: Sequence[Predicate]) -> bool:
    """Say whether events of an instant, ordered by the first step they take, miss no chain.

    So it is where steps that an event could share are one and the same, in a row.
    """
    return all(
        not may_overlap(steps[i], steps[j]) or len(set(steps[i : j + 1])) == 1
        for i, j in itertools.combinations(range(len(steps)), 2)
    )


def components(predicates: Sequence[Predicate]) -> list[list[Predicate]]:
    """Group predicates that are linked by events which can satisfy two of them."""
    groups: list[list[Predicate]] = []
    for predicate in predicates:
        linked = [g for g in groups if any(may_overlap(predicate, p) for p in g)]
        merged = [p for group in linked for p in group] + [predicate]
        groups = [g for g in groups if g not in linked] + [merged]
    return groups


def connected_sets(predicates: Sequence[Predicate]) -> list[tuple[Predicate, ...]]:
    """Return the sets of predicates that Hall's condition has to ask about."""
    sets: list[tuple[Predicate, ...]] = []
    for component in components(predicates):
        if len(component) > MAX_OVERLAPPING_PREDICATES:
            raise FunnelError(
                f"{len(component)} steps can be taken by the same events; "
                f"more than {MAX_OVERLAPPING_PREDICATES} are too many to tell apart"
            )
        for size in range(1, len(component) + 1):
            sets += [
                members
                for members in itertools.combinations(component, size)
                if len(components(members)) == 1
            ]
    return sets
