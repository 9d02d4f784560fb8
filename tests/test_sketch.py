"""The sketch is frozen: choices, signs and anchors stay, and two sketches refuse to compare."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import fingerprints
from tests.fingerprints import SMALL
from verify import Fingerprint, FingerprintError, fingerprint, test_lineage
from verify.checkpoint import Vocabulary
from verify.fingerprint import ANCHORS, chosen_indices, projection
from verify.fingerprint.anchors import LEAST_ANCHORS, anchors_of

folder = fingerprints.folder


# ---- the sketch is frozen


def test_the_sketch_is_frozen() -> None:
    """These values were published in fingerprints; another algorithm is another sketch version."""
    assert chosen_indices("units", 1000, 8).tolist() == UNITS
    assert chosen_indices("channels", 128, 8).tolist() == CHANNELS
    assert chosen_indices("stream", 4096, 4).tolist() == STREAM
    signs = projection(100, 32)
    assert hashlib.sha256((signs > 0).tobytes()).hexdigest() == PROJECTION
    assert hashlib.sha256(repr(ANCHORS).encode()).hexdigest() == ANCHOR_LIST


UNITS = [226, 358, 407, 574, 607, 616, 650, 873]
CHANNELS = [23, 24, 30, 47, 62, 85, 111, 126]
STREAM = [2247, 2427, 3321, 3850]
PROJECTION = "3f917c40efdd380bae5daa494c3cfa50ab3fde064ea46bcde7de59770e116dcd"
ANCHOR_LIST = "fabd72a304574e1723fad92a3f2a95cddd030e0c510494140d9fed7a91dbca5d"


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 300), st.integers(1, 300))
def test_choices_are_nested(size: int, larger: int, count: int, more: int) -> None:
    """A smaller choice is part of a larger one, and the key of an index does not depend on the size."""
    few, many = sorted((count, more))
    chosen = chosen_indices("units", size, few)
    assert len(chosen) == min(size, few)
    assert set(chosen) <= set(chosen_indices("units", size, many))
    bigger = chosen_indices("units", max(size, larger), few)
    assert set(bigger[bigger < size]) <= set(chosen)


def test_choices_and_signs_cannot_be_changed() -> None:
    """They are cached, so a change would last."""
    for array in (chosen_indices("units", 10, 3), projection(8, 4)):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    assert set(np.unique(projection(50, 7))) == {-1, 1}


def test_anchors_are_distinct_and_kept_in_order() -> None:
    """The first that a vocabulary knows."""
    assert len(set(ANCHORS)) == len(ANCHORS)
    ids = {ANCHORS[2 * i + 1]: 90 - i for i in reversed(range(LEAST_ANCHORS + 2))}
    known = [(2 * i + 1, 90 - i) for i in range(LEAST_ANCHORS)]
    assert anchors_of(Vocabulary("vocab.json", ids), 100, LEAST_ANCHORS) == ("tokens", known)


# ---- two sketches


@pytest.mark.parametrize("change", [{"projections": 31}, {"units": 7}, {"anchors": 39}])
def test_two_sketches_refuse_to_compare(folder: Path, change: dict[str, int]) -> None:
    """Arrays of one specification mean nothing beside those of another."""
    model = fingerprint(folder, sketch=SMALL)
    other = model.record.model_copy(update={"sketch": SMALL.model_copy(update=change)})
    with pytest.raises(FingerprintError, match="different sketches"):
        test_lineage(model, Fingerprint(other, model.arrays))
