"""Relatives are found and located, and a test that does not apply says why."""

import numpy as np
import pytest

from tests.strategies import architecture, fingerprint_of, gpt2_like, moe_like, random_arrays, stranger
from verify import Fingerprint
from verify.base import Phrase
from verify.statistics import EXACT_TESTS
from verify.wording import say

ARCHITECTURES = {"llama": architecture(), "gpt2": gpt2_like(), "moe": moe_like()}

# ---- the other way round: relatives are found


@pytest.mark.parametrize("shape", ARCHITECTURES.values(), ids=ARCHITECTURES)
def test_a_noisy_copy_is_found_by_every_test_that_applies(shape):
    rng = np.random.default_rng(6)
    arrays = random_arrays(rng, shape)
    noisy = {name: x + 0.3 * rng.standard_normal(x.shape) for name, x in arrays.items()}
    a, b = fingerprint_of(noisy, shape), fingerprint_of(arrays, shape)
    for test in EXACT_TESTS:
        result = test(a, b)
        if result.applicable:
            few = {"sign_agreement": -5, "head_identity": -0.6, "expert_identity": -3.5}  # of 6 heads, of 12 experts
            assert result.log10_p < few.get(test.id, -8), test.id
            assert result.effect.share > 0.9


def test_localisation_names_the_layers_that_match():
    rng = np.random.default_rng(8)
    arrays, other = random_arrays(rng, architecture()), random_arrays(rng, architecture())
    mixed = {name: other[name] if name.split(".")[1] == "1" else x for name, x in arrays.items()}
    result = EXACT_TESTS[0](fingerprint_of(mixed, architecture()), fingerprint_of(arrays, architecture()))
    assert [row.adjusted_log10_p < -3 for row in result.by_layer] == [True, False, True]
    assert [(row.layer_a, row.layer_b) for row in result.by_layer] == [(0, 0), (1, 1), (2, 2)]


def test_removed_layers_are_aligned_to_where_they_came_from():
    arrays = random_arrays(np.random.default_rng(9), architecture(layers=5))
    kept = [0, 3, 4]
    pruned = {name: x for name, x in arrays.items() if name.startswith("stream.")}
    for new, old in enumerate(kept):
        pruned |= {
            name.replace(f".{old}.", f".{new}.", 1): x for name, x in arrays.items() if name.split(".")[1] == str(old)
        }
    a, b = fingerprint_of(pruned, architecture()), fingerprint_of(arrays, architecture(layers=5))
    result = EXACT_TESTS[0](a, b)
    assert [row.layer_b for row in result.by_layer] == kept
    assert result.statistic == result.counts[0].n


def test_unequal_hidden_sizes_are_compared_at_common_indices():
    """The same bound holds; sampled indices of different widths overlap by design."""
    a, b = stranger(1, architecture(hidden=40)), stranger(2, architecture(hidden=60))
    count = EXACT_TESTS[0](a, b).counts[0]
    assert 0 < count.n < 3 * 12
    assert count.groups == 3


# ---- reasons


@pytest.mark.parametrize(
    ("test", "change", "reason"),
    [
        ("unit_identity", {"width": 64}, Phrase.of("width", a=48, b=64)),
        ("unit_identity", {"gated": False, "odd_in_up": False}, Phrase.of("gated_differs")),
        ("value_identity", {"linear_values": False}, Phrase.of("not_linear_values", model="B")),
        ("value_identity", {"head_size": 6}, Phrase.of("head_sizes", a=12, b=6)),
        ("sign_agreement", {"linear_values": False, "odd_in_up": False}, Phrase.of("not_linear_values", model="B")),
        ("stream_identity", {"width": 64}, Phrase.of("width", a=48, b=64)),
    ],
)
def test_a_test_that_does_not_apply_says_why(test, change, reason):
    result = next(t for t in EXACT_TESTS if t.id == test)(stranger(1), stranger(2, architecture(**change)))
    assert not result.applicable
    assert result.reason == reason
    assert "{" not in say(reason, names={"B": "the other"})
    assert result.log10_p is None


def test_too_few_shared_anchors_make_response_tests_inapplicable():
    a, b = stranger(1), stranger(2)
    few = Fingerprint(b.record.model_copy(update={"anchors": tuple(range(20, 60))}), b.arrays)
    for test in (EXACT_TESTS[2], EXACT_TESTS[4]):
        assert test(a, few).reason == Phrase.of("few_shared_anchors", shared=20, least=32)
