"""---
description: >-
  One row per event day, file content and change: when rows of a day came or went. A ledger,
  from which late arrivals are told.
key: [recorded_at, run_id, event_date, content_hash, change]
ledger: true
columns:
  event_date: {type: date, description: Event day whose rows came or went.}
  file: {type: varchar, description: Landed file that brought or took them.}
  content_hash: {type: varchar, description: Digest of that file's bytes.}
  change: {type: varchar, description: landed or withdrawn.}
  rows: {type: bigint, description: Rows of that day.}
  landed_at:
    type: timestamp
    description: >-
      When the change came, UTC: the file's last modification, or for a withdrawal when it was
      noticed.
  recorded_at: {type: timestamp, description: 'When the run took it in, UTC.'}
  run_id: {type: varchar, description: Run that took it in.}
checks:
  - expect_column_values_to_not_be_null: {column: event_date}
  - expect_column_values_to_be_in_set: {column: change, value_set: [landed, withdrawn]}
---
"""
