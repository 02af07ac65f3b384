"""What a version is: of a table's rows, of its words, and of how landed files are read.

The data version of a table is made of named parts, each with a digest: its statement without
comments and layout, or every definition that its function reaches by import, without docstrings;
names and types of its columns, its key; the definitions and macros that it asks for; the libraries
whose result it is. It decides what is computed again, and the parts say where a change was made.
The description version is the rest: prose, owner, checks. It decides what is audited and shown
again.

An upgrade of a library's minor version counts as a change, a patch does not. For DuckDB that is
every table: its hash function, and so the content hashes, may be another one, so that all rows
are computed once more and then known again.

The same text has the same version on every supported Python. Only the standard library and
sqlglot are used; nothing is imported to be looked at.
"""

import ast
import functools
import hashlib
import importlib.metadata
import re
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp

from customer_assets.warehouse.table import Table

_PACKAGE = Path(__file__).resolve().parent.parent
_LENGTH = 12
# The part that is the table's own description.
TABLE = "columns, types and key"
# Top-level modules whose results stand in tables, and the distributions that bring them.
_LIBRARIES = {
    "duckdb": "duckdb",
    "lightgbm": "lightgbm",
    "numpy": "numpy",
    "phik": "phik",
    "polars": "polars",
    "scipy": "scipy",
    "shap": "shap",
    "sklearn": "scikit-learn",
    "statsmodels": "statsmodels",
    "xgboost": "xgboost-cpu",
}


@dataclass(frozen=True)
class Version:
    """What the rows of a table depend on beside the rows that it reads: part and digest."""

    parts: Mapping[str, str]

    @functools.cached_property
    def digest(self) -> str:
        return digest(f"{part}={value}" for part, value in sorted(self.parts.items()))[:_LENGTH]

    def __repr__(self) -> str:
        return f"Version({self.digest})"

    def of_table(self, name: str) -> dict[str, str]:
        """Return the parts as they stand beside those of other tables."""
        own = {TABLE: f"{TABLE} of {name}"}
        return {own.get(part, part): value for part, value in self.parts.items()}

    def moved_since(self, before: Mapping[str, str]) -> list[str]:
        """Return the parts that are new, gone or changed against those of another version."""
        return moved(before, self.parts)


