"""---
description: One row per file that lies in the landing folder, whatever became of it.
key: [file]
columns:
  file: {type: varchar, description: Path below the source's landing folder.}
  content_hash:
    type: varchar
    description: Digest of the file's bytes; null where it was not read.
  loaded_hash:
    type: varchar
    description: >-
      Digest of the content that this file has in raw_events: its own, or that of its previous
      version where that one was kept; null: none.
  bytes: {type: bigint, description: Size on disk.}
  modified_at: {type: timestamp, description: 'When the file landed: its last modification, UTC.'}
  changed_at:
    type: timestamp
    description: >-
      When the system last changed the file's entry, UTC; while it stands, the content need not
      be hashed again.
  status:
    type: varchar
    description: >-
      loaded; lookup (rows.sql looks things up in it); duplicate (its content counts under
      another name); waiting (still being written); refused. The last two say so where the
      previous version was kept. gone, rows kept: too much is gone with it to be withdrawn
      unasked.
  reason: {type: varchar, description: 'Why the file is not loaded, or what was noticed in it.'}
  rows_landed:
    type: bigint
    description: 'Rows of the content that counts: rows_loaded + rows_rejected.'
  rows_loaded: {type: bigint, description: Rows in raw_events.}
  rows_rejected: {type: bigint, description: Rows in rejected_rows.}
  first_date: {type: date, description: First event day in raw_events.}
  last_date: {type: date, description: Last event day in raw_events.}
  encoding: {type: varchar, description: How the text is encoded; null for Parquet.}
  delimiter: {type: varchar, description: What stands between the fields of a CSV file.}
  time_format: {type: varchar, description: Format by which the time column was read.}
  n_repeated_times:
    type: bigint
    description: Rows whose local time occurs twice, read as the first occurrence.
  n_missing_times:
    type: bigint
    description: Rows whose local time does not exist, moved forward by the gap.
  n_rounded_amounts:
    type: bigint
    description: Rows of raw_events with an amount of more than four decimals, which is rounded.
  kind: {type: varchar, description: "Patterns of the kind of file that it is; null: none."}
  columns:
    type: varchar
    description: >-
      Columns of the file, mapped or not, with commas between them; null where it was not
      read, or each row names its own.
  previous_columns:
    type: varchar
    description: Columns that the file had before its content changed; null where it did not.
  is_tried_again:
    type: boolean
    description: >-
      Whether the next run reads a refused file again: it took more than a file may take here.
checks:
  - expect_column_values_to_not_be_null: {column: file}
  - expect_column_values_to_be_unique: {column: file}
  - expect_column_values_to_be_in_set:
      column: status
      value_set:
        - loaded
        - lookup
        - duplicate
        - waiting
        - waiting, previous version kept
        - refused
        - refused, previous version kept
        - gone, rows kept
  - unexpected_rows_expectation:
      unexpected_rows_query: >-
        select * from {batch} where rows_landed <> rows_loaded + rows_rejected
---
"""
