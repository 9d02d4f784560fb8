r"""The rank of A and B by every design, and which design is primary.

Setting. ``S`` are scores on a scale fixed beforehand, larger for closer models. Designs over pairs rank A and B among
the models of the panel: A, B, the references, and one model of each recipe.

Validity. Each rank by itself is that of a theorem: raw, residual and larger rank, own kind (`inference.ranking`),
rows and strata (`inference.designs`), twins (`inference.twins`). An increasing scale leaves raw ranks as they are.

Theorem (levels). Let ``T_ij = S_ij - L_i - L_j`` with ``L_i`` the mean of ``S_ir`` over the references ``r``, for the
claim's pair and for the twins of every recipe. If the references are neither of the claim nor of a recipe, and the
assumptions of `inference.twins` hold of the recipes given the references, the rank of the claim's ``T`` among those
of twins gives a super-uniform p-value.

Proof. Given the references, ``T`` is one function of the two models of a pair, the same for all ``R + 1`` pairs. So a
pair's ``T`` is a function of the two draws from its recipe, as the theorem of twins asks. ∎
Were A or B among the references of twins, ``T`` of the claim would be another function than ``T`` of twins; the
theorem would not apply (``tests/test_calibrate_validity.py`` shows a rejection rate above the level).

``twins`` counts the larger of that rank and the rank by score alone, which is that of twins without references; it is
super-uniform, being at least either. By ``T`` alone two models would stand out that score low with all and a little
less low with each other, or next to nothing with one reference on a scale of logarithms, though many twins are more
alike.

``twins_and_pair_larger``, the larger p of ``twins`` and ``pair_larger``, is valid under the null hypothesis of
either (`inference.combination`).

The primary design is a function of declarations, names, the level, and which scores exist. Where it is not named, it
is ``twins_and_pair_larger`` with recipes (``twins`` if ``pair_larger`` lacks scores or could not reach the level),
else ``own_kind`` with strata, else ``pair_larger``.

Rounding. A level, its subtraction and the scale err by less than 8 units in the last place of the largest value;
values of ``T`` closer than twice that are tied.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import fsum, log10
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..base import InputError
from ..inference import Design as Orbit
from ..inference import own_kind_rank, pair_design, row_design, stratum_design, twin_rank
from ..panel.evidence import Ranking, design_rank, rank_by
from ..panel.likeness import like_needed, own_kind_design, pairs_needed
from ..statistics import DesignRank
from .record import Design
from .selection import Selection

LEAST = 5
"""Models, for a residual over pairs; between two strata three of each."""
ROUNDED = 1 + 1e-12
"""Factor by which a p-value may exceed a level for rounding, as 1/400 times 20 does .05."""


class Rung(NamedTuple):
    """One way to rank A and B among the panel."""

    design: Orbit
    ranking: Ranking
    own: Orbit | None = None
    """The design of the own kind, whose number of pairs is counted."""

    @property
    def size(self) -> int:
        """Number of comparisons."""
        return len((self.own or self.design).orbit)


def rungs(strata: Sequence[str] | None, n: int) -> dict[Design, Rung]:
    """The designs that a panel of ``n`` models has, by what is declared of them.

    Parameters
    ----------
    strata : stratum of each; None if not declared.
    n : number of models, A and B first.
    """
    pair = pair_design(n)
    found: dict[Design, Rung] = {"pair": Rung(pair, "raw")}
    if n >= LEAST:
        found |= {"pair_residual": Rung(pair, "residual"), "pair_larger": Rung(pair, "larger")}
        if strata is not None:
            found["own_kind"] = Rung(pair, "larger", own_kind_design(strata, ["declared"] * n))
    found |= {"row_a": Rung(row_design(n, 0), "raw"), "row_b": Rung(row_design(n, 1), "raw")}
    if strata is not None:
        within = stratum_design(strata)
        found["stratum"] = Rung(within, "raw")
        if min(map(len, within.groups)) >= (3 if within.bipartite else LEAST):
            found["stratum_residual"] = Rung(within, "residual")
    return found


@dataclass(frozen=True, eq=False)
class Ladder:
    """All designs of a selection: which could reach a level, and which the known scores allow."""

    selection: Selection
    alpha: float
    """Level, divided by the number of pairs searched."""

    @cached_property
    def rungs(self) -> dict[Design, Rung]:
        """Designs over the panel."""
        return rungs(self.selection.strata, len(self.selection.panel))

    def attainable(self, design: Design) -> float | None:
        """The smallest p that a design could give, by the numbers of models and recipes; None if there is none."""
        recipes, over = len(self.selection.twins), self.rungs
        if design in over:
            return 1 / over[design].size
        if not recipes or (design == "twins_and_pair_larger" and "pair_larger" not in over):
            return None
        return 1 / (recipes + 1 if design == "twins" else min(recipes + 1, over["pair_larger"].size))

    def primary(self, stated: Design | None, known: NDArray[np.bool_]) -> Design:
        """The primary design: as stated, or as it follows from what is declared."""
        if stated is not None:
            return stated
        if self.selection.twins:
            rung = self.rungs.get("pair_larger")
            reaches = rung is not None and 1 / rung.size <= self.alpha * ROUNDED
            return "twins_and_pair_larger" if reaches and self.missing("pair_larger", known) is None else "twins"
        return "pair_larger" if self.selection.strata is None else "own_kind"

    def missing(self, design: Design, known: NDArray[np.bool_]) -> tuple[int, int] | None:
        """The first pair of models whose score a design reads and the table lacks; None if there is none."""
        cells = [self._cells_of_twins()] if design.startswith("twins") else [self._cells_of(design)]
        if design == "twins_and_pair_larger":
            cells.append(self._cells_of("pair_larger"))
        first, second = np.concatenate(cells).T
        lacking = np.flatnonzero(~known[first, second])
        return (int(first[lacking[0]]), int(second[lacking[0]])) if lacking.size else None

    def _cells_of(self, design: Design) -> NDArray[np.int64]:
        """Pairs of models, as positions, shape [k, 2]."""
        return np.array(self.selection.panel)[self.rungs[design].design.orbit]

    def _cells_of_twins(self) -> NDArray[np.int64]:
        pairs = [(0, 1), *self.selection.twins.values()]
        with_references = [(i, r) for pair in pairs for i in pair for r in self.selection.references]
        return np.array([*pairs, *with_references], dtype=np.int64)

    def check_reach(self, design: Design) -> None:
        """Refuse a design that could not reach the level, whatever the scores, and say what it needs.

        Raises
        ------
        InputError
            With the number of models or recipes needed.
        """
        least = self.attainable(design)
        if least is None:
            raise InputError(f"The design {design!r} {self._absent(design)}.")
        if least > self.alpha * ROUNDED:
            raise InputError(
                f"The smallest p that {design} could give here is {least:.3g}, above the level {self.alpha:.3g}, "
                f"whatever the scores: {self._needed(design)}."
            )

    def _absent(self, design: Design) -> str:
        if design.startswith("twins") and not self.selection.twins:
            return "needs recipes, and none is given; give recipes, or another design"
        if design.startswith(("own", "stratum")) and self.selection.strata is None:
            return "needs strata, and none is declared; give strata, or another design"
        models = len(self.selection.panel)
        if design == "stratum_residual":
            return "needs 5 models in the stratum of A and B, or 3 in each of two; give them, or the design 'stratum'"
        return f"needs at least {LEAST} models, and there are {models}; give more, or the design 'pair'"

    def _needed(self, design: Design) -> str:
        pairs, models = pairs_needed(self.alpha), like_needed(self.alpha) + 2
        n, recipes = len(self.selection.panel), len(self.selection.twins)
        if design.startswith("twins"):
            enough = f"it needs {pairs - 1} recipes, and {recipes} are given"
            if design == "twins":
                return enough
            return f"{enough}, and {models} models of different recipes or none, of which there are {n}"
        if design.startswith("row"):
            return f"it needs {pairs + 1} models, and there are {n}"
        if design.startswith("pair"):
            return f"it needs {models} models, and there are {n}"
        groups = self.rungs["stratum"].design.groups
        if len(groups) == 1:
            return f"it needs {models} models in the stratum of A and B, and there are {len(groups[0])}"
        counts = " and ".join(str(len(group)) for group in groups)
        return f"it needs {pairs} pairs of a model of either stratum, and there are {counts} models in the two"

    def ranks(self, S: NDArray[np.float64]) -> tuple[list[DesignRank], float | None, dict[str, float]]:
        """The rank by every design whose scores are known, the claim's score as a twin, and those of twins.

        Parameters
        ----------
        S : scores on the scale, larger for closer, shape [n, n]; NaN where missing.

        Returns
        -------
        list of DesignRank, float or None, dict
            The last two are None and empty without twins.
        """
        known, at = np.isfinite(S), self.selection.panel
        panel = S[np.ix_(at, at)]
        found = []
        for name, rung in self.rungs.items():
            if self.missing(name, known) is not None:
                continue
            if rung.own is not None:
                found.append(design_rank(rung.own.id, own_kind_rank(panel, rung.design, rung.own)))
            else:
                found.append(rank_by(panel, rung.design, rung.ranking))
        if not self.selection.twins or self.missing("twins", known) is not None:
            return found, None, {}
        claim, twins, error = self._levelled(S)
        by_score = [float(S[pair]) for pair in self.selection.twins.values()]
        of_twins = design_rank(
            "twins",
            max(
                twin_rank(claim - 2 * error, list(twins.values())),
                twin_rank(float(S[0, 1]), by_score),
                key=lambda one: one.rank,
            ),
        )
        found.append(of_twins)
        larger = next((one for one in found if one.design == "pair_larger"), None)
        if larger is not None:
            worse = max(of_twins, larger, key=lambda one: (one.log10_p, one.attainable_log10_p))
            least = max(of_twins.attainable_log10_p, larger.attainable_log10_p)
            found.append(worse.model_copy(update={"design": "twins_and_pair_larger", "attainable_log10_p": least}))
        return found, claim, twins

    def _levelled(self, S: NDArray[np.float64]) -> tuple[float, dict[str, float], float]:
        """T of the claim and of twins, and a bound on their arithmetic error."""
        references, pairs = self.selection.references, self.selection.twins

        def level(i: int) -> float:
            return fsum(S[i, references].tolist()) / len(references) if references else 0.0

        def levelled(i: int, j: int) -> float:
            return float(S[i, j]) - level(i) - level(j)

        first, second = self._cells_of_twins().T
        largest = float(np.abs(S[first, second]).max())
        error = 8 * float(np.finfo(np.float64).eps) * largest if references else 0.0
        return levelled(0, 1), {recipe: levelled(*pair) for recipe, pair in pairs.items()}, error


def log10_corrected(log10_p: float, searched: int) -> float:
    """log10 of a p-value multiplied by a number of pairs, at most 0."""
    return min(0.0, log10_p + log10(searched))
