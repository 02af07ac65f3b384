"""Groups of customers: who is alike, how sure that is, and what tells the groups apart.

Pure functions over frames, no Dagster, no files. What is done for a group belongs to `advice`.
"""
