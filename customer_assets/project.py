"""The sources of this project by their names, and their warehouses, outside Dagster's runs.

For commands that read or foresee. What computes and publishes runs as Dagster assets.
"""

import contextlib
import functools
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from customer_assets import settings
from customer_assets.pipeline import AnyPipeline, pipeline_of
from customer_assets.sources import CustomerTableSource, EventLogSource
from customer_assets.sources.configuration import ConfigurationError
from customer_assets.suggestions import alternatives
from customer_assets.warehouse.connection import connect, of_project
from customer_assets.warehouse.engine import DuckDBEngine
from customer_assets.warehouse.header import line_of
from customer_assets.warehouse.source_warehouse import SourceWarehouse

if TYPE_CHECKING:
    import dagster as dg

AnySource = EventLogSource | CustomerTableSource

_COMPONENTS = ("customer_assets.EventLog", "customer_assets.CustomerTable")


class UnknownSourceError(LookupError):
    """A source that no folder below `defs/` describes. The text names those that there are."""


def source_names() -> list[str]:
    """Return the names of all sources, in order; components of other kinds are none."""
    return sorted(file.parent.name for file in _source_files())


def read_pipeline(name: str) -> AnyPipeline:
    """Return the pipeline of a source.

    Raises UnknownSourceError where there is no such source, ValueError where its `defs.yaml` is
    wrong, naming file and line.
    """
    source, file = _read_source(name)
    try:
        return pipeline_of(name, source)
    except ConfigurationError as error:
        raise located(error, file) from error


def read_source(name: str) -> AnySource:
    """Return what a source states of itself. Raises as `read_pipeline` does; no table is read."""
    return _read_source(name)[0]


def _read_source(name: str) -> tuple[AnySource, Path]:
    faults = _source_files()
    files = {file.parent.name: file for file in faults}
    if name not in files:
        raise UnknownSourceError(f"no source is named {name!r}{alternatives(name, files)}")
    file = files[name]
    if fault := faults[file]:
        raise ValueError(fault)
    try:
        component = component_tree().load_component(file.parent)
    except Exception as error:
        # One file that Dagster cannot read keeps it from reading the others.
        of_others = (fault for fault in faults.values() if fault)
        words = str(error.__cause__ or error)
        is_named = str(file) in words.splitlines()[0]
        raise ValueError(next(of_others, words if is_named else f"{file}: {words}")) from error
    return component.source, file  # type: ignore[attr-defined]


def located(error: ConfigurationError, file: Path) -> ValueError:
    """Return the error that says where in a `defs.yaml` what is wrong stands."""
    text = file.read_text(encoding="utf-8")
    line = 1 + line_of(text, ("attributes", *error.location))
    return ValueError(f"{file}:{line}: {error}")


def importable_project() -> Path:
    """Return the project's folder, whose modules Python finds from now on."""
    folder = settings.project()
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    return folder


@contextlib.contextmanager
def open_warehouse(pipeline: AnyPipeline) -> Iterator[SourceWarehouse]:
    """Open a source's tables on a connection of its own, with the limits of the settings.

    Takes no lock: who stages or publishes, or must not see a run half done, takes it.
    """
    with open_engine() as engine:
        yield pipeline.warehouse(settings.warehouse_folder(), engine)


@contextlib.contextmanager
def open_engine(reached: Sequence[Path] | None = None) -> Iterator[DuckDBEngine]:
    """Open a connection of its own, with the limits of the settings.

    It reaches what tables are computed from and written to, or only those in `reached`.
    """
    settings.spill_folder().mkdir(parents=True, exist_ok=True)
    with connect(of_project() if reached is None else reached, tells_progress=True) as connection:
        yield DuckDBEngine(connection)


def _source_files() -> dict[Path, str | None]:
    """Return the `defs.yaml` of each source, with why nothing can be read from it, if so.

    A file that cannot be read is taken for a source's; components of other kinds are left out.
    """
    files = sorted(settings.source_root().glob("*/defs.yaml"))
    read = {file: _component_of(file) for file in files}
    return {file: fault for file, (kind, fault) in read.items() if fault or kind in _COMPONENTS}


def _component_of(file: Path) -> tuple[str, str | None]:
    """Return the component that a `defs.yaml` names, or why none can be read, with the line."""
    try:
        stated = next(yaml.safe_load_all(file.read_text(encoding="utf-8")), None)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        return "", f"{file}:{mark.line + 1 if mark else 1}: {getattr(error, 'problem', error)}"
    if isinstance(stated, dict) and "type" in stated:
        return str(stated["type"]), None
    return "", f"{file}:1: it names no component; a source has `type: {_COMPONENTS[0]}`"


def component_tree() -> "dg.ComponentTree":
    """Return what Dagster makes of the project's folder of sources."""
    return _tree(importable_project())


@functools.cache
def _tree(folder: Path) -> "dg.ComponentTree":
    import dagster as dg

    return dg.ComponentTree.for_project(folder)
