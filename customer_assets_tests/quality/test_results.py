"""How a result is shown: nothing from a data file is markup."""

from customer_assets.quality import Check, CheckResult, summary_markdown

CHECK = Check("not_null_x", "expect_column_values_to_not_be_null", {"column": "x"}, "error", "")


def test_cells_are_escaped():
    rows = [
        {"x|y": "a|b\nc", "z": "<script>&"},
        {"x|y": None, "z": "[me](http://e.org) `*_#!"},
    ]
    assert summary_markdown(CheckResult(CHECK, False, 2, sample=rows)) == "\n".join(
        [
            r"| x\|y | z |",
            "| --- | --- |",
            r"| a\|b c | &lt;script&gt;&amp; |",
            r"| *NULL* | \[me\](http://e.org) \`\*\_\#\! |",
        ]
    )


def test_a_long_cell_is_cut():
    text = summary_markdown(CheckResult(CHECK, False, 1, sample=[{"x": "a" * 1000}]))
    assert text.endswith("aaa… |")
    assert len(text) < 250


def test_without_rows_there_is_a_line():
    assert summary_markdown(CheckResult(CHECK, True, 5)) == "No failing rows."
    assert summary_markdown(CheckResult(CHECK, False, 5, observed=[1])) == r"Observed: \[1\]"
    assert "no \\| such" in summary_markdown(CheckResult(CHECK, False, 5, error="no | such"))
