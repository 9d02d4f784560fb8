"""A GGUF file in parts is one model; parts that are not of one set are refused in one sentence."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import gguf
import numpy as np
import pytest

import verify
from tests.checkpoints import Toy, toy, write_checkpoint
from tests.converted import converted, write_gguf
from verify.base import CheckpointError
from verify.checkpoint import open_checkpoint

PARTS = 4


def split(folder: Path, model: Toy, stem: str = "m", tensors: int = 6) -> list[Path]:
    """The parts, as the package writes them."""
    folder.mkdir(exist_ok=True)
    write_gguf(folder / f"{stem}.gguf", converted(model, "llama"), "llama", model.config, split_max_tensors=tensors)
    return sorted(folder.glob(f"{stem}-*.gguf"))


def says(path: Path, **entries: int) -> None:
    """Change what a part says of its set, in place."""
    reader = gguf.GGUFReader(path, "r+")
    for key, value in entries.items():
        field = reader.get_field(f"split.{key.replace('_', '.')}")
        assert field is not None
        field.parts[field.data[0]][0] = value
    reader.data.flush()


@pytest.mark.parametrize("first", [True, False], ids=["the first part", "the folder"])
def test_parts_are_one_model(tmp_path: Path, first: bool) -> None:
    """All tensors, equal to those of the original, and every file is named with its sha256."""
    model = toy()
    parts = split(tmp_path / "m", model)
    assert len(parts) == PARTS
    checkpoint = open_checkpoint(parts[0] if first else tmp_path / "m")
    for key, expected in model.canonical.items():
        np.testing.assert_array_equal(checkpoint.read(*key), expected)
    assert [one.name for one in checkpoint.files()] == [part.name for part in parts]
    assert checkpoint.unrecognised == ()


def test_a_first_part_without_tensors_is_read(tmp_path: Path) -> None:
    """As gguf-split's --no-tensor-first-split writes it."""
    model = toy()
    folder = tmp_path / "m"
    folder.mkdir()
    cut = partial(write_gguf, split_max_tensors=10, small_first_shard=True)
    cut(folder / "m.gguf", converted(model, "llama"), "llama", model.config)
    np.testing.assert_array_equal(open_checkpoint(folder).read("q", 1), model.canonical["q", 1, None])


def test_the_same_model_whole_and_in_parts_is_identical(tmp_path: Path) -> None:
    """How a file is cut is no part of a model."""
    split(tmp_path / "m", toy())
    write_checkpoint(tmp_path / "n", toy())
    assert verify.test_lineage(tmp_path / "m", tmp_path / "n").verdict == "identical"


def test_sets_that_are_no_set_are_refused(tmp_path: Path) -> None:
    """Each by its own sentence: a part missing, given alone, renamed, of another set, or with another count."""
    model = toy()
    other = split(tmp_path / "other", model, tensors=5)

    def refused(number: int, said: str, given: int | None = None) -> None:
        folder = tmp_path / str(number)
        for address in [folder / f"m-{given + 1:05d}-of-00004.gguf"] if given is not None else [folder]:
            with pytest.raises(CheckpointError, match=re.escape(said)) as caught:
                open_checkpoint(address)
            assert str(caught.value).isprintable()

    folders = [split(tmp_path / str(number), model) for number in range(9)]
    folders[0][2].unlink()
    refused(0, "is one of 4 shards, of which 3 are there")
    refused(0, "'m-00003-of-00004.gguf' is missing", given=0)
    refused(1, "m-00002-of-00004.gguf is part 2 of 4 of a GGUF file; give the first part, 'm-00001-of-00004", given=1)
    folders[2][1].write_bytes(other[1].read_bytes())
    refused(2, "of another set")
    folders[3][1].write_bytes(folders[3][2].read_bytes())
    refused(3, "calls itself part 2 (from 0) of 4")
    says(folders[4][0], count=5)
    refused(4, "unlike its name; obtain it again")
    says(folders[5][0], tensors_count=22)
    for part in folders[5][1:]:
        says(part, tensors_count=22)
    refused(5, "hold 21 tensors, and say that they hold 22")
    folders[6][3].write_bytes(folders[6][2].read_bytes())
    says(folders[6][3], no=3)
    refused(6, "both hold")
    for part in folders[7]:
        part.rename(part.with_name(part.name.replace("-of-00004", "")))
    with pytest.raises(CheckpointError, match="unlike its name; give the parts as"):
        open_checkpoint(tmp_path / "7" / "m-00001.gguf")
    whole = write_gguf(tmp_path / "x-00001-of-00002.gguf", converted(model, "llama"), "llama", model.config)
    with pytest.raises(CheckpointError, match="unlike its name"):
        open_checkpoint(whole)


def test_several_sets_are_a_choice(tmp_path: Path) -> None:
    """The usual question, which the path of a first part answers."""
    split(tmp_path / "m", toy(), "a")
    split(tmp_path / "m", toy(seed=1), "b", tensors=5)
    with pytest.raises(CheckpointError, match="holds 2 sets of weights that differ: 'a-00001"):
        open_checkpoint(tmp_path / "m")
    found = open_checkpoint(tmp_path / "m" / "b-00001-of-00005.gguf")
    np.testing.assert_array_equal(found.read("q", 1), toy(seed=1).canonical["q", 1, None])
