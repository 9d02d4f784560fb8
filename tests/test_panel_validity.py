"""P-values of a panel keep their promise, and the harness catches what does not.

Three kinds of evidence, all through ``evaluate`` itself. *Enumeration*: for any fixed models, with every
pair taken as the claim in turn, at most a share u of claims has p <= u: the theorem of ``inference.orbit``, without
chance. *Simulation*: fresh exchangeable models. *Counter-examples*: the same harness rejects what is broken.
"""

from dataclasses import replace
from itertools import permutations
from math import log10

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import panels
from tests.panels import panel_of, relative, rungs_of, synthetic
from tests.strategies import SEEDS, architecture, moe_like
from tests.uniformity import NotSuperUniformError, check_super_uniform
from verify.inference import ranking
from verify.panel import ALL_PAIRS, PRIMARY_DESIGN, evaluate, stratum_of

pytestmark = pytest.mark.slow

models = panels.models


def any_shape(rng):
    """Of one to three layers, one in three with experts."""
    base = moe_like() if rng.random() < 1 / 3 else architecture()
    return base.model_copy(update={"layers": int(rng.integers(1, 4))})


LAWS = {
    "plain": synthetic,
    "hubs": lambda rng: synthetic(rng, dead=rng.choice([0.0, 0.5, 0.97])),  # few units left: all others agree on them
    "ties": lambda rng: synthetic(rng, architecture(layers=1), distinct=1),
    "shapes": lambda rng: synthetic(rng, any_shape(rng), dead=rng.choice([0.0, 0.5])),
}


def check_enumerated(p_values):
    """At every level u, at most a share u of the claims has p <= u."""
    values = np.sort(p_values)
    assert (np.arange(1, len(values) + 1) / len(values) <= 10**values + 1e-9).all()


def enumerated(models):
    """Per rung, and for the smallest cell, log10 p of every ordered pair among the others."""
    found = {}
    for a, b in permutations(range(len(models)), 2):
        panel = panel_of([models[i] for i in range(len(models)) if i not in (a, b)])
        result = evaluate(panel, models[a], models[b], alpha=0.2).primary
        assert result.applicable, result.reason
        for design, log10_p in rungs_of(result).items():
            stratum = sorted(stratum_of(models[i].record.architecture) for i in (a, b))
            key = (design, *stratum) if "strat" in design else (design,)
            found.setdefault(key, []).append(log10_p)
        found.setdefault(("cell",), []).append(min(cell.log10_p for cell in result.by_cell))
    return found


@pytest.mark.parametrize("law", LAWS)
@settings(max_examples=3, deadline=None)
@given(seed=SEEDS, related=st.booleans())
def test_of_all_claims_on_fixed_models_at_most_a_share_u_reaches_u(law, seed, related):
    """Every rung, and the smallest cell, whatever the models: two of them may even be relatives."""
    rng = np.random.default_rng(seed)
    found = [LAWS[law](rng) for _ in range(6)]
    if related:
        found[1] = relative(found[0], rng)
    for values in enumerated(found).values():
        check_enumerated(values)


def test_a_rank_that_breaks_ties_for_the_claim_is_caught(monkeypatch):
    """The harness sees what it is there for."""

    def strict(values, claim, *, error=0.0):
        values = np.asarray(values)
        above = int((values > values[claim] + 2 * error).sum()) + 1
        return replace(exact(values, claim, error=error), rank=above, log10_p=log10(above / len(values)))

    exact = ranking.orbit_rank
    monkeypatch.setattr(ranking, "orbit_rank", strict)
    rng = np.random.default_rng(0)
    found = enumerated([LAWS["ties"](rng) for _ in range(6)])
    with pytest.raises(AssertionError):
        check_enumerated(found["pair",])


@pytest.mark.parametrize("law", LAWS)
def test_panel_p_values_are_super_uniform(law):
    """Over fresh exchangeable models, on every rung and for the smallest cell of the grid of layers."""
    rng = np.random.default_rng(7)
    found = {}
    for _ in range(120):
        a, b, *others = (LAWS[law](rng) for _ in range(5))
        twins = [[LAWS[law](rng), LAWS[law](rng)] for _ in range(3)]
        result = evaluate(panel_of(others, twins=twins), a, b, alpha=0.2).primary
        for design, log10_p in rungs_of(result).items():
            found.setdefault(design.replace("two_strata", "stratum"), []).append(log10_p)
        found.setdefault("cell", []).append(min(cell.log10_p for cell in result.by_cell))
    assert {"pair", ALL_PAIRS, "twins", PRIMARY_DESIGN, "row_a", "row_b", "stratum", "cell"} <= found.keys()
    for values in found.values():
        check_super_uniform(values)


def test_two_hubs_are_called_related_by_the_raw_rung_and_not_by_the_residual():
    """A and B are always the models that agree with everybody, having few different units."""
    rng, found = np.random.default_rng(3), {}
    for _ in range(100):
        a, b, *others = (synthetic(rng, architecture(layers=1), distinct=2 if i < 2 else None) for i in range(12))
        result = evaluate(panel_of(others), a, b, alpha=0.2).primary
        for design, log10_p in rungs_of(result).items():
            found.setdefault(design, []).append(log10_p)
    with pytest.raises(NotSuperUniformError):
        check_super_uniform(found["pair"])
    check_super_uniform(found[ALL_PAIRS])


def test_a_copy_is_found_and_located():
    """With fresh members, a relative has the smallest p on every rung, at every layer."""
    rng = np.random.default_rng(5)
    a = synthetic(rng, architecture(layers=3))
    members = [synthetic(rng, architecture(layers=3)) for _ in range(13)]
    result = evaluate(panel_of(members), a, relative(a, rng)).primary
    assert all(rung.rank == 1 for rung in result.ranks)
    assert [(cell.layer_a, cell.layer_b) for cell in result.by_cell] == [(0, 0), (1, 1), (2, 2)]
    assert {cell.log10_p for cell in result.by_cell} == {rungs_of(result)[ALL_PAIRS]} == {log10(1 / 105)}
