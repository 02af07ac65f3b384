"""Sections on what to do: the actions for each group, and what a campaign would earn.

Every response told here is expected or was observed without a control group; what a contact
itself causes is claimed nowhere.
"""

import shlex
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import polars as pl

from customer_assets.advice.economics import Terms
from customer_assets.reports import wording
from customer_assets.reports.charts.campaign import Curve, Mark, contact_curves
from customer_assets.reports.content import (
    NOW,
    Block,
    Card,
    Cards,
    Paragraph,
    Picture,
    ReportInput,
    WhatIf,
    section,
)
from customer_assets.reports.sections.segments import VALUES
from customer_assets.reports.tables import Columns, table_view
from customer_assets.sources import EventLogSource
from customer_assets.sources.advice import Campaign, PublishedCampaign

# Bases of which each tells of all customers, the past first.
_BASES = ("observed", "expected")
_NO_UPLIFT = (
    "Buyers are an expected response: some would have bought without being contacted. What the "
    "contact itself causes can only be told with a control group that is left alone."
)
_PLANS = {
    "everybody": "Everybody",
    "nobody": "Nobody",
    "best_n": "The most likely",
    "within_budget": "Within the budget",
}


@section(
    "actions",
    "Do this now",
    NOW,
    15,
    needs=("segment_actions",),
    uses=("campaign_economics", "segment_profile", "customer_offers", "campaign_uplift"),
    scans=("customer_offers",),
)
def actions(report: ReportInput) -> list[Block]:
    """Return what to do first, and all that the catalogue advises for each group and why."""
    chosen = report.frames["segment_actions"]
    rows = chosen.sort("priority", "segment_rank", "action", nulls_last=True)
    advised = rows.drop_nulls("action").to_dicts()
    cards = _cards(report, advised)
    without = chosen.filter(pl.col("action").is_null())
    notes: list[Block] = []
    if cards and report.source.advice.campaign is None:
        text = "What it would earn is not told: the source states no cost of a contact and margin."
        notes.append(Paragraph(text, is_note=True))
    costly = [row for row in advised if not _may_earn(report, row)]
    if costly:
        groups = wording.listing([wording.title(row["segment"]) for row in costly])
        text = f"Contacting all of {groups} is expected to cost more than it brings."
        if len(cards) < _MOST_CARDS:
            people = wording.plural(sum(row["n_customers"] for row in costly), "customer")
            cards.append(Card("Leave alone", people, text))
        else:
            notes.append(Paragraph(text, is_note=True))
    if without.height:
        names = [wording.shown(name.replace("_", " "), 40) for name in without["segment"]]
        notes.append(Paragraph(f"No action of the catalogue fits {wording.listing(names)}."))
    columns: Columns = {
        "segment": ("Group", wording.title),
        "n_customers": ("Customers", wording.count),
        "priority": ("Priority", wording.count),
        "offer": ("Offer", partial(wording.shown, limit=300)),
        "reason": ("Because", partial(wording.shown, limit=400)),
        "channel": ("Channel", wording.shown),
        "tone": ("Tone", wording.shown),
        "timing": ("When", wording.shown),
        "owner": ("Who", wording.shown),
        "origin": ("Proposed by", wording.shown),
    }
    title = "What to do for each group"
    blocks: list[Block] = [*([Cards(cards)] if cards else []), *notes]
    blocks.append(table_view(report, "segment_actions", title, columns, rows))
    if report.has_rows("customer_offers"):
        blocks.append(_offers(report))
    if report.has_rows("campaign_uplift"):
        blocks.append(_uplift(report))
    return blocks


def _offers(report: ReportInput) -> Block:
    """Return how many customers each offer is for, and to how many it may be made."""
    offers = (
        report.scan("customer_offers")
        .drop_nulls("action")
        .group_by("segment", "action", "offer")
        .agg(pl.len().alias("n_customers"), pl.sum("may_be_made").alias("n_may_be_made"))
        .sort("n_may_be_made", "segment", "action", descending=[True, False, False])
        .collect()
    )
    columns: Columns = {
        "segment": ("Group", wording.title),
        "offer": ("Offer", partial(wording.shown, limit=300)),
        "n_customers": ("Customers", wording.count),
        "n_may_be_made": ("May be made to", wording.count),
    }
    note = (
        "Each customer once, with the offer that comes first. The CSV file has the customers, "
        "each with a product and the reason, and why an offer may not be made."
    )
    return table_view(report, "customer_offers", "Offers by group", columns, offers, note=note)


