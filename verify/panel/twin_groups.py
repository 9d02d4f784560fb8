"""Groups of recipes whose pairs share initial weights or relatives, by declaration: each counts once.

`inference.twin_groups` has the reason and the proof.
"""

from __future__ import annotations

from collections.abc import Sequence

from .record import Twins


def independent_groups(twins: Sequence[Twins]) -> tuple[int, ...]:
    """Group of each recipe, numbered in the order of the first recipe of each.

    Two recipes are linked if a model of one's pair and a model of the other's have the same initial weights or are of
    one family; a group is all that links connect.

    Parameters
    ----------
    twins : the recipes of a panel, or those that a claim is ranked among.

    Returns
    -------
    tuple
        Number of the group of each recipe, from 0.
    """
    leader = list(range(len(twins)))

    def lead(i: int) -> int:
        while leader[i] != i:
            i = leader[i]
        return i

    first: dict[tuple[str, str], int] = {}
    for i, recipe in enumerate(twins):
        for member in recipe.pair:
            for shared in (("family", member.family), ("initial", member.initial)):
                if shared[1]:
                    low, high = sorted((lead(first.setdefault(shared, i)), lead(i)))
                    leader[high] = low  # a group is led by its first recipe
    leads = [lead(i) for i in range(len(twins))]
    numbers = {one: n for n, one in enumerate(dict.fromkeys(leads))}
    return tuple(numbers[one] for one in leads)
