"""---
description: >-
  One row per event day, finding and subject: a day that is over and is not like the days before
  it.
key: [event_date, finding, subject]
columns:
  event_date: {type: date, description: Day that stands out.}
  finding:
    type: varchar
    description: >-
      many_rows, few_rows, event_type_gone, event_type_new, hours_shifted, column_empty,
      column_filled, identifiers_changed or rows_rejected.
  subject: {type: varchar, description: 'Event type or column that it is about; else empty.'}
  severity: {type: varchar, description: error or warn.}
  observed: {type: double, description: 'What came: rows, hours, or a share.'}
  usual: {type: double, description: 'Median of the days before: the same weekdays, if known.'}
  explanation: {type: varchar, description: What came and what was to be expected.}
  is_accepted: {type: boolean, description: Whether the source or a run says that it is right.}
  is_held: {type: boolean, description: Whether it keeps the rows of the day from becoming events.}
checks:
  - expect_column_values_to_be_in_set: {column: severity, value_set: [error, warn]}
  - unexpected_rows_expectation:
      name: no_day_is_held_back
      severity: error
      blocks: false
      description: >-
        No day is held back. Where it is right, say so with `accept` in the source's defs.yaml, or
        materialize the day with the tag customer_assets/accept: day.
      unexpected_rows_query: select * from {batch} where is_held
---
"""
