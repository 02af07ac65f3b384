"""What customers did before a moment of theirs: the last steps, as one SELECT over events.

Pure text of a statement. Paths to an item's purchase are a table of their own
(`sql/behavior/paths.sql`); here the steps are of whatever column, before whatever event, item by
item or not.
"""

from customer_assets.behavior.funnel import Predicate, predicate_sql
from customer_assets.warehouse.quoting import quoted


def journeys_sql(of: str, steps: int, before: Predicate | None, nth: int = 1) -> str:
    """Return a SELECT with one row per path and how many customers went it, most of them first.

    The path is the last `steps` values of the column `of` before the moment, joined by >; a value
    that repeats at once is one step. The moment is the first event of `before` on the nth day
    that has one; of `before` None the end of what the customer did. Who never had the moment is
    left out; who did nothing before it has a null path.

    Columns: path, n_steps, n_customers, customer_share with its Wilson 95 % interval, rank.
    """
    reached = (
        """    select
        customer_id,
        max(event_ts) + 1 as moment_ts,
    from acts
    group by customer_id"""
        if before is None
        else f"""    select
        customer_id,
        moment_ts,
    from (
        select
            customer_id,
            min(event_ts) as moment_ts,
            row_number() over (partition by customer_id order by event_date) as nth,
        from acts
        where is_moment
        group by customer_id, event_date
    )
    where nth = {int(nth)}"""
    )
    return f"""
with acts as (
    select
        customer_id,
        event_date,
        event_ts,
        event_number,
        cast({quoted(of)} as varchar) as thing,
        {predicate_sql(before or ())} as is_moment,
    from events
    where customer_id is not null
),

moments as (
{reached}
),

earlier as (
    select
        acts.customer_id,
        acts.event_ts,
        acts.event_number,
        acts.thing,
        lag(acts.thing) over history as previous_thing,
    from acts
    inner join moments
        on acts.customer_id = moments.customer_id
        and acts.event_ts < moments.moment_ts
    where acts.thing is not null
    window history as (partition by acts.customer_id order by acts.event_ts, acts.event_number)
),

ranked as (
    select
        *,
        row_number() over (
            partition by customer_id
            order by event_ts desc, event_number desc
        ) as steps_back,
    from earlier
    where previous_thing is distinct from thing
),

went as (
    select
        customer_id,
        string_agg(thing, ' > ' order by steps_back desc) as path,
        count(*) as n_steps,
    from ranked
    where steps_back <= {int(steps)}
    group by customer_id
),

counted as (
    select
        went.path,
        coalesce(went.n_steps, 0) as n_steps,
        count(*) as n_customers,
        cast(sum(count(*)) over () as double) as n_all,
    from moments
    left join went on moments.customer_id = went.customer_id
    group by went.path, coalesce(went.n_steps, 0)
)

select
    path,
    n_steps,
    n_customers,
    n_customers / n_all as customer_share,
    wilson_low(n_customers / n_all, n_all) as customer_share_low,
    wilson_high(n_customers / n_all, n_all) as customer_share_high,
    row_number() over (order by n_customers desc, path) as rank,
from counted
order by rank
"""
