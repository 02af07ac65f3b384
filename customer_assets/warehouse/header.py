"""The header of a table's file: the YAML by which it is described, in SQL and Python alike.

Read here into `Header`, with every fault named by file and line. Does not belong here: what a
statement or a function reads (`sql_file`, `python_file`), and what the words of a check mean
(`quality`).
"""

import datetime as dt
import functools
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from customer_assets import settings
from customer_assets.warehouse.table import Column, Layer, Table

# The parser in C reads a header ten times faster; some builds of PyYAML lack it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FENCED = re.compile(r"\A\s*---[ \t]*\n(?P<yaml>.*?)\n[ \t]*---[ \t]*(?:\n|\Z)", re.DOTALL)

# What a name means that two or more tables share.
DICTIONARY = settings.SQL_ROOT / "columns.yaml"

# What a source may offer and a table may need.
Capability = Literal[
    "purchase",
    "value",
    "item",
    "view",
    "funnel",
    "country",
    "category",
    "label_rates",
    "bots",
    "segments",
    "segment_rules",
    "actions",
    "campaign",
    "rfem",
    "returns",
    "breakdowns",
]


class ModelError(ValueError):
    """A file that cannot become a table. The text names file and line, and what to do."""


class Neighbours(BaseModel):
    """How far around its own day a partition reads a daily input.

    `days` are the first and the last day, counted from its own. `further_while` is a condition
    on rows of the input: while some row of the last day fulfils it, the following day is read
    too. `until` gives the exact last day where the configuration of a source decides it; `days`
    is then the widest case. Dagster knows of `days` only.
    """

    model_config = ConfigDict(extra="forbid")

    days: tuple[int, int] = (0, 0)
    further_while: str | None = None
    until: Callable[[dt.date], dt.date] | None = Field(default=None, exclude=True)


class Header(BaseModel):
    """The YAML header of a table's file: a `Table` without what its place says.

    `key` is empty where rows may be equal. `training`: the table costs a training, and a refresh
    leaves it as it is. `engine`: DuckDB alone computes it, since another engine would not come to
    the same rows. `attributes`: the source's own columns follow those of the header; `succession`:
    then those that say what came before and after an event.
    """

    model_config = ConfigDict(extra="forbid")

    description: str
    columns: dict[str, Column] = {}
    key: list[str] = []
    partition_by: str | None = None
    ledger: bool = False
    training: bool = False
    engine: Literal["duckdb"] | None = None
    checks: list[dict[str, dict[str, Any]]] = []
    owner: str = "team:data"
    inputs: dict[str, Neighbours] = {}
    parameters: dict[str, Column] = {}
    requires: list[Capability] = []
    attributes: bool = False
    succession: bool = False

    def table(self, name: str, layer: Layer) -> Table:
        fields = set(Table.model_fields) & set(Header.model_fields)
        return Table(name=name, layer=layer, **self.model_dump(include=fields))


def read_header(path: Path, text: str, first_line: int) -> Header:
    """Read a header that stands between two lines `---`, the first of which is `first_line`.

    Raises ModelError, naming file and line, where it is no YAML or has keys that it may not.
    """
    match = _FENCED.match(text)
    if match is None:
        raise ModelError(f"{path}:{first_line}: the header must stand between two lines ---")
    content = match["yaml"]
    first_line += text[: match.start("yaml")].count("\n")
    try:
        stated = yaml.load(content, Loader=_LOADER)
        if isinstance(stated, dict) and isinstance(stated.get("columns"), dict):
            stated["columns"] = {
                name: _described(path, first_line, content, name, column or {})
                for name, column in stated["columns"].items()
            }
        header = Header.model_validate(stated)
    except yaml.MarkedYAMLError as error:
        line = first_line + (error.problem_mark.line if error.problem_mark else 0)
        raise ModelError(f"{path}:{line}: the header is no YAML: {error.problem}") from error
    except ValidationError as error:
        problems = [
            f"{path}:{first_line + line_of(content, problem['loc'])}: "
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
            for problem in error.errors()
        ]
        raise ModelError("\n".join(problems)) from error
    return header


def _described(path: Path, line: int, content: str, name: str, stated: Any) -> Any:
    """Return a column with what the dictionary says of its name.

    Raises ModelError where its type or sign is another one than there, or where the dictionary
    knows several and it does not say which.
    """
    meanings = dictionary().get(name)
    if meanings is None or not isinstance(stated, dict):
        return stated
    kind = stated.get("type")
    # What a source's ids are made of, its own tables may say.
    fitting = [m for m in meanings if kind in (None, m.type) or "source" in (kind, m.type)]
    known = " or ".join(meaning.type for meaning in meanings)
    if not fitting:
        wrong = f"its type is {known} in {DICTIONARY}, not {kind}; give the column another name, "
        wrong += "or change it for all tables"
    elif len(fitting) > 1 and kind is None:
        wrong = f"it has several meanings in {DICTIONARY}: say its type, {known}"
    elif stated.get("sign") not in (None, fitting[0].sign):
        wrong = f"its sign is {fitting[0].sign} in {DICTIONARY}, not {stated['sign']}; give the "
        wrong += "column another name, or change it for all tables"
    else:
        return fitting[0].model_dump(exclude_none=True) | stated
    at = line + line_of(content, ("columns", name))
    raise ModelError(f"{path}:{at}: columns: {name}: {wrong}")


@functools.cache
def dictionary() -> dict[str, list[Column]]:
    """Return what a name means that two or more tables share, from the data dictionary.

    A name with several meanings, as the value of a metric or of an order, has one for each type.
    """
    stated = yaml.load(DICTIONARY.read_text(encoding="utf-8"), Loader=_LOADER)
    return {
        name: [Column.model_validate(each) for each in (said if isinstance(said, list) else [said])]
        for name, said in stated.items()
    }


def check_places(path: Path, line: int, table: Table) -> None:
    """Raise ModelError where a table's key or its days are no columns of it."""
    placed = {*table.key, *([table.partition_by] if table.partition_by else [])}
    demand(path, line, "key or partition_by", placed - set(table.columns), "is no column")


def line_of(text: str, location: Iterable[int | str]) -> int:
    """Return the line, from 0, of the deepest node of a YAML text on the way to a location."""
    node = yaml.compose(text, Loader=_LOADER)
    line = node.start_mark.line if node else 0
    for step in location:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == str(step)]
            if not found:
                break
            line, node = found[0][0].start_mark.line, found[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step]
            line = node.start_mark.line
        else:
            break
    return line


def demand(path: Path, line: int, part: str, wrong: Iterable[str], problem: str) -> None:
    """Raise ModelError where something is wrong with these names of a part of a file."""
    names: Sequence[str] = sorted(wrong)
    if names:
        raise ModelError(f"{path}:{line}: {part}: {', '.join(names)}: {problem}")
