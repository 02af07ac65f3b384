"""The section on features: what it says and draws, and that no text of the data is markup."""

import polars as pl

from customer_assets.reports.content import Paragraph, Picture, ReportInput, TableView
from customer_assets.reports.page import write_report
from customer_assets.reports.sections.features import features
from customer_assets_tests.reports.conftest import text_of

HOSTILE = "<script>alert(1)</script>"


def test_the_section_tells_what_is_seen_and_what_is_left_out(source, tables, frames):
    frames["leakage_check"] = frames["leakage_check"].with_columns(n_changed_values=2)
    blocks = features(ReportInput("shop", source, tables, frames))
    words = " ".join(block.text for block in blocks if isinstance(block, Paragraph))
    assert "of 3 features models see 2, and 1 are left out" in words
    assert "The closest bond with the answer has visits (phik 0.62, AUC by itself 0.810)" in words
    assert "4 values changed: the features know the future" in words
    pictures = [block.name for block in blocks if isinstance(block, Picture)]
    assert pictures == ["spread-will_it", "phik-will_it", "missing-will_it"]
    assert [block.n_rows for block in blocks if isinstance(block, TableView)] == [3]


def test_texts_of_the_data_are_no_markup(source, tables, frames, tmp_path):
    shown = {name: frames[name] for name in ("feature_profile", "feature_bins")}
    shown["feature_bins"] = shown["feature_bins"].with_columns(text=pl.lit(HOSTILE))
    shown["feature_profile"] = shown["feature_profile"].with_columns(
        dropped_because=pl.lit(f"The same for every customer: {HOSTILE}.")
    )
    page = text_of(write_report("shop", source, tables, shown, tmp_path))
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)" in page


def test_before_there_is_an_answer_features_are_shown_without_one(source, tables, frames):
    frames["feature_profile"] = frames["feature_profile"].with_columns(
        auc=pl.lit(None, pl.Float64), phik_label=pl.lit(None, pl.Float64)
    )
    frames["feature_bins"] = frames["feature_bins"].with_columns(
        positive_share=pl.lit(None, pl.Float64)
    )
    blocks = features(ReportInput("shop", source, tables, frames))
    assert "closest bond" not in " ".join(b.text for b in blocks if isinstance(b, Paragraph))
