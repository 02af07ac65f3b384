"""What the behaviour engine costs, as multiples of a bare DuckDB scan of the same log.

Belongs here: measurements that are read, `python -m customer_assets_tests.bench`. No test:
seconds depend on the machine and on what else it does, only ratios of one run count.
"""
