"""Models that learn from a source's tables: pure functions over frames, no Dagster, no files."""
