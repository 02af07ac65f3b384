"""What every model of every source reached, beside what studies print: one table in Markdown."""

from collections.abc import Mapping

import polars as pl

from customer_assets import markdown
from customer_assets.reports.sections.models import METRIC_NAMES, SPLIT_NAMES, model_name
from customer_assets.sources.questions import Question

_HEAD = """# What the models reach

Written by `python -m customer_assets results docs/results.md` from the published tables. Each
figure has its 95 % bootstrap interval. Models are chosen by their search and judged on
customers of a later time, or held out; **bold** is the champion. {rows}

"""
_COLUMNS = ["Source", "Question", "Model", "Judged on", "Metric", "Ours", "Published"]


def results_markdown(
    sources: Mapping[str, tuple[Mapping[str, Question], pl.DataFrame, pl.DataFrame]], data: str
) -> str:
    """Return the table of all sources.

    `sources` gives by name a source's questions, its `model_metrics` and its `champions`; `data`
    is a sentence on which data they rest.
    """
    rows = [
        row
        for name, (questions, metrics, champions) in sources.items()
        for asked, question in questions.items()
        for row in _rows(
            name,
            asked,
            question,
            metrics.filter(question=asked),
            champions.filter(pl.col("promoted") & (pl.col("question") == asked)),
        )
    ]
    return _HEAD.format(rows=data) + markdown.table(_COLUMNS, rows) + "\n"


def _rows(
    source: str,
    asked: str,
    question: Question,
    metrics: pl.DataFrame,
    promoted: pl.DataFrame,
) -> list[list[str]]:
    champion = promoted.sort("decided_at")["model"].to_list()[-1:]
    published = {(p.model, p.metric): f"{p.value:g}" for p in question.published}
    wanted = {"roc_auc", question.metric, *(metric for _, metric in published)}
    shown = metrics.filter(
        pl.col("metric").is_in(sorted(wanted)) & (pl.col("split") != "backtest")
    ).sort("split", "metric", "value", descending=[False, False, True], nulls_last=True)
    rows = []
    for row in shown.to_dicts():
        name = model_name(row["model"])
        if row["model"] in champion:
            name = f"**{name}**"
        value = "none" if row["value"] is None else f"{row['value']:.3f}"
        if row["low"] is not None:
            value += f" ({row['low']:.3f} to {row['high']:.3f})"
        said = published.get((row["model"], row["metric"]), "")
        if row["model"] in champion:
            said = said or published.get(("any", row["metric"]), "")
        if row["split"] != "cross_validation":
            said = ""
        split, metric = SPLIT_NAMES[row["split"]], METRIC_NAMES.get(row["metric"], row["metric"])
        rows.append([source, asked, name, split, metric, value, said])
    return rows
