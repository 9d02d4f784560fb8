"""A checkpoint's tensors come out canonical and exact, whatever family, dtype or sharding stored them."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import verify
from tests.checkpoints import (
    DTYPES,
    EXPERT_HIDDEN,
    EXPERTS,
    FAMILY_NAMES,
    HEAD_SIZE,
    HEADS,
    HIDDEN,
    LAYERS,
    SHARED_HIDDEN,
    VOCAB,
    WIDTH,
    toy,
    write_checkpoint,
)
from verify.checkpoint import open_checkpoint
from verify.fingerprint import Effort

MIXTURES = ("qwen2_moe", "pangu_pro_moe")


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_every_tensor_of_every_family_is_recovered_exactly(tmp_path: Path, family: str) -> None:
    """Fused and transposed tensors come apart into exactly what they were built from; nothing more is found."""
    model = toy(family)
    checkpoint = open_checkpoint(write_checkpoint(tmp_path, model))
    for key, expected in model.canonical.items():
        assert checkpoint.has(*key)
        assert checkpoint.shape(*key) == expected.shape
        found = checkpoint.read(*key)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, expected)
    keys = {key for layer in (None, *range(LAYERS)) for key in checkpoint.keys(layer)}
    assert keys == set(model.canonical)
    assert checkpoint.unrecognised == ()


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_the_architecture_is_that_of_the_tensors(tmp_path: Path, family: str) -> None:
    """Counts come from shapes, symmetries from the family's table."""
    found = open_checkpoint(write_checkpoint(tmp_path, toy(family))).architecture
    mixture, gated = family in MIXTURES, family not in ("gpt2", "bert")
    assert found.family == {"qwen3": "llama"}.get(family, family)
    assert (found.layers, found.width, found.vocab, found.heads) == (LAYERS, WIDTH, VOCAB, HEADS)
    assert (found.kv_heads, found.head_size) == (2 if gated else HEADS, HEAD_SIZE)
    assert found.hidden == (0 if mixture else HIDDEN)
    routed = (found.experts, found.expert_hidden, found.shared_hidden)
    assert routed == ((EXPERTS, EXPERT_HIDDEN, SHARED_HIDDEN) if mixture else (0, 0, 0))
    assert found.gated == found.odd_in_up == gated
    assert found.norm == ("rms" if gated else "layer")
    assert found.positions == ("rotary" if gated else "learned")
    assert found.post_norm == (family == "bert")
    assert found.tied_embeddings == (not gated)


@pytest.mark.parametrize("family", FAMILY_NAMES)
@given(data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_are_rows_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory, family: str, data: st.DataObject
) -> None:
    """Any choice of rows, in any order and repeated, equals the same rows of the full tensor."""
    folder = tmp_path_factory.getbasetemp() / f"rows-{family}"
    model = toy(family)
    checkpoint = open_checkpoint(folder if folder.exists() else write_checkpoint(folder, model))
    key = data.draw(st.sampled_from(sorted(model.canonical, key=str)))
    whole = model.canonical[key]
    rows = np.array(data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=8)), dtype=np.intp)
    np.testing.assert_array_equal(checkpoint.read(*key, rows=rows), whole[rows])


@pytest.mark.parametrize("dtype", DTYPES)
def test_decoding_is_the_cast_to_float32(tmp_path: Path, dtype: str) -> None:
    """Each stored dtype decodes to exactly what numpy's cast gives."""
    model = toy()
    checkpoint = open_checkpoint(write_checkpoint(tmp_path, model, dtype=dtype))
    for key, value in model.canonical.items():
        np.testing.assert_array_equal(checkpoint.read(*key), value.astype(DTYPES[dtype]).astype(np.float32))


def test_shards_equal_one_file(tmp_path: Path) -> None:
    """How a model is cut into files changes neither its architecture nor a tensor."""
    model = toy("pangu_pro_moe")
    whole = open_checkpoint(write_checkpoint(tmp_path / "whole", model))
    cut = open_checkpoint(write_checkpoint(tmp_path / "cut", model, shards=3))
    assert whole.architecture == cut.architecture
    for key in model.canonical:
        np.testing.assert_array_equal(whole.read(*key), cut.read(*key))


def test_a_single_file_is_a_checkpoint(tmp_path: Path) -> None:
    """A weight file may be named itself; its config is the one beside it."""
    folder = write_checkpoint(tmp_path, toy())
    checkpoint = open_checkpoint(folder / "model.safetensors")
    assert checkpoint.name == "model.safetensors"
    assert checkpoint.architecture == open_checkpoint(str(folder)).architecture


