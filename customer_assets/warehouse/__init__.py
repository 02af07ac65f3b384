"""The warehouse: Parquet folders, DuckDB as engine and catalog, SQL files as tables.

Belongs here: how a table is described, computed, published and found again. Does not belong
here: what a table means (`sql/`), how raw files are read (`ingest/`), which checks exist
(`quality/`).
"""
