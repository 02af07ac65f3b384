"""---
description: >-
  One row per cut-off that was put to the test, the oldest and the newest with a label:
  customer_features is computed again from the events at or before the cut-off alone, and must
  be the same. A label must know nothing then.
key: [cut_off_ts]
engine: duckdb
columns:
  cut_off_ts: {type: bigint, description: 'The cut-off, epoch microseconds (UTC).'}
  n_customers: {type: bigint, description: Customers who were compared.}
  n_missing_customers: {type: bigint, description: Customers who have a row on one side only.}
  n_changed_values: {type: bigint, description: Values that differ without the later events.}
  leaking_features:
    type: varchar
    description: The columns with such a value; empty where none leaks.
checks:
  - expect_column_values_to_be_between: {column: n_missing_customers, max_value: 0}
  - expect_column_values_to_be_between: {column: n_changed_values, max_value: 0}
---

Built from the features' own SQL, whatever it computes. Whether a feature is suspiciously good at
its task is asked by the champion gate.
"""

from customer_assets.sources import EventLogSource
from customer_assets.warehouse.quoting import literal, quoted
from customer_assets.warehouse.sql_model import SqlModel

FEATURES = "customer_features"
CUT_OFFS = "cut_offs"
# Inputs that grow with time, each by its event_ts; what they say of a row follows from the past.
LOGS = ("events", "order_lines")
CUT_OFF, CUSTOMER = "cut_off_ts", "customer_id"
# A column of what comes after the cut-off is named so.
LABEL_ENDING = "_within_horizon"


def sql(source: EventLogSource, customer_features: SqlModel) -> str:
    """Return the SELECT that builds features anew without later events and compares.

    `customer_features` reads LOGS and `cut_offs`, and has one row per cut-off and customer;
    columns whose name ends in `_within_horizon` are labels.
    """
    features = customer_features
    names = [name for name in features.table.columns if name not in features.table.key]
    changed = {name: _changed(name) for name in names}
    counts = ",\n        ".join(
        f"count(*) filter (where {condition}) as {quoted(name)}"
        for name, condition in changed.items()
    )
    total = " + ".join(quoted(name) for name in names)
    leaking = ", ".join(f"case when {quoted(n)} > 0 then {literal(n)} end" for n in names)
    rebuilt = "\n    union\n".join(_rebuilt(features, which) for which in ("min", "max"))
    both = f"published.{CUSTOMER} is not null and rebuilt.{CUSTOMER} is not null"
    return f"""\
with rebuilt as (
{rebuilt}
),

tested as (
    select distinct {CUT_OFF} from rebuilt
),

published as (
    select {FEATURES}.*
    from {FEATURES}
    inner join tested on {FEATURES}.{CUT_OFF} = tested.{CUT_OFF}
),

counted as (
    select
        coalesce(published.{CUT_OFF}, rebuilt.{CUT_OFF}) as {CUT_OFF},
        count(*) as n_customers,
        count(*) filter (where not ({both})) as n_missing_customers,
        {counts}
    from published
    full outer join rebuilt
        on
            published.{CUT_OFF} = rebuilt.{CUT_OFF}
            and published.{CUSTOMER} = rebuilt.{CUSTOMER}
    group by coalesce(published.{CUT_OFF}, rebuilt.{CUT_OFF})
)

select
    {CUT_OFF},
    n_customers,
    n_missing_customers,
    cast({total} as bigint) as n_changed_values,
    concat_ws(', ', {leaking}) as leaking_features
from counted"""


def _changed(name: str) -> str:
    """Return the condition that the value of a customer on both sides tells of the future."""
    published, rebuilt = f"published.{quoted(name)}", f"rebuilt.{quoted(name)}"
    if name.endswith(LABEL_ENDING):
        return f"coalesce({rebuilt}, false)"
    return (
        f"published.{CUSTOMER} is not null and rebuilt.{CUSTOMER} is not null "
        f"and {published} is distinct from {rebuilt}"
    )


def _rebuilt(features: SqlModel, which: str) -> str:
    """Return the features of the oldest (min) or newest (max) cut-off from what was known then."""
    cut_off = f"(select {which}({CUT_OFF}) from {CUT_OFFS} where is_horizon_over)"
    columns = ", ".join(quoted(name) for name in features.table.columns)
    known = ",\n        ".join(
        f"{log} as (\n            select * from {log} where event_ts <= {cut_off}\n        )"
        for log in LOGS
        if log in features.inputs
    )
    return f"""\
    select {columns}
    from (
        with {known},
        {CUT_OFFS} as (
            select * from {CUT_OFFS} where {CUT_OFF} = {cut_off}
        )
        select {columns} from (
{features.sql}
        ) as features
    ) as rebuilt_{which}"""
