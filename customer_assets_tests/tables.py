"""Tables by name, computed over frames as a run would, without files."""

import functools
from collections.abc import Mapping
from typing import Any

import polars as pl

from customer_assets import settings
from customer_assets.warehouse.places import read_models
from customer_assets.warehouse.python_model import PythonModel


@functools.cache
def python_models() -> dict[str, PythonModel]:
    """Return the tables whose rows a function makes."""
    found = read_models(settings.table_roots(), "", "event_log")
    return {name: model for name, model in found.items() if isinstance(model, PythonModel)}


def computed(
    table: str, frames: Mapping[str, pl.DataFrame], parameters: Mapping[str, Any] | None = None
) -> pl.DataFrame:
    """Return what a table's function makes of those of the frames that it reads."""
    model = python_models()[table]
    own = [table] if model.has_own_rows else []
    wanted = [*model.inputs, *(n for n in model.optional_inputs if n in frames), *own]
    inputs = {name: frames[name].lazy() for name in wanted}
    return model.frame(inputs, parameters or {})
