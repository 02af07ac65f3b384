"""How a landed text becomes a value: SQL, by type. What cannot be read becomes null.

No number passes through a float on its way to a whole number or money, so an id of 16 digits
stays what it is. A comma is a decimal comma. That a value became null is seen in
unexpected_values, which uses the same expressions.
"""

from customer_assets.ingest.times import time_formats
from customer_assets.sources.customer_table import ReadColumn, duckdb_type
from customer_assets.warehouse.quoting import literal, quoted

_WHOLE = literal(r"^[+-]?[0-9]+([.,]0*)?$")
_FRACTION = literal(r"[.,]0*$")
_NUMBER = literal(r"^[+-]?([0-9]+([.,][0-9]*)?|[.,][0-9]+)([eE][+-]?[0-9]+)?$")
# Blank, tab, no-break space, byte-order mark.
_BLANKS = "concat(' ', chr(9), chr(160), chr(65279))"


def text_sql(column: str) -> str:
    """Return SQL for the text of a landed field without blanks around it, null where empty."""
    return f"nullif(trim({quoted(column)}, {_BLANKS}), '')"


def repaired_sql(column: ReadColumn, text: str) -> str:
    """Return SQL for a text with the misspelt values that the source lists put right."""
    if not column.repairs:
        return text
    cases = " ".join(f"when {literal(a)} then {literal(b)}" for a, b in column.repairs.items())
    return f"case {text} {cases} else {text} end"


def value_sql(column: ReadColumn, text: str) -> str:
    """Return SQL for the value of a text; `text` is evaluated more than once.

    Raises:
        TimeFormatError: a date's format is none that the engine knows.
    """
    kind = duckdb_type(column.type)
    if column.type == "varchar":
        return text
    if column.type == "bigint":
        whole = f"try_cast(regexp_replace({text}, {_FRACTION}, '') as bigint)"
        return f"case when regexp_matches({text}, {_WHOLE}) then {whole} end"
    if column.type in ("decimal", "double"):
        number = f"try_cast(replace({text}, ',', '.') as {kind})"
        return f"case when regexp_matches({text}, {_NUMBER}) then {number} end"
    if column.type == "boolean":
        return f"try_cast({text} as boolean)"
    stamps = [each.microseconds(text) for each in time_formats(column.formats)]
    return f"cast(make_timestamp(coalesce({', '.join(stamps)}, null)) as {kind})"
