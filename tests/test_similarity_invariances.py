"""Every similarity has the invariances that it declares, and no others.

The shipped models are trained, so a change that a declaration allows must leave a realistic score alone.
"""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.zoo.changes import changed as changed_by
from benchmarks.zoo.config import Config
from tests.similarities import TOLERANCE, changed, reordered, shipped, weights
from tests.strategies import SEEDS
from verify.statistics import ASSIGNED_GEOMETRY, PANEL_STATISTICS, PRIMARY
from verify.statistics.similarity import INVARIANCES

CONFIG = Config(family="llama", layers=4, width=64, hidden=176, heads=4, kv_heads=2, vocab=256)


def permuted_only(w, rng):
    """Hidden units permuted; signs left alone."""
    new = dict(w)
    for i in range(CONFIG.layers):
        gate, up, down = (f"model.layers.{i}.mlp.{role}_proj.weight" for role in ("gate", "up", "down"))
        order = rng.permutation(CONFIG.hidden)
        new |= {gate: w[gate][order], up: w[up][order], down: w[down][:, order]}
    return new


def scaled(factors):
    """Multiply rows of up and divide columns of down; ``factors`` draws one per unit."""

    def change(w, rng):
        new = dict(w)
        for i in range(CONFIG.layers):
            up, down = (f"model.layers.{i}.mlp.{role}_proj.weight" for role in ("up", "down"))
            c = factors(rng, CONFIG.hidden).astype(np.float32)
            new |= {up: w[up] * c[:, None], down: w[down] / c}
        return new

    return change


CHANGES = {
    "unit_permutation": permuted_only,
    "unit_signs": scaled(lambda rng, n: rng.choice([-1.0, 1.0], n)),
    "unit_scaling": scaled(lambda rng, n: np.exp(rng.normal(0, 1, n))),
    "head_permutation": lambda w, rng: changed_by(w, CONFIG, rng, "head_order", "query_order"),
    "channel_permutation": lambda w, rng: changed_by(w, CONFIG, rng, "value_order", "value_signs"),
    "stream_rotation": lambda w, rng: changed_by(w, CONFIG, rng, "stream_rotation"),
    "layer_order": reordered,
}


def test_every_invariance_has_a_change_that_tests_it():
    assert CHANGES.keys() == INVARIANCES


@pytest.mark.parametrize("invariance", sorted(CHANGES))
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=SEEDS, other=st.sampled_from(["stranger-1", "reference", "fine-tuned"]))
def test_a_declared_invariance_leaves_the_score(invariance, tmp_path, seed, other):
    """For every statistic that declares it, whether the other model is a stranger or a relative."""
    after = changed(tmp_path / "m", CHANGES[invariance](weights("reference"), np.random.default_rng(seed)))
    for statistic in PANEL_STATISTICS:
        if invariance in statistic.invariances:
            before = statistic(shipped("reference"), shipped(other))
            assert statistic(after, shipped(other)) == pytest.approx(before, abs=TOLERANCE[statistic.id]), (
                statistic.id
            )


@pytest.mark.parametrize(
    ("statistic", "invariance"),
    [(s, i) for s in PANEL_STATISTICS for i in sorted(INVARIANCES - s.invariances)],
    ids=lambda x: getattr(x, "id", x),
)
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=SEEDS)
def test_a_change_not_declared_moves_the_score(statistic, invariance, tmp_path, seed):
    """Declarations are tight."""
    after = changed(tmp_path / "m", CHANGES[invariance](weights("reference"), np.random.default_rng(seed)))
    other = shipped("continued-3x" if statistic is PRIMARY else "fine-tuned")  # whose layers are not all alike
    least = 0 if statistic is PRIMARY else TOLERANCE[statistic.id] * 10  # the primary is a median of shares
    assert abs(statistic(after, other) - statistic(shipped("reference"), other)) > least


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=SEEDS)
def test_the_primary_survives_everything_at_once(tmp_path, seed):
    rng, w = np.random.default_rng(seed), weights("reference")
    for name in sorted(CHANGES):
        w = CHANGES[name](w, rng)
    w = changed_by(w, CONFIG, rng, "unit_order", "unit_signs")
    assert set(CHANGES) == PRIMARY.invariances | {"layer_order"}  # of which a copy keeps its score
    assert PRIMARY(changed(tmp_path / "m", w), shipped("reference")) > 0.99


@pytest.mark.parametrize(
    "change", ["stream_order", "stream_signs", "folded_gains", "phases", "phase_scales", "query_order"]
)
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=SEEDS, other=st.sampled_from(["stranger-1", "reference", "fine-tuned"]))
def test_assigned_dimensions_survive_signed_permutations_and_turns(change, tmp_path, seed, other):
    after = changed(tmp_path / "m", changed_by(weights("reference"), CONFIG, np.random.default_rng(seed), change))
    before = ASSIGNED_GEOMETRY(shipped("reference"), shipped(other))
    assert ASSIGNED_GEOMETRY(after, shipped(other)) == pytest.approx(before, abs=TOLERANCE[ASSIGNED_GEOMETRY.id])
