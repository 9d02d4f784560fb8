r"""A Monte Carlo p-value, for an orbit too large to enumerate; it may stop once it is clearly not small.

Setting. ``gS`` has the law of ``S`` for every ``g`` in a finite (or compact) group ``G``. ``T_0 = T(S)`` is observed,
``T_i = T(g_i S)`` for ``g_i`` drawn independently and uniformly from ``G``, for ``i = 1, 2, ..., n``. A draw with
``T_i >= T_0`` is an exceedance; ties count. With ``b`` exceedances in ``n`` draws, ``p = (b+1) / (n+1)``; under
sequential stopping at the ``h``-th exceedance, in draw ``l <= n``, ``p = h / l``.

Theorem (Monte Carlo). ``p`` is super-uniform, with and without stopping.

Proof. *Exchangeability.* Replace ``S`` by ``g_0 S``, ``g_0`` uniform and independent: no law changes. Given
``S``, the elements ``g_0, g_1 g_0, ..., g_n g_0`` are independent and uniform, so ``T_0 = T(g_0 S)`` and
``T_i = T(g_i g_0 S)`` are independent and of one law, hence exchangeable. *Ranks.* So among any
``T_0, ..., T_(r-1)`` the rank of ``T_0``, ties counted against it, has ``P(rank <= k) <= k / r`` (`orbit`, with the
symmetric group). *Without stopping* ``p`` is that rank divided by ``n + 1``. *With stopping*, ``p`` takes the
values ``h / l``, ``l = n, ..., h``, and, smaller, ``(b+1) / (n+1)``, ``b < h``. The event ``p <= h / l`` says that
the first ``l - 1`` draws hold at most ``h - 1`` exceedances: rank at most ``h`` among ``l``, of probability at most
``h / l``. The event ``p <= (b+1) / (n+1)``, ``b < h``, says at most ``b`` exceedances in all ``n``: rank at most
``b + 1`` among ``n + 1``. ∎

The interval is for the p-value of the enumerated orbit, ``q = P(T(gS) >= T_0 | S)``, with the draws ordered by
the evidence for large ``q``. Without stopping it is Clopper & Pearson's; with it, ``P(draw l or sooner) =
P(Bin(l, q) >= h)`` and ``P(draw l or later, or never) = P(Bin(l-1, q) <= h-1)`` are inverted.

Source: Besag & Clifford (1991, doi 10.1093/biomet/78.2.301); Phipson & Smyth (2010, arXiv 1603.05766) for the +1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite, log10

import numpy as np

from ..base import StatisticsError


@dataclass(frozen=True, slots=True, kw_only=True)
class MonteCarloP:
    """A Monte Carlo p-value; ``interval`` is for the p-value (not its logarithm) of the enumerated orbit."""

    log10_p: float
    exceedances: int
    draws: int
    interval: tuple[float, float]
    stopped: bool


def monte_carlo_p(
    draw: Callable[[np.random.Generator], float],
    observed: float,
    *,
    draws: int,
    stop_at: int | None = None,
    confidence: float = 0.95,
    rng: np.random.Generator,
) -> MonteCarloP:
    """Compare the observed statistic with its values at random group elements; large values are extreme.

    Parameters
    ----------
    draw : callable
        Takes the generator, returns the statistic at a group element drawn uniformly with it.
    observed : float
        The statistic as observed, computed by the same arithmetic, so that ties are seen as ties.
    draws : int
        Number of draws, or the most there will be.
    stop_at : int, optional
        Number of exceedances after which to stop, fixed in advance.
    confidence : float
        Of the interval.
    rng : Generator
        The only source of randomness.

    Returns
    -------
    MonteCarloP

    Raises
    ------
    StatisticsError
        If a number is outside its domain, or a statistic is not finite.

    Examples
    --------
    >>> monte_carlo_p(lambda rng: rng.standard_normal(), 9.0, draws=99, rng=np.random.default_rng(0)).log10_p
    -2.0
    """
    if draws < 1 or (stop_at is not None and stop_at < 1) or not 0 < confidence < 1:
        raise StatisticsError(
            f"{draws} draws, stopping at {stop_at}, with confidence {confidence} is outside the domain; give at "
            "least 1 draw, no stopping or at least 1 exceedance, and a confidence between 0 and 1."
        )
    _finite(observed, "observed statistic")
    exceedances = drawn = 0
    while drawn < draws and exceedances != stop_at:
        value = draw(rng)
        drawn += 1
        _finite(value, f"statistic of draw {drawn}")
        exceedances += int(value >= observed)
    stopped = exceedances == stop_at
    p = exceedances / drawn if stopped else (exceedances + 1) / (drawn + 1)
    interval = _interval(exceedances, drawn, stopped, (1 - confidence) / 2)
    return MonteCarloP(log10_p=log10(p), exceedances=exceedances, draws=drawn, interval=interval, stopped=stopped)


def _interval(b: int, n: int, stopped: bool, tail: float) -> tuple[float, float]:
    """Both tails inverted; where stopped, the last draw is an exceedance by design and tells nothing above."""
    from scipy.stats import beta

    low = float(beta.ppf(tail, b, n - b + 1)) if b else 0.0
    high = float(beta.isf(tail, b if stopped else b + 1, n - b)) if b < n else 1.0
    return low, high


def _finite(value: float, what: str) -> None:
    if not isfinite(value):
        raise StatisticsError(f"The {what} is {value}, which is not a finite number; compute it, or refuse the test.")
