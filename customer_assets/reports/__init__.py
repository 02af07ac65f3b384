"""Reports that people open: one self-contained HTML page per source, and an index over all.

Pure functions over Polars frames. What a page says belongs here; computing the figures that it
says does not: those are tables, and a report only shows, ranks and sums what they hold.

`page` puts a report together from the modules of `sections/`; `content` says what a section is
made of. `charts/` draws the pictures, `tables` makes the tables, `wording` the words, `templates/`
the HTML; `catalogue` describes every table on a page of its own.
"""

from customer_assets.reports.catalogue import CatalogueTable, CheckView
from customer_assets.reports.page import LONG_TABLES, REPORT_TABLES, write_index, write_report

__all__ = [
    "LONG_TABLES",
    "REPORT_TABLES",
    "CatalogueTable",
    "CheckView",
    "write_index",
    "write_report",
]
