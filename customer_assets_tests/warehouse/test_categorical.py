"""A categorical column is sorted as numbers; to a statement, and as stored, it is text."""

import datetime as dt
import itertools

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_assets.warehouse.engine import DuckDBEngine, Relation
from customer_assets.warehouse.quoting import literal
from customer_assets.warehouse.sql_model import read_model
from customer_assets.warehouse.table import Column, Table

DAYS = [dt.date(2024, 1, 1), dt.date(2024, 1, 2)]
NUMBERED = """\
/* ---
description: One row per event.
key: [event_date, event_type, source_file, place]
{partition}
columns:
  event_date: {{type: date, description: When.}}
  event_type: {{type: varchar, description: What.}}
  source_file: {{type: varchar, description: Where from.}}
  place: {{type: bigint, description: Number of the event in its day.}}
  previous_type: {{type: varchar, description: What was before.}}
  shown: {{type: varchar, description: Joined to other text.}}
  is_rare: {{type: boolean, description: Compared with text that no row has.}}
  label: {{type: varchar, description: A type or a text that is none.}}
  both: {{type: "varchar[]", description: Type and file.}}
--- */
select
    event_date,
    event_type,
    source_file,
    row_number() over (partition by event_date order by event_type, source_file, n) as place,
    lag(event_type) over (partition by event_date order by event_type, source_file, n)
        as previous_type,
    event_type || '/' || source_file as shown,
    event_type in ('rare', 'never') or event_type > 'm' as is_rare,
    coalesce(case when n > 1 then event_type end, 'none') as label,
    [event_type, source_file] as both,
from events
"""
LETTERS = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
TEXTS = st.one_of(
    st.none(), st.text(LETTERS, max_size=4), st.sampled_from(["view", "buy", "'; drop", "é"])
)


def described(is_categorical):
    text = {"type": "varchar", "description": "A text.", "categorical": is_categorical}
    columns = {
        "event_date": Column(type="date", description="When."),
        "event_type": Column(**text),
        "source_file": Column(**text),
        "n": Column(type="bigint", description="Number of the row."),
    }
    return Table(name="events", layer="staging", description="Rows.", columns=columns, key=[])


@settings(max_examples=25)
@given(st.lists(st.tuples(st.sampled_from(DAYS), TEXTS, TEXTS), max_size=12))
def test_categorical_texts_give_the_rows_that_texts_give(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("categorical")
    values = ", ".join(
        f"(date '{day}', {literal(what)}, {literal(file)}, {n})"
        for n, (day, what, file) in enumerate(rows)
    )
    numbers = itertools.count()

    def computed(is_categorical, model, days):
        inputs = {"events": Relation(described(is_categorical), [folder / "events.parquet"])}
        outputs = engine.run(model, inputs, {}, lambda: folder / f"{next(numbers)}.parquet", days)
        stored = {}
        for key, output in outputs.items():
            read = connection.execute(f"from read_parquet({literal(str(output.path))})")
            kinds = [str(kind) for _, kind, *_ in read.description]
            stored[key] = (output.rows, output.content_hash, kinds, read.fetchall())
        return stored

    with duckdb.connect() as connection:
        engine = DuckDBEngine(connection)
        engine.write(
            "select d as event_date, e::varchar as event_type, f::varchar as source_file, "
            f"n::bigint as n from (values (date '2024-01-03', null, null, 0){', ' if rows else ''}"
            f"{values}) t(d, e, f, n)",
            folder / "events.parquet",
        )
        # As one table, several days at once, and a single day.
        for partition, days in (("", None), ("event_date", DAYS), ("event_date", DAYS[:1])):
            path = folder / "numbered.sql"
            stated = f"partition_by: {partition}" if partition else ""
            path.write_text(NUMBERED.format(partition=stated))
            model = read_model(path, "staging")
            assert computed(True, model, days) == computed(False, model, days)
