"""Simulated scores of strangers, with affinity inside a recipe, hubs that multiply, and noise that is unequal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from verify.inference import OrbitRank, larger_rank, pair_design, twin_rank
from verify.panel.twins import FLOORS, above_levels

Array = NDArray[np.float64]


def drawn(rng: np.random.Generator, recipes: int, references: int) -> tuple[Array, Array, Array]:
    """Scores of strangers: hubs that multiply, affinity inside a recipe and a corpus, and unequal noise.

    Each recipe trains for a time of its own, which multiplies all scores of its models and makes them less noisy, on
    one of eight corpora; references are of further recipes. The last recipe is the claim's.

    Parameters
    ----------
    rng : where numbers are drawn from.
    recipes : number of recipes, that of the claim included.
    references : number of references.

    Returns
    -------
    tuple
        Score of each recipe's pair [recipes], of its models with the references [recipes, 2, references], and of the
        references with one another [references, references].
    """
    corpus = rng.integers(0, 8, recipes)
    length, affinity = rng.normal(0, 0.5, recipes), rng.gamma(4.0, 0.15, recipes)
    noise = 0.1 * np.exp(-0.5 * length) * rng.gamma(5.0, 0.2, recipes)
    hubs = length[:, None] + rng.normal(0, 0.1, (recipes, 2))
    of_references = rng.normal(0, 0.3, references)
    their_corpus = rng.integers(0, 8, references)
    base = np.log(0.02)
    pairs = base + hubs.sum(1) / 1.5 + affinity + noise * rng.normal(0, 1, recipes)
    same = 0.3 * (corpus[:, None] == their_corpus)[:, None, :]
    levels = base + hubs[:, :, None] / 1.5 + of_references + same
    levels = levels + noise[:, None, None] * rng.normal(0, 1, (recipes, 2, references))
    among = base + of_references[:, None] + of_references + 0.1 * rng.normal(0, 1, (references, references))
    among = (among + among.T) / 2
    return np.exp(pairs), np.exp(levels), np.exp(among)


def rank_of_last(pairs: Array, levels: Array) -> OrbitRank:
    """The rank of the last recipe's pair among those of the others, as the verdict counts it."""
    T = (above_levels(pairs, levels, floor) for floor in FLOORS)
    return max((twin_rank(float(one[-1]), one[:-1]) for one in T), key=lambda found: found.rank)


def p_values(rng: np.random.Generator, claims: int, recipes: int = 124, references: int = 16) -> tuple[Array, Array]:
    """P of claims by the residual rung alone, and of the verdict: the larger with that of twins, and an effect.

    Parameters
    ----------
    rng : where numbers are drawn from.
    claims : number of claims, each with a panel of its own.
    recipes : number of recipes of the panel.
    references : number of its references.
    """
    alone, verdict = [], []
    for _ in range(claims):
        pairs, levels, among = drawn(rng, recipes + 1, references)
        S = np.full((references + 2, references + 2), np.nan)
        S[2:, 2:] = among
        S[:2, 2:], S[2:, :2] = levels[-1], levels[-1].T
        S[0, 1] = S[1, 0] = pairs[-1]
        among_twins = rank_of_last(pairs, levels)
        among_pairs = larger_rank(S, pair_design(len(S)))
        strangers = max(pairs[:-1].max(), among[np.triu_indices(references, 1)].max())
        alone.append(10**among_pairs.log10_p)
        both = 10 ** max(among_pairs.log10_p, among_twins.log10_p)
        verdict.append(both if pairs[-1] > strangers else 1.0)
    return np.array(alone), np.array(verdict)
