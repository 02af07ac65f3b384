"""The card of each question: how well it is answered, by what, and whether to believe it."""

import datetime as dt
import json
from collections.abc import Mapping
from functools import partial
from typing import Any

import polars as pl

from customer_assets.reports import wording
from customer_assets.reports.charts.bars import Bar, ranked_bars
from customer_assets.reports.charts.models import (
    CurvePanel,
    Line,
    Moments,
    curve_panels,
    intervals_in_time,
)
from customer_assets.reports.charts.ranges import Ranges, ranges
from customer_assets.reports.content import (
    SURENESS,
    Block,
    Definitions,
    Paragraph,
    Picture,
    ReportInput,
    TableView,
    section,
)
from customer_assets.reports.tables import Columns, table_view
from customer_assets.sources.questions import Question

METRIC_NAMES = {
    "roc_auc": "ROC AUC",
    "average_precision": "Average precision",
    "f1": "F1",
    "accuracy": "Accuracy",
}
SPLIT_NAMES = {
    "cross_validation": "Cross-validated",
    "out_of_time": "Out of time",
    "holdout": "Held out",
}
_MODEL_NAMES = {
    "lightgbm": "LightGBM",
    "xgboost": "XGBoost",
    "rfm_score": "RFM score",
    "best_single_feature": "Best single feature",
    "base_rate": "Base rate",
    "logistic_regression_on_components": "Logistic regression on components",
}
_RULES = {
    "beats_baseline": "Better than the baseline",
    "is_calibrated": "Probabilities hold",
    "right_in_the_large": "Right in sum",
    "right_slope": "Neither too extreme nor too timid",
    "no_suspicious_feature": "No feature knows the answer",
    "judged_to_the_end": "The newest answers can judge it",
    "better_than_champion": "Better than the model before",
    "earns_more_than_champion": "Earns more than the model before",
}
_BASELINES = {
    "rfm_score": "RFM score",
    "best_single_feature": "best single feature",
    "base_rate": "base rate",
}
_TOP_FEATURES = 12
_MICROSECONDS = 1_000_000
_NOT_TESTED = (float("nan"),) * 3

# A model that finds not even this part more than its baseline is hardly better.
_HARDLY = 0.05


@section(
    "questions",
    "What customers will do",
    SURENESS,
    10,
    needs=("champions",),
    uses=(
        "model_metrics",
        "model_curves",
        "feature_importance",
        "model_drift",
    ),
)
def questions(report: ReportInput) -> list[Block]:
    """Return the card of every question that was learned, and one table of all metrics."""
    blocks: list[Block] = []
    for name, question in report.source.questions.items():
        of_question = {
            table: report.frames[table].filter(question=name)
            for table in ("model_metrics", "model_curves", "champions")
            if table in report.frames
        }
        decided = of_question.get("champions", pl.DataFrame())
        if not decided.is_empty():
            blocks += _card(report, name, question, of_question)
    if blocks and report.has_rows("model_metrics"):
        blocks.append(_metrics_table(report))
    return blocks


def _card(
    report: ReportInput, name: str, question: Question, of_question: Mapping[str, pl.DataFrame]
) -> list[Block]:
    decisions = of_question["champions"].sort("decided_at")
    newest = decisions.row(-1, named=True)
    promoted = decisions.filter("promoted")
    champion = promoted.row(-1, named=True) if len(promoted) else None
    blocks: list[Block] = [Paragraph(_lead(question, newest, champion), is_lead=True)]
    metrics = of_question.get("model_metrics", pl.DataFrame())
    if metrics.is_empty() or newest["model"] is None:
        return blocks
    judged, model = str(newest["split"]), str(newest["model"])
    blocks.append(_comparison(name, question, metrics, judged))
    against = _against_baseline(metrics, model, judged, str(newest["baseline"]))
    blocks.append(Paragraph(_at_threshold(metrics, model, judged) + against))
    blocks.append(
        Definitions(
            [
                (
                    f"{_RULES.get(v['rule'], v['rule'])}: {'passed' if v['passed'] else 'failed'}",
                    v["text"],
                )
                for v in json.loads(newest["verdicts"])
            ]
        )
    )
    curves = of_question.get("model_curves", pl.DataFrame())
    if not curves.is_empty():
        blocks.append(_curves(name, curves.filter(model=model, split=judged), model, judged))
    backtest = metrics.filter(split="backtest", metric=question.metric)
    if backtest["cut_off_ts"].n_unique() > 1:
        blocks.append(_backtest(name, question, metrics, judged))
    if report.has_rows("feature_importance"):
        importance = report.frames["feature_importance"].filter(question=name).sort("rank")
        if not importance.is_empty():
            blocks.append(_importance(name, importance))
    if report.has_rows("model_drift"):
        blocks.append(Paragraph(_drift(report.frames["model_drift"].filter(question=name))))
    if question.published and not report.is_sample:
        blocks.append(Paragraph(_published(question, metrics)))
    return blocks


