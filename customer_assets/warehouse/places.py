"""Which file makes which table: found by its place.

`<root>/<layer>/<table>.sql` or `.py` serves every source, `<root>/<layer>/<kind>/` the sources of
a kind (`event_log`, `customer_table`), `<root>/<layer>/<source>/` one source. The nearer file
replaces the shared one of the same name, and a later root an earlier one.
"""

import functools
from collections.abc import Collection, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, get_args

from customer_assets.warehouse.header import ModelError
from customer_assets.warehouse.model import Model
from customer_assets.warehouse.python_model import PythonFile, read_python_file
from customer_assets.warehouse.sql_model import SqlModel, read_model
from customer_assets.warehouse.table import Layer, Table

_LAYERS = get_args(Layer)


def read_models(
    roots: Sequence[Path],
    source_name: str,
    kind: str,
    source: Any = None,
    names: Collection[str] | None = None,
) -> dict[str, Model]:
    """Return every model that may serve a source, or those of `names`, by table name.

    Without a `source` only those whose SQL or function stands in their file. Raises ModelError,
    naming file and line, for a file that cannot become a table.
    """
    files: dict[str, SqlModel | PythonFile] = {}
    for owner in (None, kind, source_name):
        for path, layer in _files(roots, owner):
            if names is None or path.stem in names:
                files[path.stem] = _read(path, layer, owner)
    models: dict[str, Model] = {}
    written = []
    for name, file in files.items():
        if isinstance(file, SqlModel):
            models[name] = file
        elif file.is_filled_by_the_ingest:
            continue
        elif file.is_built_from:
            written.append(file)
        elif source is not None or "compute" in file.functions:
            models |= {model.name: model for model in file.models(source, models)}
    # Statements that are built from those of other files come after these.
    for file in written if source is not None else []:
        models |= {model.name: model for model in file.models(source, models)}
    return models


def read_raw_tables(roots: Sequence[Path], kind: str, source: Any) -> dict[str, Table]:
    """Return the tables that the ingest of a kind of source fills, by name."""
    files = [
        read_python_file(path, layer, owner, path.stat().st_mtime_ns)
        for owner in (None, kind)
        for path, layer in _files(roots, owner)
        if layer == "raw"
    ]
    tables = [table for file in files for table in file.tables(source)]
    return {table.name: table.model_copy(update={"owner": source.owner}) for table in tables}


def described_names(roots: Sequence[Path]) -> set[str]:
    """Return the names of all files that describe a table of any source."""
    return {
        path.stem
        for root in roots
        for suffix in ("sql", "py")
        for path in root.glob(f"*/**/*.{suffix}")
    }


def in_order_of_need(models: Mapping[str, Model]) -> list[str]:
    """Return the names of models, each after those that it reads.

    Raises ModelError where models read each other in a circle.
    """
    graph = {
        name: [n for n in (*m.inputs, *m.optional_inputs) if n in models and n != name]
        for name, m in models.items()
    }
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = error.args[1]
        path = models[circle[0]].path
        raise ModelError(f"{path}:1: tables read each other: {' - '.join(circle)}") from error


def _files(roots: Sequence[Path], owner: str | None) -> Iterator[tuple[Path, Layer]]:
    for root in roots:
        for layer in _LAYERS:
            folder = root / layer / owner if owner else root / layer
            # SQL under `raw` makes rows of landed files, and no table.
            for suffix in ("*.py",) if layer == "raw" else ("*.sql", "*.py"):
                for path in sorted(folder.glob(suffix)):
                    if path.stem != "__init__":
                        yield path, layer


def _read(path: Path, layer: Layer, owner: str | None) -> SqlModel | PythonFile:
    if path.suffix == ".py":
        return read_python_file(path, layer, owner, path.stat().st_mtime_ns)
    return _read_sql(path, layer, owner, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=512)
def _read_sql(path: Path, layer: Layer, owner: str | None, modified: int) -> SqlModel:
    return read_model(path, layer, owner)
