"""Groups of recipes whose pairs share initial weights or relatives, declared or found: each counts once.

`inference.twin_groups` has the reason and the proof.
"""

from __future__ import annotations

from collections.abc import Sequence

from .members import RelatedPair, Twins, kin


def independent_groups(twins: Sequence[Twins], found: Sequence[RelatedPair] = ()) -> tuple[int, ...]:
    """Group of each recipe, numbered in the order of the first recipe of each.

    Two recipes are linked if a model of one's pair and a model of the other's have the same initial weights or are of
    one family, as declared, or if an exact test found them related when the panel was built; a group is all that
    links connect. A link that a test finds by mistake lowers the number of draws, and makes the smallest p larger.

    Parameters
    ----------
    twins : the recipes of a panel, or those that a claim is ranked among.
    found : pairs of models that an exact test finds related, whatever was declared of them.

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
    related: dict[str, list[tuple[str, str]]] = {}
    for n, pair in enumerate(found):
        for name in (pair.a, pair.b):
            related.setdefault(name, []).append(("related", str(n)))
    for i, recipe in enumerate(twins):
        for member in recipe.pair:
            for shared in (*kin(member), *related.get(member.name, ())):
                low, high = sorted((lead(first.setdefault(shared, i)), lead(i)))
                leader[high] = low  # a group is led by its first recipe
    leads = [lead(i) for i in range(len(twins))]
    numbers = {one: n for n, one in enumerate(dict.fromkeys(leads))}
    return tuple(numbers[one] for one in leads)
