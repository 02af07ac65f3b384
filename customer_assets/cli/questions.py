"""Commands that ask: a funnel, who came back, a group, two periods, a SELECT.

Each is a method of `ask.Shop` of the same name.
"""

from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from customer_assets.ask.keep import funnel_yaml, segment_yaml
from customer_assets.cli.answers import Form, answer, asked, show
from customer_assets.cli.app import Source, UserError, command

_PANEL = "Ask"


def _step(text: str) -> Any:
    """Return a step of a funnel: `view`, `add_to_cart,wishlist` or `{event: buy, value: ...}`."""
    if not text.lstrip().startswith("{"):
        names = [name.strip() for name in text.split(",") if name.strip()]
        return names[0] if len(names) == 1 else names
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        raise typer.BadParameter(
            f"{text!r} cannot be read; write '{{event: buy, value: {{at_least: 100}}}}'"
        ) from None


def _steps(texts: list[str]) -> list[Any]:
    return [_step(text) for text in texts]


_STEPS_HELP = "Event types in order; a,b is either; '{event: buy, channel: ads}' has conditions."
Steps = Annotated[list[str], typer.Argument(metavar="STEPS...", help=_STEPS_HELP)]
Window = Annotated[str, typer.Option(help="From the first step: 7d, '2 hours', '5 events'.")]
Hold = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="The same at each step of an attempt: item_id."),
]
By = Annotated[str | None, typer.Option(help="Column of the events to part by, at the entry.")]
Since = Annotated[str | None, typer.Option(help="First day: 2026-09-01. By default of the log.")]
Until = Annotated[str | None, typer.Option(help="Last day. By default last complete day.")]
Last = Annotated[
    str | None, typer.Option(help="So much up to the last day, instead of --since: 30d.")
]
Csv = Annotated[bool, typer.Option("--csv", help="Write all rows and columns as CSV.")]
Json = Annotated[bool, typer.Option("--json", help="Write all rows and columns as JSON.")]
Limit = Annotated[int, typer.Option(help="Rows of the table on the screen.", min=1)]
Html = Annotated[
    Path | None, typer.Option(help="Write a page with the report's pictures to this file.")
]


# What of an answer stands on the screen, by its title; the rest is in --csv and --json.
_SUMMARY = {
    "step_name": "step",
    "n_entries": "entries",
    "n_entered_customers": "customers",
    "n_reached_customers": "reached it",
    "customer_conversion": "of customers",
    "n_open_entries": "open entries",
}
_COMPARED = {
    "step_name": "step",
    "n_entered_customers": "customers",
    "customer_conversion": "of customers",
    "previous_customer_conversion": "before",
    "difference": "difference",
}
_DAILY = {
    "entry_date": "day",
    "step_name": "step",
    "n_entered": "entered",
    "n_reached": "reached it",
    "conversion": "of entries",
    "is_mature": "is over",
}
_RETENTION = {
    "cohort_start": "cohort",
    "from_interval": "later",
    "n_cohort_customers": "customers",
    "n_retained_customers": "came back",
    "retained_share": "share",
    "is_mature": "is over",
}
_PATHS = {"path": "path", "n_item_purchases": "purchases", "item_purchase_share": "share"}
_JOURNEYS = {"path": "path", "n_customers": "customers", "customer_share": "share"}
_SEGMENT = {"measure": "measure", "mean": "mean", "all_mean": "of all", "difference": "more"}
_GROUPS = {"measure": "measure", "a_mean": "a", "b_mean": "b", "difference": "difference"}
_MOST_COLUMNS = 6


def _of(by: str | None, shown: dict[str, str]) -> dict[str, str]:
    return {"breakdown": by} | shown if by else shown


def _kept(group: str) -> str:
    """Return the YAML of a condition; a name is in the source already."""
    return "" if group.isidentifier() else segment_yaml(group)


def _since(since: str | None, last: str | None) -> str | None:
    if since is not None and last is not None:
        raise UserError("give one of --since and --last")
    return since or last


