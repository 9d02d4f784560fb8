r"""The family design: families are exchangeable, each represented by one model chosen blind to the scores.

Setting. Models of one family (a base and its descendants, sizes of one series) resemble each other by
lineage, so models are not exchangeable although families may be. A and B are each a family of their own;
members of the panel that are related to either have been dropped beforehand, by declared lineage.

Theorem (families). If relabelling the families leaves the law of their representatives' score array
unchanged, the claim's rank among pairs of representatives gives a super-uniform p-value.

Proof. Representatives are a function of names and declared families alone, so, given these, they are fixed
models with an exchangeable score array: the pair design of `designs` among them. Had they been chosen by
the scores (the least similar of each family, say), the array's law would single out A and B. ∎
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from ..base import StatisticsError
from .blind import blind_order
from .designs import CHANCE, Design, at_least_two, within


def family_design(families: Sequence[Hashable], names: Sequence[str]) -> Design:
    """All pairs of families, each represented by the model whose name has the smallest sha256.

    Raises
    ------
    StatisticsError
        If A or B shares its family with another model, names are not distinct, or lengths differ.
    """
    at_least_two(len(families))
    if len(names) != len(families):
        raise StatisticsError(f"There are {len(names)} names for {len(families)} families; give one for each model.")
    for end in (0, 1):
        kin = [name for name, family in zip(names, families, strict=True) if family == families[end]]
        if len(kin) > 1:
            raise StatisticsError(
                f"The family {families[end]!r} of {names[end]!r} has {len(kin)} models in the design, where it may "
                "have one; drop its panel members first, and use another design where A and B share a family."
            )
    first = {families[i]: i for i in reversed(blind_order(names))}
    words = f"A and B are unrelated, and the family of each could have been any family of the panel, {CHANCE}."
    return within("family", words, tuple(sorted(first.values())))
