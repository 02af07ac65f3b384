"""---
description: >-
  One row per content of a landed file, event day and count: what came of a day, by which days are
  judged. Counted once, when a file is read.
key: [content_hash, event_date, measure, subject]
columns:
  content_hash: {type: varchar, description: Digest of the content that was counted.}
  event_date: {type: date, description: 'Event day; null of rejected rows without a readable one.'}
  measure:
    type: varchar
    description: >-
      rows; customers and rows_of_customer: known customers, and 100 times the median of
      their rows; event_type and hour: rows by type, by hour of the business day; filled: rows
      with a value in a column; whole_number: of text identifiers, those that are one; rejected:
      rows that cannot be read or are dated after their file landed; digest: a checksum.
  subject: {type: varchar, description: 'Event type, hour or column; else empty.'}
  n: {type: bigint, description: 'Rows; of a digest, the checksum.'}
checks:
  - expect_column_values_to_not_be_null: {column: measure}
  - expect_column_values_to_not_be_null: {column: n}
---
"""
