"""Sections on what is sold: products, categories, what goes together, who buys again.

Figures of products leave out postage, fees and other lines that are no product. How products are
recommended belongs to `recommending`.
"""

from functools import partial

import polars as pl

from customer_assets.reports import wording
from customer_assets.reports.charts.bars import Bar, pairs, ranked_bars
from customer_assets.reports.charts.products import (
    EstimatedShare,
    ShareCurve,
    SharePanel,
    estimated_shares,
    pareto_curves,
)
from customer_assets.reports.content import (
    CUSTOMERS,
    Block,
    Paragraph,
    Picture,
    ReportInput,
    section,
)
from customer_assets.reports.tables import MAX_ROWS, Columns, table_view

_TOP_PRODUCTS = 10
_TOP_RANKS = 10
_ROLES = {"grow": "accent", "keep": "soft", "fix": "second", "drop": "muted"}
_NO_ADVICE = "line"
_RETURNED_MOST = 0.5
# What half a season tells: long enough for most who come back, short enough to have been seen.
_WITHIN_DAYS = 90
_CURVE_ROLES = {"customer": "accent", "product": "second"}


@section(
    "products",
    "Products",
    CUSTOMERS,
    80,
    needs=("product_performance",),
    scans=("product_performance",),
)
def products(report: ReportInput) -> list[Block]:
    """Return the best products by net revenue in a picture, and all in the table."""
    currency = report.event_log.currency
    all_products = report.scan("product_performance")
    is_first = pl.col("abc_class") == "A"
    is_returned = pl.col("return_share") >= _RETURNED_MOST
    n, n_first, share, n_returned = all_products.select(
        pl.len().alias("n"),
        is_first.sum().alias("n_first"),
        pl.col("net_revenue_share").filter(is_first).sum(),
        is_returned.sum().alias("n_returned"),
    ).collect().row(0)  # fmt: skip
    if not n_first:
        return []
    ranked = all_products.sort("revenue_rank", "item_id").head(MAX_ROWS).collect()
    text = (
        f"{wording.plural(n_first, 'product')} of {wording.count(n)} "
        f"({wording.share(n_first / n)}) {'brings' if n_first == 1 else 'bring'} "
        f"{wording.share(float(share))} of the revenue: class A."
    )
    blocks: list[Block] = [Paragraph(text, is_lead=True), _best_products(ranked, currency)]
    if n_returned:
        returned = all_products.filter(is_returned).sort(
            "returned_value", "item_id", descending=[True, False]
        )
        worst = returned.head(1).collect().row(0, named=True)
        blocks.append(
            Paragraph(
                f"Of {wording.plural(n_returned, 'product')} at least half of the money came "
                f"back, most of {_name(worst)}: "
                f"{wording.money(worst['returned_value'], currency, 0)} of "
                f"{wording.money(worst['revenue'], currency, 0)}."
            )
        )
    written = partial(wording.money, currency=currency)
    columns: Columns = {
        "item_id": ("Product", wording.shown),
        "item_name": ("Name", wording.shown),
        "category": ("Category", wording.shown),
        "abc_class": ("Class", wording.shown),
        "net_revenue": ("Revenue", written),
        "revenue": ("Gross", written),
        "return_share": ("Returned", wording.share),
        "n_orders": ("Orders", wording.count),
        "n_customers": ("Customers", wording.count),
        "repeat_share": ("Bought again", wording.share),
        "repurchase_days": ("Days until then", wording.decimal),
    }
    title = "Products by revenue"
    view = table_view(report, "product_performance", title, columns, ranked, n_rows=n)
    blocks.append(view)
    return blocks


def _best_products(ranked: pl.DataFrame, currency: str | None) -> Picture:
    bars = [
        Bar(
            _name(row, 18),
            [(max(float(row["net_revenue"]), 0), "accent")],
            wording.compact(row["net_revenue"], currency),
            tip=f"{_name(row, 60)}: {wording.money(row['net_revenue'], currency, 0)}",
        )
        for row in ranked.head(_TOP_PRODUCTS).iter_rows(named=True)
    ]
    wide, narrow = ranked_bars("products", bars, label_widths=(190, 150))
    return Picture(
        "products",
        alt=f"Bars of revenue. {'; '.join(bar.tip for bar in bars)}.",
        caption="The products with the highest revenue, less what came back of them.",
        wide=wide,
        narrow=narrow,
    )


