"""The command `export-customers`: a list of customers for a mailing tool, and what it is.

CSV for people and spreadsheets, whose cells run nothing; Parquet for tools, values as they are; a
manifest that says whom the list holds, from which version of which tables.
"""

import datetime as dt
import hashlib
import json
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from customer_assets import settings
from customer_assets.activation.published import Published, published
from customer_assets.advice.exposures import Exposures, draw
from customer_assets.project import read_pipeline
from customer_assets.reports.tables import write_csv
from customer_assets.segments.known_customers import BASE_TABLES
from customer_assets.sources import Advice, parse_duration
from customer_assets.sources.parts import identifier

CSV, PARQUET, MANIFEST = "customers.csv", "customers.parquet", "manifest.json"
_ID = "customer_id"
_TABLES = (
    *BASE_TABLES,
    "customer_segments",
    "rule_segments",
    "model_scores",
    "customer_offers",
)
# What a list says of its customers beside what is known of every one.
_OWN_COLUMNS = (
    "action",
    "offer",
    "channel",
    "tone",
    "timing",
    "product_kind",
    "product",
    "product_name",
    "reason",
    "expected_value",
    "expected_value_low",
    "expected_value_high",
    "value_from",
    "probability",
    "decile",
    "score_rank",
    "reasons",
)


@dataclass(frozen=True)
class Choice:
    """Whom a list shall hold: a segment, a rule, the best so many by a question's score, or all
    who have an offer, of one action where it is named."""

    segment: str | None = None
    rule: str | None = None
    best: int | None = None
    question: str | None = None
    offers: str | None = None


# In place of an action: the offers of all.
ALL_OFFERS = "all"


@dataclass(frozen=True)
class Contact:
    """By what name a list is remembered, and which share of it is held out. Raises ValueError."""

    campaign: str
    hold_out: float = 0

    def __post_init__(self) -> None:
        if not 0 <= self.hold_out < 1:
            raise ValueError(f"--hold-out {self.hold_out:.0%}: it is below 100 %, such as 10%")
        try:
            identifier(self.campaign)
        except ValueError as error:
            raise ValueError(f"--campaign: {error}") from None


def contact(folder: Path, now: dt.datetime, hold_out: str, campaign: str | None) -> Contact:
    """Return how a list is remembered: by its campaign, else by its folder. Raises ValueError.

    A hold-out is drawn by the campaign's name, so that the same command draws the same customers;
    a list without one has the time in its name, since nothing is drawn.
    """
    number = hold_out.strip()
    try:
        share = float(number.removesuffix("%")) / (100 if number.endswith("%") else 1)
    except ValueError:
        raise ValueError(f"--hold-out {hold_out}: it is a share such as 10%") from None
    name = re.sub(r"[^a-z0-9]+", "_", folder.name.lower()).strip("_")
    name = name if name[:1].isalpha() else f"list_{name}"
    return Contact(campaign or (name if share else f"{name}_{now:%Y%m%d_%H%M%S}"), share)


class NoSuchCustomersError(LookupError):
    """A segment, rule, question or action that the source does not have. The text names those it
    has."""


def export_customers(
    source: str, choice: Choice, folder: Path, now: dt.datetime, contact: Contact
) -> dict[str, Any]:
    """Write the list of a source's customers into a new folder; return what its manifest says.

    Left out are who has not agreed, who was on as many lists as the source allows, and who is held
    out. What was drawn is kept among the source's exposures: `campaign_uplift` tells from it later
    what the list caused. Raises UnknownSourceError, NothingPublishedError, NoSuchCustomersError,
    ValueError for a hold-out that nothing could be seen of, and FileExistsError where the folder
    exists or the campaign had its list: a list never replaces another one.
    """
    pipeline = read_pipeline(source)
    if contact.hold_out and "campaign_uplift" not in pipeline.tables:
        raise ValueError(f"--hold-out: {source} has no log of orders to see an effect in")
    advice = pipeline.source.advice
    exposures = Exposures.below(settings.exposures_folder() / source)
    tables = published(settings.warehouse_folder() / source, _TABLES)
    customers, definition = chosen_customers(tables, choice)
    customers, n_withheld = with_consent(customers, tables.frames, advice)
    customers, n_over_limit = within_limit(customers, exposures, advice, now)
    drawn = draw(customers, contact.campaign, contact.hold_out, now)
    listed = customers.filter(~drawn["is_held_out"])
    manifest = {
        "source": source,
        "definition": definition,
        "campaign": contact.campaign,
        "exported_at": now.astimezone(dt.UTC).isoformat(timespec="seconds"),
        "n_customers": listed.height,
        "n_without_consent_left_out": n_withheld,
        "consent_column": advice.consent,
        "n_over_contact_limit_left_out": n_over_limit,
        "n_held_out": drawn.height - listed.height,
        "hold_out_share": contact.hold_out,
        "columns": listed.columns,
        "data_version": tables.versions,
    }
    kind, name = next(iter(definition.items()))
    target = pl.lit(str(definition.get("question", name)))
    with exposures.kept(contact.campaign, drawn.with_columns(kind=pl.lit(kind), target=target)):
        write_export(listed, manifest, folder)
    return manifest


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
    elif choice.offers is not None:
        tables.needs("customer_offers")
        offers = frames["customer_offers"].filter("may_be_made")
        if choice.offers != ALL_OFFERS:
            offers = _of(offers, "action", choice.offers)
        # What a contact is expected to earn decides who is first; ids hold the rest still.
        found = offers.sort(pl.col("expected_value"), _ID, descending=[True, False])
        definition = {"offers": choice.offers}
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
    listed = found.select(_ID, *(column for column in _OWN_COLUMNS if column in found.columns))
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


def within_limit(
    customers: pl.DataFrame, exposures: Exposures, advice: Advice, now: dt.datetime
) -> tuple[pl.DataFrame, int]:
    """Return the customers who may be on one more list, and how many may not."""
    limit = advice.contact_limit
    if limit is None:
        return customers, 0
    contacts = exposures.contacts(now - dt.timedelta(seconds=parse_duration(limit.within)))
    full = contacts.filter(pl.col("n_contacts") >= limit.most).cast({_ID: customers.schema[_ID]})
    kept = customers.join(full, on=_ID, how="anti", maintain_order="left")
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
