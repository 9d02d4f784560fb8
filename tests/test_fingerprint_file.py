"""A fingerprint comes back as it was saved, and is the same for the same weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import fingerprints
from tests.checkpoints import FAMILY_NAMES, toy, write_checkpoint
from tests.fingerprints import SMALL
from tests.models import config, weights, write
from verify import Fingerprint, FingerprintError, fingerprint
from verify.fingerprint import is_fingerprint

folder, sound = fingerprints.folder, fingerprints.sound


# ---- files


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_a_fingerprint_comes_back_bit_for_bit(tmp_path: Path, family: str) -> None:
    """Of every family: record, dtypes, shapes and bits survive a file, and saving again gives the same bytes."""
    original = fingerprint(write_checkpoint(tmp_path / "model", toy(family)))
    original.save(tmp_path / "a.safetensors")
    read = Fingerprint.load(tmp_path / "a.safetensors")
    read.save(tmp_path / "b.safetensors")
    assert read.record == original.record
    assert read.arrays.keys() == original.arrays.keys()
    for name, array in original.arrays.items():
        assert (read.arrays[name].dtype, read.arrays[name].shape) == (array.dtype, array.shape)
        assert read.arrays[name].tobytes() == array.tobytes()
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_arrays_are_read_only(folder: Path, sound: bytes) -> None:
    """A frozen record holds no array that could be changed, computed or loaded."""
    path = folder.parent / "readonly.safetensors"
    path.write_bytes(sound)
    for model in (fingerprint(folder, sketch=SMALL), Fingerprint.load(path)):
        for array in model.arrays.values():
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0


def test_a_fingerprint_is_told_from_weights_by_its_header(tmp_path: Path, folder: Path, sound: bytes) -> None:
    """Whatever the file is called; anything else is not a fingerprint, and saying so raises nothing."""
    named = tmp_path / "whatever.fp"
    named.write_bytes(sound)
    assert is_fingerprint(named)
    assert fingerprint(named).record.name == "llama"
    for other in (folder, folder / "model.safetensors", folder / "config.json", tmp_path / "no", Path("x" * 5000)):
        assert not is_fingerprint(other)


def test_a_load_of_weights_says_what_to_do(folder: Path, tmp_path: Path) -> None:
    """Weights, or nothing, in place of a fingerprint."""
    with pytest.raises(FingerprintError, match="verify fingerprint"):
        Fingerprint.load(folder / "model.safetensors")
    with pytest.raises(FingerprintError, match="No such file"):
        Fingerprint.load(tmp_path / "absent.safetensors")


# ---- the same weights


def test_the_same_weights_in_other_files_have_the_same_fingerprint(tmp_path: Path, folder: Path) -> None:
    """Sharding changes the identities of files, and nothing else."""
    one = fingerprint(folder)
    sharded = fingerprint(write(tmp_path / "sharded", weights(0, config()), config(), shards=3))
    assert sharded.record.files != one.record.files
    assert sharded.record.content_sha256 == one.record.content_sha256
    assert sharded.arrays.keys() == one.arrays.keys()
    for name, array in one.arrays.items():
        assert sharded.arrays[name].tobytes() == array.tobytes()


def test_other_weights_have_another_digest(tmp_path: Path, folder: Path) -> None:
    """One entry in one tensor is enough, wherever it lies."""
    digests = {fingerprint(folder).record.content_sha256}
    for name in weights(0, config()):
        changed = weights(0, config())
        changed[name] = changed[name].copy()
        changed[name].flat[-1] += 1
        digests.add(fingerprint(write(tmp_path, changed, config())).record.content_sha256)
    assert len(digests) == 1 + len(weights(0, config()))


def test_a_model_without_a_tokenizer_is_no_error(tmp_path: Path) -> None:
    """Its rows of tokens are known by number."""
    model = fingerprint(write(tmp_path, weights(0, config()), config(), tokens=False))
    assert (model.record.pairing, len(model.record.anchors)) == ("rows", 96)
    assert model.arrays["response.0.mlp"].shape == (1, 40, 96)
