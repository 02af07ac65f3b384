"""One Python file, one table: reads `tables/<layer>/<table>.py` and says what follows from it.

The docstring begins with the same header as that of a SQL file, between two lines `---`. Below it
stands one of two functions:

`compute(customer_features, tuned_models, feature_profile=None, *, questions) -> frame` makes the
rows. Positional arguments are the tables that it reads, by name, as lazy Polars frames in key
order; one with the default None is read where the source has it; the table's own name stands for
the rows of a ledger that other runs wrote. Keyword arguments are what it asks of the source.

`sql(source) -> str` writes the SELECT where the configuration makes it. Further arguments name
models in SQL from which it is built. Beside it may stand `describe(table, source) -> Table`, for
what the configuration adds to the description; `neighbours(source)`, for the days around its own
that a partition reads; and `parts(source)`, where there is one table per part: `typed_<part>`.
Then the other functions take the part as their last argument. A table of the layer raw has neither
`compute` nor `sql`: the ingest fills it.

The header and the arguments are read without running the file.
"""

import ast
import datetime as dt
import functools
import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar

from customer_assets.warehouse.header import (
    Header,
    ModelError,
    check_places,
    demand,
    read_header,
)
from customer_assets.warehouse.model import Lineage, Model, model_fields
from customer_assets.warehouse.sql_model import SqlModel, sql_model
from customer_assets.warehouse.table import Layer, Table
from customer_assets.warehouse.versions import definition_parts, python_parts

if TYPE_CHECKING:
    import polars as pl

    from customer_assets.warehouse.engine import DuckDBEngine, Output, Relation

_PACKAGE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, kw_only=True)
class PythonModel(Model):
    """A table and the function `compute` of its file, which is run when rows are made."""

    language: ClassVar[str] = "python"

    def own_parts(self, parameters: Mapping[str, Any]) -> dict[str, str]:
        return {
            **python_parts(self.path),
            **definition_parts(self.definitions, parameters),
        }

    def outputs(
        self,
        engine: "DuckDBEngine",
        inputs: Mapping[str, "Relation"],
        parameters: Mapping[str, Any],
        new_file: Callable[[], Path],
        days: Sequence[dt.date] | None = None,
    ) -> dict[str, "Output"]:
        return engine.compute(self, inputs, parameters, new_file)

    @property
    def compute(self) -> Callable[..., Any]:
        return module_of(self.path).compute

    def frame(
        self, inputs: Mapping[str, "pl.LazyFrame"], parameters: Mapping[str, Any]
    ) -> "pl.DataFrame":
        """Return what its function makes of lazy frames by name, in the header's columns.

        A function may return a frame, lazy or not, or rows as dictionaries, which get the
        header's types: so the schema stands in the header alone. A column that it leaves out is
        null. Raises ModelError for a column that the header does not have.
        """
        import polars as pl

        told = {name: parameters[name] for name in self.parameters}
        result = self.compute(**inputs, **told)
        if isinstance(result, pl.LazyFrame):
            result = result.collect()
        columns = self.table.columns
        schema = {name: _polars_type(column.type) for name, column in columns.items()}
        is_frame = isinstance(result, pl.DataFrame)
        computed = result.columns if is_frame else {name for row in result for name in row}
        demand(self.path, 1, "columns", set(computed) - schema.keys(), "not in the header")
        if not is_frame:
            return pl.DataFrame(result, schema=schema)
        missing = [pl.lit(None, kind).alias(n) for n, kind in schema.items() if n not in computed]
        return result.with_columns(missing).select(list(columns))

    def lineage(self, schemas: Mapping[str, Mapping[str, str]]) -> Lineage:
        # What a function read is known when it ran: see `SourceWarehouse.lineage`.
        return {}


