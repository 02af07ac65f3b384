"""The command `export-customers`: a list of customers for a mailing tool, and what it is.

CSV for people and spreadsheets, whose cells run nothing; Parquet for tools, values as they are; a
manifest that says whom the list holds, from which version of which tables.
"""

import datetime as dt
import hashlib
import json
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from customer_assets import settings
from customer_assets.activation.published import Published, published
from customer_assets.project import read_pipeline
from customer_assets.reports.tables import write_csv
from customer_assets.segments.known_customers import BASE_TABLES
from customer_assets.sources import Advice

CSV, PARQUET, MANIFEST = "customers.csv", "customers.parquet", "manifest.json"
_ID = "customer_id"
_TABLES = (*BASE_TABLES, "customer_segments", "rule_segments", "model_scores")


@dataclass(frozen=True)
class Choice:
    """Whom a list shall hold: a segment, a rule, or the best so many by a question's score."""

    segment: str | None = None
    rule: str | None = None
    best: int | None = None
    question: str | None = None


class NoSuchCustomersError(LookupError):
    """A segment, rule or question that the source does not have. The text names those it has."""


def export_customers(
    source: str, choice: Choice, folder: Path, now: dt.datetime
) -> tuple[int, int]:
    """Write the list of a source's customers into a new folder.

    Returns how many it holds, and how many more may not be written to and were left out.

    Raises UnknownSourceError, NothingPublishedError, NoSuchCustomersError, and FileExistsError
    where the folder exists: a list never replaces another one.
    """
    pipeline = read_pipeline(source)
    tables = published(settings.warehouse_folder() / source, _TABLES)
    customers, definition = chosen_customers(tables, choice)
    customers, n_withheld = with_consent(customers, tables.frames, pipeline.source.advice)
    manifest = {
        "source": source,
        "definition": definition,
        "exported_at": now.astimezone(dt.UTC).isoformat(timespec="seconds"),
        "n_customers": customers.height,
        "n_without_consent_left_out": n_withheld,
        "consent_column": pipeline.source.advice.consent,
        "columns": customers.columns,
        "data_version": tables.versions,
    }
    write_export(customers, manifest, folder)
    return customers.height, n_withheld


def chosen_customers(tables: Published, choice: Choice) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Return the customers of a choice, best first or by id, and the words of its definition.

    Of customers with equal scores those with the smaller id come first.
    """
    frames = tables.frames
    if choice.segment is not None:
        tables.needs("customer_segments")
        found = _of(frames["customer_segments"], "segment", choice.segment)
        definition: dict[str, Any] = {"segment": choice.segment}
    elif choice.rule is not None:
        tables.needs("rule_segments")
        found = _of(frames["rule_segments"], "rule", choice.rule)
        definition = {"rule": choice.rule}
    else:
        if choice.best is None or choice.best < 1 or choice.question is None:
            raise ValueError("the best customers need a number above 0 and a question")
        tables.needs("model_scores")
        scores = _of(frames["model_scores"], "question", choice.question)
        found = scores.sort("score_rank", _ID).head(choice.best)
        definition = {
            "best": choice.best,
            "question": choice.question,
            "model": scores["model"][0],
            "version": scores["version"][0],
        }
    return _described(found, frames), definition


def _of(frame: pl.DataFrame, column: str, name: str) -> pl.DataFrame:
    found = frame.filter(pl.col(column) == name).sort(_ID)
    if found.is_empty():
        known = ", ".join(sorted(frame[column].drop_nulls().unique()))
        raise NoSuchCustomersError(f"no customers of the {column} {name!r}; there are {known}")
    return found


def _described(found: pl.DataFrame, frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the customers with what a mailing tool may want to say or sort by."""
    scores = [c for c in ("probability", "decile", "score_rank", "reasons") if c in found.columns]
    listed = found.select(_ID, *scores)
    more = {
        "customer_segments": ["segment"],
        "rfm": [
            "recency_days",
            "n_orders",
            "monetary",
            "gross_monetary",
            "is_mostly_returned",
            "last_order_at",
            "rfm_cell",
            "rf_level",
        ],
    }
    for table, columns in more.items():
        if table in frames:
            listed = listed.join(
                frames[table].select(_ID, *columns), on=_ID, how="left", maintain_order="left"
            )
    return listed


def with_consent(
    customers: pl.DataFrame, frames: Mapping[str, pl.DataFrame], advice: Advice
) -> tuple[pl.DataFrame, int]:
    """Return the customers who may be written to, and how many may not; unknown is no consent."""
    if advice.consent is None:
        return customers, 0
    agreed = frames["customers"].filter(pl.col(advice.consent)).select(_ID)
    kept = customers.join(agreed, on=_ID, how="semi", maintain_order="left")
    return kept, customers.height - kept.height


def write_export(customers: pl.DataFrame, manifest: Mapping[str, Any], folder: Path) -> None:
    """Write the three files into a new folder, all or none. Raises FileExistsError."""
    if folder.exists():
        raise FileExistsError(f"{folder} exists; name another folder or move it away first")
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    temporary.mkdir()
    try:
        write_csv(customers, temporary / CSV)
        customers.write_parquet(temporary / PARQUET)
        hashes = {
            name: hashlib.sha256((temporary / name).read_bytes()).hexdigest()
            for name in (CSV, PARQUET)
        }
        text = json.dumps({**manifest, "sha256": hashes}, indent=2, ensure_ascii=False)
        (temporary / MANIFEST).write_text(text + "\n", encoding="utf-8")
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
