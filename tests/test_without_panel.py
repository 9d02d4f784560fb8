"""A comparison without a panel makes no array that only panels read, and says the same."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.hub_shapes import HubFile
from tests.checkpoints import FAMILY_NAMES, toy, write_checkpoint
from tests.models import child, config, weights, write
from verify import Fingerprint, fingerprint, open_checkpoint, test_lineage
from verify.checkpoint.formats.safetensors_file import contents
from verify.checkpoint.places.place import LocalFile
from verify.checkpoint.vocabulary import _BYTE_OF, _byte_level
from verify.claim import EvidenceLine
from verify.data import model as shipped
from verify.fingerprint.build import made_for
from verify.fingerprint.layout import COMPONENTS, OF_PANELS
from verify.fingerprint.moments import Moments, NonFinite
from verify.fingerprint.products import images, images_of_columns
from verify.statistics import EXACT_TESTS
from verify.statistics.alignment import means_of_best
from verify.statistics.blocks import values
from verify.statistics.ties import tied

CREATED = "2026-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small Llama and its child."""
    folder = tmp_path_factory.mktemp("models")
    parent = weights(0, config())
    return write(folder / "parent", parent, config()), write(folder / "child", child(parent, 1), config())


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_what_is_made_without_a_panel_is_made_to_the_same_bit(tmp_path: Path, family: str) -> None:
    """All arrays but those of panels, and every field of the record but those that name or bind the arrays."""
    model = write_checkpoint(tmp_path / "model", toy(family))
    whole, less = fingerprint(model, effort="full"), made_for(model, "full", panels=False)
    kept = {name: x for name, x in whole.arrays.items() if name.split(".")[0] not in OF_PANELS}
    assert {name: x.tobytes() for name, x in less.arrays.items()} == {name: x.tobytes() for name, x in kept.items()}
    apart = {"components", "arrays_sha256"}
    assert less.record.model_dump(exclude=apart) == whole.record.model_dump(exclude=apart)
    assert set(whole.record.components) - set(less.record.components) == set(OF_PANELS)


def test_the_report_is_that_of_whole_fingerprints(pair: tuple[Path, Path]) -> None:
    """To the byte."""
    whole = [fingerprint(model) for model in pair]
    assert test_lineage(*pair, created=CREATED).facts() == test_lineage(*whole, created=CREATED).facts()


def test_evidence_of_ones_own_is_given_all_arrays(pair: tuple[Path, Path]) -> None:
    """It may read any of them."""
    seen: list[Fingerprint] = []

    def own(a: Fingerprint, b: Fingerprint) -> EvidenceLine:
        seen.extend((a, b))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        test_lineage(*pair, own=[own])
    assert all(set(OF_PANELS) <= set(model.record.components) for model in seen)


def test_arrays_of_panels_are_read_by_panel_statistics_alone() -> None:
    """No exact result of a copy whose units were reordered changes without them; without those of units it does."""

    def exact(kept: tuple[str, ...]) -> list[object]:
        models = [fingerprint(shipped(name)) for name in ("obfuscated", "reference")]
        arrays = [{n: x for n, x in one.arrays.items() if n.split(".")[0] in kept} for one in models]
        bare = [Fingerprint(one.record, held) for one, held in zip(models, arrays, strict=True)]
        return [test.run(*bare).counts for test in EXACT_TESTS if test.refuse(*bare) is None]

    rest = tuple(name for name in COMPONENTS if name not in OF_PANELS)
    assert exact(COMPONENTS) == exact(rest)
    assert exact(rest) != exact(tuple(name for name in rest if name != "match"))


@given(cuts=st.lists(st.integers(0, 70), max_size=5), seed=st.integers(0, 99))
def test_images_do_not_depend_on_the_division_into_blocks(cuts: list[int], seed: int) -> None:
    """Of rows and of columns, to the bit."""
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((70, 33), dtype=np.float32)
    blocks = np.split(matrix, sorted(cuts))
    of_rows, of_columns = rng.standard_normal((33, 5)), rng.standard_normal((70, 5))
    np.testing.assert_array_equal(images(blocks, of_rows), images([matrix], of_rows))
    np.testing.assert_array_equal(
        images_of_columns(blocks, 33, of_columns), images_of_columns([matrix], 33, of_columns)
    )
    np.testing.assert_allclose(images(blocks, of_rows), matrix.astype(np.float64) @ of_rows)
    np.testing.assert_allclose(images_of_columns(blocks, 33, of_columns), matrix.astype(np.float64).T @ of_columns)