@dataclass(frozen=True)
class PythonFile:
    """A table's Python file before a source is known: its header, and its functions' arguments."""

    path: Path
    layer: Layer
    header: Header
    functions: Mapping[str, "_Arguments"]
    owner: str | None

    @property
    def is_built_from(self) -> tuple[str, ...]:
        """Return the names of the SQL models whose text `sql` is given beside the source."""
        given = self.functions["sql"].positional[1:] if "sql" in self.functions else ()
        return tuple(name for name in given if name != "part")

    @property
    def is_filled_by_the_ingest(self) -> bool:
        return not {"compute", "sql"} & self.functions.keys()

    def tables(self, source: Any) -> Iterator[Table]:
        """Yield its tables for a source: one, or one per part."""
        for part in self._parts(source):
            yield self._table(source, part)

    def _parts(self, source: Any) -> list[tuple[str, ...]]:
        if "parts" not in self.functions:
            return [()]
        return [(part,) for part in module_of(self.path).parts(source)]

    def _table(self, source: Any, part: tuple[str, ...]) -> Table:
        table = self.header.table("_".join([self.path.stem, *part]), self.layer)
        if "describe" in self.functions:
            table = module_of(self.path).describe(table, source, *part)
        check_places(self.path, 1, table)
        return table

    def models(self, source: Any, found: Mapping[str, Model]) -> Iterator[Model]:
        """Yield its models for a source: one, or one per part; none where it is not built."""
        name = self.path.stem
        if "compute" in self.functions:
            yield self._computed(name)
            return
        if not set(self.header.requires) <= source.capabilities():
            return
        texts = [m for n in self.is_built_from if isinstance(m := found.get(n), SqlModel)]
        if len(texts) < len(self.is_built_from):
            return
        for part in self._parts(source):
            yield self._written(source, part, texts)

    def _computed(self, name: str) -> PythonModel:
        arguments = self.functions["compute"]
        read = [n for n in arguments.positional if n != name]
        table = self.header.table(name, self.layer)
        check_places(self.path, 1, table)
        return PythonModel(
            path=self.path,
            table=table,
            inputs=tuple(n for n in read if n not in arguments.optional),
            optional_inputs=tuple(n for n in read if n in arguments.optional),
            parameters=dict.fromkeys(arguments.keyword_only),
            has_own_rows=name in arguments.positional,
            owner=self.owner,
            **model_fields(self.header),
        )

    def _written(self, source: Any, part: tuple[str, ...], texts: Sequence[SqlModel]) -> SqlModel:
        module = module_of(self.path)
        sql = module.sql(source, *texts, *part)
        table = self._table(source, part)
        model = sql_model(self.path, table, sql, self.header, self.owner)
        if texts:
            parameters = {name: kind for m in texts for name, kind in m.parameters.items()}
            model = replace(model, parameters={**parameters, **model.parameters})
        if "neighbours" in self.functions:
            neighbours = module.neighbours(source, *part)
            inputs = tuple(sorted({*model.inputs, *neighbours}))
            model = replace(model, neighbours=neighbours, inputs=inputs)
        return model


@dataclass(frozen=True)
class _Arguments:
    positional: tuple[str, ...]
    optional: frozenset[str]
    keyword_only: tuple[str, ...]


def _polars_type(kind: str) -> Any:
    """Return the type that a column has in a frame; decimals are rounded as they are written."""
    import polars as pl

    if kind.endswith("[]"):
        return pl.List(_polars_type(kind.removesuffix("[]")))
    types = {
        # Each source has its own: as the function gives it.
        "source": None,
        "varchar": pl.String,
        "bigint": pl.Int64,
        "boolean": pl.Boolean,
        "date": pl.Date,
        "timestamp": pl.Datetime("us"),
        # A function that sums money exactly gives it exactly.
        "decimal(24,6)": pl.Decimal(24, 6),
    }
    return types.get(kind, pl.Float64)


@functools.lru_cache(maxsize=512)
def read_python_file(path: Path, layer: Layer, owner: str | None, modified: int) -> PythonFile:
    """Read one Python file, without running it; `modified` is its time, so that it is read anew.

    Raises ModelError, naming file and line, where it has no header or no function of a table.
    """
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise ModelError(f"{path}:{error.lineno}: {error.msg}") from error
    text = ast.get_docstring(tree, clean=False)
    if text is None:
        raise ModelError(f"{path}:1: the file must start with a docstring that holds its header")
    header = read_header(path, text, 1)
    functions = {
        node.name: _Arguments(
            tuple(argument.arg for argument in node.args.args),
            frozenset(a.arg for a in node.args.args[len(node.args.args) - _n_defaults(node) :]),
            tuple(argument.arg for argument in node.args.kwonlyargs),
        )
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }
    if len({"compute", "sql"} & functions.keys()) != (layer != "raw"):
        wanted = "none, since the ingest fills it" if layer == "raw" else "one"
        raise ModelError(f"{path}:1: of the functions compute and sql {wanted} is wanted")
    return PythonFile(path, layer, header, functions, owner)


def _n_defaults(node: ast.FunctionDef) -> int:
    return len(node.args.defaults)


@functools.cache
def module_of(path: Path) -> ModuleType:
    """Return a table's file as a module."""
    path = path.resolve()
    if path.is_relative_to(_PACKAGE):
        return importlib.import_module(
            ".".join([_PACKAGE.name, *path.relative_to(_PACKAGE).with_suffix("").parts])
        )
    spec = importlib.util.spec_from_file_location(f"customer_assets_table_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
