"""The card of a question, and the table of all results."""

import polars as pl
import pytest

from customer_assets.reports.content import Paragraph, Picture, ReportInput, TableView
from customer_assets.reports.results import results_markdown
from customer_assets.reports.sections import models
from customer_assets.reports.sections.forecasts import sales_forecast
from customer_assets.reports.sections.models import questions


@pytest.fixture
def blocks(source, frames):
    return questions(ReportInput("shop", source, {}, frames))


def test_the_lead_says_who_answers_how_well_and_why_not_the_new_one(blocks):
    lead = next(b for b in blocks if isinstance(b, Paragraph) and b.is_lead)
    assert lead.text == (
        "Will the customer buy? The best model, LightGBM, reaches a ROC AUC of 0.700 (0.600 to "
        "0.800) on customers it had not learned from, +0.200 against the base rate. It did not "
        "pass the gate, the champion of 1 February 2024, LightGBM, stays. It is not better."
    )


def test_every_part_of_the_card_is_there(blocks):
    pictures = [b.name for b in blocks if isinstance(b, Picture)]
    assert pictures == [
        "models-will_it", "curves-will_it", "backtest-will_it", "importance-will_it",
    ]  # fmt: skip
    texts = " ".join(b.text for b in blocks if isinstance(b, Paragraph))
    assert "always answering no would reach" in texts
    assert "1 feature has moved far" in texts
    assert "The study prints a ROC AUC of 0.7 for LightGBM" in texts
    table = next(b for b in blocks if isinstance(b, TableView))
    assert len(table.rows) == 4


def test_a_question_that_cannot_be_learned_says_why(source, frames):
    frames["champions"] = (
        frames["champions"]
        .head(1)
        .with_columns(
            model=pl.lit(None, pl.String), promoted=False, reason=pl.lit("3 of 60 answer yes.")
        )
    )
    found = questions(ReportInput("shop", source, {}, frames))
    assert found[0].text.endswith("This cannot be learned yet. 3 of 60 answer yes.")


def test_a_log_that_never_sold_has_no_forecast(source, frames):
    assert sales_forecast(ReportInput("shop", source, {}, frames))
    frames["sales_forecast"] = frames["sales_forecast"].with_columns(is_open=False)
    assert sales_forecast(ReportInput("shop", source, {}, frames)) == []


def test_results_set_the_published_figure_beside_ours(source, frames):
    text = results_markdown(
        {"shop": (source.questions, frames["model_metrics"], frames["champions"])}, "Made up."
    )
    rows = [line for line in text.splitlines() if line.startswith("| shop")]
    assert len(rows) == 4
    assert sum("**LightGBM**" in row for row in rows) == 2
    assert rows[0].endswith("| 0.7 |")
    assert not rows[-1].endswith("| 0.7 |")


@pytest.mark.parametrize(
    ("baseline", "words"),
    [("rfm_score", "by RFM finds"), ("best_single_feature", "by the best single feature finds")],
)
@pytest.mark.parametrize(("found", "hardly"), [(0.548, True), (0.3, False)])
def test_the_card_says_where_a_model_is_hardly_better(baseline, words, found, hardly):
    rows = pl.DataFrame(
        {"model": ["lightgbm", baseline], "split": "out_of_time",
         "metric": "recall_at_contact_share", "value": [0.547, found]}
    )  # fmt: skip
    told = models._against_baseline(rows, "lightgbm", "out_of_time", baseline)
    assert words in told
    assert ("hardly better" in told) == hardly
    assert models._against_baseline(rows, "lightgbm", "out_of_time", "base_rate") == ""
