"""Elementary functions by sums and products in a fixed order, which have the same bits on any machine.

Libraries' own differ in the last bit from one processor to another. These are Taylor's series after reduction of the
argument, right to about one unit in the last place.
"""

from __future__ import annotations

from math import factorial, pi

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

_TERMS = 9  # of sine and cosine, enough below pi / 4
_TERMS_OF_EXP = 14
_LOG2 = (6.93147180369123816490e-01, 1.90821492927058770002e-10)  # its first 33 bits, and the rest
_HALF_PI = (1.57079632673412561417e00, 6.07710050630396597660e-11, 2.02226624879595063154e-21)  # 33 bits each
_LARGEST_ANGLE = float(1 << 20)


def exp(x: Numbers) -> Numbers:
    """The exponential function of numbers of at most 0.

    Examples
    --------
    >>> exp(np.array([0.0, -1.0, -np.inf])).round(6).tolist()
    [1.0, 0.367879, 0.0]
    """
    x = np.maximum(x, -745.0)
    twos = np.rint(x / (_LOG2[0] + _LOG2[1]))
    rest = (x - twos * _LOG2[0]) - twos * _LOG2[1]
    total = np.zeros_like(rest)
    for k in reversed(range(_TERMS_OF_EXP)):
        total = total * rest + 1 / factorial(k)
    with np.errstate(invalid="ignore"):
        return np.ldexp(total, np.where(np.isfinite(twos), twos, 0).astype(np.intc)) * (x > -745.0)


def cosine_and_sine(angle: Numbers) -> tuple[Numbers, Numbers]:
    """Cosine and sine of angles in radians; of those beyond 2²⁰, NaN.

    Examples
    --------
    >>> [part.round(6).tolist() for part in cosine_and_sine(np.array([0.0, 2.0]))]
    [[1.0, -0.416147], [0.0, 0.909297]]
    """
    angle = np.where(np.abs(angle) <= _LARGEST_ANGLE, angle, np.nan)
    quarters = np.rint(angle / (pi / 2))
    rest = ((angle - quarters * _HALF_PI[0]) - quarters * _HALF_PI[1]) - quarters * _HALF_PI[2]
    with np.errstate(invalid="ignore"):
        return _turned(rest, np.where(np.isfinite(quarters), quarters, 0).astype(np.int64))


def roots_of_one(order: int) -> tuple[Numbers, Numbers]:
    """Real and imaginary parts of exp(2 pi i k / order) for k from 0 to ``order`` - 1."""
    k = np.arange(order, dtype=np.int64)
    quarters = (4 * k + order // 2) // order
    return _turned((4 * k - quarters * order) / order * (pi / 2), quarters)


def _turned(rest: Numbers, quarters: NDArray[np.int64]) -> tuple[Numbers, Numbers]:
    """Cosine and sine of an angle of at most pi / 4 and so many right angles."""
    square = rest * rest
    cosine, sine = np.zeros_like(rest), np.zeros_like(rest)
    for k in reversed(range(_TERMS)):
        cosine = cosine * square + (-1) ** k / factorial(2 * k)
        sine = sine * square + (-1) ** k / factorial(2 * k + 1)
    sine = sine * rest
    q = quarters % 4
    return (
        np.where(q == 0, cosine, np.where(q == 1, -sine, np.where(q == 2, -cosine, sine))),
        np.where(q == 0, sine, np.where(q == 1, cosine, np.where(q == 2, -sine, -cosine))),
    )
