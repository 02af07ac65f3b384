"""Runs that are killed on purpose, and what is left of them: `make drill`."""
