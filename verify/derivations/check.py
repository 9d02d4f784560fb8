"""What a rule is tried with: the blocks of two tensors, and how many numbers must say so.

A check is fed the blocks of two tensors, [rows, columns] each, in order, and says after each whether its rule still
holds to the bit; one number that is otherwise ends it. What is left when all were read is a fact of the two files,
without a chance: the rule computes one from the other. Rules with a number to be chosen (a factor, a weight of a
merge) choose it by the first block and keep it. A rule that would hold for numbers that hardly vary is not claimed:
at least ``FEWEST`` numbers of at least ``VALUES`` values, zero aside, must say so.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from .casts import Array
from .record import FEWEST, Rule

VALUES = 8
"""Different values that the numbers must have."""


class Block(NamedTuple):
    """Some rows of two tensors, [rows, columns]."""

    x: Array
    """Numbers before."""
    y: Array
    """Numbers after."""
    z: Array | None = None
    """Numbers of a third model there; None if it has none."""


class Check(Protocol):
    """A rule that is tried."""

    def holds(self, at: Block) -> bool:
        """Whether the rule holds in one more block; one where it does not is the last."""
        ...

    def found(self) -> Rule | None:
        """The rule, after all blocks; None if too few numbers say so."""
        ...


class Enough:
    """Whether enough numbers that are not zero, of enough values, were seen."""

    def __init__(self) -> None:
        self.numbers, self.values = 0, set[float]()

    def see(self, x: Array) -> None:
        """Count the numbers of one more block."""
        counted = np.isfinite(x) & (x != 0)
        self.numbers += int(np.count_nonzero(counted))
        if len(self.values) < VALUES:
            self.values.update(np.unique(x[counted])[:VALUES].tolist())

    def __call__(self) -> bool:
        """Whether they are enough."""
        return self.numbers >= FEWEST and len(self.values) >= VALUES


def roundest(values: Array, slack: Array) -> float:
    """A number within the slack of all values, of the fewest decimal digits; their middle, or 0 if there is none."""
    low, high = float((values - slack).max()), float((values + slack).min())
    if not low <= high:
        return 0.0
    middle = (low + high) / 2
    for digits in range(1, 17):
        found = float(f"{middle:.{digits}g}")
        if low <= found <= high:
            return found
    return middle