def test_a_cache_of_links_is_read_under_its_own_names(tmp_path: Path) -> None:
    """The Hub's cache links snapshots/x/model.safetensors to ../../blobs/hash; the link's target may lie outside."""
    folder = write_checkpoint(tmp_path / "snapshots" / "x", toy(), shards=2)
    blobs = tmp_path / "blobs"
    blobs.mkdir()
    for n, path in enumerate(sorted(folder.iterdir())):
        shutil.move(path, blobs / str(n))
        path.symlink_to(Path("../../blobs") / str(n))
    checkpoint = open_checkpoint(folder)
    assert [file.name for file in checkpoint.files()] == [f"model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    assert open_checkpoint(folder).name == "x"


@pytest.mark.parametrize(("family", "prefix"), [("bert", "bert."), ("bert", "roberta."), ("gpt2", "transformer.")])
def test_a_prefix_changes_nothing(tmp_path: Path, family: str, prefix: str) -> None:
    """The same tensors under the name of a wrapping class are the same model."""
    model = toy(family)
    checkpoint = open_checkpoint(write_checkpoint(tmp_path, model.prefixed(prefix)))
    for key, value in model.canonical.items():
        np.testing.assert_array_equal(checkpoint.read(*key), value)
    assert checkpoint.unrecognised == ()


@pytest.mark.parametrize("family", MIXTURES)
@pytest.mark.parametrize("layer", range(LAYERS))
def test_a_dense_layer_among_experts_is_a_plain_mlp(tmp_path: Path, family: str, layer: int) -> None:
    """Any layer, the first included, may be dense in a mixture of experts."""
    checkpoint = open_checkpoint(write_checkpoint(tmp_path, toy(family, dense_layers=(layer,))))
    assert checkpoint.has("gate", layer)
    assert not checkpoint.has("expert_gate", layer, 0)
    assert checkpoint.has("expert_gate", 1 - layer, 0)
    assert checkpoint.architecture.hidden == HIDDEN


def test_norms_before_sublayers_follow_the_residual_stream(tmp_path: Path) -> None:
    """With norms after the sublayers, attention is fed by the layer before, or by the embeddings' own norm."""
    llama = open_checkpoint(write_checkpoint(tmp_path / "llama", toy()))
    bert = open_checkpoint(write_checkpoint(tmp_path / "bert", toy("bert")))
    assert llama.norm_before("attn", 1) == ("norm_attn", 1)
    assert bert.norm_before("attn", 0) == ("norm_embed", None)
    assert bert.norm_before("attn", 1) == ("norm_out", 0)
    assert bert.norm_before("mlp", 1) == ("norm_mlp", 1)


def test_a_tied_model_has_no_unembedding(tmp_path: Path) -> None:
    """A copy left in the file of a model declared tied is not a second tensor."""
    tied = toy().configured(tie_word_embeddings=True)
    for name, model in (("copy", tied), ("none", tied.without("lm_head.weight"))):
        checkpoint = open_checkpoint(write_checkpoint(tmp_path / name, model))
        assert not checkpoint.has("unembed")
        assert checkpoint.architecture.tied_embeddings
        assert checkpoint.unrecognised == ()


SIGNALLING = {"F64": 0x7FF0000000000001, "F32": 0xFF800001, "F16": 0x7C01, "BF16": 0x7F81}
"""A signalling NaN of each type: of the quiet bit and the others, only another is set."""


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("effort", ["screen", "standard", "full"])
def test_a_signalling_nan_is_counted_and_nothing_is_printed(tmp_path: Path, dtype: str, effort: Effort) -> None:
    """It makes any arithmetic raise an exception of the processor, which numpy prints; warnings are errors here."""
    folder, (role, layer) = write_checkpoint(tmp_path / "m", toy(), dtype), ("up", 0)
    quiet = open_checkpoint(folder).read(role, layer)
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    length = int.from_bytes(content[:8], "little")
    at = json.loads(content[8 : 8 + length])["model.layers.0.mlp.up_proj.weight"]["data_offsets"][0] + 8 + length
    size = np.dtype(DTYPES[dtype]).itemsize
    content[at : at + size] = SIGNALLING[dtype].to_bytes(size, "little")
    content[at + size : at + 2 * size] = bytes(size - 1) + b"\x80"  # minus zero, which must stay
    path.write_bytes(content)
    found = open_checkpoint(folder).read(role, layer)
    assert np.isnan(found[0, 0])
    assert found.view(np.uint32)[0, 0] & 1 << 22
    assert np.signbit(found[0, 1])
    assert found[0, 2:].tobytes() == quiet[0, 2:].tobytes()
    assert found[1:].tobytes() == quiet[1:].tobytes()
    assert np.isnan(found.astype(np.float64)).sum() == 1  # would warn of a signalling one
    assert verify.fingerprint(folder, effort=effort).record.non_finite == 1


@pytest.mark.parametrize("declared", [None, "something-new"])
@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_an_undeclared_family_is_known_by_its_tensors(tmp_path: Path, family: str, declared: str | None) -> None:
    """Where model_type is missing or unknown, the only family whose tensors are all there is taken for the names.

    Names do not tell what happens between the tensors, so no symmetry of signs, values or the stream is assumed.
    """
    model = toy(family).configured(model_type=declared)
    found = open_checkpoint(write_checkpoint(tmp_path, model)).architecture
    assert found.family == {"qwen3": "llama"}.get(family, family)
    assert found.model_type == (declared or "")
    assert found.positions == "unknown"
    assert not found.odd_in_up
    assert not found.linear_values


def test_what_is_not_understood_is_listed(tmp_path: Path) -> None:
    """Tensors outside the table are named, in order, by the part they are in; buffers that carry nothing are not."""
    strange = {"model.layers.0.self_attn.sink": np.zeros(4, np.float32), "adapter.{i}.x": np.zeros(4, np.float32)}
    strange["model.layers.#.self_attn.q_proj.weight"] = strange["model.layers.{i}.self_attn.q_proj.weight"] = (
        np.zeros((WIDTH, WIDTH), np.float32)
    )
    buffer = {"model.layers.0.self_attn.rotary_emb.inv_freq": np.zeros(2, np.float32)}
    checkpoint = open_checkpoint(write_checkpoint(tmp_path, toy().adding(**strange, **buffer)))
    inside = tuple(sorted(name for name in strange if name.startswith("model.")))
    assert checkpoint.unrecognised == inside
    assert checkpoint.strange == {"adapter": ("adapter.{i}.x",), "inside model": inside}


def test_quantisation_scales_of_pangu_are_known_buffers(tmp_path: Path) -> None:
    """Published quantised copies add these two names."""
    scales = {f"model.layers.0.self_attn.k_proj.kv_cache_{n}": np.zeros(8, np.float32) for n in ("scale", "offset")}
    assert open_checkpoint(write_checkpoint(tmp_path, toy("pangu_pro_moe").adding(**scales))).unrecognised == ()


def test_the_name_is_never_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports name the folder; where it lies is nobody's business."""
    folder = write_checkpoint(tmp_path / "reference", toy())
    monkeypatch.chdir(folder)
    for path in (folder, str(folder), f"{folder}/", ".", "../reference"):
        assert open_checkpoint(path).name == "reference"


@pytest.mark.parametrize(("family", "role"), [("llama", "q"), ("gpt2", "q"), ("gpt2", "v")])
def test_bytes_read_counts_the_rows_asked_for(tmp_path: Path, family: str, role: str) -> None:
    """Opening reads no weights; three rows cost three rows, fused or transposed, and a row read twice counts once."""
    checkpoint = open_checkpoint(write_checkpoint(tmp_path, toy(family), dtype="BF16"))
    assert checkpoint.bytes_read == 0
    checkpoint.read(role, 0, rows=np.array([0, 3, 5]))
    assert checkpoint.bytes_read == 3 * WIDTH * 2
    checkpoint.read(role, 0, rows=np.array([3, 7]))
    assert checkpoint.bytes_read == 4 * WIDTH * 2
    checkpoint.read(role, 0)
    assert checkpoint.bytes_read == WIDTH * WIDTH * 2
    assert checkpoint.again().bytes_read == 0


def test_files_are_identified_by_their_bytes(tmp_path: Path) -> None:
    """Name, size and sha256 of each weight file, ordered by name; progress counts them."""
    folder = write_checkpoint(tmp_path, toy(), shards=2)
    steps: list[tuple[int, int]] = []
    found = open_checkpoint(folder).files(progress=lambda _, done, total: steps.append((done, total)))
    paths = sorted(folder.glob("*.safetensors"))
    assert [(f.name, f.size, f.sha256) for f in found] == [
        (path.name, path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest()) for path in paths
    ]
    assert steps == [(1, 2), (2, 2)]


def test_importing_the_room_is_light() -> None:
    """Neither torch nor scipy nor the safetensors package is needed to read weights."""
    house = str(Path(verify.__file__).parent)
    code = (
        "import sys, types; sys.modules['verify'] = house = types.ModuleType('verify'); "
        f"house.__path__ = [{house!r}]; import verify.checkpoint; "
        "print({'torch', 'scipy', 'safetensors', 'pandas', 'huggingface_hub', 'matplotlib'} & {*sys.modules})"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()", found.stdout