def _uplift(report: ReportInput) -> Block:
    """Return what campaigns with a hold-out caused."""
    rows = report.frames["campaign_uplift"].sort("exported_ts", "measure", descending=[True, False])
    columns: Columns = {
        "campaign": ("Campaign", wording.shown),
        "measure": ("Per customer", wording.title),
        "exposed": ("Written to", partial(wording.decimal, digits=3)),
        "held_out": ("Held out", partial(wording.decimal, digits=3)),
        "difference": ("Caused by it", partial(wording.decimal, digits=3)),
        "n_exposed": ("Customers written to", wording.count),
        "n_held_out": ("Held out", wording.count),
        "is_mature": ("Over", lambda is_over: "yes" if is_over else "not yet"),
        "exported_at": ("List of", wording.day),
    }
    title = "What campaigns caused, beside those held out"
    return table_view(report, "campaign_uplift", title, columns, rows)


_MOST_CARDS = 3


def _cards(report: ReportInput, rows: list[dict[str, Any]]) -> list[Card]:
    """Return what to begin with: what surely earns comes first, and of that what earns most.

    Where there are fewer groups to contact than cards, the most likely of all are one.
    """
    may_earn = [row for row in rows if _may_earn(report, row)]
    first = sorted(
        may_earn, key=lambda row: (not _surely_earns(report, row), -_profit(report, row))
    )
    cards = [_card(report, row) for row in first[:_MOST_CARDS]]
    return cards if len(cards) == _MOST_CARDS else [*_best_list(report), *cards]


def _surely_earns(report: ReportInput, row: dict[str, Any]) -> bool:
    plan = _contacting(report, row)
    return plan is None or plan["profit_low"] > 0


def _profit(report: ReportInput, row: dict[str, Any]) -> float:
    """Return what contacting a group earns; 0 where nobody knows, so that priority decides."""
    plan = _contacting(report, row)
    return 0.0 if plan is None else float(plan["profit"])


def _may_earn(report: ReportInput, row: dict[str, Any]) -> bool:
    plan = _contacting(report, row)
    return plan is None or plan["profit"] > 0


def _contacting(report: ReportInput, row: dict[str, Any]) -> dict[str, Any] | None:
    """Return what contacting all of a group earns: measured by a hold-out, else expected."""
    if not report.has_rows("campaign_economics"):
        return None
    plans = report.frames["campaign_economics"].drop_nulls("profit_low")
    of_group = {"plan": row["kind"], "target": row["segment"]}
    measured = _one(plans, basis="measured", **of_group)
    return measured or _one(plans, basis="expected", **of_group)


def _card(report: ReportInput, row: dict[str, Any]) -> Card:
    plan = _contacting(report, row)
    note = "" if plan is None else _earning(report, plan)
    offer = f"{row['offer']}, by {row['channel']}" if row["channel"] else row["offer"]
    command = (
        f"python -m customer_assets export-customers --source {report.name} "
        f"--{row['kind']} {shlex.quote(row['segment'])} {shlex.quote(row['segment'] + '-list')}"
    )
    return Card(
        wording.title(row["segment"]),
        _who(report, row),
        wording.shown(offer, 240),
        note,
        wording.shown(command, 300),
    )


def _earning(report: ReportInput, plan: Mapping[str, Any]) -> str:
    """Return what a plan earns, by which basis, and whether it may cost more than it brings."""
    money = _money(report)
    low, high = (money(plan[name], digits=0) for name in ("profit_low", "profit_high"))
    is_measured = plan["basis"] == "measured"
    how = "Would earn" if is_measured else "Expected to earn"
    when = _when(report)
    note = f"{how} {money(plan['profit'], digits=0)}{when}, costs deducted (95% interval {low} to "
    note += f"{high})"
    if is_measured:
        note += f", by what campaign {wording.shown(plan['measured_by'], 40)} caused"
    return f"{note}." if plan["profit_low"] > 0 else f"{note}: it may cost more than it brings."


def _when(report: ReportInput) -> str:
    """Return in which time a campaign earns that, where its question is about one."""
    campaign, source = report.source.advice.campaign, report.source
    if campaign is None or not isinstance(source, EventLogSource):
        return ""
    label = source.questions[campaign.question].label
    return f" in {source.horizon}" if label.endswith("_within_horizon") else ""


