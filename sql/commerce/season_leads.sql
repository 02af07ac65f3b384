/* ---
description: >-
  One row per category, the whole shop, and season: when the demand of a year had its peak, and how
  long before the month of the peak it began to rise. A season is 52 weeks, counted back from the
  last. Weeks count by the mean of four. The rise is the unbroken run of weeks to the peak that are
  above the season's median by a quarter. A rise that only one season shows may be growth, or
  chance: is_repeated says whether another season has its peak within a month of this one.
key: [demand_kind, thing, season]
requires: [purchase, value, item]
columns:
  demand_kind: {type: varchar, description: category or shop.}
  thing: {type: varchar, description: Category; empty for the shop.}
  thing_name: {type: varchar, description: What it is called.}
  season: {type: bigint, description: "1 are the last 52 weeks, 2 the 52 before."}
  n_seasons: {type: bigint, description: Seasons that the log holds.}
  median_units: {type: double, description: Median units of a week of the season.}
  peak_week: {type: date, description: First day of the week whose mean of four is highest.}
  peak_units: {type: double, description: That mean.}
  peak_month: {type: date, description: First day of the month of the peak.}
  rise_week: {type: date, description: First day of the first week of the rise; null where the peak is no more than a quarter above the median.}
  lead_days: {type: bigint, description: "Days from the rise to the month of the peak; below zero where it began in that month; null without a rise, and where the rise was there when the season began."}
  is_over: {type: boolean, description: Whether four weeks or more of the log come after the peak; else it may be yet to come.}
  is_repeated: {type: boolean, description: Whether another season has its peak within a month of this one; null where the log holds one season.}
--- */
with weeks as (
    select
        week_start,
        cast(floor((row_number() over (order by week_start desc) - 1) / 52) as bigint) + 1 as season,
    from (select distinct week_start from sales_calendar where is_week_complete) as listed
),

whole_seasons as (
    select
        season,
        min(week_start) as season_start,
    from weeks
    group by season
    having count(*) = 52
),

things as (
    select distinct
        demand_kind,
        thing,
        thing_name,
    from demand_weekly
    where demand_kind in ('category', 'shop')
),

filled as (
    select
        things.demand_kind,
        things.thing,
        things.thing_name,
        weeks.week_start,
        weeks.season,
        coalesce(cast(demand_weekly.units as double), 0) as units,
    from things
    cross join weeks
    left join demand_weekly
        on
            things.demand_kind = demand_weekly.demand_kind
            and things.thing = demand_weekly.thing
            and weeks.week_start = demand_weekly.week_start
    where weeks.season in (select season from whole_seasons)
),

smooth as (
    select
        *,
        avg(units) over (
            partition by demand_kind, thing, season
            order by week_start
            rows between 3 preceding and current row
        ) as mean_units,
        row_number() over (
            partition by demand_kind, thing, season
            order by week_start
        ) as place,
        median(units) over (partition by demand_kind, thing, season) as median_units,
    from filled
),

peaks as (
    select
        *,
        row_number() over (
            partition by demand_kind, thing, season
            order by mean_units desc, week_start
        ) as peak_rank,
    from smooth
    where place >= 4
),

peak as (
    select
        demand_kind,
        thing,
        thing_name,
        season,
        week_start as peak_week,
        mean_units as peak_units,
        median_units,
        cast(date_trunc('month', week_start) as date) as peak_month,
        mean_units > 1.25 * median_units as has_rise,
    from peaks
    where peak_rank = 1
),

-- The last week before the peak that is not above the median by a quarter: after it comes the rise.
before_rise as (
    select
        peak.demand_kind,
        peak.thing,
        peak.season,
        max(peaks.week_start) as low_week,
    from peak
    inner join peaks
        on
            peak.demand_kind = peaks.demand_kind
            and peak.thing = peaks.thing
            and peak.season = peaks.season
            and peaks.week_start < peak.peak_week
    where peaks.mean_units <= 1.25 * peak.median_units
    group by peak.demand_kind, peak.thing, peak.season
),

repeated as (
    select
        peak.demand_kind,
        peak.thing,
        peak.season,
        max(
            case
                when
                    (extract(month from peak.peak_month) - extract(month from other.peak_month) + 12)
                    % 12 in (0, 1, 11)
                    then 1
                else 0
            end
        ) = 1 as is_repeated,
    from peak
    inner join peak as other
        on
            peak.demand_kind = other.demand_kind
            and peak.thing = other.thing
            and peak.season <> other.season
    group by peak.demand_kind, peak.thing, peak.season
)

select
    peak.demand_kind,
    peak.thing,
    peak.thing_name,
    peak.season,
    seasons.n_seasons,
    peak.median_units,
    peak.peak_week,
    peak.peak_units,
    peak.peak_month,
    case when peak.has_rise then before_rise.low_week + 7 end as rise_week,
    case
        when peak.has_rise
            then cast(datediff('day', before_rise.low_week + 7, peak.peak_month) as bigint)
    end as lead_days,
    datediff('day', peak.peak_week, seasons.last_week) >= 28 as is_over,
    repeated.is_repeated,
from peak
cross join (
    select
        cast(count(*) as bigint) as n_seasons,
        (select max(week_start) from weeks) as last_week,
    from whole_seasons
) as seasons
left join before_rise
    on
        peak.demand_kind = before_rise.demand_kind
        and peak.thing = before_rise.thing
        and peak.season = before_rise.season
left join repeated
    on
        peak.demand_kind = repeated.demand_kind
        and peak.thing = repeated.thing
        and peak.season = repeated.season
