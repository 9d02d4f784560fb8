"""Forms of numbers and names in sentences."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from math import ceil, floor, log10
from typing import Any


def probability(log10_p: float) -> str:
    """A p-value in words that never read as zero.

    Examples
    --------
    >>> probability(-4463.2), probability(-1.3), probability(0.0)
    ('p < 10^-4463', 'p = 0.05', 'p = 1')
    """
    if log10_p >= 0:
        return "p = 1"
    if log10_p > -3:
        return f"p = {10**log10_p:.2g}" if log10_p > -2 else f"p = {10**log10_p:.1e}"
    return f"p < 10^{-floor(-log10_p)}"


def chance(log10_p: float) -> str:
    """A probability as so many in so many, rounded up: a chance that was rounded down would claim too much.

    Examples
    --------
    >>> [chance(x) for x in (-4463.2, -6.5, -3.0, -1.3, -0.42, 0.0)]
    ['less than 1 in 10^4463', '1 in 3,162,277', '1 in 1,000', '1 in 19', '39 in 100', '100 in 100']
    """
    if log10_p > -1:
        log10_p = min(0.0, log10_p)
        return f"{min(100, ceil(100 * 10**log10_p - 1e-9))} in 100"
    if log10_p >= -7:
        return f"1 in {floor(10**-log10_p + 1e-9):,}"
    return f"less than 1 in 10^{floor(min(-log10_p, 1e15))}"


def chance_at_most(log10_p: float) -> str:
    """A bound on a probability, in a sentence.

    Examples
    --------
    >>> [chance_at_most(x) for x in (-4463.2, -3.0, 0.0)]
    ['less than 1 in 10^4463', 'at most 1 in 1,000', 'at most 100 in 100, which is no bound']
    """
    words = chance(log10_p)
    if words.startswith("less"):
        return words
    return f"at most {words}, which is no bound" if words == "100 in 100" else f"at most {words}"


def level(alpha: float) -> str:
    """A level as it was given: nothing is rounded, since p-values are held against it.

    Examples
    --------
    >>> [level(x) for x in (0.001, 0.05, 0.03, 3e-8)]
    ['1 in 1,000', '1 in 20', '0.03', '3e-08']
    """
    among = round(1 / alpha)
    return f"1 in {among:,}" if among <= 10**7 and 1 / among == alpha else f"{alpha!r}"


def confidence(value: float) -> str:
    """A confidence level, as it was given.

    Examples
    --------
    >>> confidence(0.99), confidence(0.999)
    ('99%', '99.9%')
    """
    return f"{100 * value:.10g}%"


def amount(value: float) -> str:
    """A share that may exceed 1 or be very small, to two digits.

    Examples
    --------
    >>> [amount(x) for x in (0.0, 0.00000123, 0.00414, 0.0999, 0.253, 1.41)]
    ['0%', '0.00012%', '0.41%', '10%', '25%', '141%']
    """
    if value <= 0:
        return "0%"
    digits = 0 if value >= 0.0995 else 1 - floor(log10(100 * value) + 1e-9)
    return f"{100 * value:.{min(12, digits)}f}%"


def share_at_least(value: float) -> str:
    """A share that suffices, rounded up: one that was rounded down would promise too much.

    Examples
    --------
    >>> [share_at_least(x) for x in (0.1016, 0.0511, 0.0072, 0.00325, 0.9999)]
    ['11%', '5.2%', '0.72%', '0.33%', '100%']
    """
    digits = 0 if value >= 0.1 else 1 if value >= 0.01 else 2 if value >= 0.0001 else 4
    scale = 10 ** (digits + 2)
    return f"{min(100.0, 100 * ceil(value * scale - 1e-9) / scale):.{digits}f}%"


def percent(value: float | None) -> str:
    """A share in words that never read as all or nothing where it is not.

    Examples
    --------
    >>> [percent(x) for x in (0.19, 0.9999, 0.004, 1.0, 0.00001, None)]
    ['19%', 'over 99.9%', '0.4%', '100%', 'under 0.1%', 'an unknown share']
    """
    if value is None:
        return "an unknown share"
    if value >= 0.999:
        return "100%" if value >= 1 else "over 99.9%"
    if value < 0.001:
        return "0%" if value == 0 else "under 0.1%"
    return f"{100 * value:.1f}%" if value > 0.99 or value < 0.01 else f"{100 * value:.0f}%"


def at_most(bound: float) -> str:
    """An upper bound on a share, rounded up: a bound that was rounded down would promise too much.

    Examples
    --------
    >>> at_most(0.0446), at_most(0.28301), at_most(1.0)
    ('4.5%', '28.4%', '100%')
    """
    tenths = ceil(1000 * bound - 1e-9)
    return "100%" if tenths >= 1000 else f"{tenths / 10:.1f}%"


def verbal_cap(bound: float | None) -> str:
    """The strongest verbal support that a bound on the false-match probability allows.

    The likelihood ratio of a match is at most one over the probability of a false match; the words are those of
    the scale of the European Network of Forensic Science Institutes (``data/enfsi.toml``).

    Examples
    --------
    >>> verbal_cap(0.19), verbal_cap(0.9)
    ('weak support', 'no support')
    """
    words = "no support"
    for row in verbal_scale():
        if bound is not None and 1 / bound >= row["at_least"]:
            words = row["words"]
    return words


@cache
def verbal_scale() -> tuple[dict[str, Any], ...]:
    """Rows of the scale: likelihood ratio ``at_least``, and ``words``, ascending."""
    import tomllib

    text = files("verify.data").joinpath("enfsi.toml").read_text("utf-8")
    return tuple(tomllib.loads(text)["row"])


def capital(words: str) -> str:
    """Words that begin a sentence.

    Examples
    --------
    >>> capital("the text encoders of A and B")
    'The text encoders of A and B'
    """
    return words[:1].upper() + words[1:]


def quoted(name: str) -> str:
    """A name that somebody else chose, cut to 80 characters."""
    return f"{name!r:.80}"
