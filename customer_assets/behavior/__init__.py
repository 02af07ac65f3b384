"""The behaviour engine beside `sql/behavior`: what SQL files alone cannot say.

Belongs here: the funnel builder, what the SQL is told about a source, which neighbouring days
a day needs, and the oracle that checks it all. Does not belong here: orchestration, storage,
and tables that a plain SQL file can describe.
"""