def _name(row: dict, limit: int = 40) -> str:
    return wording.shown(row["item_name"] or row["item_id"], limit)


@section(
    "concentration",
    "Who and what brings the revenue",
    CUSTOMERS,
    50,
    needs=("revenue_concentration",),
)
def concentration(report: ReportInput) -> list[Block]:
    """Return the Pareto curves of customers and products, with their top shares."""
    points = report.frames["revenue_concentration"].sort("unit", "top_percent")
    points = points.filter(pl.col("net_revenue_share").is_not_null())
    if points.is_empty():
        return []
    curves, sentences = [], []
    for unit in points["unit"].unique(maintain_order=True):
        curve = points.filter(pl.col("unit") == unit)
        shares = dict(curve.select("top_percent", "net_revenue_share").iter_rows())
        top = {
            percent: curve.row(by_predicate=pl.col("top_percent") == percent, named=True)
            for percent in (1, 20)
        }
        curves.append(
            ShareCurve(f"{wording.title(unit)}s", list(shares.values()), _CURVE_ROLES[unit])
        )
        what = "known revenue" if unit == "customer" else "revenue"
        sentences.append(
            f"The best 20% of the {unit}s ({wording.count(top[20]['n_top'])}) bring "
            f"{wording.share(top[20]['net_revenue_share'])} of {what}, the best 1% "
            f"({wording.count(top[1]['n_top'])}) {wording.share(top[1]['net_revenue_share'])}; "
            f"Gini {wording.decimal(top[1]['gini'], 2)}."
        )
    wide, narrow = pareto_curves("pareto", curves)
    columns: Columns = {
        "unit": ("Of", wording.title),
        "top_percent": ("Best, %", wording.count),
        "n_top": ("How many", wording.count),
        "net_revenue": ("Bring", partial(wording.money, currency=report.event_log.currency)),
        "net_revenue_share": ("Share", wording.share),
    }
    return [
        Paragraph(sentences[0], is_lead=True),
        *(Paragraph(sentence) for sentence in sentences[1:]),
        Picture(
            "pareto",
            alt="Pareto curves. " + " ".join(sentences),
            caption="The share of revenue that the best so many per cent bring. If all brought "
            "the same, the curve would be the broken line.",
            wide=wide,
            narrow=narrow,
            colours=[(curve.role, curve.label) for curve in curves],
        ),
        table_view(
            report,
            "revenue_concentration",
            "Revenue of the best",
            columns,
            points.filter(pl.col("top_percent").is_in([1, 2, 5, 10, 20, 30, 40, 50])),
        ),
    ]


