"""---
description: One row per file in the landing folder that belongs to an input.
key: [file]
columns:
  file: {type: varchar, description: Path below the source's landing folder.}
  table_name: {type: varchar, description: Input of the source that the file belongs to.}
  content_hash:
    type: varchar
    description: Digest of the file's bytes; null where it was not read.
  bytes: {type: bigint, description: Size on disk.}
  modified_at: {type: timestamp, description: 'When the file landed: its last modification, UTC.'}
  status:
    type: varchar
    description: >-
      loaded; duplicate (its content counts under another name); waiting (still being written).
  reason: {type: varchar, description: 'Why the file is not loaded, or what was noticed in it.'}
  rows_landed:
    type: bigint
    description: 'Rows of the file that count: rows_loaded + rows_rejected.'
  rows_loaded: {type: bigint, description: Rows in the input's raw table.}
  rows_rejected: {type: bigint, description: Rows in rejected_rows.}
  encoding: {type: varchar, description: How the text is encoded; null for Parquet.}
  delimiter: {type: varchar, description: What stands between the fields of a CSV file.}
checks:
  - expect_column_values_to_not_be_null: {column: file}
  - expect_column_values_to_be_in_set: {column: status, value_set: [loaded, duplicate, waiting]}
  - unexpected_rows_expectation:
      unexpected_rows_query: >-
        select * from {batch} where rows_landed <> rows_loaded + rows_rejected
---
"""
