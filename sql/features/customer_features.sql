/* ---
description: >-
  One row per cut-off and customer with an event at or before it, computed from what happened at or
  before the cut-off only; the label alone looks at the horizon after it.
key: [cut_off_ts, customer_id]
requires: [purchase]
parameters:
  purchase_event: {type: varchar, description: The event type that is a purchase.}
  return_event: {type: varchar, description: "The event type that takes a purchase back; null: there is none."}
  view_event: {type: varchar, description: "The event type that is a page view; null: there is none."}
  horizon_us: {type: bigint, description: "Prediction horizon, microseconds."}
  session_timeout_us: {type: bigint, description: "Longest gap inside a session, microseconds."}
  values_are_net: {type: boolean, description: Whether what came back is taken off the values of sales already.}
columns:
  cut_off_ts: {type: bigint, description: "Moment that the row knows nothing beyond, epoch microseconds (UTC)."}
  customer_id: {type: source, description: Who; every customer with an event at or before the cut-off.}
  has_purchased: {type: boolean, description: Whether the customer bought at or before the cut-off.}
  recency_days: {type: double, description: Days from the last purchase to the cut-off; null without a purchase.}
  event_recency_days: {type: double, description: Days from the last event of any kind to the cut-off.}
  view_recency_days: {type: double, description: Days from the last page view to the cut-off; null without one.}
  other_recency_days: {type: double, description: "Days from the last event that is no view, purchase or return (a cart, a favourite) to the cut-off; null without one."}
  tenure_days: {type: double, description: Days from the first event to the cut-off.}
  purchase_tenure_days: {type: double, description: Days from the first purchase to the cut-off; null without a purchase.}
  n_events: {type: bigint, description: "Events of any kind, but passive ones, which are no act of the customer."}
  n_active_days: {type: bigint, description: "Days with an event, business time."}
  active_day_share: {type: double, description: "Active days, share of the days since the first event, both ends counted."}
  mean_hours_between_events: {type: double, description: Mean time between successive events; null with one event.}
  std_hours_between_events: {type: double, description: "Its standard deviation, to the second; null with fewer than three events."}
  n_sessions: {type: bigint, description: Sessions that started; one that goes on beyond the cut-off counts with what is known of it.}
  events_per_session: {type: double, description: Events per session.}
  mean_days_between_sessions: {type: double, description: Mean time from the end of a session to the start of the next; null with one session.}
  std_days_between_sessions: {type: double, description: "Its standard deviation, to the second; null with fewer than three sessions."}
  session_rhythm: {type: double, description: "Days since the last event against the mean between sessions, a / (a + b), 0 to 1: above .5 the customer is later than usual; null with one session."}
  n_views: {type: bigint, description: Page views.}
  n_others: {type: bigint, description: "Events that are no view, purchase or return, such as carts and favourites."}
  view_share: {type: double, description: "Page views, share of all events."}
  other_share: {type: double, description: "Other events, share of all events."}
  purchase_share: {type: double, description: "Purchase lines, share of all events."}
  funnel_depth: {type: bigint, description: "Deepest kind of event: 3 purchase, 2 another event such as a cart, 1 page view, 0 only returns."}
  n_items: {type: bigint, description: Different items in any event; null where the log has no items.}
  n_categories: {type: bigint, description: Different categories in any event; null where the log has no categories.}
  n_orders: {type: bigint, description: "Different orders, as in order_lines."}
  n_order_lines: {type: bigint, description: Purchase lines.}
  lines_per_order: {type: double, description: Purchase lines per order; null without a purchase.}
  n_bought_items: {type: bigint, description: Different items bought; null where the log has no items.}
  n_returns: {type: bigint, description: Events that took a purchase back.}
  return_share: {type: double, description: "Returns, share of purchase lines and returns; null without either."}
  returned_value: {type: "decimal(18,4)", description: "Money that came back, an amount above zero; null where the log has no money."}
  monetary: {type: "decimal(18,4)", description: "Money of the purchases that stayed: gross_monetary less returned_value; null where the log has no money."}
  gross_monetary: {type: "decimal(18,4)", description: Money of all purchases; null where the log has no money.}
  mean_order_value: {type: double, description: Money that stayed per order; null without a purchase.}
  mean_days_between_orders: {type: double, description: Mean gap between order moments; null with one order.}
  std_days_between_orders: {type: double, description: "Its standard deviation, to the second; null with fewer than three orders."}
  order_rhythm: {type: double, description: "Days since the last purchase against the mean between orders, a / (a + b), 0 to 1: above .5 the customer is later than usual; null with one order."}
  weekend_share: {type: double, description: "Events on Saturday or Sunday, share of all, business time."}
  night_share: {type: double, description: "Events from 0 to 6 o'clock, share of all, business time."}
  morning_share: {type: double, description: "Events from 6 to 12 o'clock, share of all."}
  afternoon_share: {type: double, description: "Events from 12 to 18 o'clock, share of all."}
  evening_share: {type: double, description: "Events from 18 to 24 o'clock, share of all."}
  weekday_entropy: {type: double, description: "Shannon entropy of the weekdays of the events, in nats: 0 always the same one, ln 7 all alike."}
  day_part_entropy: {type: double, description: "Shannon entropy of the four parts of the day of the events, in nats: 0 to ln 4."}
  n_recent_events: {type: bigint, description: Events within one horizon before the cut-off.}
  n_recent_sessions: {type: bigint, description: Sessions that started within one horizon before the cut-off.}
  n_recent_views: {type: bigint, description: Page views within one horizon before the cut-off.}
  n_recent_others: {type: bigint, description: Other events within one horizon before the cut-off.}
  n_recent_orders: {type: bigint, description: Orders begun within one horizon before the cut-off.}
  recent_value: {type: "decimal(18,4)", description: "Money of purchases within one horizon before the cut-off, less what came back within it; null where the log has no money."}
  n_events_last_7_days: {type: bigint, description: Events in the 7 x 24 hours up to the cut-off.}
  n_events_previous_7_days: {type: bigint, description: Events in the 7 x 24 hours before these.}
  events_trend: {type: double, description: "Change from previous to last 7 days, share of both together: -1 stopped, 1 began; 0 also without events in either."}
  n_orders_last_7_days: {type: bigint, description: Orders begun in the 7 x 24 hours up to the cut-off.}
  n_orders_previous_7_days: {type: bigint, description: Orders begun in the 7 x 24 hours before these.}
  orders_trend: {type: double, description: "As events_trend, of orders."}
  is_buyer_within_horizon: {type: boolean, description: "Label: bought in (cut-off, cut-off + horizon]; null where that is not over."}
checks:
  - expect_column_values_to_not_be_null: {column: customer_id}
  - expect_compound_columns_to_be_unique: {column_list: [cut_off_ts, customer_id]}
  - expect_column_values_to_be_between: {column: n_events, min_value: 1}
  - expect_column_values_to_be_between: {column: event_recency_days, min_value: 0}
  - expect_column_values_to_be_between: {column: recency_days, min_value: 0}
  - expect_column_pair_values_a_to_be_greater_than_b: {column_A: tenure_days, column_B: event_recency_days, or_equal: true}
  - expect_column_pair_values_a_to_be_greater_than_b: {column_A: n_events, column_B: n_sessions, or_equal: true}
--- */
with customer_events as (
    select
        customer_id,
        event_ts,
        event_date,
        item_id,
        category_id,
        value,
        coalesce(event_type = getvariable('purchase_event'), false) as is_purchase,
        coalesce(event_type = getvariable('return_event'), false) as is_return,
        coalesce(event_type = getvariable('view_event'), false) as is_view,
        -- A passive event has no number. It counts only where it gives money back.
        event_number is not null as is_act,
        case
            when event_number is not null
                then cast(
                    (date_diff('day', date '2000-01-03', event_date) % 7 + 7) % 7 as tinyint
                )
        end as days_after_monday,
        case
            when event_number is not null
                then cast(extract(hour from event_at) // 6 as tinyint)
        end as day_part,
        case
            when event_number is not null
                then event_ts - lag(event_ts) over (
                    partition by customer_id, event_number is not null
                    order by event_ts
                )
        end as gap_us,
    from events
    where
        customer_id is not null
        and (event_number is not null or event_type = getvariable('return_event'))
),

-- Time is cut into slices at every moment at which a cut-off, or a window before or after one,
-- begins or ends. Events are counted once per slice; a cut-off then adds up whole slices, so it
-- knows its events to the microsecond and no event is read once per cut-off.
boundaries as (
    select cut_off_ts as boundary_ts from cut_offs
    union
    select cut_off_ts - getvariable('horizon_us') from cut_offs
    union
    select cut_off_ts + getvariable('horizon_us') from cut_offs
    union
    select cut_off_ts - 7 * 86400000000 from cut_offs
    union
    select cut_off_ts - 14 * 86400000000 from cut_offs
),

slices as (
    select
        boundary_ts as slice_ts,
        coalesce(lag(boundary_ts) over (order by boundary_ts), -9000000000000000000) as after_ts,
    from boundaries
),

days as (
    select
        event_date,
        min(event_ts) as first_ts,
        max(event_ts) as last_ts,
    from customer_events
    group by event_date
),

-- Most days lie within one slice: joined by day, a slice is found without sorting the events.
slices_of_days as (
    select
        days.event_date,
        slices.after_ts,
        slices.slice_ts,
    from days
    inner join slices on days.first_ts <= slices.slice_ts and days.last_ts > slices.after_ts
),

sliced as (
    select
        customer_events.*,
        cast(customer_events.gap_us // 1000000 as decimal(18, 0)) as gap_seconds,
        slices_of_days.slice_ts,
    from customer_events
    inner join slices_of_days
        on
            customer_events.event_date = slices_of_days.event_date
            and customer_events.event_ts > slices_of_days.after_ts
            and customer_events.event_ts <= slices_of_days.slice_ts
),

activity as (
    select
        customer_id,
        slice_ts,
        min(event_ts) filter (where is_act) as first_event_ts,
        max(event_ts) filter (where is_act) as last_event_ts,
        max(event_ts) filter (where is_view) as last_view_ts,
        max(event_ts) filter (where not (is_purchase or is_return or is_view)) as last_other_ts,
        min(event_ts) filter (where is_purchase) as first_purchase_ts,
        max(event_ts) filter (where is_purchase) as last_purchase_ts,
        count(*) filter (where is_act) as n_events,
        count(*) filter (where is_view) as n_views,
        count(*) filter (where not (is_purchase or is_return or is_view)) as n_others,
        count(*) filter (where is_purchase) as n_order_lines,
        count(*) filter (where is_return) as n_returns,
        count(value) as n_values,
        sum(value) filter (where is_purchase) as gross_monetary,
        sum(case when getvariable('values_are_net') then 0 else abs(value) end)
            filter (where is_return) as returned_value,
        -- A gap belongs to the event that ends it: then it is known. Whole seconds, so that their
        -- squares sum exactly in any order; a spread takes sum and squares of the same whole ones.
        sum(gap_seconds) as whole_gaps,
        sum(gap_seconds * gap_seconds) as squared_gaps,
        count(*) filter (
            where is_act and (gap_us is null or gap_us > getvariable('session_timeout_us'))
        ) as n_sessions,
        sum(gap_us) filter (where gap_us > getvariable('session_timeout_us')) as session_gaps_us,
        sum(gap_seconds)
            filter (where gap_us > getvariable('session_timeout_us')) as whole_session_gaps,
        sum(gap_seconds * gap_seconds)
            filter (where gap_us > getvariable('session_timeout_us')) as squared_session_gaps,
        count(*) filter (where days_after_monday = 0) as n_monday,
        count(*) filter (where days_after_monday = 1) as n_tuesday,
        count(*) filter (where days_after_monday = 2) as n_wednesday,
        count(*) filter (where days_after_monday = 3) as n_thursday,
        count(*) filter (where days_after_monday = 4) as n_friday,
        count(*) filter (where days_after_monday = 5) as n_saturday,
        count(*) filter (where days_after_monday = 6) as n_sunday,
        count(*) filter (where day_part = 0) as n_night,
        count(*) filter (where day_part = 1) as n_morning,
        count(*) filter (where day_part = 2) as n_afternoon,
        count(*) filter (where day_part = 3) as n_evening,
    from sliced
    group by customer_id, slice_ts
),

-- What is counted once, however often it happens, counts in the slice of its first time.
first_times as (
    select
        customer_id,
        'item' as what,
        min(slice_ts) as slice_ts,
    from sliced
    where item_id is not null and is_act
    group by customer_id, item_id
    union all
    select
        customer_id,
        'bought_item' as what,
        min(slice_ts) as slice_ts,
    from sliced
    where item_id is not null and is_purchase
    group by customer_id, item_id
    union all
    select
        customer_id,
        'category' as what,
        min(slice_ts) as slice_ts,
    from sliced
    where category_id is not null and is_act
    group by customer_id, category_id
    union all
    select
        customer_id,
        'day' as what,
        min(slice_ts) as slice_ts,
    from sliced
    where is_act
    group by customer_id, event_date
),

novelties as (
    select
        customer_id,
        slice_ts,
        count(*) filter (where what = 'item') as n_items,
        count(*) filter (where what = 'bought_item') as n_bought_items,
        count(*) filter (where what = 'category') as n_categories,
        count(*) filter (where what = 'day') as n_active_days,
    from first_times
    group by customer_id, slice_ts
),

first_lines as (
    select
        customer_id,
        min(event_ts) as ordered_ts,
    from order_lines
    where customer_id is not null
    group by customer_id, order_key
),

order_moments as (
    select
        first_lines.customer_id,
        first_lines.ordered_ts,
        slices.slice_ts,
    from first_lines
    inner join slices
        on
            first_lines.ordered_ts > slices.after_ts
            and first_lines.ordered_ts <= slices.slice_ts
),

spaced_orders as (
    select
        customer_id,
        slice_ts,
        ordered_ts - lag(ordered_ts) over (partition by customer_id order by ordered_ts) as gap_us,
    from order_moments
),

orders as (
    select
        customer_id,
        slice_ts,
        count(*) as n_orders,
        sum(gap_us) as order_gaps_us,
        sum(cast(gap_us // 1000000 as decimal(18, 0))) as whole_order_gaps,
        sum(cast(gap_us // 1000000 as decimal(18, 0)) * cast(gap_us // 1000000 as decimal(18, 0)))
            as squared_order_gaps,
    from spaced_orders
    group by customer_id, slice_ts
),

in_slices as (
    select
        activity.*,
        novelties.n_items,
        novelties.n_bought_items,
        novelties.n_categories,
        novelties.n_active_days,
        orders.n_orders,
        orders.order_gaps_us,
        orders.whole_order_gaps,
        orders.squared_order_gaps,
    from activity
    left join novelties
        on
            activity.customer_id = novelties.customer_id
            and activity.slice_ts = novelties.slice_ts
    left join orders
        on
            activity.customer_id = orders.customer_id
            and activity.slice_ts = orders.slice_ts
),

slices_of_cut_offs as (
    select
        cut_offs.cut_off_ts,
        cut_offs.is_horizon_over,
        slices.slice_ts,
        slices.slice_ts > cut_offs.cut_off_ts - getvariable('horizon_us') as is_recent,
        slices.slice_ts > cut_offs.cut_off_ts - 7 * 86400000000 as is_last_7_days,
        slices.slice_ts > cut_offs.cut_off_ts - 14 * 86400000000
            and slices.slice_ts <= cut_offs.cut_off_ts - 7 * 86400000000 as is_previous_7_days,
    from cut_offs
    inner join slices on slices.slice_ts <= cut_offs.cut_off_ts
),

known as (
    select
        in_slices.*,
        slices_of_cut_offs.cut_off_ts,
        slices_of_cut_offs.is_horizon_over,
        slices_of_cut_offs.is_recent,
        slices_of_cut_offs.is_last_7_days,
        slices_of_cut_offs.is_previous_7_days,
    from in_slices
    inner join slices_of_cut_offs on in_slices.slice_ts = slices_of_cut_offs.slice_ts
),

summed as (
    select
        cut_off_ts,
        is_horizon_over,
        customer_id,
        min(first_event_ts) as first_event_ts,
        max(last_event_ts) as last_event_ts,
        max(last_view_ts) as last_view_ts,
        max(last_other_ts) as last_other_ts,
        min(first_purchase_ts) as first_purchase_ts,
        max(last_purchase_ts) as last_purchase_ts,
        cast(sum(n_events) as bigint) as n_events,
        cast(sum(n_views) as bigint) as n_views,
        cast(sum(n_others) as bigint) as n_others,
        cast(sum(n_order_lines) as bigint) as n_order_lines,
        cast(sum(n_returns) as bigint) as n_returns,
        cast(sum(n_values) as bigint) as n_values,
        cast(coalesce(sum(gross_monetary), 0) as decimal(18, 4)) as gross_monetary,
        cast(coalesce(sum(gross_monetary), 0) - coalesce(sum(returned_value), 0) as decimal(18, 4))
            as monetary,
        cast(coalesce(sum(returned_value), 0) as decimal(18, 4)) as returned_value,
        cast(sum(whole_gaps) as double) as whole_gaps,
        cast(sum(squared_gaps) as double) as squared_gaps,
        cast(sum(n_sessions) as bigint) as n_sessions,
        cast(sum(session_gaps_us) as double) / 1000000 as session_gaps,
        cast(sum(whole_session_gaps) as double) as whole_session_gaps,
        cast(sum(squared_session_gaps) as double) as squared_session_gaps,
        cast(sum(n_monday) as double) as n_monday,
        cast(sum(n_tuesday) as double) as n_tuesday,
        cast(sum(n_wednesday) as double) as n_wednesday,
        cast(sum(n_thursday) as double) as n_thursday,
        cast(sum(n_friday) as double) as n_friday,
        cast(sum(n_saturday) as double) as n_saturday,
        cast(sum(n_sunday) as double) as n_sunday,
        cast(sum(n_night) as double) as n_night,
        cast(sum(n_morning) as double) as n_morning,
        cast(sum(n_afternoon) as double) as n_afternoon,
        cast(sum(n_evening) as double) as n_evening,
        cast(coalesce(sum(n_items), 0) as bigint) as n_items,
        cast(coalesce(sum(n_bought_items), 0) as bigint) as n_bought_items,
        cast(coalesce(sum(n_categories), 0) as bigint) as n_categories,
        cast(coalesce(sum(n_active_days), 0) as bigint) as n_active_days,
        cast(coalesce(sum(n_orders), 0) as bigint) as n_orders,
        cast(sum(order_gaps_us) as double) / 1000000 as order_gaps,
        cast(sum(whole_order_gaps) as double) as whole_order_gaps,
        cast(sum(squared_order_gaps) as double) as squared_order_gaps,
        cast(coalesce(sum(n_events) filter (where is_recent), 0) as bigint) as n_recent_events,
        cast(coalesce(sum(n_sessions) filter (where is_recent), 0) as bigint) as n_recent_sessions,
        cast(coalesce(sum(n_views) filter (where is_recent), 0) as bigint) as n_recent_views,
        cast(coalesce(sum(n_others) filter (where is_recent), 0) as bigint) as n_recent_others,
        cast(coalesce(sum(n_orders) filter (where is_recent), 0) as bigint) as n_recent_orders,
        cast(
            coalesce(sum(gross_monetary) filter (where is_recent), 0)
            - coalesce(sum(returned_value) filter (where is_recent), 0) as decimal(18, 4)
        ) as recent_value,
        cast(coalesce(sum(n_events) filter (where is_last_7_days), 0) as bigint)
            as n_events_last_7_days,
        cast(coalesce(sum(n_events) filter (where is_previous_7_days), 0) as bigint)
            as n_events_previous_7_days,
        cast(coalesce(sum(n_orders) filter (where is_last_7_days), 0) as bigint)
            as n_orders_last_7_days,
        cast(coalesce(sum(n_orders) filter (where is_previous_7_days), 0) as bigint)
            as n_orders_previous_7_days,
    from known
    group by cut_off_ts, is_horizon_over, customer_id
    -- Of whom only something passive is known, nothing is known.
    having sum(n_events) > 0
),

judged as (
    select
        *,
        sum(n_values) over cut_off > 0 as has_money,
        sum(n_items) over cut_off > 0 as has_items,
        sum(n_categories) over cut_off > 0 as has_categories,
        cast(cut_off_ts - last_purchase_ts as double) / 86400000000 as recency_days,
        cast(cut_off_ts - last_event_ts as double) / 86400000000 as event_recency_days,
        cast(cut_off_ts - first_event_ts as double) / 86400000000 as tenure_days,
        cast(last_event_ts - first_event_ts as double) / 1000000 as gaps,
        cast(nullif(n_events - 1, 0) as double) as n_gaps,
        cast(nullif(n_sessions - 1, 0) as double) as n_session_gaps,
        cast(nullif(greatest(n_orders - 1, 0), 0) as double) as n_order_gaps,
    from summed
    window cut_off as (partition by cut_off_ts)
),

buyers_after as (
    select distinct
        cut_offs.cut_off_ts,
        activity.customer_id,
    from activity
    inner join cut_offs
        on
            activity.slice_ts > cut_offs.cut_off_ts
            and activity.slice_ts <= cut_offs.cut_off_ts + getvariable('horizon_us')
    where activity.n_order_lines > 0
)

select
    judged.cut_off_ts,
    judged.customer_id,
    judged.n_order_lines > 0 as has_purchased,
    judged.recency_days,
    judged.event_recency_days,
    cast(judged.cut_off_ts - judged.last_view_ts as double) / 86400000000 as view_recency_days,
    cast(judged.cut_off_ts - judged.last_other_ts as double) / 86400000000 as other_recency_days,
    judged.tenure_days,
    cast(judged.cut_off_ts - judged.first_purchase_ts as double) / 86400000000
        as purchase_tenure_days,
    judged.n_events,
    judged.n_active_days,
    -- A day of business time may begin before the first 24 hours are over.
    least(judged.n_active_days / (floor(judged.tenure_days) + 1), 1) as active_day_share,
    judged.gaps / judged.n_gaps / 3600 as mean_hours_between_events,
    case
        when judged.n_gaps > 1 then
            deviation_of_sums(judged.whole_gaps, judged.squared_gaps, judged.n_gaps) / 3600
    end as std_hours_between_events,
    judged.n_sessions,
    cast(judged.n_events as double) / judged.n_sessions as events_per_session,
    judged.session_gaps / judged.n_session_gaps / 86400 as mean_days_between_sessions,
    case
        when judged.n_session_gaps > 1 then
            deviation_of_sums(
                judged.whole_session_gaps, judged.squared_session_gaps, judged.n_session_gaps
            ) / 86400
    end as std_days_between_sessions,
    judged.event_recency_days / nullif(
        judged.event_recency_days + judged.session_gaps / judged.n_session_gaps / 86400, 0
    ) as session_rhythm,
    judged.n_views,
    judged.n_others,
    cast(judged.n_views as double) / judged.n_events as view_share,
    cast(judged.n_others as double) / judged.n_events as other_share,
    cast(judged.n_order_lines as double) / judged.n_events as purchase_share,
    cast(
        case
            when judged.n_order_lines > 0 then 3
            when judged.n_others > 0 then 2
            when judged.n_views > 0 then 1
            else 0
        end as bigint
    ) as funnel_depth,
    case when judged.has_items then judged.n_items end as n_items,
    case when judged.has_categories then judged.n_categories end as n_categories,
    judged.n_orders,
    judged.n_order_lines,
    cast(judged.n_order_lines as double) / nullif(judged.n_orders, 0) as lines_per_order,
    case when judged.has_items then judged.n_bought_items end as n_bought_items,
    judged.n_returns,
    cast(judged.n_returns as double) / nullif(judged.n_order_lines + judged.n_returns, 0)
        as return_share,
    case when judged.has_money then judged.returned_value end as returned_value,
    case when judged.has_money then judged.monetary end as monetary,
    case when judged.has_money then judged.gross_monetary end as gross_monetary,
    case when judged.has_money then cast(judged.monetary as double) / nullif(judged.n_orders, 0) end
        as mean_order_value,
    judged.order_gaps / judged.n_order_gaps / 86400 as mean_days_between_orders,
    case
        when judged.n_order_gaps > 1 then
            deviation_of_sums(
                judged.whole_order_gaps, judged.squared_order_gaps, judged.n_order_gaps
            ) / 86400
    end as std_days_between_orders,
    judged.recency_days / nullif(
        judged.recency_days + judged.order_gaps / judged.n_order_gaps / 86400, 0
    ) as order_rhythm,
    (judged.n_saturday + judged.n_sunday) / judged.n_events as weekend_share,
    judged.n_night / judged.n_events as night_share,
    judged.n_morning / judged.n_events as morning_share,
    judged.n_afternoon / judged.n_events as afternoon_share,
    judged.n_evening / judged.n_events as evening_share,
    greatest(
        ln(judged.n_events) - (
            k_ln_k(judged.n_monday)
            + k_ln_k(judged.n_tuesday)
            + k_ln_k(judged.n_wednesday)
            + k_ln_k(judged.n_thursday)
            + k_ln_k(judged.n_friday)
            + k_ln_k(judged.n_saturday)
            + k_ln_k(judged.n_sunday)
        ) / judged.n_events,
        0
    ) as weekday_entropy,
    greatest(
        ln(judged.n_events) - (
            k_ln_k(judged.n_night)
            + k_ln_k(judged.n_morning)
            + k_ln_k(judged.n_afternoon)
            + k_ln_k(judged.n_evening)
        ) / judged.n_events,
        0
    ) as day_part_entropy,
    judged.n_recent_events,
    judged.n_recent_sessions,
    judged.n_recent_views,
    judged.n_recent_others,
    judged.n_recent_orders,
    case when judged.has_money then judged.recent_value end as recent_value,
    judged.n_events_last_7_days,
    judged.n_events_previous_7_days,
    coalesce(
        cast(judged.n_events_last_7_days - judged.n_events_previous_7_days as double)
        / nullif(judged.n_events_last_7_days + judged.n_events_previous_7_days, 0),
        0
    ) as events_trend,
    judged.n_orders_last_7_days,
    judged.n_orders_previous_7_days,
    coalesce(
        cast(judged.n_orders_last_7_days - judged.n_orders_previous_7_days as double)
        / nullif(judged.n_orders_last_7_days + judged.n_orders_previous_7_days, 0),
        0
    ) as orders_trend,
    case when judged.is_horizon_over then buyers_after.customer_id is not null end
        as is_buyer_within_horizon,
from judged
left join buyers_after
    on
        judged.cut_off_ts = buyers_after.cut_off_ts
        and judged.customer_id = buyers_after.customer_id
