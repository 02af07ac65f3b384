"""---
description: >-
  One row per headline figure and period, and one with a null period for all of the log: its
  value, and how it differs from the period before, which is as long. Periods are counted back
  from the last day that is known: 28 days where the log has three times as many, else 7, else
  one; the newest 14. The one place for the head of the report, the index, headline_history and
  what changed.
key: [name, period]
parameters:
  first_day: {type: date, description: First day of the log.}
  last_day:
    type: date
    description: Last day of a closed log, once it is over; null for an open one.
  last_complete_day: {type: date, description: Last day that is over.}
  leaves_out_bots:
    type: boolean
    description: Whether days of suspected bots are left out of rates.
columns:
  name: {type: varchar}
  label: {type: varchar}
  unit: {type: varchar}
  place: {type: bigint, description: Where it stands in the report; 1 comes first.}
  period: {type: date}
  last_date: {type: date}
  is_complete:
    type: boolean
    description: >-
      Whether all days of the period are over, with the windows and sessions that begin on them,
      and none of its rows wait.
  value: {type: "decimal(24,6)"}
  low: {type: "decimal(24,6)"}
  high: {type: "decimal(24,6)"}
  change: {type: "decimal(24,6)"}
  change_low: {type: "decimal(24,6)"}
  change_high: {type: "decimal(24,6)"}
  change_share: {type: double}
  note: {type: varchar}
  table_name: {type: varchar, description: Table that all of the log is read from.}
checks:
  - expect_compound_columns_to_be_unique: {column_list: [name, period]}
  - expect_column_values_to_not_be_null: {column: value}
  - expect_column_values_to_be_in_set: {column: unit, value_set: [count, money, share, ratio]}
  - expect_column_pair_values_a_to_be_greater_than_b:
      {column_A: high, column_B: low, or_equal: true}
  - expect_column_pair_values_a_to_be_greater_than_b:
      {column_A: change_high, column_B: change_low, or_equal: true}
---

The interval of a share is by customer (Wilson with effective trials), that of a sum the one of as
many customers as come by chance (compound Poisson), and that of a difference compares whoever is
in both periods with himself. What a customer adds to a figure of a period are two numbers, k and
n: the figure is the sum of k, or where it is a ratio the sum of k over that of n. All intervals
follow from sums of their squares and products over customers, which are exact. A further figure is
a further entry of `_figures`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from customer_assets.sources import EventLogSource
from customer_assets.warehouse.quoting import literal


@dataclass(frozen=True)
class _Figure:
    """A headline figure: what it is called, and what it is made of.

    `of` is the common table expression that has `k` and `n` by customer and age of the period;
    None where it is told of all of the log only. `table` has it for all of the log: `value`, and
    for a share the ends of its interval. `settled_until` is the last day of which it is known.
    """

    name: str
    label: str
    unit: str
    place: int
    table: str
    value: str
    low: str = "null"
    high: str = "null"
    where: str = "true"
    of: str | None = None
    k: str = "1"
    n: str | None = None
    of_where: str = "true"
    settled_until: str = "(select last_date from extent)"


_MONEY_PER_ORDER = "cast(sum(net_revenue) as double) / nullif(sum(n_orders), 0)"
_AGAIN = "cast(count(*) filter (where n_orders > 1) as double) / nullif(count(*), 0)"


def _figures(source: EventLogSource) -> Iterator[_Figure]:
    """Yield the headline figures that a log allows."""
    offered = source.capabilities()
    if {"purchase", "value"} <= offered:
        yield _Figure(
            "net_revenue", "Revenue", "money", 1, "sales_daily", "sum(net_revenue)",
            of="buying", k="money",
        )  # fmt: skip
        yield _Figure(
            "orders", "Orders", "count", 2, "sales_daily", "sum(n_orders)", of="buying",
            k="n_orders",
        )  # fmt: skip
        yield _Figure(
            "order_value", "Revenue per order", "money", 5, "sales_daily", _MONEY_PER_ORDER,
            of="buying", k="money", n="n_orders",
        )  # fmt: skip
    elif "purchase" in offered:
        yield _Figure(
            "purchases", "Purchases", "count", 2, "daily_traffic", "sum(n_purchases)",
            of="doing", k="n_purchases",
        )  # fmt: skip
    if "purchase" in offered:
        yield _Figure(
            "customers", "Customers who bought", "count", 3, "rfm", "count(*)",
            of="buying", of_where="is_known and n_orders > 0",
        )  # fmt: skip
    if "purchase" in offered and source.columns.order_id is not None:
        # Without numbers an order is what a customer buys on a day.
        yield _Figure(
            "order_frequency", "Orders per customer", "ratio", 6, "rfm",
            "avg(cast(n_orders as double))",
            of="buying", k="n_orders", n="1", of_where="is_known and n_orders > 0",
        )  # fmt: skip
    if "purchase" in offered:
        yield _Figure(
            "repeat_share", "Ordered more than once", "share", 10, "rfm", _AGAIN,
            f"wilson_low({_AGAIN}, count(*))", f"wilson_high({_AGAIN}, count(*))",
        )  # fmt: skip
    yield _Figure(
        "visitors", "Customers seen", "count", 7, "daily_traffic", "sum(n_new_customers)",
        of="doing",
    )  # fmt: skip
    if "view" in offered or "funnel" in offered or "purchase" not in offered:
        # A log of purchases alone knows of no visits.
        yield _Figure(
            "sessions", "Sessions", "count", 8, "daily_traffic", "sum(n_sessions)",
            of="visiting", k="n_sessions",
        )  # fmt: skip
    if "view" in offered:
        yield _Figure(
            "bounce_rate", "Bounce rate", "share", 9, "bounce_rate", "max(bounce_rate)",
            "max(bounce_rate_low)", "max(bounce_rate_high)", "month is null",
            of="visiting", k="n_bounces", n="n_closed", of_where="n_closed > 0",
            settled_until="getvariable('last_complete_day') - 1",
        )  # fmt: skip
    yield _Figure("events", "Events", "count", 11, "accounting", "sum(n_events)")
    for number, name in enumerate(sorted(source.funnels)):
        funnel = literal(name)
        yield _Figure(
            f"conversion_{name}", f"Conversion, {name}", "share", 19 + number if number else 4,
            "funnel_people", "arg_max(entry_conversion, step)",
            "arg_max(entry_conversion_low, step)", "arg_max(entry_conversion_high, step)",
            f"is_all and funnel = {funnel}",
            of="entering", k="n_converted", n="n_entries", of_where=f"funnel = {funnel}",
            settled_until=f"""coalesce(
            (select min(entry_date) - 1 from funnel where not is_mature and funnel = {funnel}),
            (select last_date from extent)
        )""",
        )  # fmt: skip


# Days are those of the log that are over; a period is known by its age, 0 is the newest.
_PERIODS = """
extent as (
    select
        greatest(getvariable('first_day'), min(event_date)) as first_date,
        coalesce(getvariable('last_day'), max(event_date)) as last_date,
    from hourly_traffic
    where event_date <= getvariable('last_complete_day')
),