def _best_list(report: ReportInput) -> list[Card]:
    """Return the list of the campaign as a card, where it may earn and leaves somebody out."""
    stated = report.source.advice.campaign
    if stated is None or not report.has_rows("campaign_economics"):
        return []
    expected = report.frames["campaign_economics"].filter(basis="expected")
    best, everybody = _one(expected, plan="best_n", is_best=True), _one(expected, plan="everybody")
    if best is None or everybody is None or best["profit"] <= 0:
        return []
    if best["n_contacts"] == everybody["n_contacts"]:
        return []
    command = (
        f"python -m customer_assets export-customers --source {report.name} "
        f"--best {best['n_contacts']} best-list"
    )
    return [
        Card(
            "The most likely",
            f"{wording.count(best['n_contacts'])} of "
            f"{wording.plural(everybody['n_contacts'], 'customer')}",
            f"Contact those for whom a yes is likeliest: "
            f"{wording.shown(report.source.questions[stated.question].title, 80)}",
            _earning(report, best),
            command,
        )
    ]


def _who(report: ReportInput, row: dict[str, Any]) -> str:
    """Return how many customers a group has, and what they bring where that is known."""
    people = wording.plural(row["n_customers"], "customer")
    if not report.has_rows("segment_profile"):
        return people
    profile = _one(report.frames["segment_profile"], segment=row["segment"])
    if profile is None or profile["value_share"] is None:
        return people
    of = VALUES.get(profile["value_measure"], profile["value_measure"].replace("_", " "))
    return f"{people}, {wording.share(profile['value_share'])} of all {wording.shown(of, 40)}"


@section("campaign", "What a campaign would earn", NOW, 40, needs=("campaign_economics",))
def campaign(report: ReportInput) -> list[Block]:
    """Return whom to contact, the curves of profit and ROI, the plans, and the study's figures."""
    stated = report.source.advice.campaign
    published = _published(report)
    economics = report.frames["campaign_economics"]
    money = _money(report)
    told = {basis: economics.filter(pl.col("basis") == basis) for basis in _BASES}
    told = {basis: rows for basis, rows in told.items() if rows.height}
    # What is to come is asked for; what was is the next best answer.
    blocks: list[Block] = [Paragraph(_answer(list(told.values())[-1], money), is_lead=True)]
    blocks += [Paragraph(_lead(rows, basis, money)) for basis, rows in told.items()]
    drawn = _drawn_basis(economics)
    if drawn is not None:
        rows = told[drawn].filter(pl.col("plan") == "best_n").sort("n_contacts")
        picture = _picture(report, told[drawn], drawn, money)
        blocks.append(picture if stated is None else _what_if(report, stated, rows, picture))
    if stated is not None and published:
        terms = Terms(stated.contact_cost, stated.margin)
        blocks.append(Paragraph(_published_sentence(published, terms, money)))
    blocks.append(_plans_table(report, economics, money))
    note = _NO_UPLIFT
    if stated is not None and stated.note:
        note = f"{wording.shown(stated.note, 300).rstrip('.')}. {note}"
    return [*blocks, Paragraph(note)]


def _published(report: ReportInput) -> list[PublishedCampaign]:
    """Return the plans that the study prints: they are of its data, and of no sample."""
    stated = report.source.advice.campaign
    return [] if stated is None or report.is_sample else stated.published


def _money(report: ReportInput) -> Callable[..., str]:
    source = report.source
    currency = source.currency if isinstance(source, EventLogSource) else None
    return partial(wording.money, currency=currency)


def _one(rows: pl.DataFrame, **values: object) -> dict[str, Any] | None:
    for column, value in values.items():
        rows = rows.filter(pl.col(column) == value)
    return rows.row(0, named=True) if rows.height else None


def _answer(rows: pl.DataFrame, money: Callable[..., str]) -> str:
    """Return whom to contact, in one sentence."""
    everybody, best = _one(rows, plan="everybody"), _one(rows, is_best=True)
    assert everybody is not None
    if best is None:
        # Nobody can be ranked: all or none.
        if everybody["profit"] <= 0:
            return "Contact nobody: contacting all costs more than it brings."
        return f"Contact everybody, {wording.plural(everybody['n_contacts'], 'customer')}."
    if not best["n_contacts"]:
        return "Contact nobody: no list earns anything."
    if everybody["profit"] >= best["profit_low"]:
        return "Contact everybody: a shorter list earns no more."
    more = money(best["profit"] - everybody["profit"], digits=0)
    return (
        f"Contact the {wording.count(best['n_contacts'])} most likely: that earns {more} more than "
        "contacting everybody."
    )


