"""Checks of a table's rows, run by Great Expectations before the rows are published.

Belongs here: which expectations a table's header may name, what they are called in the UI, and
how they are run on the engine's own DuckDB connection. Does not belong here: what happens after
a failed check (`warehouse` publishes, `components` tells Dagster), rules for raw rows
(`ingest`), and anything of Dagster. `gx_duckdb` is the one module that imports Great
Expectations; nothing imports it before the first audit, because that import takes seconds.
"""

from customer_assets.quality.audit import audit
from customer_assets.quality.checks import Check, checks_of
from customer_assets.quality.results import CheckResult, one_each, summary_markdown

__all__ = ["Check", "CheckResult", "audit", "checks_of", "one_each", "summary_markdown"]
