select
    'purchase' as funnel,
    customer_id,
    cast(null as bigint) as session_ts,
    entry_date,
    cast(breakdown as varchar) as breakdown,
    cast(3 as bigint) as n_steps,
    cast(604800000000 as bigint) as window_us,
    cast(null as varchar) as held,
    level,
    cast([] as bigint[]) as skipped_steps,
    [step_1_ts, step_2_ts, step_3_ts] as reached_ts,
from (
    with matched as (
        select
            customer_id,
            event_date as entry_date,
            event_ts,
            null as breakdown,
            coalesce("event_type" in ('pv'), false) as p_1,
            coalesce("event_type" in ('cart', 'fav'), false) as p_2,
            coalesce("event_type" in ('buy'), false) as p_3,
        from events
        where customer_id is not null
            and event_number is not null
            and not (event_type in ('pv') and coalesce(next_event_type in ('pv'), false) and coalesce(previous_event_ts < event_ts, true))
    ),

    ordered as (
        select
            *,
            case when p_1 then 1 when p_2 then 2 when p_3 then 3 end as first_step,
        from matched
    ),

    clocked as (
        select
            *,
            event_ts as clock,
        from ordered
    ),

    log as (
        select * from clocked
        where p_1 or p_2 or p_3
    ),

    from_step_3 as (
        select
            *,
            first_value(case when p_3 then event_ts end ignore nulls) over (partition by customer_id order by event_ts, first_step rows between 1 following and unbounded following) as t_3_from_3,
        from log
    ),

    from_step_2 as (
        select
            *,
            first_value(case when p_2 then event_ts end ignore nulls) over (partition by customer_id order by event_ts, first_step rows between 1 following and unbounded following) as t_2_from_2,
            first_value(case when p_2 then t_3_from_3 end ignore nulls) over (partition by customer_id order by event_ts, first_step rows between 1 following and unbounded following) as t_3_from_2,
        from from_step_3
    ),

    entered as (
        select
            customer_id,
            entry_date,
            breakdown,
            case when p_1 then event_ts end as t_1,
            case when p_1 then t_2_from_2 end as t_2,
            case when p_1 then t_3_from_2 end as t_3,
        from from_step_2
        where p_1
    ),

    judged as (
        select
            *,
            1 + case when coalesce(t_2 - t_1 <= 604800000000, false) then 1 else 0 end + case when coalesce(t_3 - t_1 <= 604800000000, false) then 1 else 0 end as level,
        from entered
    ),

    ranked as (
        select
            *,
            row_number() over (partition by customer_id, entry_date order by level desc, case level when 2 then t_2 when 3 then t_3 end, t_1 desc, breakdown) as rank,
        from judged
    )

    select
        customer_id,
        entry_date,
        breakdown,
        cast(level as bigint) as level,
        case when level >= 1 then t_1 end as step_1_ts,
        case when level >= 2 then t_2 end as step_2_ts,
        case when level >= 3 then t_3 end as step_3_ts,
    from ranked
    where rank = 1
) as attempts