def _lead(rows: pl.DataFrame, basis: str, money: Callable[..., str]) -> str:
    """Return the sentence on the list with the highest profit beside contacting everybody."""
    everybody = _one(rows, plan="everybody")
    best = _one(rows, is_best=True)
    assert everybody is not None
    is_seen = basis == "observed"
    who = "Of today's customers"
    if is_seen:
        is_dated = "cut_off_ts" in rows.columns and everybody["cut_off_ts"]
        who = "At the last cut-off whose horizon is over"
        who = who if is_dated else "Of the customers whose answer is known"
    text = (
        f"{who}, contacting all {wording.count(everybody['n_contacts'])} "
        f"{'would have met' if is_seen else 'is expected to meet'} "
        f"{wording.count(everybody['n_buyers'])} buyers and "
        f"{'earned' if is_seen else 'earn'} {money(everybody['profit'], digits=0)}"
    )
    if best is None:
        return f"{text}. No model has been promoted that could rank them."
    if not best["n_contacts"]:
        return f"{text}; no shorter list earns anything: contact nobody."
    between = f"{money(best['profit_low'], digits=0)} to {money(best['profit_high'], digits=0)}"
    text += (
        f". Worth a contact by their probability are the {wording.count(best['n_contacts'])} most "
        f"likely: {money(best['profit'], digits=0)} (95% interval {between})."
    )
    if everybody["profit"] >= best["profit_low"]:
        text += " That is no more than contacting all, within the interval."
    return text + _of_the_past(best)


def _of_the_past(best: Mapping[str, Any]) -> str:
    """Return what the interval of an expected total rests on, and what is in no figure."""
    if best["n_past_totals"] is None:
        return ""
    text = " The interval holds chance alone: too few past totals can be compared with it."
    if best["n_past_totals"]:
        text = (
            " The interval holds chance and how far the totals of "
            f"{wording.plural(best['n_past_totals'], 'past cut-off')} strayed."
        )
    if best["is_season_known"] is False:
        text += " The season ahead was in no answer that the model learned from."
    return text


def _drawn_basis(economics: pl.DataFrame) -> str | None:
    """Return the basis whose curves are drawn: what was observed, where it was ranked."""
    ranked = set(economics.filter(pl.col("plan") == "best_n")["basis"])
    return next((basis for basis in _BASES if basis in ranked), None)


def _picture(
    report: ReportInput, rows: pl.DataFrame, basis: str, money: Callable[..., str]
) -> Picture:
    source = report.source
    currency = source.currency if isinstance(source, EventLogSource) else None
    stated = source.advice.campaign
    best_n = rows.filter(pl.col("plan") == "best_n").sort("n_contacts")
    contacts = [0, *best_n["n_contacts"].to_list()]
    profit, low, high = (
        [0.0, *best_n[name].cast(pl.Float64).to_list()]
        for name in ("profit", "profit_low", "profit_high")
    )
    best = _one(best_n, is_best=True)
    marks, roi_marks = [], []
    if best is not None:
        words = f"Best: {wording.count(best['n_contacts'])}, {money(best['profit'], digits=0)}"
        marks.append(Mark(best["n_contacts"], float(best["profit"]), "accent", words))
        if best["roi"] is not None:
            words = f"Best: {wording.count(best['n_contacts'])}, {_percent(best['roi'])}"
            roi_marks.append(Mark(best["n_contacts"], best["roi"], "accent", words))
    published = _published(report) if basis == "observed" else []
    terms = Terms(stated.contact_cost, stated.margin) if stated is not None else Terms(0, 0)
    for plan in published:
        earned, roi = (
            terms.profit(plan.contacts, plan.buyers),
            terms.roi(plan.contacts, plan.buyers),
        )
        words = f"The study: {wording.count(plan.contacts)}, {money(earned, digits=0)}"
        marks.append(Mark(plan.contacts, earned, "second", words))
        if roi is not None:
            words = f"The study: {wording.count(plan.contacts)}, {_percent(roi)}"
            roi_marks.append(Mark(plan.contacts, roi, "second", words))
    curves = [
        Curve("Profit", profit, lambda v: wording.compact(v, currency, 2), (low, high), marks)
    ]
    known = best_n.drop_nulls("roi")
    if known.height == best_n.height and best_n.height:
        # The return on nothing is none; the curve starts where the first list does.
        returns = [best_n["roi"][0], *best_n["roi"].to_list()]
        curves.append(Curve("Return on cost (ROI)", returns, _percent, None, roi_marks))
    wide, narrow = contact_curves("campaign", contacts, curves)
    colours = [("accent", "Best customers first, by the model"), ("band", "95% interval")]
    if published:
        colours.append(("second", "As the study prints it"))
    ends = ", ".join(mark.tip for mark in marks)
    return Picture(
        "campaign",
        alt=f"Curves of profit and return on cost by number of customers contacted. {ends}.",
        caption="Profit and return on cost by the number of customers contacted, "
        + ("as observed." if basis == "observed" else "as expected of today's customers.")
        + " The return is highest for the shortest list; the profit is not.",
        wide=wide,
        narrow=narrow,
        colours=colours,
    )


