"""Places that torch drew from a seed, drawn again without it.

``torch.Generator().manual_seed(seed)`` on a processor is the Mersenne Twister of 32 bits, whose numbers numpy gives
too, and ``torch.randperm(n)`` of fewer than (2³² - 1) // 20 exchanges each place in turn with one at or after it, by
the remainder of the next number. So the first few places of such a permutation need the first few numbers alone, and
whole numbers leave nothing to rounding: what is drawn here is what torch drew, on any machine. Numbers that torch
draws in floating point (as of VeRA) depend on how a processor rounds them, and are not drawn again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...base import UnsupportedError
from .settings import ELSEWHERE, Settings

_MOST = (2**32 - 1) // 20


def first_of_permutation(seed: int, size: int, count: int) -> NDArray[np.int64]:
    """The first places of ``torch.randperm(size)`` from a seed.

    Parameters
    ----------
    seed : from 0 to 2**32 - 1.
    size : of the permutation, below (2**32 - 1) // 20.
    count : how many places.

    Returns
    -------
    array
        Shape [count], each place once.

    Examples
    --------
    >>> first_of_permutation(0, 5, 5).tolist()
    [4, 0, 1, 3, 2]
    """
    numbers = np.frombuffer(np.random.RandomState(seed).bytes(4 * count), "<u4")  # its stream is frozen
    moved, found = dict[int, int](), list[int]()
    for i, number in enumerate(numbers.tolist()):
        other = i + number % (size - i)
        found.append(moved.get(other, other))
        moved[other] = moved.get(i, i)
    return np.array(found, np.int64)


def places_of(settings: Settings, module: str, size: tuple[int, ...], count: int) -> NDArray[np.int64]:
    """Rows and columns of a matrix that the seed of an adapter gave its numbers, shape [2, count].

    Parameters
    ----------
    settings : of the adapter.
    module : name of the module, for messages.
    size : rows and columns of the matrix.
    count : how many numbers it has.

    Raises
    ------
    CheckpointError
        If the seed is none of torch's, or the matrix too large.
    """
    seed: Any = settings.config.get("random_loc_seed")
    if type(seed) is not int or not 0 <= seed < 2**32:
        raise settings.wrong("random_loc_seed", module, seed, "a whole number from 0 to 2**32 - 1")
    if size[0] * size[1] >= _MOST:
        raise UnsupportedError(
            f"{settings.name} changes {module!r:.120} of {size[0]} x {size[1]} numbers at places drawn from a seed, "
            f"which can be drawn again only of fewer than {_MOST}; {ELSEWHERE}."
        )
    return np.stack(np.divmod(first_of_permutation(seed, size[0] * size[1], count), size[1]))
