"""What can be learned of customers: features judged, questions answered, sales and value foreseen.

Pure functions over frames that import no Dagster and know no tables; heavy libraries are imported
inside them.
"""
