"""---
description: >-
  One row per event day that is held back: it has an error in day_findings that nobody accepted.
  Its rows wait, the rest goes on.
partition_by: event_date
key: [event_date]
columns:
  event_date: {type: date, description: Day whose rows become no events yet.}
---
"""
