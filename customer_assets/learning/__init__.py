"""Features described, models trained and compared: pure functions over frames, no Dagster."""
