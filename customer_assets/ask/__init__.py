"""Questions on the spot: another funnel, cohort or group, asked of what is published.

The SQL is that of the tables (`sql/`, `behavior/`, `tables/`), run over the snapshot that readers
see, with other parameters; nothing is written and no lock is taken. Answers are Polars frames with
the columns of the tables. Does not belong here: how an answer is printed (`cli`).
"""

from customer_assets.ask.answering import AskError
from customer_assets.ask.shop import Shop, open_warehouse

__all__ = ["AskError", "Shop", "open_warehouse"]
