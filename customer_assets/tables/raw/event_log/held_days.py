"""---
description: >-
  One row per event day that is held back: it has an error in day_findings that nobody accepted.
  Its rows wait, the rest goes on.
partition_by: event_date
key: [event_date]
columns:
  event_date: {type: date, description: Day whose rows become no events yet.}
checks:
  - unexpected_rows_expectation:
      name: no_day_is_held_back
      severity: error
      blocks: false
      description: >-
        No day is held back. Where it is right, say so with `accept` in the source's defs.yaml, or
        materialize the day with the tag customer_assets/accept: day.
      unexpected_rows_query: select * from {batch}
---
"""
