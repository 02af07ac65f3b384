"""What checks said of published files, kept so that a night without news judges nothing anew.

A published file never changes, so what a check says of some files follows from them, from the
check, from the files of the inputs that it reads, and from the code that judges. What could not be
run is not kept.
"""

import functools
import importlib.metadata
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from customer_assets import quality
from customer_assets.quality import Check, CheckResult
from customer_assets.warehouse.manifest import DamagedFileError, read_json, write_atomically
from customer_assets.warehouse.table import Table
from customer_assets.warehouse.versions import description_version, digest, python_parts

VERDICTS = "verdicts.json"
# Of all published files or the newest, and of none.
_KEPT = 2


def verdict_key(table: Table, files: Iterable[Path], source_folder: Path) -> str:
    """Return what the verdicts on some files of a source follow from."""
    named = (path.relative_to(source_folder).as_posix() for path in files)
    return digest([description_version(table), *judge_version(), *named])


@functools.cache
def judge_version() -> tuple[str, ...]:
    """Return what a verdict follows from beside the check: our code and Great Expectations."""
    code = python_parts(Path(quality.__file__).with_name("audit.py"))
    gx = importlib.metadata.version("great-expectations")
    return (*(f"{part}={value}" for part, value in sorted(code.items())), gx)


def recalled(folder: Path, key: str, checks: Sequence[Check]) -> list[CheckResult] | None:
    """Return what was said under a key; None where nothing is known of it."""
    try:
        known = dict(read_json(folder / VERDICTS) or {})[key]
        return [CheckResult(check=each, **known[each.name]) for each in checks]
    except (DamagedFileError, KeyError, TypeError, ValueError):
        return None


def keep(folder: Path, key: str, results: Sequence[CheckResult]) -> None:
    """Keep what was said, beside what was said last before it."""
    if any(result.error is not None for result in results):
        return
    try:
        known = dict(read_json(folder / VERDICTS) or {})
    except (DamagedFileError, TypeError, ValueError):
        known = {}
    known.pop(key, None)
    said = {result.check.name: asdict(result) for result in results}
    for of_check in said.values():
        del of_check["check"]
    kept = dict([*known.items(), (key, said)][-_KEPT:])
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / VERDICTS, json.dumps(kept))
