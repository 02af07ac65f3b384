"""---
description: >-
  One row per landed row that is in no raw table: it cannot be read, or does not say whom it is
  about. Customers that break a rule are in rejected_customers.
key: [file, row]
columns:
  file: {type: varchar, description: Landed file.}
  row:
    type: bigint
    description: >-
      Where the row starts, counted from 1: the line of a text file, its header line included,
      or the row of a Parquet file.
  column_name: {type: varchar, description: 'Column that is at fault; null: the whole row.'}
  reason: {type: varchar, description: Why the row is rejected.}
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
---
"""
