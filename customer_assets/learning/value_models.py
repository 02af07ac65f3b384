"""The lifetime value models of a source's customers, and whether their assumptions hold.

Joins the likelihoods of `purchase_models` with the tests of what they take for granted: that
customers leave at a rate that the log tells, and that what a purchase is worth does not depend on
how often one buys. What is published of it belongs to `lifetime_value`.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from customer_assets.intervals import Z
from customer_assets.learning import purchase_models
from customer_assets.learning.purchase_models import Fit, PurchaseHistory

if TYPE_CHECKING:
    import numpy as np

MIN_REPEAT_CUSTOMERS = 30
# The 95 % point of chi-squared with two degrees of freedom: dropout adds two parameters. At the
# edge of what they may be the true point is lower, so this errs towards "no dropout".
DROPOUT_LIKELIHOOD_RATIO = 5.99
# A rank correlation of frequency and value that is surely above this breaks the assumption. In
# the data that the Gamma-Gamma model was published with it is 0.21, surely above 0.14.
MAX_CORRELATION = 0.2


# How often a total is drawn: of many customers chance leaves little, and fewer draws show it.
FEWEST_DRAWS, MOST_DRAWS = 200, 1_000
_DRAWN_CUSTOMERS = 5_000_000


@dataclass(frozen=True)
class FittedModels:
    """What was fitted to the customers of one cut-off, and what the tests say of it.

    `correlation` of frequency and value comes with its 95 % interval. What is told of purchases
    rests on BG/NBD where dropout is identified and on NBD otherwise; of money on Gamma-Gamma.
    """

    history: PurchaseHistory
    mean_value: "np.ndarray"
    bg_nbd: Fit
    nbd: Fit
    gamma_gamma: Fit
    correlation: tuple[float, float, float]

    @property
    def likelihood_ratio(self) -> float:
        return max(2 * (self.bg_nbd.log_likelihood - self.nbd.log_likelihood), 0.0)

    @property
    def is_dropout_identified(self) -> bool:
        return (
            self.likelihood_ratio > DROPOUT_LIKELIHOOD_RATIO and self.bg_nbd.covariance is not None
        )

    @property
    def tells_purchases(self) -> bool:
        """Say whether purchases to come are told: not where some have left and who is not known."""
        return self.is_dropout_identified or self.likelihood_ratio <= DROPOUT_LIKELIHOOD_RATIO

    @property
    def is_value_independent(self) -> bool:
        _, low, high = self.correlation
        return not (low > MAX_CORRELATION or high < -MAX_CORRELATION)

    @property
    def has_value(self) -> bool:
        has_mean = self.gamma_gamma.parameters["q"] > 1 and self.gamma_gamma.covariance is not None
        return self.is_value_independent and has_mean

    @property
    def purchase_model(self) -> str:
        return "bg_nbd" if self.is_dropout_identified else "nbd"

    @property
    def purchases(self) -> Fit:
        return self.bg_nbd if self.is_dropout_identified else self.nbd

    def log_purchases(self, logs: "np.ndarray", horizon: float) -> "np.ndarray":
        import numpy as np

        expected = (
            purchase_models.bg_nbd_expected_purchases
            if self.is_dropout_identified
            else purchase_models.nbd_expected_purchases
        )
        return np.log(expected(logs, self.history, horizon))

    def log_value(self, logs: "np.ndarray") -> "np.ndarray":
        import numpy as np

        return np.log(
            purchase_models.gamma_gamma_expected_value(
                logs, self.history.frequency, self.mean_value
            )
        )

    def totals(self, horizon: float) -> "tuple[np.ndarray, np.ndarray]":
        """Return purchases and money of all customers over the horizon, drawn many times.

        Each time with other parameters, as uncertain as they are, and with each customer's chance:
        so widely what will in fact come may lie.
        """
        import numpy as np

        random = np.random.default_rng(0)
        of = self.history
        found = []
        n_draws = min(MOST_DRAWS, max(FEWEST_DRAWS, _DRAWN_CUSTOMERS // len(of.frequency)))
        for _ in range(n_draws):
            logs = self.purchases.drawn_logs(random)
            purchases = purchase_models.drawn_purchases(logs, of, horizon, random)
            logs = self.gamma_gamma.drawn_logs(random)
            money = purchase_models.drawn_money(
                logs, of.frequency, self.mean_value, purchases, random
            )
            found.append((float(purchases.sum()), float(money.sum())))
        purchases, money = np.array(found).T
        return purchases, money

    def dropout_note(self) -> str:
        ratio = f"likelihood ratio {self.likelihood_ratio:.2f}"
        if self.is_dropout_identified:
            return f"Dropout is identified ({ratio})."
        if self.likelihood_ratio > DROPOUT_LIKELIHOOD_RATIO:
            return (
                f"Dropout shows ({ratio}), but not how much of it: the likelihood is flat. "
                "No purchases to come are told."
            )
        return (
            f"Dropout is not identified ({ratio}, {DROPOUT_LIKELIHOOD_RATIO} is wanted): the log "
            "does not tell who has left. Purchases are expected as if nobody had."
        )

    def value_note(self) -> str:
        correlation, low, high = self.correlation
        written = f"rank correlation {correlation:.2f}, 95 % from {low:.2f} to {high:.2f}"
        if not self.is_value_independent:
            return f"Value depends on frequency ({written}): no value is told."
        if not self.has_value:
            return "The mean value of a purchase is not identified: no value is told."
        if low > 0:
            return (
                f"Value rises a little with frequency ({written}): that of frequent customers is "
                "understated."
            )
        return f"Value does not rise with frequency ({written})."


def fit_models(customers: pl.DataFrame) -> FittedModels | None:
    """Fit the models to `customer_value_history` of one cut-off.

    Returns None where fewer than MIN_REPEAT_CUSTOMERS bought on a second day.
    """
    import numpy as np
    from scipy.stats import spearmanr

    columns = ("frequency", "recency_days", "age_days")
    history = PurchaseHistory(*(customers[name].cast(pl.Float64).to_numpy() for name in columns))
    mean_value = customers["repeat_value"].fill_null(0.0).to_numpy()
    # The Gamma-Gamma model knows no purchase without value.
    is_valued = (history.frequency > 0) & (mean_value > 0)
    n = int(is_valued.sum())
    if n < MIN_REPEAT_CUSTOMERS:
        return None
    frequency, value = history.frequency[is_valued], mean_value[is_valued]
    varies = np.ptp(frequency) > 0 and np.ptp(value) > 0
    correlation = float(spearmanr(frequency, value).statistic) if varies else 0.0
    # Fisher's transformation, with the variance of a rank correlation (Bonett and Wright, 2000).
    error = Z * math.sqrt((1 + correlation**2 / 2) / (n - 3))
    centre = math.atanh(min(max(correlation, -0.9999), 0.9999))
    return FittedModels(
        history,
        mean_value,
        purchase_models.fit_bg_nbd(history),
        purchase_models.fit_nbd(history),
        purchase_models.fit_gamma_gamma(frequency, value),
        (correlation, math.tanh(centre - error), math.tanh(centre + error)),
    )