@command(_PANEL, "funnel web_shop view add_to_cart purchase --window 7d --by channel --last 30d")
def funnel(
    source: Source,
    steps: Steps,
    window: Window = "7d",
    by: By = None,
    hold: Hold = None,
    since: Since = None,
    until: Until = None,
    last: Last = None,
    compare: Annotated[
        str | None, typer.Option(help="previous: beside as many days before.")
    ] = None,
    daily: Annotated[bool, typer.Option("--daily", help="By day of entry.")] = False,
    csv: Csv = False,
    json: Json = False,
    html: Html = None,
    limit: Limit = 40,
) -> int:
    """How many who take the first step reach each later one, with intervals.

    Entries count each day that a customer enters, customers count once. Only days whose windows
    are over count; n_open_entries are the others.
    """
    form = Form(csv, json, limit)
    stated, begin = _steps(steps), _since(since, last)
    with asked(source) as shop:
        if html is not None:
            page = shop.funnel_page(stated, window, by=by, hold=hold, since=begin, until=until)
            html.write_text(page, encoding="utf-8")
            print(html)
            return 0
        rows = answer(
            shop,
            lambda: shop.funnel(
                stated,
                window,
                by=by,
                hold=hold,
                since=begin,
                until=until,
                compare=compare,
                daily=daily,
            ),
        )
    if daily:
        rows = rows.rename({"conversion_from_entry": "conversion"})
    shown = _DAILY if daily else _COMPARED if compare else _SUMMARY
    return show(rows, form, _of(by, shown), funnel_yaml(stated, window, by, hold))


@command(_PANEL, "retention web_shop --by channel --period week")
def retention(
    source: Source,
    event: Annotated[
        Any,
        typer.Option(parser=_step, metavar="STEP", help="What starts a cohort. By default any."),
    ] = None,
    returns: Annotated[
        Any,
        typer.Option(
            parser=_step, metavar="STEP", help="What is coming back. By default the same."
        ),
    ] = None,
    by: By = None,
    period: Annotated[str, typer.Option(help="day, week or month.")] = "week",
    cohort: Annotated[
        str, typer.Option(help="first_ever, first_matching or recurring.")
    ] = "first_ever",
    measure: Annotated[str, typer.Option(help="n_day, unbounded or bracket.")] = "n_day",
    since: Since = None,
    until: Until = None,
    last: Last = None,
    csv: Csv = False,
    json: Json = False,
    html: Html = None,
    limit: Limit = 60,
) -> int:
    """Who came back: customers by cohort and later interval, with intervals.

    What has not begun is empty, what is not over is not mature.
    """
    form = Form(csv, json, limit)
    chosen: dict[str, Any] = {"period": period, "cohort": cohort, "measure": measure}
    days: dict[str, Any] = {"since": _since(since, last), "until": until}
    with asked(source) as shop:
        if html is not None:
            page = shop.retention_page(event, returns=returns, period=chosen["period"], **days)
            html.write_text(page, encoding="utf-8")
            print(html)
            return 0
        rows = answer(shop, lambda: shop.retention(event, returns=returns, by=by, **chosen, **days))
    return show(rows, form, ({by: by} if by else {}) | _RETENTION)


@command(_PANEL, "paths web_shop --to purchase --last 30d")
def paths(
    source: Source,
    to: Annotated[
        str | None, typer.Option(help="Event of an item. By default the purchase.")
    ] = None,
    since: Since = None,
    until: Until = None,
    last: Last = None,
    csv: Csv = False,
    json: Json = False,
    limit: Limit = 20,
) -> int:
    """What customers did with an item before they bought it, in seven days."""
    form = Form(csv, json, limit)
    with asked(source) as shop:
        rows = answer(shop, lambda: shop.paths(to, since=_since(since, last), until=until))
    return show(rows, form, _PATHS)