def test_large_matrices_are_multiplied_a_few_rows_and_columns_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that memory does not grow with the matrix; up to rounding of float64 the products are the same."""
    monkeypatch.setattr("verify.fingerprint.products._ENTRIES", 40)
    monkeypatch.setattr("verify.fingerprint.products._COLUMNS", 8)
    matrix = np.random.default_rng(0).standard_normal((50, 20), dtype=np.float32)
    of_rows, seen = (np.random.default_rng(1).standard_normal((size, 3)) for size in (20, 50))
    blocks, whole = [matrix[:7], matrix[7:7], matrix[7:]], matrix.astype(np.float64)
    np.testing.assert_allclose(images_of_columns(blocks, 20, seen), whole.T @ seen, rtol=1e-12)
    np.testing.assert_allclose(images(blocks, of_rows), whole @ of_rows, rtol=1e-12)


@given(st.lists(st.sampled_from([0.0, 1.5, np.nan, np.inf, -np.inf]), min_size=1))
def test_non_finite_entries_are_counted_as_moments_count_them(entries: list[float]) -> None:
    """Whichever of the two is kept of a tensor."""
    x = np.array(entries, dtype=np.float32)
    one, other = NonFinite(), Moments()
    for block in (x, x[:1]):
        one.add(block)
        other.add(block)
    assert one.non_finite == other.non_finite


@given(st.text(st.characters(codec="utf-8") | st.sampled_from(sorted(_BYTE_OF)), max_size=8))
def test_byte_level_tokens_are_the_bytes_of_their_characters(token: str) -> None:
    """And a character that stands for no byte leaves the token without text."""
    codes = [_BYTE_OF.get(c) for c in token]
    expected = None if None in codes else bytes(c for c in codes if c is not None)
    assert _byte_level(token) == expected


def test_tables_of_resemblance_are_kept_apart(pair: tuple[Path, Path]) -> None:
    """A table that a caller changes is not the one that the next is given; other vectors have another."""
    a, b = ([*values(fingerprint(model))[0].values()] for model in pair)
    first = means_of_best(a, b)
    first[...] = 7
    assert (means_of_best(a, b) < 7).all()
    assert not np.array_equal(means_of_best(a, a), means_of_best(a, b))


def test_copies_at_any_distance_are_tied(pair: tuple[Path, Path]) -> None:
    """Blocks are compared many pairs at a time; which are copies does not depend on where they stand."""
    grid = values(fingerprint(pair[0]))
    layers = [*grid]
    slot = next(iter(grid[layers[0]]))
    grid[layers[-1]] = grid[layers[-1]] | {slot: grid[layers[0]][slot]}
    sets = tied(grid)
    assert sets.find((layers[0], slot)) == sets.find((layers[-1], slot))


def test_a_tensor_takes_few_bytes_of_memory(tmp_path: Path) -> None:
    """A model of many experts has a million: names, shapes and types are held once."""
    count = 20_000
    names = [f"model.layers.0.experts.{e}.up.weight" for e in range(count)]
    at = range(0, 4 * count, 4)
    described = ({"dtype": "BF16", "shape": [1, 2], "data_offsets": [i, i + 4]} for i in at)
    header = dict(zip(names, described, strict=True))
    text = json.dumps(header).encode()
    path = tmp_path / "model.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(4 * count))
    del header, text, names
    contents(LocalFile(path))
    tracemalloc.start()
    found = contents(LocalFile(path))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found.tensors) == count
    assert held / count < 400


def test_opening_takes_few_bytes_of_memory_for_a_tensor(tmp_path: Path) -> None:
    """At its height, with names, places and all that is made of them: a million tensors take less than 1 GiB."""
    layers, experts, width = 8, 700, 8
    count, folder = 0, tmp_path / "model"
    settings = {"hidden_size": width, "intermediate_size": width, "num_hidden_layers": layers, "vocab_size": 32}
    settings |= {"num_attention_heads": 2, "num_key_value_heads": 2, "num_local_experts": experts}
    settings |= {"num_experts_per_tok": 2, "hidden_act": "silu", "rms_norm_eps": 1e-5, "tie_word_embeddings": True}
    folder.mkdir()
    for layer in range(layers):  # a file each, as large models have
        at = f"model.layers.{layer}."
        shapes: dict[str, tuple[int, ...]] = {f"{at}self_attn.{role}_proj.weight": (width, width) for role in "qkvo"}
        shapes |= {f"{at}{norm}_layernorm.weight": (width,) for norm in ("input", "post_attention")}
        shapes[f"{at}block_sparse_moe.gate.weight"] = (experts, width)
        for name in (f"{e}.{role}" for e in range(experts) for role in ("w1", "w2", "w3")):
            shapes[f"{at}block_sparse_moe.experts.{name}.weight"] = (width, width)
        if not layer:
            shapes |= {"model.embed_tokens.weight": (32, width), "model.norm.weight": (width,)}
        held = {name: ("F16", shape) for name, shape in shapes.items()}
        written = HubFile(held, {"model_type": "mixtral"} | settings).write_empty(tmp_path / "one")
        (written / "model.safetensors").rename(folder / f"model-{layer + 1:05d}-of-{layers:05d}.safetensors")
        count += len(shapes)
    (written / "config.json").rename(folder / "config.json")
    open_checkpoint(folder)
    tracemalloc.start()
    open_checkpoint(folder)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most / count < 900


def test_an_index_is_not_kept_once_checked(pair: tuple[Path, Path]) -> None:
    """It is as large as the headers."""
    assert open_checkpoint(pair[0])._source.index is None
