"""---
description: >-
  One row per landed row that is in no events: it cannot be read, or it breaks a rule. Where
  several reasons hold, the first one found stands.
key: [file, row, part]
columns:
  file: {type: varchar, description: Landed file.}
  row:
    type: bigint
    description: >-
      Where the row starts, counted from 1: the line of a text file, its header line included,
      or the row of a Parquet file.
  part:
    type: bigint
    description: >-
      k for the k-th rejected row of the place; above 1 only where rows.sql of the source makes
      several rows of one.
  column_name:
    type: varchar
    description: 'Column of the landed file that is at fault; null: the whole row.'
  reason: {type: varchar, description: Why the row is rejected.}
  event_date: {type: date, description: 'Event day, null where the row has no readable one.'}
  raw_text:
    type: varchar
    description: >-
      The row as it stands in the file, a Parquet row as JSON; cut after 10,000 characters, with
      a note of how many more there are.
checks:
  - expect_column_values_to_not_be_null: {column: file}
  - expect_column_values_to_not_be_null: {column: row}
  - expect_column_values_to_not_be_null: {column: reason}
  - expect_column_values_to_not_be_null: {column: raw_text}
  - expect_compound_columns_to_be_unique: {column_list: [file, row, part]}
---
"""
