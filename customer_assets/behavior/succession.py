"""What came before and after an event on its day: columns that every event carries.

Sorting events by customer and time is the dearest thing to do with them, and nearly every table
of `sql/behavior` asks which event came before. `events` is stored in that order, so the answer
is written down there once. Only the event's own day is looked at: a day of events stays a
function of what landed for it. Passive events (a ping, a mail that was sent) are no act of the
customer: they succeed nobody, and nobody succeeds them. Does not belong here: what follows from a
gap.
"""

from collections.abc import Sequence

from customer_assets.warehouse.quoting import literal, quoted
from customer_assets.warehouse.table import Column

COLUMNS = {
    "event_number": Column(
        type="bigint",
        description="Number of the event among the customer's of the day, from 1; events of one "
        "instant are in this order. Null without a customer and for a passive event, as are the "
        "following three.",
    ),
    "previous_event_ts": Column(
        type="bigint",
        description="The customer's event before this one on the same day, epoch microseconds; "
        "null for the first.",
    ),
    "previous_event_type": Column(
        type="varchar", description="What happened in it; null for the customer's first of a day."
    ),
    "next_event_type": Column(
        type="varchar",
        description="What happened in the customer's next event on the same day; null for the "
        "last.",
    ),
}
_EXPRESSIONS = {
    "event_number": "row_number()",
    "previous_event_ts": "lag(event_ts)",
    "previous_event_type": "lag(event_type)",
    "next_event_type": "lead(event_type)",
}


def with_succession(events: str, order: Sequence[str], passive_events: Sequence[str] = ()) -> str:
    """Return the SELECT of some events with COLUMNS added.

    `order` names the columns of the total order of a customer's events. Events without a
    customer, and those of the types `passive_events`, succeed nobody.
    """
    passive = f"event_type in ({', '.join(map(literal, passive_events))})"
    is_act = "customer_id is not null" + (f" and not {passive}" if passive_events else "")
    apart = f", {passive}" if passive_events else ""
    columns = "".join(
        f"    case when {is_act} then {expression} over day_of_customer end\n        as {name},\n"
        for name, expression in _EXPRESSIONS.items()
    )
    total_order = ", ".join(quoted(name) for name in order)
    return (
        f"select\n    *,\n{columns}from (\n{events}\n) as events_of_days\n"
        f"window day_of_customer as (partition by customer_id, event_date{apart} "
        f"order by {total_order})"
    )