def _lead(question: Question, newest: Mapping[str, Any], champion: Mapping[str, Any] | None) -> str:
    if newest["model"] is None:
        return f"{question.title} This cannot be learned yet. {newest['reason']}"
    metric = METRIC_NAMES[newest["metric"]]
    told = (
        f"{question.title} The best model, {model_name(newest['model'])}, reaches "
        f"{'an' if metric[0] == 'A' else 'a'} {metric} of {newest['value']:.3f} "
        f"({newest['low']:.3f} to {newest['high']:.3f}) on customers it had not learned from, "
        f"{newest['gain']:+.3f} against the {_BASELINES[newest['baseline']]}."
    )
    if newest["promoted"]:
        return f"{told} It passed the gate and scores the customers."
    stays = (
        f"the champion of {wording.day(champion['decided_at'].date())}, "
        f"{model_name(champion['model'])}, stays"
        if champion
        else "so no probability is published; ranks are where nothing but probabilities failed"
    )
    return f"{told} It did not pass the gate, {stays}. {newest['reason']}"


def model_name(name: str) -> str:
    return _MODEL_NAMES.get(name, wording.title(name))


def _comparison(name: str, question: Question, metrics: pl.DataFrame, judged: str) -> Picture:
    """Draw every model's metric with its interval, cross-validated and judged."""
    of_metric = metrics.filter(metric=question.metric)
    order = of_metric.filter(split=judged).sort("value", "model", descending=[True, False])
    models = order["model"].to_list()
    panels, words = [], []
    for split in ("cross_validation", judged):
        rows = {r["model"]: r for r in of_metric.filter(split=split).to_dicts()}
        values = [
            (rows[m]["low"] or rows[m]["value"], rows[m]["value"], rows[m]["high"] or 0.0)
            for m in models
        ]
        title = f"{METRIC_NAMES[question.metric]}, {SPLIT_NAMES[split].lower()}"
        panels.append(Ranges(title, values, [f"{v:.3f}" for _, v, _ in values], is_log=False))
        listed = ", ".join(
            f"{model_name(m)} {v[1]:.3f}" for m, v in zip(models, values, strict=True)
        )
        words.append(f"{title}: {listed}")
    picture = f"models-{name}"
    wide, narrow = ranges(picture, [wording.shown(model_name(m), 22) for m in models], panels)
    return Picture(
        picture,
        alt="Each model's metric with its interval. " + ". ".join(words) + ".",
        caption="How the models compare on the same customers: the dot is the figure, the band "
        "its 95% interval. Models are tried in the order of their search, and judged by the right "
        "panel.",
        wide=wide,
        narrow=narrow,
    )


def _at_threshold(metrics: pl.DataFrame, model: str, judged: str) -> str:
    rows = metrics.filter(model=model, split=judged)
    value = dict(rows.select("metric", "value").rows())
    hit, false = value["true_positives"], value["false_positives"]
    missed = value["false_negatives"]
    return (
        f"At its threshold {model_name(model)} says yes of {wording.count(hit + false)} customers "
        f"and is right about {wording.count(hit)}; it misses {wording.count(missed)}. It answers "
        f"{wording.share(value['accuracy'])} of all rightly, but always answering no would reach "
        f"{wording.share(value['accuracy_of_always_no'])}. Among the customers that can be "
        f"contacted it finds {wording.share(value['recall_at_contact_share'])} of all who say yes, "
        f"{value['lift_at_contact_share']:.1f} times as many as chance."
    )