@section(
    "categories",
    "Categories",
    CUSTOMERS,
    90,
    needs=("category_performance",),
    uses=("published_category_advice",),
)
def categories(report: ReportInput) -> list[Block]:
    """Return categories by net revenue with what to do about each, and by what rule."""
    currency = report.event_log.currency
    ranked = report.frames["category_performance"].sort(
        "net_revenue", "category", descending=[True, False]
    )
    listed = [
        f"{advice} {wording.listing(names)}"
        for advice in _ROLES
        if (
            names := [
                wording.shown(name, 40)
                for name in ranked.filter(pl.col("advice") == advice)["category"]
            ]
        )
    ]
    if not listed:
        return []
    bars = [_category_bar(row, currency) for row in ranked.iter_rows(named=True)]
    wide, narrow = ranked_bars("categories", bars, label_widths=(180, 140))
    columns: Columns = {
        "category": ("Category", wording.shown),
        "advice": ("Advice", wording.shown),
        "net_revenue": ("Revenue", partial(wording.money, currency=currency)),
        "net_revenue_share": ("Share", wording.share),
        "trend": ("Change of its share in a year", _change),
        "return_share": ("Returned", wording.share),
        "n_products": ("Products", wording.count),
        "revenue_per_product": ("Per product", partial(wording.money, currency=currency)),
        "n_orders": ("Orders", wording.count),
        "n_customers": ("Customers", wording.count),
    }
    days = ranked["trend_days"][0]
    compared = (
        f"how its share of it changed over the last {wording.count(days)} days from the same days "
        "a year before"
        if days
        else "the log does not hold the same season twice, so no trend is told"
    )
    blocks: list[Block] = [
        Paragraph(f"{wording.title('; '.join(listed), 600)}.", is_lead=True),
        Picture(
            "categories",
            alt=f"Bars of revenue by category. {'; '.join(bar.tip for bar in bars)}.",
            caption=f"Revenue by category; {compared}.",
            wide=wide,
            narrow=narrow,
            colours=[
                (role, wording.title(advice))
                for advice, role in _ROLES.items()
                if advice in set(ranked["advice"])
            ],
        ),
        Paragraph(
            "Drop: its products bring less than half of what products bring on average, and it "
            "does not grow. Fix: it is as weak but grows, or its share fell by more than a tenth, "
            "or more than one and a half times as much comes back as on average, from five or "
            "more customers. Grow: its share grew by more than a tenth. Keep: the rest. All of it "
            "beyond chance, customer by customer, and against the same season of the year before; "
            "where the log does not hold that, only what to fix is told. The advice is a first "
            "look at sales, not at margins."
        ),
        table_view(report, "category_performance", "Categories by revenue", columns, ranked),
    ]
    if report.has_rows("published_category_advice"):
        blocks += _published_advice(report)
    return blocks


def _category_bar(row: dict, currency: str | None) -> Bar:
    name = wording.shown(row["category"], 22)
    trend = "" if row["trend"] is None else _change(row["trend"], digits=0)
    return Bar(
        name,
        [(max(float(row["net_revenue"]), 0), _ROLES.get(row["advice"], _NO_ADVICE))],
        f"{wording.compact(row['net_revenue'], currency, 2)} {trend}".rstrip(),
        tip=f"{name}: {wording.money(row['net_revenue'], currency, 0)}, "
        + (f"share {trend}, " if trend else "")
        + (row["advice"] or "no advice"),
    )


def _change(part: float, digits: int = 1) -> str:
    return f"{'+' if part > 0 else ''}{wording.decimal(100 * part, digits)}%"


def _published_advice(report: ReportInput) -> list[Block]:
    frame = report.frames["published_category_advice"]
    outcome = pl.when("agrees").then(pl.lit("agrees")).otherwise(pl.lit("differs"))
    columns: Columns = {
        "category": ("Category", wording.shown),
        "published_advice": ("Published", wording.shown),
        "our_advice": ("Ours", wording.shown),
        "outcome": ("Outcome", wording.shown),
        "why": ("What ours rests on", partial(wording.shown, limit=400)),
    }
    note = (
        "The study names kinds of product without saying which products it counts to them or by "
        "what rule it judged."
    )
    marks = {"outcome": {"agrees": "yes", "differs": "no"}}
    title = "The case study's directions beside ours"
    view = frame.with_columns(outcome.alias("outcome"))
    return [
        table_view(report, "published_category_advice", title, columns, view, marks, note),
    ]


