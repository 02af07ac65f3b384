"""The Dagster side: configuration in, assets out. No arithmetic.

Only this room, `definitions` and the commands import Dagster.
"""