def _against_baseline(metrics: pl.DataFrame, model: str, judged: str, baseline: str) -> str:
    """Return what ranking by the baseline finds among as many contacts; base rates rank none."""
    if baseline == "base_rate":
        return ""
    found = metrics.filter(split=judged, metric="recall_at_contact_share")
    ours, theirs = (found.filter(model=name)["value"].item() for name in (model, baseline))
    by = "RFM" if baseline == "rfm_score" else f"the {_BASELINES[baseline]}"
    text = f" Ranking by {by} finds {wording.share(theirs)}"
    if ours < (1 + _HARDLY) * theirs:
        return f"{text}: for choosing whom to contact the model is hardly better than that."
    return f"{text}."


def _curves(name: str, curves: pl.DataFrame, model: str, judged: str) -> Picture:
    def line(curve: str, is_dotted: bool = False) -> Line:
        points = curves.filter(curve=curve).sort("point")
        return Line(
            points["x"].to_list(), points["y"].to_list(), "accent", model_name(model), is_dotted
        )

    calibration = line("calibration", is_dotted=True)
    top = min(1.0, 1.15 * max([*calibration.x, *calibration.y, 0.05]))
    diagonal = Line([0, 1], [0, 1], "muted")
    panels = [
        CurvePanel("ROC curve", "False positive rate", "Found", [line("roc")], diagonal),
        CurvePanel("Precision and recall", "Found", "Precision", [line("precision_recall")]),
        CurvePanel("Gain", "Contacted, best first", "Found", [line("gain")], diagonal),
        CurvePanel(
            "Calibration",
            "Probability said",
            "Share who said yes",
            [calibration],
            Line([0, top], [0, top], "muted"),
            top,
        ),
    ]
    picture = f"curves-{name}"
    wide, narrow = curve_panels(picture, panels)
    gain = curves.filter(curve="gain").sort("x")
    fifth = gain.filter(pl.col("x") <= 0.2)["y"].max()
    return Picture(
        picture,
        alt=f"Four curves of {model_name(model)}. Contacting the best fifth finds "
        f"{wording.share(float(str(fifth or 0)))} of those who say yes. Calibration: "
        + ", ".join(
            f"{wording.share(x)} said, {wording.share(y)} true"
            for x, y in zip(calibration.x, calibration.y, strict=True)
        )
        + ".",
        caption=f"{model_name(model)}, {SPLIT_NAMES[judged].lower()}; dashed is chance, and in "
        "the last panel perfect probabilities.",
        wide=wide,
        narrow=narrow,
    )


def _backtest(name: str, question: Question, metrics: pl.DataFrame, judged: str) -> Picture:
    rows = metrics.filter(
        pl.col("split").is_in(["backtest", judged]) & (pl.col("metric") == question.metric)
    ).sort("cut_off_ts")
    tested = set(rows.filter(split="backtest")["model"]) - {"base_rate"}
    of_baseline = ("rfm_score", "best_single_feature")
    moments = rows["cut_off_ts"].unique().sort().to_list()
    series, words = [], []
    for model in sorted(tested, key=lambda name: name in of_baseline):
        role = "second" if model in of_baseline else "accent"
        of_model = {
            row["cut_off_ts"]: (row["low"], row["value"], row["high"])
            for row in rows.filter(model=model).drop_nulls("value").to_dicts()
        }
        values = [of_model.get(at, _NOT_TESTED) for at in moments]
        series.append(Moments(model_name(model), role, values))
        words.append(
            f"{model_name(model)}: " + ", ".join(f"{v[1]:.3f}" for v in values if v[1] == v[1])
        )
    days = [
        wording.short_day(dt.datetime.fromtimestamp(at / _MICROSECONDS, dt.UTC).date())
        for at in moments
    ]
    picture = f"backtest-{name}"
    wide, narrow = intervals_in_time(picture, days, series)
    return Picture(
        picture,
        alt=f"{METRIC_NAMES[question.metric]} at successive cut-offs. " + ". ".join(words) + ".",
        caption=f"{METRIC_NAMES[question.metric]} had the model been trained at each earlier "
        "moment on what was known then, with 95% intervals.",
        wide=wide,
        narrow=narrow,
        colours=[(one.role, one.label) for one in series],
    )


