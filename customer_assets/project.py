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
    component = _tree().load_component(files[name].parent)
    try:
        return pipeline_of(name, component.source)  # type: ignore[attr-defined]
    except ConfigurationError as error:
        raise located(error, files[name]) from error


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
    try:
        stated = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError:
        # What is wrong with it is said, with its line, when it is loaded.
        return _COMPONENTS[0]
    # So is a file that names no component.
    return str(stated["type"]) if isinstance(stated, dict) and "type" in stated else _COMPONENTS[0]


@functools.cache
def _tree() -> "dg.ComponentTree":
    import dagster as dg

    return dg.ComponentTree.for_project(Path(__file__).parent)
