"""The sources of this project by their names, and their warehouses, outside Dagster's runs.

For commands that read or foresee. What computes and publishes runs as Dagster assets.
"""

import contextlib
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import yaml

from customer_assets import settings
from customer_assets.pipeline import AnyPipeline, pipeline_of
from customer_assets.sources.configuration import ConfigurationError
from customer_assets.warehouse.engine import DuckDBEngine
from customer_assets.warehouse.header import line_of
from customer_assets.warehouse.source_warehouse import SourceWarehouse

if TYPE_CHECKING:
    import dagster as dg

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
    files = {file.parent.name: file for file in _source_files()}
    if name not in files:
        raise UnknownSourceError(f"no source is named {name!r}; there are {', '.join(files)}")
    file = files[name]
    if fault := _fault(file):
        raise ValueError(fault)
    try:
        component = _tree().load_component(file.parent)
    except Exception as error:
        # One file that Dagster cannot read keeps it from reading the others.
        of_others = (fault for other in files.values() if (fault := _fault(other)))
        words = str(error.__cause__ or error)
        is_named = str(file) in words.splitlines()[0]
        raise ValueError(next(of_others, words if is_named else f"{file}: {words}")) from error
    try:
        return pipeline_of(name, component.source)  # type: ignore[attr-defined]
    except ConfigurationError as error:
        raise located(error, file) from error


def located(error: ConfigurationError, file: Path) -> ValueError:
    """Return the error that says where in a `defs.yaml` what is wrong stands."""
    text = file.read_text(encoding="utf-8")
    line = 1 + line_of(text, ("attributes", *error.location))
    return ValueError(f"{file}:{line}: {error}")


@contextlib.contextmanager
def open_warehouse(pipeline: AnyPipeline) -> Iterator[SourceWarehouse]:
    """Open a source's tables on a connection of its own, with the limits of the settings.

    Takes no lock: who stages or publishes, or must not see a run half done, takes it.
    """
    settings.spill_folder().mkdir(parents=True, exist_ok=True)
    with duckdb.connect(config=settings.duckdb_limits()) as connection:
        yield pipeline.warehouse(settings.warehouse_folder(), DuckDBEngine(connection))


def _source_files() -> list[Path]:
    files = [f for root in settings.source_roots() for f in sorted(root.glob("*/defs.yaml"))]
    return [file for file in files if _component_of(file) in _COMPONENTS]


def _component_of(file: Path) -> str:
    """Return the type that a `defs.yaml` names; a damaged one is taken for a source's."""
    if _fault(file):
        return _COMPONENTS[0]
    return str(next(yaml.safe_load_all(file.read_text(encoding="utf-8")))["type"])


def _fault(file: Path) -> str | None:
    """Return why nothing can be read from a `defs.yaml`, naming the line; None if something can."""
    try:
        stated = next(yaml.safe_load_all(file.read_text(encoding="utf-8")), None)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        return f"{file}:{mark.line + 1 if mark else 1}: {getattr(error, 'problem', error)}"
    if isinstance(stated, dict) and "type" in stated:
        return None
    return f"{file}:1: it names no component; a source has `type: {_COMPONENTS[0]}`"


@functools.cache
def _tree() -> "dg.ComponentTree":
    import dagster as dg

    return dg.ComponentTree.for_project(Path(__file__).parent)