def moved(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Return the parts that are not the same on both sides."""
    return sorted(part for part in {*before, *after} if before.get(part) != after.get(part))


def digest(parts: Iterable[str]) -> str:
    """Return a short hash of texts in their order."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def table_parts(table: Table) -> dict[str, str]:
    """Return what the description of a table says of its rows: names, types, order, days."""
    columns = [f"{name} {column.type}" for name, column in table.columns.items()]
    placed = [*columns, f"key {table.key}", f"days {table.partition_by}", f"{table.ledger}"]
    derived = [f"{name}: {text}" for name, text in table.derived.items()]
    return {TABLE: digest([*placed, *derived])}


def definition_parts(names: Iterable[str], parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return the values of the definitions that a table asks for."""
    return {f"definition {name}": digest([repr(parameters.get(name))]) for name in names}


def description_version(table: Table) -> str:
    """Return a hash of everything that a table's description says, its words included."""
    return digest([table.model_dump_json()])[:_LENGTH]


def sql_parts(path: str, statement: str, macros: Mapping[str, str]) -> dict[str, str]:
    """Return a statement and the macros that it asks for, without comments and layout."""
    parts = {path: digest([canonical_sql(statement)]), **library_parts(["duckdb"])}
    reached = _macros_reached(_called(statement), macros)
    return parts | {f"macro {name}": digest([canonical_sql(macros[name])]) for name in reached}


@functools.lru_cache(maxsize=2048)
def _called(statement: str) -> frozenset[str]:
    """Return the names before brackets: each source asks it of the same statements."""
    return frozenset(name.lower() for name in re.findall(r"(\w+)\s*\(", statement))


def _macros_reached(asked: Set[str], macros: Mapping[str, str]) -> set[str]:
    found = {*asked} & macros.keys()
    while True:
        inner = {each for name in found for each in _called(macros[name])}
        if not (inner & macros.keys()) - found:
            return found
        found |= inner & macros.keys()


@functools.lru_cache(maxsize=2048)
def canonical_sql(statement: str) -> str:
    """Return a statement as its syntax tree says it: no comments, one layout."""
    return parsed(statement).sql(dialect="duckdb", comments=False)


def parsed(statement: str) -> exp.Expr:
    """Return the syntax tree of a statement. Shared: whoever changes it takes a copy."""
    (tree,) = parsed_text(statement)
    assert tree is not None
    return tree


@functools.lru_cache(maxsize=2048)
def parsed_text(text: str) -> list[exp.Expr | None]:
    """Return the syntax trees of the statements of a text. Shared, as those of `parsed`."""
    return sqlglot.parse(text, dialect="duckdb")


@functools.cache
def python_parts(path: Path) -> dict[str, str]:
    """Return the definitions of a file and of all project files that it reaches by import.

    Parts are named `learning/forecast_models.py: seasonal_naive`. Imports inside functions count,
    those for a type checker do not. Of a package only the file that a name comes from counts.
    Read once in a process: what runs is what was there when it began.
    """
    parts: dict[str, str] = {}
    libraries: set[str] = set()
    open_files, seen = [path.resolve()], set()
    while open_files:
        file = open_files.pop()
        if file in seen:
            continue
        seen.add(file)
        definitions, imports = _read_module(file)
        shown = shown_path(file)
        parts |= {f"{shown}: {name}": value for name, value in definitions.items()}
        for module, name in imports:
            top = module.split(".")[0]
            if top in _LIBRARIES:
                libraries.add(top)
            elif top == _PACKAGE.name and (origin := _origin(module, name)):
                open_files.append(origin)
    return parts | library_parts(libraries)


def library_parts(libraries: Iterable[str]) -> dict[str, str]:
    return {f"library {_LIBRARIES[name]}": _minor(_LIBRARIES[name]) for name in libraries}


@functools.cache
def _minor(distribution: str) -> str:
    return ".".join(importlib.metadata.version(distribution).split(".")[:2])


@functools.cache
def _read_module(file: Path) -> tuple[dict[str, str], list[tuple[str, str | None]]]:
    """Return digests of a module's definitions by name, and (module, name) of what it imports."""
    tree = _tree(file)
    texts: dict[str, list[str]] = {}
    for statement in tree.body:
        if not _is_idle(statement):
            texts.setdefault(_name_of(statement), []).append(canonical_python(statement))
    imports = list(_imports(tree))
    return {name: digest(found) for name, found in texts.items()}, imports


def _name_of(statement: ast.stmt) -> str:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return statement.name
    if isinstance(statement, ast.Assign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        names = [node.id for t in targets for node in ast.walk(t) if isinstance(node, ast.Name)]
        return ", ".join(names)
    is_import = isinstance(statement, ast.Import | ast.ImportFrom)
    return "imports" if is_import else "statements of the module"


def canonical_python(node: ast.AST) -> str:
    """Return a syntax tree as text: no comments, layout, docstrings; the same on every Python."""
    if isinstance(node, ast.JoinedStr):
        # Python 3.12 writes an empty text at the end of a nested format.
        texts = [v for v in node.values if not (isinstance(v, ast.Constant) and v.value == "")]
        return f"JoinedStr({_canonical_value(texts)})"
    fields = [
        f"{name}={_canonical_value(value)}"
        for name, value in ast.iter_fields(node)
        # What a later Python added is empty where an earlier one reads the same text.
        if value is not None and value != [] and name not in ("type_comment", "kind")
    ]
    return f"{type(node).__name__}({', '.join(fields)})"


def _canonical_value(value: Any) -> str:
    if isinstance(value, ast.AST):
        return canonical_python(value)
    if isinstance(value, list):
        kept = [each for each in value if not _is_idle(each)]
        return f"[{', '.join(map(_canonical_value, kept))}]"
    return repr(value)


def _is_idle(statement: ast.AST) -> bool:
    """Say whether a statement does nothing: a docstring, or imports for a type checker."""
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str)
    return (
        isinstance(statement, ast.If)
        and isinstance(statement.test, ast.Name)
        and statement.test.id == "TYPE_CHECKING"
    )


def _imports(node: ast.AST) -> Iterator[tuple[str, str | None]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt) and _is_idle(child):
            continue
        if isinstance(child, ast.Import):
            yield from ((alias.name, None) for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and child.module and not child.level:
            yield from ((child.module, alias.name) for alias in child.names)
        yield from _imports(child)


def _origin(module: str, name: str | None) -> Path | None:
    """Return the file of the package that a module, or a name in it, comes from."""
    base = _PACKAGE.joinpath(*module.split(".")[1:])
    if base.with_suffix(".py").is_file():
        return base.with_suffix(".py")
    if not base.is_dir():
        return None
    if name is None:
        return base / "__init__.py"
    if (base / f"{name}.py").is_file():
        return base / f"{name}.py"
    if (base / name / "__init__.py").is_file():
        return base / name / "__init__.py"
    # A package that re-exports is looked through: else everything in it would count.
    room = base / "__init__.py"
    if not room.is_file():
        return None
    for statement in ast.walk(_tree(room)):
        if isinstance(statement, ast.ImportFrom) and statement.module:
            for alias in statement.names:
                if (alias.asname or alias.name) == name:
                    return _origin(statement.module, alias.name)
    return room


@functools.cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def shown_path(file: Path) -> str:
    """Return a file as versions name it: below the package or the project, the same anywhere."""
    for root in (_PACKAGE, _PACKAGE.parent):
        if file.is_relative_to(root):
            return file.relative_to(root).as_posix()
    return f"{file.parent.name}/{file.name}"
