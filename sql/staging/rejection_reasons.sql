/* ---
description: >-
  One row per reason for which rows were rejected and column at fault, with the first such row: the
  thousand most frequent.
key: [place]
engine: duckdb
columns:
  place: {type: bigint, description: 1 is the most frequent.}
  reason: {type: varchar, description: Why the rows are rejected.}
  column_name: {type: varchar, description: "Column that is at fault; null: the whole row."}
  n_rows: {type: bigint, description: Rows rejected for it.}
  file: {type: varchar, description: Landed file of the first of them.}
  row: {type: bigint, description: "Where it starts in the file, counted from 1."}
  raw_text: {type: varchar, description: "The row as it stands in the file, as in rejected_rows."}
  n_reasons: {type: bigint, description: "Reasons there are in all, with their columns."}
checks:
  - expect_column_values_to_not_be_null: {column: reason}
  - expect_column_values_to_be_between: {column: n_rows, min_value: 1}
owner: team:data
--- */
with found as (
    select
        reason,
        column_name,
        count(*) as n_rows,
        min(struct_pack(file := file, "row" := "row", raw_text := raw_text)) as example,
    from rejected_rows
    group by reason, column_name
),

ranked as (
    select
        *,
        row_number() over (order by n_rows desc, reason, column_name) as place,
        count(*) over () as n_reasons,
    from found
)

select
    place,
    reason,
    column_name,
    n_rows,
    example.file as file,
    example."row" as "row",
    example.raw_text as raw_text,
    n_reasons,
from ranked
where place <= 1000
