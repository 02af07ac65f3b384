"""What the product costs, as multiples of a DuckDB scan and of a script that does the same.

Belongs here: measurements that are read, `python -m customer_assets_tests.bench`. No test:
seconds depend on the machine and on what else it does, only ratios of one run count.
"""