@section(
    "viewed-and-bought",
    "Viewed and bought",
    CUSTOMERS,
    100,
    needs=("product_ranks",),
    uses=("category_ranks",),
    scans=("product_ranks", "category_ranks"),
)
def viewed_and_bought(report: ReportInput) -> list[Block]:
    """Return whether what is viewed most is bought most, by category or else by product."""
    table = "category_ranks" if report.has_rows("category_ranks") else "product_ranks"
    frame = report.scan(table)
    key = "category" if table == "category_ranks" else "item_id"
    n, views, purchases = frame.select(pl.len(), pl.sum("n_views", "n_purchases")).collect().row(0)
    if not views or not purchases:
        return []
    noun = "categories" if key == "category" else "products"
    ranked = frame.sort("views_rank", key).head(MAX_ROWS).collect()
    top = ranked.head(_TOP_RANKS)
    most_bought = frame.sort("purchases_rank", key).head(_TOP_RANKS)
    bought = set(most_bought.select(key).collect()[key])
    n_both = len(bought.intersection(top[key]))
    text = (
        f"Of the {wording.plural(top.height, 'most viewed one', 'most viewed')} {noun}, "
        f"{n_both} {'is' if n_both == 1 else 'are'} among the {top.height} most bought."
    )
    labels = [wording.shown(name, 14) for name in top[key]]
    first = [n / views for n in top["n_views"]]
    second = [n / purchases for n in top["n_purchases"]]
    wide, narrow = pairs("views-and-purchases", labels, first, second)
    words = "; ".join(
        f"{label}: {wording.share(a)} of views, {wording.share(b)} of purchases"
        for label, a, b in zip(labels, first, second, strict=True)
    )
    columns: Columns = {
        key: ("Category" if key == "category" else "Product", wording.shown),
        "item_name": ("Name", wording.shown),
        "n_views": ("Views", wording.count),
        "n_purchases": ("Purchases", wording.count),
        "views_rank": ("Rank by views", wording.count),
        "purchases_rank": ("Rank by purchases", wording.count),
        "places_lost": ("Places lost", wording.count),
        "purchases_per_view": ("Purchases per view", wording.share),
    }
    blocks: list[Block] = [
        Paragraph(text, is_lead=True),
        Picture(
            "views-and-purchases",
            alt=f"Pairs of bars, one pair for each of the most viewed {noun}. {words}.",
            caption=f"The most viewed {noun}: share of all views and of all purchases.",
            wide=wide,
            narrow=narrow,
            colours=[("soft", "Share of views"), ("accent", "Share of purchases")],
        ),
        table_view(report, table, f"{wording.title(noun)} by views", columns, ranked, n_rows=n),
    ]
    if table == "category_ranks" and report.has_rows("product_ranks"):
        products = report.scan("product_ranks")
        by_product = products.sort("views_rank", "item_id").head(MAX_ROWS).collect()
        named = {"item_id": ("Product", wording.shown)} | {
            name: spec for name, spec in columns.items() if name != key
        }
        n_products = products.select(pl.len()).collect().item()
        title = "Products by views"
        view = table_view(report, "product_ranks", title, named, by_product, n_rows=n_products)
        blocks.append(view)
    return blocks


@section(
    "repeat-purchase",
    "Who orders again",
    CUSTOMERS,
    70,
    needs=("repeat_purchase",),
    uses=("survival",),
)
def repeat_purchase(report: ReportInput) -> list[Block]:
    """Return how many customers order again, how soon, and by month of the first order."""
    frame = report.frames["repeat_purchase"].sort(
        "cohort_month", "within_days", descending=[True, False], nulls_last=[False, True]
    )
    of_all = frame.filter(pl.col("cohort_month").is_null())
    whole = of_all.filter(pl.col("within_days").is_null()).row(0, named=True)
    known = of_all.filter(pl.col("within_days").is_not_null(), pl.col("repeat_share").is_not_null())
    blocks: list[Block] = [Paragraph(_second_order(report, whole, known), is_lead=True)]
    if not known.is_empty():
        rows = [
            EstimatedShare(
                f"within {wording.plural(row['within_days'], 'day')}",
                row["repeat_share"],
                row["repeat_share_low"],
                row["repeat_share_high"],
                wording.share(row["repeat_share"]),
            )
            for row in known.iter_rows(named=True)
        ]
        wide, narrow = estimated_shares("repeat-purchase", [SharePanel("", rows)])
        blocks.append(
            Picture(
                "repeat-purchase",
                alt="Share of customers who ordered again. "
                + "; ".join(f"{row.label}: {row.value}" for row in rows)
                + ".",
                caption="Customers who ordered again after the first order, of those who have had "
                "the time, with 95% intervals.",
                wide=wide,
                narrow=narrow,
            )
        )
    columns: Columns = {
        "cohort": ("First order in", wording.shown),
        "within": ("Within", wording.shown),
        "n_customers": ("Customers", wording.count),
        "n_observed": ("Seen as long", wording.count),
        "n_repeat_customers": ("Ordered again", wording.count),
        "repeat_share": ("Share", wording.share),
        "median_days_to_second": ("Median days", wording.decimal),
    }
    shown = frame.filter(pl.col("repeat_share").is_not_null())
    view = shown.with_columns(
        pl.col("cohort_month")
        .map_elements(wording.month, return_dtype=pl.String)
        .fill_null("all months")
        .alias("cohort"),
        pl.col("within_days")
        .map_elements(lambda n: wording.plural(n, "day"), return_dtype=pl.String)
        .fill_null("the whole log")
        .alias("within"),
    )
    note = "What is not observable yet is left out here; the CSV file has a row without a share."
    blocks.append(table_view(report, "repeat_purchase", "Second orders", columns, view, note=note))
    return blocks