def _importance(name: str, importance: pl.DataFrame) -> Picture:
    roles = {"raises": "accent", "lowers": "second", "mixed": "soft"}
    top = importance.head(_TOP_FEATURES).to_dicts()
    bars = [
        Bar(
            wording.measure(row["feature"], 26),
            [(row["shap_mean_abs"], roles[row["direction"]])],
            f"{row['shap_mean_abs']:.2f}",
            f"{wording.measure(row['feature'])}: shuffling it costs {row['permutation']:.3f}",
        )
        for row in top
    ]
    picture = f"importance-{name}"
    wide, narrow = ranked_bars(picture, bars, label_widths=(210, 170))
    listed = "; ".join(
        f"{wording.measure(r['feature'])} {r['shap_mean_abs']:.2f}, {r['direction']}" for r in top
    )
    return Picture(
        picture,
        alt=f"Bars, the strongest features first. {listed}.",
        caption="What the champion looks at: mean absolute Shapley value in log odds.",
        wide=wide,
        narrow=narrow,
        colours=[
            ("accent", "More of it raises the score"),
            ("second", "More of it lowers the score"),
            ("soft", "Neither throughout"),
        ],
    )


def _drift(drift: pl.DataFrame) -> str:
    moved = drift.filter("has_drifted").sort("stability_index", descending=True)
    if moved.is_empty():
        return "The customers scored now are like those that the champion learned from."
    features = wording.listing([wording.measure(f) for f in moved["feature"].head(5).to_list()])
    return (
        f"{wording.plural(len(moved), 'feature has', 'features have')} moved far since the "
        f"champion was trained (population stability index above 0.25), most of all {features}."
    )


def _published(question: Question, metrics: pl.DataFrame) -> str:
    told = []
    for published in question.published:
        ours = metrics.filter(
            metric=published.metric, split="cross_validation", **_of_model(published.model)
        )
        best = ours["value"].max()
        said = "not computed" if best is None else f"{float(str(best)):.3f}"
        told.append(
            f"The study prints a {METRIC_NAMES.get(published.metric, published.metric)} of "
            f"{published.value:g} for {model_name(published.model)}, ours is {said} by "
            f"cross-validation. {published.note}".strip()
        )
    return " ".join(told)


def _of_model(model: str) -> dict[str, str]:
    return {} if model == "any" else {"model": model}


def _split_name(split: str) -> str:
    return SPLIT_NAMES.get(split, wording.title(split))


def _metrics_table(report: ReportInput) -> TableView:
    """Return a row per question, model and split with the metrics side by side."""
    shown = {
        "roc_auc": "ROC AUC",
        "average_precision": "Average precision",
        "f1": "F1",
        "recall_at_contact_share": "Found among contacts",
        "lift_at_contact_share": "Lift",
        "expected_calibration_error": "Calibration error",
        "brier": "Brier score",
    }
    frame = report.frames["model_metrics"].filter(
        pl.col("metric").is_in(list(shown)) & (pl.col("split") != "backtest")
    )
    wide = frame.pivot(on="metric", index=["question", "model", "split"], values="value").sort(
        "question", "split", "roc_auc", descending=[False, False, True]
    )
    three = partial(wording.decimal, digits=3)
    columns: Columns = {
        "model": ("Model", model_name),
        "question": ("Question", wording.title),
        "split": ("Split", _split_name),
        **{name: (label, three) for name, label in shown.items()},
    }
    return table_view(report, "model_metrics", "All models", columns, wide)
