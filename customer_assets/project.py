"""The sources of this project by their names, and their warehouses, outside Dagster.

For commands that read or foresee. What computes and publishes runs as Dagster assets.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import duckdb
import yaml

from customer_assets import settings
from customer_assets.pipeline import AnyPipeline, customer_table_pipeline, event_log_pipeline
from customer_assets.sources import CustomerTableSource, EventLogSource
from customer_assets.warehouse.engine import DuckDBEngine
from customer_assets.warehouse.source_warehouse import SourceWarehouse

_DEFS = Path(__file__).parent / "defs"


class UnknownSourceError(LookupError):
    """A source that no folder below `defs/` describes. The text names those that there are."""


def source_names() -> list[str]:
    """Return the names of all sources, in order."""
    return sorted(path.parent.name for path in _DEFS.glob("*/defs.yaml"))


def read_pipeline(name: str) -> AnyPipeline:
    """Return the pipeline of a source.

    Raises UnknownSourceError where there is no such source, ValueError where its `defs.yaml` is
    wrong; `make check` names the line.
    """
    known = source_names()
    if name not in known:
        raise UnknownSourceError(f"no source is named {name!r}; there are {', '.join(known)}")
    path = _DEFS / name / "defs.yaml"
    try:
        stated = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"{path} cannot be read: {' '.join(str(error).split())}") from None
    if not isinstance(stated, dict) or not {"type", "attributes"} <= stated.keys():
        raise ValueError(f"{path} is no source: it has no type, or no attributes")
    if stated["type"] == "customer_assets.CustomerTable":
        customer_table = CustomerTableSource.model_validate(stated["attributes"])
        return customer_table_pipeline(name, customer_table)
    return event_log_pipeline(name, EventLogSource.model_validate(stated["attributes"]))


@contextlib.contextmanager
def open_warehouse(pipeline: AnyPipeline) -> Iterator[SourceWarehouse]:
    """Open a source's tables on a connection of its own, with the limits of the settings.

    Takes no lock: who stages or publishes, or must not see a run half done, takes it.
    """
    settings.spill_folder().mkdir(parents=True, exist_ok=True)
    with duckdb.connect(config=settings.duckdb_limits()) as connection:
        yield pipeline.warehouse(settings.warehouse_folder(), DuckDBEngine(connection))
