"""The rows of customer_features that learning reads: bounded where there are very many customers.

The present is read whole, the past of a draw of customers. Does not belong here: which rows teach
and which judge (`splits`).
"""

from collections.abc import Mapping

import polars as pl

from customer_assets.learning.design import CUSTOMER, CUT_OFF
from customer_assets.learning.profiled import sampled
from customer_assets.sources.questions import Question

# Of so many customers the past is read; memory holds a row for each of them and each cut-off.
MOST_CUSTOMERS = 100_000


def history(features: pl.LazyFrame, questions: Mapping[str, Question]) -> pl.DataFrame:
    """Return all rows of the newest cut-off and of the last with an answer to each question.

    Of the cut-offs before, those of at most 100,000 customers, the ones with the lowest MD5 of
    their id: all of them, where there are no more. A table of one moment is returned whole.
    """
    columns = features.collect_schema().names()
    if CUT_OFF not in columns:
        return features.collect()
    customers = features.select(CUSTOMER).unique().collect()
    if len(customers) <= MOST_CUSTOMERS:
        return features.collect()
    answers = [q.label for q in questions.values() if q.label in columns]
    ends = features.select(
        pl.col(CUT_OFF).max(),
        *(pl.col(CUT_OFF).filter(pl.col(n).is_not_null()).max().alias(n) for n in answers),
    ).collect()
    drawn = sampled(customers, MOST_CUSTOMERS)[CUSTOMER]
    # Both as plain lists of values: the rows are read in batches, and filtered as they come.
    return features.filter(
        pl.col(CUT_OFF).is_in(ends.row(0)) | pl.col(CUSTOMER).is_in(drawn.implode())
    ).collect()
