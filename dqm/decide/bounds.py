"""What n runs can promise: bounds on a risk of the population of runs, with the run as the unit.

Data loss and pollution are ratios of weighted sums. With a_r the weight lost in run r and g_r ≥ a_r the weight at
stake (rejected good of good, accepted bad of accepted), "the risk Σa / Σg exceeds α" is a statement about a mean,
E[a − αg] > 0, of contributions that lie in [−αW, (1 − α)W] once a maximal run weight W ≥ g_r is stated beforehand.
Every p-value here tests that hypothesis for independent, equally distributed runs, whatever happens inside a run
(learn then test: Angelopoulos, Bates, Candès, Jordan, Lei, arXiv:2110.01052). A bound speaks of the population that
the runs come from, not of every season's realised value, and of nothing at all when the detector drifts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import bdtr, betainccinv, rel_entr  # scipy.stats would cost every command a second

from dqm.decide.definitions import RunSums


def alpha_min(runs: int, delta: float) -> float:
    """The smallest risk that ``runs`` runs without any loss can exclude at confidence 1 − δ: 1 − δ^(1/n).

    A population of runs that loses everything in a share α of them shows no loss in n runs with probability
    (1 − α)^n, so no distribution-free bound is smaller. Without runs it is 1.

    >>> round(alpha_min(60, 0.1), 4)
    0.0376
    """
    _require_level("delta", delta)
    if runs < 0:
        raise ValueError(f"runs = {runs} is negative")
    return -math.expm1(math.log(delta) / runs) if runs else 1.0


def runs_needed(alpha: float, delta: float) -> int:
    """How many runs without any loss exclude a risk above α at confidence 1 − δ: the smallest n with (1 − α)^n ≤ δ.

    >>> [runs_needed(0.01, delta) for delta in (0.1, 0.05)]
    [230, 299]
    """
    _require_level("alpha", alpha)
    _require_level("delta", delta)
    return math.ceil(math.log(delta) / math.log1p(-alpha))


@dataclass(frozen=True, eq=False)
class RunRisk:
    """The contributions of ``n`` runs to one risk, as fractions of the stated maximal run weight.

    ``lost`` ``(n,)`` = a_r / W and ``at_stake`` ``(n,)`` = g_r / W with 0 ≤ lost ≤ at_stake ≤ 1, in the order in which
    the runs were taken.
    """

    lost: NDArray[np.float64]
    at_stake: NDArray[np.float64]

    @classmethod
    def of(cls, lost: ArrayLike, at_stake: ArrayLike, largest: float) -> RunRisk:
        """Scale weights ``(n,)`` by the stated maximal weight of a run, ``largest``, in the same unit.

        ``largest`` must be stated from what a run can be, not read off the same runs. Raises ``ValueError`` where a run
        exceeds it or loses more than it holds, and without any run.
        """
        lost, at_stake = np.asarray(lost, dtype=np.float64), np.asarray(at_stake, dtype=np.float64)
        if lost.shape != at_stake.shape or lost.ndim != 1 or not lost.size:
            raise ValueError(
                f"lost {lost.shape} and at stake {at_stake.shape} must be columns of one length, not empty"
            )
        if not ((lost >= 0) & (lost <= at_stake)).all():
            raise ValueError("a run must lose between nothing and all that is at stake in it; check both sums")
        if not (largest > 0 and at_stake.max() <= largest):
            raise ValueError(
                f"a run of weight {at_stake.max()} exceeds the stated largest run weight {largest}; "
                "state a larger one for all runs, the bound does not hold otherwise"
            )
        return cls(lost / largest, at_stake / largest)

    @classmethod
    def of_data_loss(cls, sums: RunSums, largest: float) -> RunRisk:
        """The risk of losing good data: a_r = w(rejected ∧ good), g_r = w(good)."""
        return cls.of(sums.rejected_good, sums.good, largest)

    @classmethod
    def of_pollution(cls, sums: RunSums, largest: float) -> RunRisk:
        """The risk of accepting bad data: a_r = w(accepted ∧ bad), g_r = w(accepted)."""
        return cls.of(sums.accepted_bad, sums.accepted, largest)

    def __len__(self) -> int:
        return len(self.lost)

    def contributions(self, alpha: float) -> NDArray[np.float64]:
        """Y_r = α + (a_r − α·g_r)/W, ``(n,)`` in [0, 1]; the risk is at most α exactly when E[Y] ≤ α."""
        return self.lost + alpha * (1 - self.at_stake)


def hoeffding_bentkus(mean: ArrayLike, n: int, alpha: float) -> NDArray[np.float64]:
    """p-value of "the mean exceeds α" for the mean of n independent values in [0, 1], of any shape.

    The smaller of Hoeffding's exp(−n·KL(min(mean, α) ‖ α)) and Bentkus' e·P(Binomial(n, α) ≤ ⌈n·mean⌉), equation (4)
    of arXiv:2110.01052. With no loss it is (1 − α)^n, the best possible.
    """
    _require_level("alpha", alpha)
    observed = np.asarray(mean, dtype=np.float64)
    hoeffding = np.exp(-n * _divergence(np.minimum(observed, alpha), alpha))
    bentkus = math.e * bdtr(np.minimum(np.ceil(n * observed), n), n, alpha)
    p: NDArray[np.float64] = np.minimum(hoeffding, bentkus)
    return p


def hoeffding_bentkus_p(risk: RunRisk, alpha: float) -> float:
    """p-value of "the risk exceeds α" by Hoeffding and Bentkus; the order of the runs does not matter."""
    return float(hoeffding_bentkus(risk.contributions(alpha).mean(), len(risk), alpha))


def betting_p(risk: RunRisk, alpha: float, delta: float) -> float:
    """p-value of "the risk exceeds α" by betting against it run after run; strongest where the loss varies little.

    1 / max_t Π_{i ≤ t} (1 + λ_i (α·g_i − a_i)/W): the wealth of a gambler who bets λ_i, fixed before run i, is a
    supermartingale while the risk exceeds α, so Ville's inequality bounds its maximum (Waudby-Smith & Ramdas,
    arXiv:2010.09686). The bets are those of Bates et al., arXiv:2101.02703, tuned to be strong at level ``delta``; none
    of them depends on α, so the p-value falls as α rises.
    """
    _require_level("alpha", alpha)
    _require_level("delta", delta)
    return math.exp(-_log_wealth(risk, alpha, _bets(risk.lost, delta)))


def hoeffding_bentkus_bound(risk: RunRisk, delta: float) -> float:
    """The upper end of the risks that ``hoeffding_bentkus_p`` does not exclude at level δ: coverage ≥ 1 − δ.

    Hoeffding's part falls in α and is inverted by root finding. Bentkus' jumps up wherever ⌈n·mean(Y)⌉ steps to its
    next value k, so it is inverted on each step by the Clopper–Pearson quantile of k at level δ/e, and the largest
    such α stands. The smaller of the two ends is no smaller than the last α of either.
    """
    _require_level("delta", delta)
    n, lost, at_stake = len(risk), float(risk.lost.mean()), float(risk.at_stake.mean())
    if lost >= at_stake:
        return 1.0

    def excess(alpha: float) -> float:
        return float(n * _divergence(np.asarray(lost + alpha * (1 - at_stake)), alpha)) + math.log(delta)

    least, most = lost / at_stake, 1 - 1e-12
    hoeffding = float(brentq(excess, least, most)) if excess(most) > 0 else 1.0
    return min(hoeffding, _bentkus_end(n, lost, 1 - at_stake, delta))


def betting_bound(risk: RunRisk, delta: float) -> float:
    """The upper end of the risks that ``betting_p`` does not exclude at level δ: coverage ≥ 1 − δ."""
    _require_level("delta", delta)
    bets = _bets(risk.lost, delta)

    def excess(alpha: float) -> float:
        return _log_wealth(risk, alpha, bets) + math.log(delta)

    return float(brentq(excess, 0.0, 1.0)) if excess(1.0) > 0 else 1.0


def clopper_pearson(lost: int, total: int, delta: float) -> float:
    """Upper end of the exact binomial interval when every lumisection counts as an independent trial.

    For comparison only: lumisections of one run fail together. In the simulation of ``tests/statistical`` (80 runs of
    10 to 60 lumisections, risk 3%) this bound at 95% covers 90, 78 and 68% at intra-run correlations of .02, .10 and
    .30, and the longer the runs the less.
    """
    _require_level("delta", delta)
    if not 0 <= lost <= total:
        raise ValueError(f"{lost} of {total} lumisections lost: a count must lie between 0 and the total")
    return 1.0 if lost == total else float(betainccinv(lost + 1, total - lost, delta))


def _bentkus_end(n: int, lost: float, slack: float, delta: float) -> float:
    """The largest α with e·P(Binomial(n, α) ≤ ⌈n(lost + α·slack)⌉) > δ."""
    steps = np.arange(n)
    ends = betainccinv(steps + 1, n - steps, min(delta / math.e, 1.0))
    if slack <= 0:
        at = math.ceil(n * lost)
        return float(ends[at]) if at < n else 1.0
    begins, leaves = ((steps - 1) / n - lost) / slack, (steps / n - lost) / slack
    reached = (leaves >= 0) & (begins < ends)
    # ⌈·⌉ = n excludes nothing, whatever α: from (1 − 1/n − lost)/slack on, if that is a risk at all.
    never = ((n - 1) / n - lost) / slack < 1
    return 1.0 if never else float(np.minimum(ends, leaves)[reached].max())


def _divergence(p: NDArray[np.float64], q: float) -> NDArray[np.float64]:
    """Kullback–Leibler divergence of Bernoulli(p) from Bernoulli(q), elementwise, with 0·log 0 = 0."""
    divergence: NDArray[np.float64] = rel_entr(p, q) + rel_entr(1 - p, 1 - q)
    return divergence


def _bets(lost: NDArray[np.float64], delta: float) -> NDArray[np.float64]:
    """λ_i = min(1, √(2 log(1/δ) / (n·v_{i−1}))) with the variance v of the runs before run i: ``(n,)``."""
    n = len(lost)
    seen = np.arange(1, n + 1) + 1.0
    mean = (0.5 + np.cumsum(lost)) / seen
    variance = np.concatenate([[0.25], ((0.25 + np.cumsum((lost - mean) ** 2)) / seen)[:-1]])
    return np.minimum(1.0, np.sqrt(2 * math.log(1 / delta) / (n * variance)))


def _log_wealth(risk: RunRisk, alpha: float, bets: NDArray[np.float64]) -> float:
    """The largest logarithm of the gambler's wealth after 0, 1, …, n runs."""
    factors = 1 + bets * (alpha * risk.at_stake - risk.lost)
    with np.errstate(divide="ignore"):  # a run lost entirely against the highest bet ruins the gambler: log 0
        return max(0.0, float(np.cumsum(np.log(factors)).max()))


def _require_level(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise ValueError(f"{name} = {value} must lie between 0 and 1, both excluded")
