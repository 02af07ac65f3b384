"""How often customers buy and how much: BG/NBD, NBD and Gamma-Gamma by maximum likelihood.

Arrays in, numbers out; what is fitted to which customers, and what is published of it, belongs to
`lifetime_value`. Times are in any one unit. Parameters are estimated on a log scale, since all of
them are above zero, and so are their covariances.

Sources: Fader, Hardie and Lee, "Counting Your Customers" the Easy Way (Marketing Science 24,
2005) for BG/NBD; Fader and Hardie, The Gamma-Gamma Model of Monetary Value (2013).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from customer_assets.intervals import Z

if TYPE_CHECKING:
    import numpy as np

# A parameter that runs away from 1 by more than this factor (e to the power of) is at no optimum.
_LOG_BOUND = 12.0
_DIFFERENCE = 1e-3

LogLikelihood = Callable[["np.ndarray"], float]


@dataclass(frozen=True)
class PurchaseHistory:
    """Repeat purchases, time of the last one since the first, and time observed, by customer."""

    frequency: "np.ndarray"
    recency: "np.ndarray"
    age: "np.ndarray"

    @cached_property
    def counts(self) -> "tuple[np.ndarray, np.ndarray]":
        """Return the different frequencies, of each of which gamma functions are taken once,
        and where each customer's is among them.
        """
        import numpy as np

        values, at = np.unique(self.frequency, return_inverse=True)
        return values, at


@dataclass(frozen=True)
class Fit:
    """Parameters by name, and the covariance of their logarithms.

    The covariance is None where the likelihood is flat in some direction: then the data do not
    tell all parameters.
    """

    parameters: dict[str, float]
    log_likelihood: float
    covariance: "np.ndarray | None"

    @property
    def logs(self) -> "np.ndarray":
        import numpy as np

        return np.log(list(self.parameters.values()))

    def interval(self, name: str) -> tuple[float, float] | None:
        """Return the 95 % confidence interval of a parameter."""
        import numpy as np

        if self.covariance is None:
            return None
        at = list(self.parameters).index(name)
        error = Z * float(np.sqrt(self.covariance[at, at]))
        value = self.parameters[name]
        return value * float(np.exp(-error)), value * float(np.exp(error))

    def standard_error(self, log_of: Callable[["np.ndarray"], "np.ndarray"]) -> "np.ndarray | None":
        """Return the standard error of a function of the log parameters, by the delta method."""
        import numpy as np

        if self.covariance is None:
            return None
        steps = np.eye(len(self.parameters)) * _DIFFERENCE
        gradient = np.array(
            [(log_of(self.logs + h) - log_of(self.logs - h)) / (2 * _DIFFERENCE) for h in steps]
        )
        variance = np.einsum("ij,ik,kj->j", gradient, self.covariance, gradient)
        return np.sqrt(np.maximum(variance, 0))

    def drawn_logs(self, random: "np.random.Generator") -> "np.ndarray":
        """Return log parameters as uncertain as the data leave them; the best without a spread."""
        import numpy as np

        if self.covariance is None:
            return self.logs
        return np.asarray(random.multivariate_normal(self.logs, self.covariance, method="eigh"))


def fit_bg_nbd(history: PurchaseHistory) -> Fit:
    """Return the BG/NBD model: r and alpha of the purchase rate, a and b of the dropout."""
    return _in_own_time(history, bg_nbd_log_likelihood, ("r", "alpha", "a", "b"))


def fit_nbd(history: PurchaseHistory) -> Fit:
    """Return the NBD model: the BG/NBD without dropout, to which it falls as a goes to 0."""
    return _in_own_time(history, nbd_log_likelihood, ("r", "alpha"))


def bg_nbd_log_likelihood(logs: "np.ndarray", history: PurchaseHistory) -> float:
    """Return ln L, sums of gamma functions kept as logarithms."""
    import numpy as np
    from scipy.special import betaln

    _, _, a, b = np.exp(logs)
    x, at = history.counts
    stayed = (betaln(a, b + x) - betaln(a, b))[at]
    left = (betaln(a + 1, b + np.maximum(x, 1) - 1) - betaln(a, b))[at]
    survived = nbd_terms(logs[:2], history, history.age) + stayed
    dropped = nbd_terms(logs[:2], history, history.recency) + left
    has_repeats = history.frequency > 0
    return float(np.sum(np.where(has_repeats, np.logaddexp(survived, dropped), survived)))


def nbd_log_likelihood(logs: "np.ndarray", history: PurchaseHistory) -> float:
    import numpy as np

    return float(np.sum(nbd_terms(logs, history, history.age)))


def nbd_terms(logs: "np.ndarray", history: PurchaseHistory, until: "np.ndarray") -> "np.ndarray":
    """Return the log likelihood of the purchases of customers who were there `until` then."""
    import numpy as np
    from scipy.special import gammaln

    r, alpha = np.exp(logs)
    x, at = history.counts
    constant = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    return constant[at] - (r + history.frequency) * np.log(alpha + until)


def probability_alive(logs: "np.ndarray", history: PurchaseHistory) -> "np.ndarray":
    """Return the probability that a customer has not dropped out, by BG/NBD.

    It is 1 by construction for a customer without a repeat purchase.
    """
    import numpy as np
    from scipy.special import expit

    r, alpha, a, b = np.exp(logs)
    x = history.frequency
    log_odds = (r + x) * np.log((alpha + history.age) / (alpha + history.recency)) + np.log(
        a / (b + np.maximum(x, 1) - 1)
    )
    return np.where(x > 0, expit(-log_odds), 1.0)


def bg_nbd_expected_purchases(
    logs: "np.ndarray", history: PurchaseHistory, horizon: float
) -> "np.ndarray":
    """Return the purchases to expect in the time after the one observed.

    The hypergeometric function is taken after Euler's transformation, in which nothing grows with
    the number of purchases.
    """
    import numpy as np
    from scipy.special import hyp2f1

    r, alpha, a, b = np.exp(logs)
    # The formula is 0/0 at a = 1, and smooth around it.
    a = 1 + 1e-6 if abs(a - 1) < 1e-6 else a
    x = history.frequency
    left = (alpha + history.age) / (alpha + history.age + horizon)
    function = left ** (a - 1) * hyp2f1(a + b - 1 - r, a - 1, a + b + x - 1, 1 - left)
    return (a + b + x - 1) / (a - 1) * (1 - function) * probability_alive(logs, history)


def nbd_expected_purchases(
    logs: "np.ndarray", history: PurchaseHistory, horizon: float
) -> "np.ndarray":
    import numpy as np

    r, alpha = np.exp(logs)
    return (r + history.frequency) / (alpha + history.age) * horizon


def drawn_purchases(
    logs: "np.ndarray", history: PurchaseHistory, horizon: float, random: "np.random.Generator"
) -> "np.ndarray":
    """Return purchases over the horizon, drawn for each customer from what the model says of him.

    `logs` of r and alpha are of the NBD; with a and b of the BG/NBD, by which a customer is still
    there or not, and leaves after a purchase.
    """
    import numpy as np

    r, alpha = np.exp(logs[:2])
    rate = random.gamma(r + history.frequency) / (alpha + history.age)
    bought = random.poisson(rate * horizon)
    if len(logs) == 2:
        return bought
    a, b = np.exp(logs[2:])
    leaves = np.maximum(random.beta(a, b + history.frequency), 1e-12)
    is_there = random.random(len(bought)) < probability_alive(logs, history)
    return np.where(is_there, np.minimum(bought, random.geometric(leaves)), 0)


def drawn_money(
    logs: "np.ndarray",
    frequency: "np.ndarray",
    mean_value: "np.ndarray",
    purchases: "np.ndarray",
    random: "np.random.Generator",
) -> "np.ndarray":
    """Return the money of so many purchases, drawn for each customer by the Gamma-Gamma model."""
    import numpy as np

    p, q, v = np.exp(logs)
    known = np.where(frequency > 0, frequency * np.nan_to_num(mean_value), 0.0)
    scale = (v + known) / random.gamma(p * frequency + q)
    return random.gamma(p * np.maximum(purchases, 1e-12)) * scale * (purchases > 0)


def fit_gamma_gamma(frequency: "np.ndarray", mean_value: "np.ndarray") -> Fit:
    """Return the Gamma-Gamma model of customers with repeat purchases and a value above 0."""
    import numpy as np
    from scipy.special import gammaln

    x = frequency
    # Money in units of its median: v has the unit of money, and p and q have none.
    scale = float(np.median(mean_value))
    m = mean_value / scale

    def log_likelihood(logs: "np.ndarray") -> float:
        p, q, v = np.exp(logs)
        terms = (
            gammaln(p * x + q)
            - gammaln(p * x)
            - gammaln(q)
            + q * np.log(v)
            + (p * x - 1) * np.log(m)
            + p * x * np.log(x)
            - (p * x + q) * np.log(x * m + v)
        )
        return float(np.sum(terms))

    fit = _fit(log_likelihood, ("p", "q", "v"), [[0, 0, 0], [2, 1, 0], [1, 2, 2]])
    parameters = fit.parameters | {"v": fit.parameters["v"] * scale}
    # The density of money is that of the scaled money over the scale.
    return Fit(parameters, fit.log_likelihood - len(m) * float(np.log(scale)), fit.covariance)


def gamma_gamma_expected_value(
    logs: "np.ndarray", frequency: "np.ndarray", mean_value: "np.ndarray"
) -> "np.ndarray":
    """Return the mean value of a purchase to expect of each customer; needs p x + q > 1.

    Without a repeat purchase, where `mean_value` is not looked at, it is the mean of all.
    """
    import numpy as np

    p, q, v = np.exp(logs)
    known = np.where(frequency > 0, frequency * np.nan_to_num(mean_value), 0.0)
    return p * (v + known) / (p * frequency + q - 1)


def _in_own_time(
    history: PurchaseHistory,
    log_likelihood: Callable[["np.ndarray", PurchaseHistory], float],
    names: Sequence[str],
) -> Fit:
    """Fit in units of the mean time observed, in which all parameters are of the order of 1."""
    import numpy as np

    unit = float(np.mean(history.age)) or 1.0
    scaled = PurchaseHistory(history.frequency, history.recency / unit, history.age / unit)
    starts = [[0.0] * len(names), [-1.0, -1.0, -1.0, 1.0][: len(names)]]
    fit = _fit(lambda logs: log_likelihood(logs, scaled), names, starts)
    parameters = fit.parameters | {"alpha": fit.parameters["alpha"] * unit}
    # A density of x purchase times in another unit differs by the unit to the power of x.
    shift = float(np.sum(history.frequency)) * float(np.log(unit))
    return Fit(parameters, fit.log_likelihood - shift, fit.covariance)


def _fit(
    log_likelihood: LogLikelihood, names: Sequence[str], starts: Sequence[Sequence[float]]
) -> Fit:
    """Maximize over log parameters from several starts; the best wins."""
    import numpy as np
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits

    # One thread: the same sums on every machine, and no threads that wait for each other.
    with threadpool_limits(1):
        found = [
            minimize(
                lambda logs: -log_likelihood(logs),
                np.array(start, dtype=float),
                method="L-BFGS-B",
                jac="3-point",
                bounds=[(-_LOG_BOUND, _LOG_BOUND)] * len(names),
                options={"ftol": 1e-14, "gtol": 1e-7, "maxiter": 500},
            )
            for start in starts
        ]
    best = min(found, key=lambda result: float(result.fun))
    parameters = {name: float(np.exp(value)) for name, value in zip(names, best.x, strict=True)}
    return Fit(parameters, -float(best.fun), _covariance(log_likelihood, best.x))


def _covariance(log_likelihood: LogLikelihood, at: "np.ndarray") -> "np.ndarray | None":
    """Return the inverse of the observed information, None where it has none or is at a bound."""
    import numpy as np

    if np.any(np.abs(at) > _LOG_BOUND - 1):
        return None
    n = len(at)
    steps = np.eye(n) * _DIFFERENCE
    information = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            information[i, j] = -(
                log_likelihood(at + steps[i] + steps[j])
                - log_likelihood(at + steps[i] - steps[j])
                - log_likelihood(at - steps[i] + steps[j])
                + log_likelihood(at - steps[i] - steps[j])
            ) / (4 * _DIFFERENCE**2)
    eigenvalues = np.linalg.eigvalsh(information)
    # Below this a parameter could be fifty times larger or smaller and hardly be less likely.
    if not eigenvalues[0] > 0.05:
        return None
    return np.linalg.inv(information)
