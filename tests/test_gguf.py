"""GGUF files give the tensors of the model they were made from."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import gguf
import numpy as np
import pytest
from numpy.typing import NDArray

import verify
from tests.checkpoints import EXPERTS, HEADS, KV_HEADS, LAYERS, WIDTH, Toy, toy, write_checkpoint
from tests.converted import LLAMA_NAMES, MODELS, Kind, converted, shipped, side_by_side, write_gguf, write_shipped
from verify.base import CheckpointError
from verify.checkpoint import Checkpoint, Location, open_checkpoint
from verify.checkpoint.formats.gguf_file import parse
from verify.checkpoint.formats.gguf_models import contents as gguf_contents
from verify.checkpoint.places.place import LocalFile, LocalFolder
from verify.cli import main

# The converter of llama.cpp, backwards and forwards


def check_canonical(checkpoint: Checkpoint, model: Toy, outside: tuple[str, ...] = ()) -> None:
    """Exactly the tensors that the model was built from, whole and by rows."""
    keys = {key for layer in (None, *range(LAYERS)) for key in checkpoint.keys(layer)}
    assert keys == set(model.canonical)
    assert checkpoint.unrecognised == ()
    assert checkpoint.outside == outside
    for key, expected in model.canonical.items():
        np.testing.assert_array_equal(checkpoint.read(*key), expected)
        for rows in (np.array([0, len(expected) - 1]), slice(1, 3)):
            np.testing.assert_array_equal(checkpoint.read(*key, rows=rows), expected[rows])


GGUF_FAMILIES = {
    "llama": "llama",
    "qwen3": "qwen3",
    "qwen2_moe": "qwen2moe",
    "gpt2": "gpt2",
    "bert": "bert",
}


@pytest.mark.parametrize("family", GGUF_FAMILIES)
def test_gguf_gives_back_what_the_converter_was_given(tmp_path: Path, family: str) -> None:
    """Names, order of rotary rows, turned matrices and stacked experts are undone, by the file alone."""
    model, architecture = toy(family), GGUF_FAMILIES[family]
    file = write_gguf(tmp_path / "m.gguf", converted(model, architecture), architecture, model.config)
    checkpoint = open_checkpoint(file)
    outside = ("embeddings.token_type_embeddings.weight",) if family == "bert" else ()
    check_canonical(checkpoint, model, outside)
    assert checkpoint.architecture.model_type == family
    assert checkpoint.architecture.experts == (EXPERTS if family == "qwen2_moe" else 0)
    assert checkpoint.architecture.positions in ("rotary", "learned")


def test_gemma_norms_are_those_of_the_original(tmp_path: Path) -> None:
    """The converter adds 1 to every norm; nothing else changes."""
    model = toy().without("lm_head.weight").configured(model_type="gemma", tie_word_embeddings=True)
    found = open_checkpoint(write_gguf(tmp_path / "m.gguf", converted(model, "gemma"), "gemma", model.config))
    assert found.architecture.norm_offset == 1
    for (role, layer, expert), expected in model.canonical.items():
        if role != "unembed":
            np.testing.assert_allclose(found.read(role, layer, expert), expected, atol=1e-6)


SANDWICH = {
    "post_attention_layernorm": "post_attention_norm",
    "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
}


WITHOUT = {
    "gemma2": "lm_head",  # tied
    "gemma3": "lm_head",
    "olmo": "norm",
    "olmo2": "input_layernorm",
    "phi3": r"\.([qkv]|gate|up)_proj",
    "qwen3moe": r"\.mlp\.(gate|up|down)_proj",
}
"""Tensors that models of an architecture do not have."""


@pytest.mark.parametrize("architecture", ["gemma2", "gemma3", "olmo", "olmo2", "phi3", "qwen2", "qwen3moe"])
def test_every_other_architecture_has_its_names_and_rows_back(tmp_path: Path, architecture: str) -> None:
    """What the converter was given, by name."""
    plain, rng = toy(), np.random.default_rng(0)
    tensors = dict(plain.tensors)
    for i in range(LAYERS):
        at = f"model.layers.{i}."
        if architecture in ("gemma2", "gemma3", "olmo2"):
            extra = ["post_feedforward_layernorm"] + ["pre_feedforward_layernorm"] * architecture.startswith("gemma")
            tensors |= {f"{at}{name}.weight": rng.standard_normal(WIDTH).astype(np.float32) for name in extra}
        if architecture in ("gemma3", "olmo2", "qwen3moe"):
            tensors |= {f"{at}self_attn.{r}_norm.weight": rng.standard_normal(4).astype(np.float32) for r in "qk"}
        if architecture == "phi3":
            tensors[f"{at}self_attn.qkv_proj.weight"] = rng.standard_normal((32, WIDTH)).astype(np.float32)
            tensors[f"{at}mlp.gate_up_proj.weight"] = rng.standard_normal((40, WIDTH)).astype(np.float32)
        if architecture == "qwen3moe":
            for e, role in ((e, role) for e in range(2) for role in ("gate", "up", "down")):
                name = f"{at}mlp.experts.{e}.{role}_proj.weight"
                tensors[name] = rng.standard_normal((6, WIDTH) if role != "down" else (WIDTH, 6)).astype(np.float32)
    if without := WITHOUT.get(architecture):
        tensors = {name: value for name, value in tensors.items() if not re.search(without, name)}
    table = LLAMA_NAMES | {"self_attn.qkv_proj": "attn_qkv", "mlp.gate_up_proj": "ffn_up"}
    if architecture in ("gemma2", "gemma3", "olmo2"):
        table |= SANDWICH
    stored = converted(replace(plain, tensors=tensors), architecture, table)
    file = write_gguf(tmp_path / "m.gguf", stored, architecture, plain.config)
    found = gguf_contents(LocalFile(file), LocalFolder(tmp_path)).tensors
    assert found.keys() == tensors.keys()
    for name, expected in tensors.items():
        np.testing.assert_allclose(found[name].read(), expected, atol=1e-6 if "norm" in name else 0)


def test_the_same_numbers_in_two_formats_are_identical(tmp_path: Path) -> None:
    """Nothing of a format is part of a model."""
    file = write_shipped("reference", tmp_path / "m.gguf", Kind.F32)
    assert verify.test_lineage(file, MODELS / "reference").verdict == "identical"


def test_mixtral_experts_become_tensors_of_their_own(tmp_path: Path) -> None:
    """Stacked as now and one by one as in old files."""
    rng = np.random.default_rng(0)
    base = {name: value for name, value in converted(toy(), "llama").items() if "ffn_" not in name or "norm" in name}
    roles = {"gate": (6, WIDTH), "up": (6, WIDTH), "down": (WIDTH, 6)}
    experts = {
        (i, role): rng.standard_normal((3, *shape)).astype(np.float32)
        for i in range(2)
        for role, shape in roles.items()
    }
    routers = {f"blk.{i}.ffn_gate_inp.weight": rng.standard_normal((3, WIDTH)).astype(np.float32) for i in range(2)}
    stacked = {f"blk.{i}.ffn_{role}_exps.weight": value for (i, role), value in experts.items()}
    apart = {f"blk.{i}.ffn_{role}.{e}.weight": value[e] for (i, role), value in experts.items() for e in range(3)}
    for number, parts in enumerate((stacked, apart)):
        config = toy().config | {"num_experts": 3, "moe_intermediate_size": 6}
        checkpoint = open_checkpoint(write_gguf(tmp_path / f"{number}.gguf", base | routers | parts, "llama", config))
        assert (checkpoint.architecture.family, checkpoint.architecture.experts) == ("mixtral", 3)
        for (i, role), value in experts.items():
            for e in range(3):
                np.testing.assert_array_equal(checkpoint.read(f"expert_{role}", i, e), value[e])
        assert checkpoint.unrecognised == ()


@pytest.mark.parametrize("kind", [Kind.F16, Kind.BF16, Kind.Q8_0, Kind.Q4_0, Kind.Q4_1, Kind.Q5_0])
def test_gguf_blocks_decode_as_they_were_quantised(tmp_path: Path, kind: Kind) -> None:
    """Each matrix is what its blocks say, rows in the original order; bytes read are those of the blocks."""
    model = shipped("reference")
    checkpoint = open_checkpoint(write_shipped("reference", tmp_path / "m.gguf", kind))
    q = model.tensors["model.layers.1.self_attn.q_proj.weight"]
    heads, half = 4, len(q) // 8
    stored = gguf.quants.dequantize(gguf.quants.quantize(side_by_side(q, heads), kind), kind)
    expected = stored.reshape(heads, half, 2, -1).swapaxes(1, 2).reshape(q.shape)
    np.testing.assert_array_equal(checkpoint.read("q", 1), expected)
    again, some = checkpoint.again(), np.array([1, 2, 9, 33], np.intp)
    np.testing.assert_array_equal(again.read("q", 1, rows=some), expected[some])
    numbers, size = gguf.GGML_QUANT_SIZES[kind]
    assert again.bytes_read == len(some) * q.shape[1] // numbers * size
    found, expected = checkpoint.vocabulary(), open_checkpoint(MODELS / "reference").vocabulary()
    assert found is not None
    assert expected is not None
    assert (found.tokens, len(found.tokens)) == (expected.tokens, 256)
    assert found.file.endswith(".gguf")


def test_k_quants_decode_by_rows(tmp_path: Path) -> None:
    """Blocks of 256 that the package cannot write: any bytes are numbers."""
    rng = np.random.default_rng(0)
    model = toy()
    tensors = converted(model, "llama")
    path = tmp_path / "m.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    raw = rng.integers(0, 60, (6, 144 * 2), np.uint8)
    writer.add_tensor("extra.weight", raw, raw_dtype=Kind.Q4_K)
    for name, value in tensors.items():
        writer.add_tensor(name, np.ascontiguousarray(value))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    tensor = parse(LocalFile(path))[0]["extra.weight"]
    assert tensor.shape == (6, 512)
    whole = gguf.quants.dequantize(raw, Kind.Q4_K)
    np.testing.assert_array_equal(tensor.read(), whole)
    np.testing.assert_array_equal(tensor.read(np.array([0, 4]), slice(3, 300)), whole[[0, 4], 3:300])
    assert tensor.nbytes() == raw.size


@pytest.mark.parametrize("kind", [Kind.F16, Kind.Q8_0, Kind.Q4_0])
def test_a_gguf_child_is_dependent_on_its_safetensors_parent(tmp_path: Path, kind: Kind) -> None:
    """Every exact test sees it; a stranger stays one."""
    child = write_shipped("fine-tuned", tmp_path / "child.gguf", kind)
    report = verify.test_lineage(child, MODELS / "reference")
    assert report.verdict == "dependent"
    for name in ("unit_identity", "value_identity", "response_identity", "sign_agreement", "stream_identity"):
        assert (report.tests[name].log10_p or 0) < -30, name
    if kind == Kind.Q4_0:
        stranger = write_shipped("stranger-1", tmp_path / "stranger.gguf", kind)
        assert verify.test_lineage(stranger, child).verdict == "no_evidence"


def test_without_the_order_of_rows_undone_rotary_tests_would_be_blind(tmp_path: Path) -> None:
    """q and k of a GGUF file are those of the original, row by row; as stored they are not."""
    checkpoint = open_checkpoint(write_shipped("reference", tmp_path / "m.gguf", Kind.F32))
    parent = open_checkpoint(MODELS / "reference")
    raw = parse(LocalFile(tmp_path / "m.gguf"))[0]
    for role, name in (("q", "attn_q"), ("k", "attn_k")):
        np.testing.assert_array_equal(checkpoint.read(role, 0), parent.read(role, 0))
        assert not np.array_equal(raw[f"blk.0.{name}.weight"].read(), parent.read(role, 0))


@pytest.mark.parametrize(
    ("kind", "says"),
    [("mmproj", "projector"), ("vocab", "of the type 'vocab'")],
)
def test_a_gguf_that_is_no_model_is_named(tmp_path: Path, kind: str, says: str) -> None:
    """By its general.type, with a base or without."""
    writer = gguf.GGUFWriter(tmp_path / "m.gguf", "llama")
    writer.add_type(kind)
    writer.add_tensor("blk.0.attn_q.weight", np.ones((8, 8), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    base = write_checkpoint(tmp_path / "base", toy())
    for location in (Location(str(tmp_path / "m.gguf")), Location(str(tmp_path / "m.gguf"), base=str(base))):
        with pytest.raises(CheckpointError, match=re.escape(says)):
            open_checkpoint(location)


def test_a_report_says_how_a_model_is_stored(tmp_path: Path) -> None:
    """If it is not as plain floats."""
    file = write_shipped("fine-tuned", tmp_path / "x.gguf", Kind.Q8_0)
    report = verify.test_lineage(file, MODELS / "reference")
    assert (report.a.stored_as[0], report.b.stored_as) == ("Q8_0", ())
    assert "| stored as | `Q8_0`" in report.to_markdown()


def test_a_refusal_says_which_model_it_concerns(tmp_path: Path) -> None:
    """Where both have one name."""
    (tmp_path / "m").mkdir()
    for pair, side in (((tmp_path / "m", MODELS / "reference"), "A"), ((MODELS / "reference", tmp_path / "m"), "B")):
        with pytest.raises(CheckpointError, match=f"^Model {side}: m holds no"):
            verify.test_lineage(*pair)


def test_state_of_training_is_named(tmp_path: Path) -> None:
    """Rather than called no file of weights."""
    (tmp_path / "optimizer.pt").write_bytes(b"x")
    with pytest.raises(CheckpointError, match="keeps the state of a training"):
        open_checkpoint(tmp_path)


def test_gguf_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file is a model wherever a folder is; of another architecture it is refused in one line."""
    file = write_shipped("fine-tuned", tmp_path / "x.gguf", Kind.Q8_0)
    arguments = ["verify", "lineage", str(file), str(MODELS / "reference"), "-o", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", arguments)
    main()
    assert json.loads((tmp_path / "out" / "report.json").read_text())["verdict"] == "dependent"
    other = write_gguf(tmp_path / "y.gguf", converted(toy(), "llama"), "rwkv7", toy().config)
    monkeypatch.setattr(sys, "argv", [*arguments[:2], str(other), *arguments[3:]])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert "architecture 'rwkv7'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("spelling", "tokens", "expected"),
    [
        ("gpt2", ["\u0120a", "b"], {b" a": 0, b"b": 1}),
        ("llama", ["\u2581a", "<0x0A>"], {b" a": 0, b"\n": 1}),
        ("bert", ["[CLS]", "\u2581a", "b"], {b" a": 1, b"b": 2}),
        ("unheard-of", ["a"], None),
    ],
)
def test_tokens_are_bytes_whatever_spells_them(
    tmp_path: Path, spelling: str, tokens: list[str], expected: dict[bytes, int] | None
) -> None:
    """As the tokenizer's kind says; an unknown kind gives no vocabulary."""
    model = toy()
    file = tmp_path / "m.gguf"
    write_gguf(file, converted(model, "llama"), "llama", model.config, tokens=tokens, spelling=spelling)
    found = open_checkpoint(file).vocabulary()
    assert (None if found is None else found.tokens) == expected


class Counting:
    """A file that counts what is asked of it."""

    def __init__(self, path: Path) -> None:
        self.inner, self.asked = LocalFile(path), 0
        self.name, self.size = self.inner.name, self.inner.size

    def read(self, ranges: Sequence[tuple[int, int]]) -> list[NDArray[np.uint8]]:
        self.asked += sum(stop - start for start, stop in ranges)
        return self.inner.read(ranges)

    def sha256(self, *, read: bool) -> str | None:
        return self.inner.sha256(read=read)


def test_only_the_header_and_the_rows_asked_for_are_read(tmp_path: Path) -> None:
    """Files may be far away."""
    rows = {"token_embd.weight": np.zeros((4000, 512), np.float32)}
    file = Counting(write_gguf(tmp_path / "m.gguf", rows, "llama", toy().config))
    tensor = parse(file)[0]["token_embd.weight"]
    assert file.asked <= 1 << 20 < file.size
    before = file.asked
    tensor.read(np.array([3, 900]))
    assert file.asked - before == 2 * 512 * 4


# ONNX, as each exporter writes it


def test_toys_have_the_heads_that_the_writers_permute_by() -> None:
    """Grouped, so that q and k are permuted by different numbers."""
    assert HEADS != KV_HEADS
