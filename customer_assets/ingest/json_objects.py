"""JSON files whose objects do not stand one a line, as files in which they do.

An array, objects over several lines, several arrays, and the one object around a list that APIs
answer with. Does not belong here: reading the lines, and what the keys mean.
"""

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb

from customer_assets.ingest import records
from customer_assets.ingest.plain import FileRefusedError, PlainText, survey
from customer_assets.ingest.reading import first_line
from customer_assets.warehouse.connection import connect
from customer_assets.warehouse.quoting import literal

_KEYS_FROM_LINES = 10_000
_BATCH = 20_000
_LARGEST_OBJECT = 1 << 28
# How deep inside of the one object of a file its list of rows is looked for.
_DEEPEST = 3
_MOST_NESTED_KEYS = 50


def documents(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of the first lines of a file of JSON lines."""
    for line in itertools.islice(records.lines(path), _KEYS_FROM_LINES):
        if (document := _object(line.text)) is not None:
            yield document


def keys_beside(document: dict[str, Any], name: str) -> list[str] | None:
    """Return the keys that stand where a nested key, as `user.id`, does not; null where it does."""
    *parents, last = name.split(".")
    inside: Any = document
    for key in parents:
        inside = _entries(inside).get(key)
    entries = _entries(inside)
    if last in entries or name in document:
        return None
    return [".".join([*parents, key]) for key in itertools.islice(entries, _MOST_NESTED_KEYS)]


def one_object_a_line(plain: PlainText, wanted: Sequence[str] | None, scratch: Path) -> PlainText:
    """Return a file whose objects stand otherwise as JSON lines.

    `wanted` are the keys that are looked for: where the first object has none of them, and those
    of one list inside of it have, the list's objects are the rows. Null: whatever there is; then
    so it is where the file is one object. Files of JSON lines, and what is no JSON, are returned
    as they are, for the lines to be read or rejected.

    Raises:
        FileRefusedError: it is JSON otherwise, and broken.
    """
    first = next((line.text for line in records.lines(plain.path) if line.text.strip()), "")
    is_array, document = first.lstrip().startswith("["), _object(first)
    if document is None and not is_array and not first.lstrip().startswith("{"):
        return plain
    if document is not None:
        is_one = wanted is not None or len(list(itertools.islice(documents(plain.path), 2))) == 1
        if not is_one or _list_inside(document, wanted) is None:
            return plain
    target, fault = scratch / "objects.jsonl", ""
    # A connection of its own, in which the order of the file is kept.
    with connect([plain.path.parent, plain.path]) as reader:
        for form in ("array", "unstructured") if is_array else ("unstructured",):
            try:
                rows = _rows(reader, plain.path, form, wanted)
                _write_lines(_objects(reader, plain.path, form, rows), target)
            except duckdb.Error as error:
                fault = re.sub(r"^[\w ]+ Error: | in file \"[^\"]*\"", "", first_line(error))
            else:
                return PlainText(target, plain.encoding, survey(target, quotes_mean=False))
    if next(documents(plain.path), None) is not None:
        return plain
    kind = "one JSON array" if is_array else "JSON over several lines"
    raise FileRefusedError(
        f"it is {kind} that cannot be read ({fault.strip()}): correct it, or write one object a "
        "line"
    )


def _rows(
    reader: duckdb.DuckDBPyConnection, path: Path, form: str, wanted: Sequence[str] | None
) -> str:
    """Return SQL for the list of rows in a value of the file: itself, or those inside of it."""
    if form == "array":
        return "[json]"
    first = _objects(reader, path, form, "[json]", " limit 1").fetchone()
    document = _object(first[0]) if first else None
    inside = _list_inside(document, wanted) if document else []
    if inside is None:
        return "[json]"
    value = f"json -> {literal(pointer(inside))}" if inside else "json"
    return f"case when json_type({value}) = 'ARRAY' then ({value})::json[] else [json] end"


def _objects(
    reader: duckdb.DuckDBPyConnection, path: Path, form: str, rows: str, tail: str = ""
) -> duckdb.DuckDBPyConnection:
    return reader.execute(
        f"select unnest({rows})::varchar from read_json_objects({literal(path)}, "
        f"format = '{form}', compression = 'uncompressed', "
        f"maximum_object_size = {_LARGEST_OBJECT}){tail}"
    )


def _write_lines(found: duckdb.DuckDBPyConnection, target: Path) -> None:
    with target.open("w", encoding="utf-8") as objects:
        while batch := found.fetchmany(_BATCH):
            # Inside of a JSON text a line end is written \n: these stand between its parts.
            objects.writelines(f"{' '.join(text.splitlines())}\n" for (text,) in batch)


def pointer(keys: Sequence[str]) -> str:
    """Return the JSON pointer (RFC 6901) of a key, or of a key inside of others."""
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)


def _object(text: str) -> dict[str, Any] | None:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _entries(value: Any) -> dict[str, Any]:
    """Return what stands in an object by key, and in a list by number, of which the first."""
    if isinstance(value, list):
        return {"0": value[0]} if value else {}
    return value if isinstance(value, dict) else {}


def _list_inside(document: dict[str, Any], wanted: Sequence[str] | None) -> list[str] | None:
    """Return the keys that lead to the one list of rows inside of an object, if that is clear."""
    if wanted is not None and _has_any(document, wanted):
        return None
    found = [
        path
        for path, rows in _lists(document, [])
        if wanted is None or any(_has_any(row, wanted) for row in rows)
    ]
    return found[0] if len(found) == 1 else None


def _lists(document: dict[str, Any], path: list[str]) -> Iterable[tuple[list[str], list[Any]]]:
    for key, value in document.items():
        if isinstance(value, dict) and len(path) < _DEEPEST:
            yield from _lists(value, [*path, key])
        rows = [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
        if rows:
            yield [*path, key], rows[:100]


def _has_any(document: dict[str, Any], wanted: Sequence[str]) -> bool:
    keys = {key.strip().casefold() for key in document}
    return any(
        name.strip().casefold() in keys or name.split(".")[0].casefold() in keys for name in wanted
    )