counted as (
    select
        last_date,
        date_diff('day', first_date, last_date) + 1 as n_days,
    from extent
),

scale as (
    select
        last_date,
        n_days,
        case when n_days >= 84 then 28 when n_days >= 21 then 7 else 1 end as length,
    from counted
),

ages as (
    select
        last_date,
        length,
        unnest(generate_series(0, least(n_days // length, 14) - 1)) as age,
    from scale
),

periods as (
    select
        age,
        last_date - cast((age + 1) * length - 1 as integer) as period,
        last_date - cast(age * length as integer) as last_date,
    from ages
),

dated as (
    select
        periods.last_date - cast(days_back as integer) as done_date,
        periods.age,
    from periods
    cross join (select unnest(generate_series(0, 27)) as days_back) as back
    where days_back <= date_diff('day', periods.period, periods.last_date)
),

waiting as (
    select
        dated.age,
        count(*) as n_waiting_days,
    from dated
    inner join accounting on accounting.event_date = dated.done_date
    where accounting.n_pending > 0
    group by dated.age
),

bot_days as (
    select
        customer_id,
        event_date,
    from customer_day
    where is_suspected_bot and getvariable('leaves_out_bots')
)"""

# Whatever a customer did in a period; where nobody knows who, each order is somebody.
_DEEDS = {
    "buying": """
sales as (
    select
        order_date as sales_date,
        coalesce(cast(customer_id as varchar), 'order ' || order_key) as who,
        customer_id is not null as is_known,
        net_value as money,
        1 as n_orders,
    from orders
{returns}),

buying as (
    select
        dated.age,
        sales.who,
        sales.is_known,
        sum(sales.money) as money,
        sum(sales.n_orders) as n_orders,
    from sales
    inner join dated on sales.sales_date = dated.done_date
    group by dated.age, sales.who, sales.is_known
)""",
    "doing": """
doing as (
    select
        dated.age,
        cast(customer_day.customer_id as varchar) as who,
        sum(customer_day.n_purchases) as n_purchases,
    from customer_day
    inner join dated on customer_day.event_date = dated.done_date
    where not (customer_day.is_suspected_bot and getvariable('leaves_out_bots'))
    group by dated.age, customer_day.customer_id
)""",
    "visiting": """
visiting as (
    select
        dated.age,
        cast(sessions.customer_id as varchar) as who,
        count(*) as n_sessions,
        count(*) filter (where sessions.session_date < getvariable('last_complete_day'))
            as n_closed,
        count(*) filter (
            where sessions.n_events = 1
            and sessions.session_date < getvariable('last_complete_day')
        ) as n_bounces,
    from sessions
    inner join dated on sessions.session_date = dated.done_date
    left join bot_days
        on sessions.customer_id = bot_days.customer_id
        and sessions.session_date = bot_days.event_date
    where bot_days.customer_id is null
    group by dated.age, sessions.customer_id
)""",
    "entering": """
mature_days as (
    select distinct
        funnel,
        entry_date,
    from funnel
    where is_mature
),

entering as (
    select
        funnel_entries.funnel,
        dated.age,
        cast(funnel_entries.customer_id as varchar) as who,
        count(*) as n_entries,
        count(*) filter (where funnel_entries.level = funnel_entries.n_steps) as n_converted,
    from funnel_entries
    inner join mature_days
        on funnel_entries.funnel = mature_days.funnel
        and funnel_entries.entry_date = mature_days.entry_date
    inner join dated on funnel_entries.entry_date = dated.done_date
    left join bot_days
        on funnel_entries.customer_id = bot_days.customer_id
        and funnel_entries.entry_date = bot_days.event_date
    where bot_days.customer_id is null
    group by funnel_entries.funnel, dated.age, funnel_entries.customer_id
)""",
}
_UNSOLD_RETURNS = """
    union all
    select
        sales_date,
        coalesce(cast(customer_id as varchar), 'return ' || cast(returned_ts as varchar)) as who,
        customer_id is not null as is_known,
        -returned_value as money,
        0 as n_orders,
    from order_returns
    where order_key is null
"""

_ESTIMATES = """
sums as (
    select
        name,
        age,
        sum(k) as k,
        sum(n) as n,
        sum(k * k) as kk,
        sum(k * n) as kn,
        sum(n * n) as nn,
        effective_trials(k, n) as trials,
    from parts
    group by name, age
),

-- Of customers who are in a period and in the one before.
pairs as (
    select
        parts.name,
        parts.age,
        sum(parts.k * before.k) as kk,
        sum(parts.k * before.n) as kn,
        sum(parts.n * before.k) as nk,
        sum(parts.n * before.n) as nn,
    from parts
    inner join parts as before
        on parts.name = before.name and parts.who = before.who and before.age = parts.age + 1
    group by parts.name, parts.age
),

-- A sum over nobody is 0, a ratio of nothing is not known. What a customer adds to the deviation
-- of an estimate is (k - rate * n) / scale: Cochran, Sampling Techniques (1977), ch. 6.
estimates as (
    select
        figures.name,
        figures.label,
        figures.unit,
        figures.place,
        figures.table_name,
        figures.settled_until,
        periods.age,
        periods.period,
        periods.last_date,
        sums.trials,
        case
            when figures.is_ratio then cast(sums.k as double) / nullif(sums.n, 0)
            else coalesce(cast(sums.k as double), 0)
        end as value,
        case when figures.is_ratio then cast(sums.k as double) / nullif(sums.n, 0) else 0 end
            as rate,
        case when figures.is_ratio then cast(sums.n as double) else 1 end as scale,
        coalesce(cast(sums.kk as double), 0) as kk,
        coalesce(cast(sums.kn as double), 0) as kn,
        coalesce(cast(sums.nn as double), 0) as nn,
    from figures
    cross join periods
    left join sums on figures.name = sums.name and periods.age = sums.age
    where figures.is_told
),

spread as (
    select
        *,
        greatest(kk - 2 * rate * kn + rate * rate * nn, 0) / (scale * scale) as variance,
    from estimates
    where value is not null
),

compared as (
    select
        spread.*,
        before.value as value_before,
        1.959963984540054 * sqrt(spread.variance) as half_width,
        1.959963984540054 * sqrt(
            greatest(
                spread.variance + before.variance
                - 2 * (
                    coalesce(cast(pairs.kk as double), 0)
                    - before.rate * coalesce(cast(pairs.kn as double), 0)
                    - spread.rate * coalesce(cast(pairs.nk as double), 0)
                    + spread.rate * before.rate * coalesce(cast(pairs.nn as double), 0)
                ) / (spread.scale * before.scale),
                0
            )
        ) as change_half_width,
        spread.settled_until >= spread.last_date as is_settled,
        date_diff('day', spread.settled_until, spread.last_date) as n_open_days,
        coalesce(waiting.n_waiting_days, 0) as n_waiting_days,
    from spread
    left join spread as before on spread.name = before.name and before.age = spread.age + 1
    left join pairs on spread.name = pairs.name and spread.age = pairs.age
    left join waiting on spread.age = waiting.age
)

select
    name,
    label,
    unit,
    cast(place as bigint) as place,
    period,
    last_date,
    is_settled and n_waiting_days = 0 as is_complete,
    cast(value as decimal(24, 6)) as value,
    cast(
        case when unit = 'share' then wilson_low(value, trials) else value - half_width end
        as decimal(24, 6)
    ) as low,
    cast(
        case when unit = 'share' then wilson_high(value, trials) else value + half_width end
        as decimal(24, 6)
    ) as high,
    cast(value - value_before as decimal(24, 6)) as change,
    cast(value - value_before - change_half_width as decimal(24, 6)) as change_low,
    cast(value - value_before + change_half_width as decimal(24, 6)) as change_high,
    (value - value_before) / nullif(abs(value_before), 0) as change_share,
    case
        when n_waiting_days > 0
            then 'rows of ' || cast(n_waiting_days as varchar)
            || case when n_waiting_days = 1 then ' day wait' else ' days wait' end
        when not is_settled
            then cast(n_open_days as varchar)
            || case when n_open_days = 1 then ' day is' else ' days are' end || ' not over'
    end as note,
    table_name,
from compared"""

_IN_ALL = """
select
    {name} as name,
    {label} as label,
    '{unit}' as unit,
    cast({place} as bigint) as place,
    cast(null as date) as period,
    (select last_date from extent) as last_date,
    true as is_complete,
    cast({value} as decimal(24, 6)) as value,
    cast({low} as decimal(24, 6)) as low,
    cast({high} as decimal(24, 6)) as high,
    cast(null as decimal(24, 6)) as change,
    cast(null as decimal(24, 6)) as change_low,
    cast(null as decimal(24, 6)) as change_high,
    cast(null as double) as change_share,
    cast(null as varchar) as note,
    '{table}' as table_name,
from {table}
where {where}
having {value} is not null"""

_PART = """
    select
        {name} as name,
        age,
        who,
        cast({k} as decimal(18, 4)) as k,
        cast({n} as decimal(18, 4)) as n,
    from {of}
    where {where}"""

_FIGURE = """
    select
        {name} as name,
        {label} as label,
        '{unit}' as unit,
        {place} as place,
        '{table}' as table_name,
        {is_ratio} as is_ratio,
        {is_told} as is_told,
        {settled_until} as settled_until,"""


def sql(source: EventLogSource) -> str:
    figures = list(_figures(source))
    told = [figure for figure in figures if figure.of]
    needed = {figure.of for figure in told}
    returns = _UNSOLD_RETURNS if "value" in source.capabilities() else ""
    ctes = [
        _PERIODS,
        *(text.replace("{returns}", returns) for of, text in _DEEDS.items() if of in needed),
        _cte("figures", [_figure(figure) for figure in figures]),
        _cte("parts", [_part(figure) for figure in told]),
        _ESTIMATES,
    ]
    in_all = [
        _IN_ALL.format(
            name=literal(f.name), label=literal(f.label), unit=f.unit, place=f.place,
            value=f.value, low=f.low, high=f.high, table=f.table, where=f.where,
        )
        for f in figures
    ]  # fmt: skip
    return "with " + ",\n".join(ctes) + "\nunion all".join(["", *in_all])


def _cte(name: str, selects: list[str]) -> str:
    return f"{name} as (" + "\n    union all".join(selects) + "\n)"


def _figure(figure: _Figure) -> str:
    return _FIGURE.format(
        name=literal(figure.name),
        label=literal(figure.label),
        unit=figure.unit,
        place=figure.place,
        table=figure.table,
        is_ratio=literal(figure.n is not None),
        is_told=literal(figure.of is not None),
        settled_until=figure.settled_until,
    )


def _part(figure: _Figure) -> str:
    return _PART.format(
        name=literal(figure.name),
        k=figure.k,
        n=figure.n or "0",
        of=figure.of,
        where=figure.of_where,
    )
