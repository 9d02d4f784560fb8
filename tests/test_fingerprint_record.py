"""A record and its arrays belong together: no other arrays, no weights that were not read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import fingerprints
from tests.fingerprints import SMALL, parts, refused, written
from tests.models import VOCABULARY, config, weights, write
from verify import Fingerprint, FingerprintError, fingerprint, screen, test_lineage
from verify.base import Cache
from verify.fingerprint import EFFORTS, Effort

folder, sound = fingerprints.folder, fingerprints.sound


@given(st.data())
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_arrays_under_another_record_are_refused(tmp_path: Path, sound: bytes, data: st.DataObject) -> None:
    """One number of any array is enough, though the arrays obey every rule that their record sets."""
    record, arrays = parts(sound)
    name = data.draw(st.sampled_from([name for name in sorted(arrays) if not name.startswith("spread.")]))
    changed = arrays[name].copy()
    place = data.draw(st.integers(0, changed.size - 1))
    changed.ravel()[place] = np.nextafter(changed.ravel()[place], changed.dtype.type(0.5))
    assert "record is of another fingerprint" in refused(tmp_path / "x", written(record, arrays | {name: changed}))


def test_an_older_fingerprint_loads_unbound_and_keeps_its_bytes(tmp_path: Path, sound: bytes) -> None:
    """Files without a digest of arrays are taken; nothing is added to them when they are written again."""
    record, arrays = parts(sound)
    del record["arrays_sha256"]
    (tmp_path / "old").write_bytes(written(record, arrays))
    old = Fingerprint.load(tmp_path / "old")
    assert old.record.arrays_sha256 == ""
    assert old.at("screen").record.arrays_sha256 == ""
    old.save(tmp_path / "new")
    assert "arrays_sha256" not in parts((tmp_path / "new").read_bytes())[0]
    assert old.sealed().record.arrays_sha256 == parts(sound)[0]["arrays_sha256"]


def test_a_fingerprint_cut_down_is_bound_to_what_is_left(tmp_path: Path, folder: Path) -> None:
    """At a smaller effort or with fewer components, it can be written and read."""
    whole = fingerprint(folder, sketch=SMALL)
    for number, cut in enumerate((whole.at("standard"), whole.at("screen"), whole.only("units", "gram"))):
        cut.save(tmp_path / f"{number}")
        assert Fingerprint.load(tmp_path / f"{number}").record == cut.record
        assert cut.record == cut.sealed().record != whole.record


def test_only_what_was_made_here_was_read_from_weights(tmp_path: Path, folder: Path) -> None:
    """A file is as somebody states it, and so is a record put beside arrays; our own cache is as it was made."""
    made = fingerprint(folder, sketch=SMALL)
    made.save(tmp_path / "f")
    cache = Cache(tmp_path / "cache")
    kept = [fingerprint(folder, sketch=SMALL, cache=cache) for _ in range(2)]
    assert {x.read_from for x in (made, made.at("screen"), made.only("gram"), *kept)} == {"weights"}
    assert {x.read_from for x in (fingerprint(tmp_path / "f"), Fingerprint(made.record, made.arrays))} == {
        "fingerprint"
    }


@pytest.mark.parametrize("effort", EFFORTS)
@pytest.mark.parametrize("component", ["units", "values", "stream", "response"])
def test_the_same_weights_stated_over_other_numbers_are_refused(
    tmp_path: Path, folder: Path, effort: Effort, component: str
) -> None:
    """By digest of weights at full effort and of files below it; in a screen, what they hold is tested instead."""
    one = fingerprint(folder).at(effort)
    other = fingerprint(write(tmp_path / "other", weights(5, config()), config())).at(effort)
    theirs = {name: x for name, x in other.arrays.items() if name.startswith(component)}
    forged = Fingerprint(one.record.model_copy(update={"name": "forged"}), one.arrays | theirs).sealed()
    with pytest.raises(FingerprintError, match=f"'forged' and 'llama' state the same .*of '{component}'"):
        test_lineage(forged, one)
    assert [row.verdict for row in screen([forged, one]).pairs] == ["dependent"]


@pytest.mark.parametrize("effort", EFFORTS)
@pytest.mark.parametrize(
    ("tokens", "changes"),
    [
        ({token: (row + 1) % 128 for token, row in VOCABULARY.items()}, {}),
        ({token: row for token, row in VOCABULARY.items() if row < 100}, {}),
        (VOCABULARY, {"num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 3}),
    ],
    ids=["another order", "fewer tokens", "other heads"],
)
def test_a_copy_beside_another_tokenizer_or_configuration_is_a_copy(
    tmp_path: Path, folder: Path, effort: Effort, tokens: dict[str, int], changes: dict[str, int]
) -> None:
    """Numbers on tokens and heads are others then, and both fingerprints are of what they state."""
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "vocab.json").write_text(json.dumps(tokens))
    (copy / "config.json").write_text(json.dumps(json.loads((copy / "config.json").read_text()) | changes))
    if not changes or effort == "full":
        assert test_lineage(folder, copy, effort=effort).verdict == "identical"
    else:
        assert test_lineage(folder, copy, effort=effort).verdict == "dependent"
    if len(tokens) < len(VOCABULARY):
        one, other = (fingerprint(fingerprint_file) for fingerprint_file in _saved(tmp_path, folder, copy))
        assert test_lineage(one, other).verdict == "identical"


def _saved(place: Path, *models: Path) -> list[Path]:
    for number, model in enumerate(models):
        fingerprint(model).save(place / f"{number}.print")
    return [place / f"{number}.print" for number in range(len(models))]


def test_rounding_of_another_processor_is_not_a_contradiction(folder: Path) -> None:
    """One step of the last bit of every number, either way, of the same weights."""
    one, rng = fingerprint(folder), np.random.default_rng(0)
    nudged = {
        name: np.where(rng.random(x.shape) < 0.5, x, np.nextafter(x, x.dtype.type(2))).astype(x.dtype)
        for name, x in one.arrays.items()
    }
    other = Fingerprint(one.record.model_copy(update={"name": "there"}), nudged)
    assert test_lineage(one, other).verdict == "identical"