def _second_order(report: ReportInput, whole: dict, known: pl.DataFrame) -> str:
    """Return the share that orders again within 90 days, or the longest time seen, and how soon."""
    if known.is_empty():
        return (
            f"{wording.share(whole['repeat_share'])} of the "
            f"{wording.plural(whole['n_customers'], 'customer')} with an order have ordered again "
            "on a later day; nobody was seen for long."
        )
    within = known.filter(pl.col("within_days") <= _WITHIN_DAYS).sort("within_days")
    row = (known if within.is_empty() else within).row(-1, named=True)
    low, high = (wording.share(row[f"repeat_share_{end}"]) for end in ("low", "high"))
    text = (
        f"Within {wording.plural(row['within_days'], 'day')} of the first order "
        f"{wording.share(row['repeat_share'])} order again on a later day (95% interval {low} to "
        f"{high}), of the {wording.plural(row['n_observed'], 'customer')} who have had the time."
    )
    if report.has_rows("survival"):
        median = report.frames["survival"].filter(pl.col("kind") == "all")["median_days"]
        days = median[0] if len(median) else None
        if days is not None:
            text += (
                f" Half of all have ordered again after {wording.plural(days, 'day')}, those "
                "counted who still may (Kaplan-Meier)."
            )
    return text


@section("bought-together", "Bought together", CUSTOMERS, 110, needs=("basket_pairs",))
def bought_together(report: ReportInput) -> list[Block]:
    """Return the pairs of products that go together more often than chance explains."""
    frame = report.frames["basket_pairs"].sort("pair_rank", "item_a", "item_b")
    first = frame.row(0, named=True)
    name_a, name_b = (
        wording.shown(first[name] or first[item], 60)
        for name, item in (("name_a", "item_a"), ("name_b", "item_b"))
    )
    text = (
        f"{wording.plural(frame.height, 'pair')} of products "
        f"{'is' if frame.height == 1 else 'are'} bought together more often than chance "
        f"explains, most of all {name_a} and {name_b}: in {wording.count(first['n_baskets'])} "
        f"baskets, {wording.decimal(first['lift'])} times as many as by chance."
    )
    large = first["n_large_baskets"]
    left_out = (
        f"{wording.plural(large, 'basket')} with more than 100 such products "
        f"{'is' if large == 1 else 'are'} left out. "
        if large
        else ""
    )
    scope = (
        f"Of {wording.count(first['n_all_baskets'])} baskets and "
        f"{wording.count(first['n_products'])} products that are frequent enough. {left_out}"
        "Each pair is significant at 5% after correction for all pairs of these products "
        "(Fisher's exact test, Bonferroni)."
    )
    columns: Columns = {
        "name_a": ("One", wording.shown),
        "name_b": ("The other", wording.shown),
        "n_baskets": ("Baskets with both", wording.count),
        "support": ("Support", partial(_percent, digits=2)),
        "confidence_a_b": ("Other if one", wording.share),
        "confidence_b_a": ("One if other", wording.share),
        "lift": ("Lift", wording.decimal),
        "leverage": ("Leverage", partial(_percent, digits=2)),
    }
    view = frame.with_columns(
        pl.coalesce("name_a", "item_a").alias("name_a"),
        pl.coalesce("name_b", "item_b").alias("name_b"),
    )
    return [
        Paragraph(text, is_lead=True),
        Paragraph(scope),
        table_view(report, "basket_pairs", "Pairs of products", columns, view),
    ]


def _percent(part: float, digits: int) -> str:
    return f"{wording.decimal(100 * part, digits)}%"
