import re

import polars as pl

from customer_assets import markdown


def test_hostile_cells_stay_cells_of_a_table():
    nasty = [
        "<script>alert(1)</script>",
        "a | b",
        "![x](http://example.org/x)",
        "`",
        "*",
        "x" * 10_000,
    ]
    text = markdown.frame_table(pl.DataFrame({"name": nasty}))
    rows = text.splitlines()
    assert len(rows) == len(nasty) + 2
    assert "<" not in text
    assert "![" not in text
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 2 for row in rows)
    assert max(map(len, rows)) < 250