@command(_PANEL, "journeys web_shop --before purchase --nth 2 --of item_name --steps 3")
def journeys(
    source: Source,
    before: Annotated[
        Any,
        typer.Option(parser=_step, metavar="STEP", help="The moment. By default the last event."),
    ] = None,
    nth: Annotated[int, typer.Option(help="On the nth day that has one.", min=1)] = 1,
    of: Annotated[str, typer.Option(help="Column of the events whose values are steps.")] = (
        "event_type"
    ),
    steps: Annotated[int, typer.Option(help="How many steps back.", min=1)] = 4,
    among: Annotated[
        str | None, typer.Option(help="Only customers of a segment, rule or condition.")
    ] = None,
    since: Since = None,
    until: Until = None,
    last: Last = None,
    csv: Csv = False,
    json: Json = False,
    limit: Limit = 20,
) -> int:
    """The last steps that customers took before a moment, most frequent first."""
    form = Form(csv, json, limit)
    with asked(source) as shop:
        rows = answer(
            shop,
            lambda: shop.journeys(
                before,
                nth=nth,
                of=of,
                steps=steps,
                among=among,
                since=_since(since, last),
                until=until,
            ),
        )
    return show(rows, form, _JOURNEYS)


@command(_PANEL, "segment web_shop 'n_orders = 1 and recency_days > 30'")
def segment(
    source: Source,
    group: Annotated[str, typer.Argument(help="A condition, or the name of a segment or rule.")],
    csv: Csv = False,
    json: Json = False,
    limit: Limit = 60,
) -> int:
    """What sets a group of customers apart from the others: means, and the difference."""
    form = Form(csv, json, limit)
    with asked(source) as shop:
        rows = answer(shop, lambda: shop.segment(group))
    if not (csv or json):
        of = rows.row(0, named=True)
        share, low, high = (100 * of[f"customer_share{end}"] for end in ("", "_low", "_high"))
        print(f"{of['n_customers']:,} customers, {share:.1f} % ({low:.1f} to {high:.1f} %) of all")
    return show(rows, form, _SEGMENT, _kept(group))


@command(_PANEL, "compare web_shop 2026-10-01...2026-10-31 2026-11-01...2026-11-30")
def compare(
    source: Source,
    a: Annotated[str, typer.Argument(help="A condition, segment or rule; or a period.")],
    b: Annotated[str, typer.Argument(help="Another of the same kind.")],
    csv: Csv = False,
    json: Json = False,
    limit: Limit = 60,
) -> int:
    """Two groups, or two periods, side by side: means by customer, and the difference."""
    form = Form(csv, json, limit)
    with asked(source) as shop:
        rows = answer(shop, lambda: shop.compare(a, b))
    return show(rows, form, _GROUPS)


@command(_PANEL, "people web_shop --step view --step purchase --reached 1 --lost --csv")
def people(
    source: Source,
    group: Annotated[
        str | None, typer.Argument(help="A condition, or the name of a segment or rule.")
    ] = None,
    step: Annotated[
        list[str] | None, typer.Option(help="Instead: a step of a funnel, once for each.")
    ] = None,
    window: Window = "7d",
    hold: Hold = None,
    reached: Annotated[int, typer.Option(help="Who reached this step.", min=1)] = 1,
    lost: Annotated[bool, typer.Option("--lost", help="Only who got no further.")] = False,
    since: Since = None,
    until: Until = None,
    last: Last = None,
    csv: Csv = False,
    json: Json = False,
    limit: Limit = 20,
) -> int:
    """The customers of a group with what is known of them, or those behind a funnel's step."""
    form = Form(csv, json, limit)
    with asked(source) as shop:
        rows = answer(
            shop,
            lambda: shop.people(
                group,
                steps=_steps(step) if step else None,
                window=window,
                hold=hold,
                reached=reached,
                lost=lost,
                since=_since(since, last),
                until=until,
            ),
        )
    # What is known of a customer has too many columns for a screen.
    first = {name: name for name in rows.columns[:_MOST_COLUMNS]}
    return show(rows, form, first, _kept(group) if group else "")


@command(_PANEL, "sql web_shop 'select order_date, sum(net_value) from orders group by 1'")
def sql(
    source: Source,
    statement: Annotated[str, typer.Argument(help="One SELECT over the source's tables.")],
    csv: Csv = False,
    json: Json = False,
    limit: Limit = 40,
) -> int:
    """One SELECT over the published tables; nothing can be written."""
    form = Form(csv, json, limit)
    with asked(source) as shop:
        rows = answer(shop, lambda: shop.sql(statement))
    return show(rows, form)
