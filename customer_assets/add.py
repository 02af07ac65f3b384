"""From files to a finished report: what `python -m customer_assets add` does.

Looks at the files, lands them, leaves a defs.yaml behind and runs the source. Says what it guessed,
and asks for what is doubtful by the name of the option that answers it. What a file holds is the
business of `ingest.inspect`.
"""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from customer_assets import settings

if TYPE_CHECKING:
    from customer_assets.ingest.inspect import Draft

_SCHEMA = "event_log.schema.json"
# Which options answer which doubts; the other doubts are settings of the defs.yaml.
OPTIONS = {
    "customer_id": "the column that says who",
    "event_at": "the column that says when",
    "time_format": "how times are written: iso, epoch_seconds ... or a strptime pattern",
    "event_type": "the column that says what happened",
    "item_id": "the column of the item",
    "order_id": "the column of the order",
    "quantity": "the column of the number of items",
    "unit_price": "the column of the price of one item",
    "value": "the column of the money of a row",
    "purchase_event": "the event type that is a purchase",
    "view_event": "the event type that is a page view",
    "timezone": "the business's time zone, such as Europe/London",
    "currency": "ISO 4217 code of the money",
}


class AddError(Exception):
    """Files that cannot be added as they are; the text says what to do."""


def add(
    files: Sequence[Path], name: str, said: Mapping[str, str], tell: Callable[[str], None]
) -> Path:
    """Land files as a new source and write its defs.yaml, of which the path is returned.

    `tell` is told what was guessed, and what is doubtful.

    Raises:
        AddError: the name is taken or cannot be one, the files cannot be read, or only a person can
            say what they hold. Nothing is written then.
    """
    from customer_assets.ingest.inspect import InspectError, draft_yaml, inspect
    from customer_assets.ingest.plain import FileRefusedError
    from customer_assets.sources import EventLogSource, source_name

    root, landing = settings.source_root(), settings.landing() / name
    defs = root / name / "defs.yaml"
    try:
        source_name(name)
        draft = inspect(files, said)
        EventLogSource.model_validate(draft.settings)
    except (InspectError, FileRefusedError, OSError, ValueError) as error:
        raise AddError(str(error)) from error
    others = set(landing.glob("*")) - {landing / path.name for path in files}
    for is_taken, path, what in (
        (defs.exists(), defs, "source"),
        (bool(others), landing, "landing folder with other files"),
    ):
        if is_taken:
            raise AddError(f"there is a {what} of the name {name} ({path}): take another --name")
    if len({path.name for path in files}) < len(files):
        raise AddError("two of the files have one name: rename one")
    if blocking := [doubt for doubt in draft.doubts if doubt.is_blocking]:
        asked = [f"  {option(each.setting)}  {each.why}" for each in blocking]
        raise AddError("only you can say:\n" + "\n".join(asked))
    landing.mkdir(parents=True, exist_ok=True)
    for path in files:
        if path.resolve() != (landing / path.name).resolve():
            shutil.copy2(path, landing / path.name)
    defs.parent.mkdir(parents=True, exist_ok=True)
    (root / _SCHEMA).write_text(json.dumps(schema(), indent=1) + "\n", encoding="utf-8")
    defs.write_text(draft_yaml(draft, f"../{_SCHEMA}"), encoding="utf-8")
    tell("\n".join(_guessed(draft, defs, landing)))
    return defs


def option(setting: str) -> str:
    """Return how a setting is given: by an option where there is one, else in the defs.yaml."""
    return f"--{setting.replace('_', '-')}" if setting in OPTIONS else f"{setting} (in defs.yaml)"


def schema() -> dict[str, Any]:
    """Return the JSON schema of the defs.yaml of an event log, by which an editor completes it."""
    from customer_assets.sources import EventLogSource

    stated = EventLogSource.model_json_schema(by_alias=True)
    parts = stated.pop("$defs", {})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {"type": {"const": "customer_assets.EventLog"}, "attributes": stated},
        "required": ["type", "attributes"],
        "$defs": parts,
    }


def _guessed(draft: "Draft", defs: Path, landing: Path) -> list[str]:
    first, last = draft.days
    lines = [f"{draft.rows:,} rows, {first} to {last}, landed in {landing}", "guessed:"]
    lines += [f"  {guess}" for guess in draft.guesses]
    lines += ["doubtful; answer with the option, or correct the defs.yaml:"] if draft.doubts else []
    lines += [f"  {option(doubt.setting)}: {doubt.why}" for doubt in draft.doubts]
    return [*lines, f"written: {defs}"]
