"""The section on features: what it says, what it draws, and that no text of the data is markup."""

import polars as pl
import pytest

from customer_assets.learning.feature_profile import (
    FEATURE_BINS,
    FEATURE_CORRELATION,
    FEATURE_PROFILE,
)
from customer_assets.learning.leakage import LEAKAGE_CHECK
from customer_assets.reports.content import Paragraph, Picture, ReportInput, TableView
from customer_assets.reports.features import features
from customer_assets.reports.page import write_report
from customer_assets.sources.questions import Question

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def feature_frames():
    question = Question(title="Will it?", label="label", models=["lightgbm"])
    numbers = range(200)
    rows = pl.DataFrame(
        {
            "customer_id": numbers,
            "visits": [None if n < 5 else n % 40 for n in numbers],
            "plan": [HOSTILE if n % 3 else "basic" for n in numbers],
            "constant": [HOSTILE] * 200,
            "label": [n % 40 >= 20 for n in numbers],
        }
    )
    frames = {"customer_features": rows}
    for model in (FEATURE_CORRELATION, FEATURE_PROFILE, FEATURE_BINS):
        frames[model.name] = model.compute(frames, {"questions": {"will_it": question}})
    del frames["customer_features"]
    return frames | {
        "leakage_check": pl.DataFrame(
            {
                "cut_off_ts": [1, 2],
                "n_customers": [3, 3],
                "n_missing_customers": [0, 0],
                "n_changed_values": [0, 4],
                "leaking_features": ["", "visits"],
            }
        )
    }


TABLES = {m.name: m.table for m in (FEATURE_CORRELATION, FEATURE_PROFILE, FEATURE_BINS)} | {
    "leakage_check": LEAKAGE_CHECK
}


def test_the_section_tells_what_is_seen_and_what_is_left_out(source, feature_frames):
    blocks = features(ReportInput("shop", source, TABLES, feature_frames))
    words = " ".join(block.text for block in blocks if isinstance(block, Paragraph))
    assert "of 3 features models see 2, and 1 are left out" in words
    assert "4 values changed: the features know the future" in words
    pictures = [block.name for block in blocks if isinstance(block, Picture)]
    assert pictures == ["spread-will_it", "phik-will_it", "missing-will_it"]
    assert [block.n_rows for block in blocks if isinstance(block, TableView)] == [2, 1]


def test_texts_of_the_data_are_no_markup(source, feature_frames, tmp_path):
    page = write_report("shop", source, TABLES, feature_frames, tmp_path).read_text()
    assert "What models learn from" in page
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)" in page
