"""Explain a number: from a cell of any table to customers, events, and rows of landed files.

Nothing here knows a table by name. What a cell was made from follows from the model's inputs, its
column lineage and the keys of the tables, and is proved by computing the cell again from the rows
that were found. Reads only; publishes nothing, and knows no Dagster.
"""

from customer_assets.explain.answer import as_csv, as_json, as_text, on_one_line
from customer_assets.explain.cell import CellError
from customer_assets.explain.explanation import Explanation, explain, explain_shown

__all__ = [
    "CellError",
    "Explanation",
    "as_csv",
    "as_json",
    "as_text",
    "explain",
    "explain_shown",
    "on_one_line",
]
