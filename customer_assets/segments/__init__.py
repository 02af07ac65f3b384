"""Groups of customers: pure functions over frames, no Dagster, no files."""
