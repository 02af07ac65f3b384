"""The section on what models learn from: how features are spread, hang together, are left out.

What a model makes of them is told with the model.
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from customer_assets.reports import wording
from customer_assets.reports.charts.bars import Bar, ranked_bars
from customer_assets.reports.charts.features import Spread, correlations, spreads
from customer_assets.reports.content import (
    SURENESS,
    Block,
    Paragraph,
    Picture,
    ReportInput,
    section,
)
from customer_assets.reports.tables import Columns, table_view

_SPREAD, _CORRELATED, _MISSING = 9, 14, 15
# What feature_bins calls the bin of customers without a value.
_MISSING_BIN = "missing"
# The share of fewer customers is mostly chance.
_FEWEST = 20


@section(
    "features",
    "What models learn from",
    SURENESS,
    30,
    needs=("feature_profile",),
    uses=(
        "feature_bins",
        "feature_correlation",
        "leakage_check",
    ),
)
def features(report: ReportInput) -> list[Block]:
    """Return the features of each question in words, pictures and tables."""
    profile = report.frames["feature_profile"]
    blocks: list[Block] = []
    if report.has_rows("leakage_check"):
        blocks.append(_leakage(report.frames["leakage_check"]))
    for (question,), rows in profile.group_by("question", maintain_order=True):
        blocks += _question(report, str(question), rows)
    columns: Columns = {
        "question": ("Question", wording.title),
        "feature": ("Feature", wording.shown),
        "missing_share": ("Missing", wording.share),
        "median": ("Median", wording.figure),
        "quantile_05": ("5 %", wording.figure),
        "quantile_95": ("95 %", wording.figure),
        "auc": ("AUC alone", lambda value: wording.decimal(value, 3)),
        "phik_label": ("phik with label", lambda value: wording.decimal(value, 2)),
        "vif": ("VIF", wording.decimal),
        "cluster": ("Cluster", wording.count),
        "dropped_because": ("Left out because", lambda text: wording.shown(text, 120)),
    }
    by_strength = profile.sort(
        "question",
        pl.col("dropped_because").is_not_null(),
        "phik_label",
        descending=[False, False, True],
        nulls_last=True,
    )
    blocks.append(table_view(report, "feature_profile", "Features", columns, by_strength))
    return blocks


def _leakage(check: pl.DataFrame) -> Paragraph:
    n_wrong = int(check["n_changed_values"].sum()) + int(check["n_missing_customers"].sum())
    found = (
        "no value changed"
        if not n_wrong
        else f"{wording.count(n_wrong)} values changed: the features know the future"
    )
    return Paragraph(
        f"Leakage check: the features of {wording.plural(len(check), 'cut-off')} were computed "
        f"again from the events up to the cut-off alone, and {found}."
    )


def _question(report: ReportInput, question: str, rows: pl.DataFrame) -> list[Block]:
    kept = rows.filter(pl.col("dropped_because").is_null())
    ranked = kept.sort("phik_label", "feature", descending=[True, False], nulls_last=True)
    text = (
        f"{wording.title(question)}: of {wording.plural(len(rows), 'feature')} models see "
        f"{len(kept)}, and {len(rows) - len(kept)} are left out. "
        f"Described on {wording.count(rows['n_rows'].max() or 0)} customers."  # type: ignore[arg-type]
    )
    strongest = ranked.filter(pl.col("auc").is_not_null()).head(1)
    if len(strongest):
        row = strongest.row(0, named=True)
        text += (
            f" The closest bond with the answer has {wording.shown(row['feature'])} (phik "
            f"{row['phik_label'] or 0:.2f}, AUC by itself {row['auc']:.3f})."
        )
    blocks: list[Block] = [Paragraph(text, is_lead=True)]
    if report.has_rows("feature_bins"):
        bins = report.frames["feature_bins"].filter(question=question)
        blocks.append(_spreads(question, ranked["feature"].to_list(), bins))
    if report.has_rows("feature_correlation"):
        bonds = report.frames["feature_correlation"].filter(question=question)
        blocks.append(
            _correlations(question, ranked["feature"].to_list(), set(rows["feature"]), bonds)
        )
    missing = rows.filter(pl.col("missing_share") > 0)
    if not missing.is_empty():
        blocks.append(_missing(question, missing))
    return blocks


def _spreads(question: str, ranked: list[str], bins: pl.DataFrame) -> Picture:
    shown = ranked[:_SPREAD]
    panels = []
    for feature in shown:
        rows = bins.filter(feature=feature).sort("bin").to_dicts()
        panels.append(
            Spread(
                title=wording.shown(feature, 30),
                shares=[row["customer_share"] for row in rows],
                positive=[
                    row["positive_share"] if row["n_customers"] >= _FEWEST else None for row in rows
                ],
                is_last_apart=rows[-1]["text"] == _MISSING_BIN,
                tips=[_bin_in_words(row) for row in rows],
                first=wording.shown(_end(rows[0], "low"), 16),
                last=wording.shown(_end(rows[-1], "high"), 16),
            )
        )
    of_one = bins.filter(feature=shown[0]) if shown else bins
    known = of_one.filter(pl.col("positive_share").is_not_null())
    n_yes = float((known["positive_share"] * known["n_customers"]).sum())
    overall = n_yes / int(known["n_customers"].sum()) if len(known) else None
    wide, narrow = spreads(f"spread-{question}", panels, overall)
    return Picture(
        f"spread-{question}",
        alt=f"A panel for each of the {len(panels)} features closest to the answer: "
        f"{', '.join(wording.shown(f) for f in shown)}. In each, columns for how many customers "
        "have which values and dots for the share of them with a yes.",
        caption="How the values of the features closest to the answer are spread, from low to "
        "high, and the share of customers with a yes among those who have them. Bins are of equal "
        "width, on a long tail of equal width in log(1 + x); bins of fewer than "
        f"{_FEWEST} customers have no dot. Dashed: the share of all customers.",
        wide=wide,
        narrow=narrow,
        colours=[("soft", "Customers"), ("accent", "Share with a yes")],
    )


def _bin_in_words(row: Mapping[str, Any]) -> str:
    text = f"{wording.shown(row['text'])}: {wording.count(row['n_customers'])} customers"
    if row["positive_share"] is None:
        return text
    return f"{text}, {wording.share(row['positive_share'])} of them with a yes"


def _end(row: Mapping[str, Any], side: str) -> str:
    value = row[side]
    if value is None:
        return str(row["text"])
    return wording.compact(value) if abs(value) >= 1000 else f"{value:.3g}"


def _correlations(
    question: str, ranked: list[str], features: set[str], bonds: pl.DataFrame
) -> Picture:
    # The label is in the bonds, but is no feature of the profile.
    label = sorted(set(bonds["feature"]) - features)
    known = set(bonds["feature"])
    shown = [*label, *[feature for feature in ranked if feature in known][:_CORRELATED]]
    of_pair = {(row[0], row[1]): row[2] for row in bonds.select("feature", "other", "phik").rows()}
    values = [[1.0 if a == b else of_pair.get((a, b)) for b in shown] for a in shown]
    wide, narrow = correlations(f"phik-{question}", [wording.shown(f, 30) for f in shown], values)
    pairs = sorted(
        ((of_pair.get((a, b)) or 0, a, b) for i, a in enumerate(shown) for b in shown[i + 1 :]),
        reverse=True,
    )
    closest = "; ".join(
        f"{wording.shown(a)} and {wording.shown(b)}: {value:.2f}" for value, a, b in pairs[:3]
    )
    return Picture(
        f"phik-{question}",
        alt=f"A square of correlations between the answer and {len(shown) - len(label)} features. "
        f"The closest pairs: {closest}.",
        caption="phi_K between the answer (first) and the features closest to it: 0 independent, 1 "
        "the one tells the other; it also compares numbers with text.",
        wide=wide,
        narrow=narrow,
    )


def _missing(question: str, missing: pl.DataFrame) -> Picture:
    most = missing.sort("missing_share", "feature", descending=[True, False]).head(_MISSING)
    bars = [
        Bar(
            label=wording.shown(row["feature"], 30),
            parts=[(row["missing_share"], "soft" if row["dropped_because"] else "accent")],
            value=wording.share(row["missing_share"]),
            tip=wording.shown(row["dropped_because"] or "Models see it.", 120),
        )
        for row in most.to_dicts()
    ]
    wide, narrow = ranked_bars(f"missing-{question}", bars, label_widths=(226, 176))
    words = "; ".join(f"{bar.label}: {bar.value}" for bar in bars)
    return Picture(
        f"missing-{question}",
        alt=f"Bars, one per feature with missing values. {words}.",
        caption="Share of customers for whom a feature has no value: it does not apply to them, or "
        "is not known. Each model fills the gaps from its training rows.",
        wide=wide,
        narrow=narrow,
        colours=[("accent", "Models see it"), ("soft", "Left out")],
    )