def _what_if(
    report: ReportInput, stated: Campaign, best_n: pl.DataFrame, picture: Picture
) -> WhatIf:
    """Return the picture with what it takes to draw it for other terms."""
    source = report.source
    currency = source.currency if isinstance(source, EventLogSource) else None
    cost, margin = float(stated.contact_cost), float(stated.margin)

    def buyers(profit: Any, contacts: int) -> float:
        return round((float(profit) + contacts * cost) / margin, 3)

    columns = best_n.select("n_contacts", "n_buyers", "profit_low", "profit_high")
    points = [
        (n, round(float(n_buyers), 3), buyers(low, n), buyers(high, n))
        for n, n_buyers, low, high in columns.iter_rows()
    ]
    return WhatIf(picture, wording.symbol(currency), cost, margin, [(0, 0.0, 0.0, 0.0), *points])


def _percent(value: float) -> str:
    return f"{100 * value:,.0f}%"


def _published_sentence(
    published: list[PublishedCampaign], terms: Terms, money: Callable[..., str]
) -> str:
    """Return the study's plans side by side, and what their ROI hides."""
    told = []
    for plan in published:
        roi = terms.roi(plan.contacts, plan.buyers)
        profit = money(terms.profit(plan.contacts, plan.buyers), digits=0)
        told.append(
            f"{wording.shown(plan.plan)}: {wording.count(plan.buyers)} buyers of "
            f"{wording.count(plan.contacts)}, profit {profit}"
            + ("" if roi is None else f", ROI {wording.share(roi)}")
        )
    text = f"The study prints {wording.listing(told)}."
    first, last = published[0], published[-1]
    was, now = (terms.profit(plan.contacts, plan.buyers) for plan in (first, last))
    roi_was, roi_now = (terms.roi(plan.contacts, plan.buyers) for plan in (first, last))
    if roi_was and roi_now and roi_now > roi_was > 0 and now < was:
        times = roi_now / roi_was
        doubled = "doubles" if 1.9 <= times <= 2.1 else f"is {wording.decimal(times)} times as high"
        text += (
            f" Its ROI {doubled} while its profit falls from {money(was, digits=0)} to "
            f"{money(now, digits=0)}: the shorter list earns less."
        )
    return text


def _plans_table(report: ReportInput, economics: pl.DataFrame, money: Callable[..., str]) -> Block:
    names = [
        _PLANS[plan] if plan in _PLANS else wording.title(str(target), 40)
        for plan, target in economics.select("plan", "target").iter_rows()
    ]
    rows = economics.with_columns(pl.Series("who", names, pl.String))
    # The grid of the best N is what the curves show; its best one stands for it here.
    counts = report.source.advice.campaign.contact_counts if report.source.advice.campaign else []
    is_told = (pl.col("plan") != "best_n") | pl.col("is_best") | pl.col("n_contacts").is_in(counts)
    order = {"everybody": 0, "nobody": 1, "best_n": 2, "within_budget": 3}
    shown = rows.filter(is_told).sort(
        pl.col("basis") != "observed",
        pl.col("plan").replace_strict(order, default=4, return_dtype=pl.Int64),
        pl.col("n_contacts"),
        pl.col("target"),
        descending=[False, False, True, False],
    )
    columns: Columns = {
        "basis": ("Basis", wording.title),
        "who": ("Contacted", wording.shown),
        "n_contacts": ("Contacts", wording.count),
        "n_buyers": ("Buyers", wording.decimal),
        "hit_rate": ("Hit rate", wording.share),
        "profit": ("Profit", partial(money, digits=0)),
        "roi": ("ROI", wording.share),
        "cost_per_buyer": ("Cost per buyer", partial(money, digits=2)),
        "is_best": ("Best number", lambda is_best: "yes" if is_best else "no"),
    }
    return table_view(
        report, "campaign_economics", "Plans of the campaign", columns, shown,
        note="Observed: of customers whose answer is known, ranked by a model that had not seen "
        "it. The CSV file has every number of contacts that was worked out.",
    )  # fmt: skip
