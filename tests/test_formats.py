"""GGUF and ONNX files give the tensors of the model they were made from, and what is hostile is refused.

The writers here follow llama.cpp's converter, PyTorch's two exporters and onnxruntime's quantiser.
"""

from __future__ import annotations

import json
import re
import struct
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

import verify
from tests.checkpoints import EXPERTS, HEADS, KV_HEADS, LAYERS, WIDTH, Toy, toy, write_checkpoint
from verify.base import CheckpointError
from verify.checkpoint import Checkpoint, Location, open_checkpoint
from verify.checkpoint.formats import onnx_file, onnx_models
from verify.checkpoint.formats.gguf_file import parse
from verify.checkpoint.formats.gguf_models import contents as gguf_contents
from verify.checkpoint.places.place import LocalFile, LocalFolder
from verify.cli import main

Array = NDArray[Any]
Kind = gguf.GGMLQuantizationType
MODELS = Path(verify.__file__).parent / "data" / "models"
SLOW = [HealthCheck.function_scoped_fixture]

# The converter of llama.cpp, backwards and forwards

LLAMA_NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "model.layers": "blk",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "mlp.shared_expert_gate": "ffn_gate_inp_shexp",
    "mlp.shared_expert.gate_proj": "ffn_gate_shexp",
    "mlp.shared_expert.up_proj": "ffn_up_shexp",
    "mlp.shared_expert.down_proj": "ffn_down_shexp",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "mlp.gate": "ffn_gate_inp",
}
BERT_NAMES = {
    "embeddings.word_embeddings": "token_embd",
    "embeddings.position_embeddings": "position_embd",
    "embeddings.token_type_embeddings": "token_types",
    "embeddings.LayerNorm": "token_embd_norm",
    "encoder.layer": "blk",
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}
GPT2_NAMES = {
    "wte": "token_embd",
    "wpe": "position_embd",
    "ln_f": "output_norm",
    "attn.c_attn": "attn_qkv",
    "attn.c_proj": "attn_output",
    "mlp.c_fc": "ffn_up",
    "mlp.c_proj": "ffn_down",
    "ln_1": "attn_norm",
    "ln_2": "ffn_norm",
    "h": "blk",
}


def renamed(name: str, table: dict[str, str]) -> str:
    """A name with its parts replaced, where they are whole parts."""
    for old, new in table.items():
        name = re.sub(rf"(?<![\w]){re.escape(old)}(?=\.)", new, name)
    return name


def side_by_side(weight: Array, heads: int) -> Array:
    """The permutation of llama.cpp's converter, as it stands there."""
    halves = weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:])
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(weight.shape))


def converted(model: Toy, architecture: str, table: dict[str, str] | None = None) -> dict[str, Array]:
    """Tensors as the converter names, orders, turns and stacks them."""
    table = table or {"bert": BERT_NAMES, "gpt2": GPT2_NAMES}.get(architecture, LLAMA_NAMES)
    heads = {"attn_q": model.config.get("num_attention_heads"), "attn_k": model.config.get("num_key_value_heads")}
    found: dict[str, Array] = {}
    stacks: dict[str, dict[int, Array]] = {}
    for name, value in model.tensors.items():
        if expert := re.fullmatch(r"model\.layers\.(\d+)\.mlp\.experts\.(\d+)\.(\w+)_proj\.weight", name):
            stacks.setdefault(f"blk.{expert[1]}.ffn_{expert[3]}_exps.weight", {})[int(expert[2])] = value
            continue
        if name.startswith("pooler"):
            continue
        new = renamed(name, table)
        part = new.split(".")[-2]
        if architecture in ("llama", "olmo") and part in heads:
            value = side_by_side(value, heads[part] or 0)
        if architecture.startswith("gemma") and name.endswith("norm.weight"):
            value = value + 1
        if architecture == "gpt2" and re.search(r"\.c_\w+\.weight$", name):
            value = value.T
        found[new] = value.reshape(-1) if "shared_expert_gate" in name else value
    for name, parts in stacks.items():
        found[name] = np.stack([parts[e] for e in range(len(parts))])
    return found


def write_gguf(
    path: Path,
    tensors: dict[str, Array],
    architecture: str,
    config: dict[str, Any],
    kind: Kind = Kind.F32,
    tokens: Sequence[str] = (),
    spelling: str = "gpt2",
) -> Path:
    """A GGUF file by the package's own writer; vectors and rows that are no whole blocks stay F32, as there."""
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_block_count(config.get("num_hidden_layers") or config["n_layer"])
    writer.add_embedding_length(config.get("hidden_size") or config["n_embd"])
    writer.add_head_count(config.get("num_attention_heads") or config["n_head"])
    if "num_key_value_heads" in config:
        writer.add_head_count_kv(config["num_key_value_heads"])
    if "num_experts" in config:
        writer.add_expert_count(config["num_experts"])
        writer.add_expert_feed_forward_length(config["moe_intermediate_size"])
    if "head_dim" in config:
        writer.add_key_length(config["head_dim"])
    if tokens:
        writer.add_tokenizer_model(spelling)
        writer.add_token_list(list(tokens))
        writer.add_token_scores([0.0] * len(tokens))
    block = gguf.GGML_QUANT_SIZES[kind][0]
    for name, value in tensors.items():
        value = np.ascontiguousarray(value, np.float32)
        if value.ndim == 1 or value.shape[-1] % block:
            writer.add_tensor(name, value)
        else:
            writer.add_tensor(name, gguf.quants.quantize(value, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def shipped(name: str) -> Toy:
    """A model that ships, as stored."""
    config = json.loads((MODELS / name / "config.json").read_text())
    stored = load_file(MODELS / name / "model.safetensors")
    return Toy({key: value.astype(np.float32) for key, value in stored.items()}, config, {})


def write_shipped(name: str, path: Path, kind: Kind) -> Path:
    """A model that ships as GGUF, with its vocabulary."""
    model = shipped(name)
    spelled = json.loads((MODELS / name / "tokenizer.json").read_text())["model"]["vocab"]
    tokens = sorted(spelled, key=lambda token: spelled[token])
    return write_gguf(path, converted(model, "llama"), "llama", model.config, kind, tokens)


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
    if architecture == "phi3":
        tensors = {name: value for name, value in tensors.items() if not re.search(r"\.([qkv]|gate|up)_proj", name)}
    table = LLAMA_NAMES | {"self_attn.qkv_proj": "attn_qkv", "mlp.gate_up_proj": "ffn_up"}
    if architecture in ("gemma2", "gemma3", "olmo2"):
        table |= SANDWICH
    stored = converted(replace(plain, tensors=tensors), architecture, table)
    file = write_gguf(tmp_path / "m.gguf", stored, architecture, plain.config)
    found = gguf_contents(LocalFile(file)).tensors
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
    [("adapter", "is an adapter ('lora', in GGUF)"), ("mmproj", "projector"), ("vocab", "of the type 'vocab'")],
)
def test_a_gguf_that_is_no_model_is_named(tmp_path: Path, kind: str, says: str) -> None:
    """By its general.type, with a base or without."""
    writer = gguf.GGUFWriter(tmp_path / "m.gguf", "llama")
    writer.add_type(kind)
    writer.add_string("adapter.type", "lora")
    for end, shape in (("a", (2, 8)), ("b", (8, 2))):
        writer.add_tensor(f"blk.0.attn_q.weight.lora_{end}", np.ones(shape, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    base = write_checkpoint(tmp_path / "base", toy())
    for location in (Location(str(tmp_path / "m.gguf")), Location(str(tmp_path / "m.gguf"), base=str(base))):
        with pytest.raises(CheckpointError, match=re.escape(says)):
            open_checkpoint(location)


def test_gguf_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file is a model wherever a folder is; of another architecture it is refused in one line."""
    file = write_shipped("fine-tuned", tmp_path / "x.gguf", Kind.Q8_0)
    arguments = ["verify", "lineage", str(file), str(MODELS / "reference"), "-o", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", arguments)
    main()
    assert json.loads((tmp_path / "out" / "report.json").read_text())["verdict"] == "dependent"
    other = write_gguf(tmp_path / "y.gguf", converted(toy(), "llama"), "mamba", toy().config)
    monkeypatch.setattr(sys, "argv", [*arguments[:2], str(other), *arguments[3:]])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert "architecture 'mamba'" in capsys.readouterr().err


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


# Hostile GGUF


def read_all(checkpoint: Checkpoint) -> None:
    """Every tensor, and the vocabulary."""
    for layer in (None, *range(checkpoint.architecture.layers)):
        for key in checkpoint.keys(layer):
            checkpoint.read(*key)
    checkpoint.vocabulary()


def refusal(action: Callable[[], object]) -> str | None:
    """The sentence with which something is refused; any other error is a failure."""
    try:
        action()
    except CheckpointError as error:
        return str(error)
    return None


def small_gguf(folder: Path) -> bytes:
    """A sound file, as bytes."""
    return write_gguf(folder / "sound.gguf", converted(toy(), "llama"), "llama", toy().config).read_bytes()


@given(data=st.data())
@settings(max_examples=80, deadline=None, suppress_health_check=SLOW)
def test_damaged_gguf_gives_a_sentence_or_numbers(tmp_path: Path, data: st.DataObject) -> None:
    """Any byte changed, or the end missing: a refusal, or tensors of the sizes described; never anything else."""
    content = bytearray(small_gguf(tmp_path))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        place = data.draw(st.integers(0, min(2000, len(content) - 1)))
        content[place : place + 8] = data.draw(st.sampled_from([b"\xff" * 8, b"\0" * 8, b"\1", b"\x80" * 4]))
    file = tmp_path / "m.gguf"
    file.write_bytes(bytes(content))
    assert (refusal(lambda: read_all(open_checkpoint(file))) or "read").isprintable()
    with suppress(CheckpointError):
        assert all(t.offset + t.size <= len(content) for t in parse(LocalFile(file))[0].values())


def gguf_bytes(entries: bytes = b"", count: int = 0, infos: bytes = b"", tensors: int = 0, version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, count) + entries + infos


def text(value: bytes, size: int | None = None) -> bytes:
    return struct.pack("<Q", len(value) if size is None else size) + value


def info(name: bytes, shape: tuple[int, ...], kind: int = 0, offset: int = 0) -> bytes:
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "empty"),
        (b"PK\3\4" + bytes(40), "zip archive"),
        (b"FFUG" + bytes(40), "begins with"),
        (gguf_bytes(version=3 << 24), "version"),
        (gguf_bytes(count=2**63), "truncated"),
        (gguf_bytes(tensors=2**63), "truncated"),
        (gguf_bytes(text(b"a", 2**62), 1), "truncated"),
        (gguf_bytes(text(b"a") + struct.pack("<IIQ", 9, 10, 2**61), 1), "truncated"),
        (gguf_bytes(text(b"a") + struct.pack("<IIQ", 9, 8, 2**61), 1), "truncated"),
        (gguf_bytes(text(b"a") + struct.pack("<IIQ", 9, 9, 1), 1), "array of type 9"),
        (gguf_bytes(text(b"a") + struct.pack("<I", 77), 1), "type 77"),
        (gguf_bytes((text(b"a") + struct.pack("<IB", 0, 1)) * 2, 2), "twice"),
        (gguf_bytes(text(b"general.alignment") + struct.pack("<II", 4, 0), 1), "aligned"),
        (gguf_bytes(infos=info(b"w", (2**40, 2**40)), tensors=1), "expected"),
        (gguf_bytes(infos=info(b"w", (2**40,)), tensors=1), "truncated"),
        (gguf_bytes(infos=info(b"w", (0, 4)), tensors=1), "expected"),
        (gguf_bytes(infos=info(b"w", (31,), kind=2), tensors=1), "whole blocks"),
        (gguf_bytes(infos=info(b"w", (4,), kind=5), tensors=1), "does not know"),
        (gguf_bytes(infos=info(b"w", (4,), offset=32), tensors=1), "byte 0"),
        (gguf_bytes(infos=info(b"w\n", (4,)), tensors=1), "printable"),
        (gguf_bytes(infos=info(b"w", ()), tensors=1), "axes"),
        (gguf_bytes(infos=info(b"w", (1,)) + info(b"w", (1,), offset=32), tensors=2) + bytes(99), "type F32"),
        (gguf_bytes(), "architecture None"),
        (gguf_bytes(text(b"split.count") + struct.pack("<IH", 2, 3), 1), "gguf-split --merge"),
    ],
)
def test_hostile_gguf_is_refused(tmp_path: Path, content: bytes, expected: str) -> None:
    """Counts, sizes, places and names are bounded by the file before anything is made of them."""
    file = tmp_path / "m.gguf"
    file.write_bytes(content)
    with pytest.raises(CheckpointError, match=expected) as caught:
        open_checkpoint(file)
    assert str(caught.value).isprintable()


def test_heads_that_cannot_be_are_refused(tmp_path: Path) -> None:
    """The order of rows depends on them."""
    model = toy()
    config = model.config | {"num_attention_heads": 5}
    file = write_gguf(tmp_path / "m.gguf", converted(model, "llama"), "llama", config)
    with pytest.raises(CheckpointError, match="pairs of rows"):
        open_checkpoint(file)


@pytest.mark.parametrize(("suffix", "package"), [(".gguf", "gguf"), (".onnx", "onnx")])
def test_a_missing_package_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, package: str
) -> None:
    """One sentence that says what to install."""
    monkeypatch.setitem(sys.modules, package, None)
    (tmp_path / f"m{suffix}").write_bytes(bytes(100))
    with pytest.raises(CheckpointError, match=rf"verify-lineage\[{package}\]"):
        open_checkpoint(tmp_path / f"m{suffix}")


# ONNX, as each exporter writes it

Nodes = list[onnx.NodeProto]
Weights = dict[str, Array]


class Export:
    """A graph under construction: every linear layer of a model as one exporter writes it."""

    def __init__(self, style: str, wrapper: str = "") -> None:
        self.style, self.wrapper = style, wrapper
        self.nodes: Nodes = []
        self.weights: Weights = {}

    def linear(self, module: str, weight: Array, bias: Array | None, number: int) -> None:
        """``weight`` [out, in]."""
        inside = self.wrapper + module
        scope = "/" + inside.replace(".", "/")
        out, anonymous = f"out{number}", f"onnx::MatMul_{number}"
        if bias is not None:
            self.weights[f"{inside}.bias"] = bias
        if self.style == "gemm":
            self.weights[f"{inside}.weight"] = weight
            inputs = ["x", f"{inside}.weight"] + ([f"{inside}.bias"] if bias is not None else [])
            self.nodes.append(helper.make_node("Gemm", inputs, [out], name=f"{scope}/Gemm", transB=1))
            return
        product = f"{out}_product"
        if self.style == "torchscript":
            self.weights[anonymous] = weight.T
            self.nodes.append(helper.make_node("MatMul", ["x", anonymous], [product], name=f"{scope}/MatMul"))
        elif self.style == "transposed":
            self.weights[f"{inside}.weight"] = weight
            self.nodes.append(helper.make_node("Transpose", [f"{inside}.weight"], [anonymous], perm=[1, 0]))
            self.nodes.append(helper.make_node("MatMul", ["x", anonymous], [product], name=f"node_{number}"))
            node = self.nodes[-1]
            node.metadata_props.add(
                key="pkg.torch.onnx.name_scopes", value=str(["", module.split(".")[0], inside, "t"])
            )
        elif self.style == "dynamo":  # int8 by column, Cast and Mul; nameless but for the bias or the scope
            codes, scale = by_column(weight.T)
            self.weights |= {f"val_{number}_q": codes, f"val_{number}_scale": scale[None]}
            self.nodes.append(helper.make_node("Cast", [f"val_{number}_q"], [f"val_{number}_f"], to=1))
            self.nodes.append(helper.make_node("Mul", [f"val_{number}_f", f"val_{number}_scale"], [f"val_{number}"]))
            node = helper.make_node("MatMul", ["x", f"val_{number}"], [product], name=f"node_{number}")
            node.metadata_props.add(key="pkg.torch.onnx.name_scopes", value=str(["", inside, "linear"]))
            self.nodes.append(node)
        elif self.style == "onnxruntime":  # dynamic: unsigned, one scale and zero
            codes, scale, zero = unsigned(weight.T)
            parts = {"_quantized": codes, "_scale": scale, "_zero_point": zero}
            self.weights |= {anonymous + ending: part for ending, part in parts.items()}
            quantised = ["x_quantized", f"{anonymous}_quantized", "x_zero_point", f"{anonymous}_zero_point"]
            name = f"{scope}/MatMul_quant"
            self.nodes += [
                helper.make_node("MatMulInteger", quantised, [f"{out}_int"], name=name),
                helper.make_node("Cast", [f"{out}_int"], [f"{out}_float"], to=1),
                helper.make_node("Mul", ["x_scale", f"{anonymous}_scale"], [f"{out}_scales"]),
                helper.make_node("Mul", [f"{out}_float", f"{out}_scales"], [product]),
            ]
        else:  # qdq
            codes, scale = by_column(weight.T)
            self.weights |= {f"{anonymous}_quantized": codes, f"{anonymous}_scale": scale}
            inputs = [f"{anonymous}_quantized", f"{anonymous}_scale"]
            self.nodes.append(helper.make_node("DequantizeLinear", inputs, [f"{anonymous}_dq"], axis=1))
            self.nodes.append(helper.make_node("MatMul", ["x", f"{anonymous}_dq"], [product], name=f"{scope}/MatMul"))
        if bias is not None:
            self.nodes.append(helper.make_node("Add", [f"{inside}.bias", product], [out]))

    def table(self, name: str, weight: Array) -> None:
        """An embedding, looked up by rows."""
        if self.style == "onnxruntime":
            codes, scale, zero = unsigned(weight)
            self.weights |= {f"{self.wrapper}{name}_quantized": codes, f"{self.wrapper}{name}_scale": scale}
            self.weights[f"{self.wrapper}{name}_zero_point"] = zero
            self.nodes.append(helper.make_node("Gather", [f"{self.wrapper}{name}_quantized", "ids"], ["rows"]))
        else:
            self.weights[self.wrapper + name] = weight
            self.nodes.append(helper.make_node("Gather", [self.wrapper + name, "ids"], ["rows"]))

    def model(self) -> onnx.ModelProto:
        """The whole message."""
        made = [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in self.weights.items()]
        made.append(helper.make_tensor("onnx::Reshape_9", TensorProto.INT64, [3], [0, -1, 4]))
        graph = helper.make_graph(self.nodes, "main", [], [], made)
        return helper.make_model(graph)


def by_column(weight: Array) -> tuple[Array, Array]:
    scale = (np.abs(weight).max(0) / 127).astype(np.float32)
    return np.round(weight / scale).astype(np.int8), scale


def unsigned(weight: Array) -> tuple[Array, Array, Array]:
    low, high = min(0.0, float(weight.min())), float(weight.max())
    scale = np.float32((high - low) / 255)
    zero = np.uint8(round(-low / scale))
    return np.clip(np.round(weight / scale) + zero, 0, 255).astype(np.uint8), np.array(scale), np.array(zero)


STYLES = ("gemm", "torchscript", "transposed", "dynamo", "onnxruntime", "qdq")


def export(model: Toy, style: str, wrapper: str = "") -> Export:
    """A model as an exporter writes it."""
    made = Export(style, wrapper)
    turned = model.config["model_type"] == "gpt2"
    for number, (name, weight) in enumerate(model.tensors.items()):
        module = name.removesuffix(".weight")
        if weight.ndim == 2 and re.search(r"embed|wte|wpe", name):
            made.table(name, weight)
        elif weight.ndim == 2:
            matrix = weight.T if turned and name != "lm_head.weight" else weight
            made.linear(module, matrix, model.tensors.get(f"{module}.bias"), number)
        elif f"{name.rpartition('.')[0]}.weight" == name or model.tensors[f"{name[:-4]}weight"].ndim == 1:
            made.weights[wrapper + name] = weight
    return made


def write_onnx(folder: Path, model: onnx.ModelProto, config: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    return folder


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("family", ["bert", "llama", "gpt2"])
@pytest.mark.parametrize("wrapper", ["", "inner.", "model.0.auto_model."])
def test_onnx_gives_back_the_layers_of_the_original(tmp_path: Path, style: str, family: str, wrapper: str) -> None:
    """Whichever exporter or quantiser wrote it: names by bias or scope, [out, in], within what rounding loses."""
    model = toy(family)
    checkpoint = open_checkpoint(write_onnx(tmp_path, export(model, style, wrapper).model(), model.config))
    assert checkpoint.unrecognised == ()
    keys = {key for layer in (None, *range(LAYERS)) for key in checkpoint.keys(layer)}
    assert keys == set(model.canonical)
    exact = style in ("gemm", "torchscript", "transposed")
    for key, expected in model.canonical.items():
        tolerance = 0 if exact else 0.02 * float(np.abs(expected).max())
        found = checkpoint.read(*key)
        np.testing.assert_allclose(found, expected, atol=tolerance)
        np.testing.assert_array_equal(checkpoint.read(*key, rows=slice(1, 3)), found[1:3])


def test_a_prefix_that_a_family_needs_stays(tmp_path: Path) -> None:
    """OPT's names all begin with `model.decoder.`, of which `decoder.` must stay."""
    made = Export("gemm")
    made.linear("model.decoder.layers.0.fc1", np.ones((3, 2), np.float32), None, 0)
    made.table("model.decoder.embed_tokens.weight", np.ones((5, 2), np.float32))
    (tmp_path / "m.onnx").write_bytes(made.model().SerializeToString())
    found = onnx_models.contents(LocalFile(tmp_path / "m.onnx"), LocalFolder(tmp_path)).tensors
    assert sorted(found) == ["decoder.embed_tokens.weight", "decoder.layers.0.fc1.weight"]


def test_onnx_codes_decode_to_their_formula(tmp_path: Path) -> None:
    """scale * (code - zero), exactly, and bytes read are those of the codes."""
    model = toy("bert")
    made = export(model, "onnxruntime")
    checkpoint = open_checkpoint(write_onnx(tmp_path, made.model(), model.config))
    name = next(node.input[1] for node in made.nodes if node.name == "/encoder/layer/1/output/dense/MatMul_quant")
    base = name.removesuffix("_quantized")
    zero, scale = made.weights[f"{base}_zero_point"], made.weights[f"{base}_scale"]
    expected = ((made.weights[name].astype(np.float32) - np.float32(zero)) * scale).T
    np.testing.assert_array_equal(checkpoint.read("down", 1), expected)
    assert checkpoint.bytes_read == expected.size


def test_numbers_spelled_out_one_by_one_are_read(tmp_path: Path) -> None:
    """Not every writer uses raw data."""
    model = toy("bert")
    message = export(model, "torchscript").model()
    spelled = [
        helper.make_tensor(t.name, t.data_type, t.dims, numpy_helper.to_array(t).ravel().tolist())
        for t in message.graph.initializer
    ]
    del message.graph.initializer[:]
    message.graph.initializer.extend(spelled)
    checkpoint = open_checkpoint(write_onnx(tmp_path, message, model.config))
    for key, expected in model.canonical.items():
        np.testing.assert_array_equal(checkpoint.read(*key), expected)


def external(model: Toy, folder: Path, location: str, **entries: int) -> Path:
    """A model whose data lies in another file, one tensor after the other, or as ``entries`` lie."""
    message, data = export(model, "torchscript").model(), b""
    for tensor in message.graph.initializer:
        if tensor.raw_data:
            place = {"offset": len(data), "length": len(tensor.raw_data)} | entries
            data += tensor.raw_data
            tensor.ClearField("raw_data")
            tensor.data_location = TensorProto.EXTERNAL
            for key, value in {"location": location, **place}.items():
                tensor.external_data.add(key=key, value=str(value))
    write_onnx(folder, message, model.config)
    if location in ("data.bin", "weights.bin"):
        (folder / location).write_bytes(data)
    return folder


def test_data_beside_an_onnx_file_is_read_and_counted_among_its_files(tmp_path: Path) -> None:
    """The identity of the model covers it."""
    model = toy("bert")
    checkpoint = open_checkpoint(external(model, tmp_path, "data.bin"))
    for key, expected in model.canonical.items():
        np.testing.assert_array_equal(checkpoint.read(*key), expected)
    assert [file.name for file in checkpoint.files()] == ["data.bin", "model.onnx"]


@pytest.mark.parametrize(
    ("location", "entries", "expected"),
    [
        ("../weights.bin", {}, "beside it"),
        ("/etc/passwd", {}, "beside it"),
        ("sub/weights.bin", {}, "beside it"),
        ("C:weights.bin", {}, "beside it"),
        ("..\\weights.bin", {}, "beside it"),
        ("..", {}, "beside it"),
        ("", {}, "beside it"),
        ("absent.bin", {}, "missing"),
        ("weights.bin", {"offset": 2**40}, "truncated"),
        ("weights.bin", {"offset": -4}, "counts of bytes"),
        ("weights.bin", {"length": 3}, "bytes of it"),
    ],
)
def test_data_outside_the_folder_or_the_file_is_refused(
    tmp_path: Path, location: str, entries: dict[str, int], expected: str
) -> None:
    """No name leads out, no place lies outside, and nothing is read for it."""
    with pytest.raises(CheckpointError, match=expected):
        open_checkpoint(external(toy("bert"), tmp_path, location, **entries))


@given(data=st.data())
@settings(max_examples=80, deadline=None, suppress_health_check=SLOW)
def test_damaged_onnx_gives_a_sentence_or_numbers(tmp_path: Path, data: st.DataObject) -> None:
    """Any bytes changed, or the end missing: a refusal or tensors; never anything else."""
    content = bytearray(export(toy("bert"), "onnxruntime").model().SerializeToString())
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + 8] = data.draw(st.sampled_from([b"\xff" * 8, b"\0" * 8, b"\1", b"\x0a\x80", b"\x12"]))
    folder = write_onnx(tmp_path, onnx.ModelProto(), toy("bert").config)
    (folder / "model.onnx").write_bytes(bytes(content))
    assert (refusal(lambda: read_all(open_checkpoint(folder))) or "read").isprintable()


def changed(change: Callable[[onnx.ModelProto], None]) -> onnx.ModelProto:
    message = export(toy("bert"), "torchscript").model()
    change(message)
    return message


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda m: m.graph.initializer[0].dims.__setitem__(0, 2**40), "bytes of it"),
        (lambda m: m.graph.initializer[0].dims.__setitem__(0, -1), "sizes"),
        (lambda m: setattr(m.graph.initializer[0], "name", "a\nb"), "printable"),
        (lambda m: m.graph.initializer.add().CopyFrom(m.graph.initializer[0]), "twice"),
        (lambda m: m.graph.initializer.__delitem__(slice(None)), "no ONNX graph"),
        (lambda m: setattr(m.graph.node[3], "op_type", "MatMulNBits"), "packed weights"),
    ],
)
def test_hostile_onnx_is_refused(tmp_path: Path, change: Callable[[onnx.ModelProto], None], expected: str) -> None:
    """Sizes and names are checked before anything is made of them."""
    with pytest.raises(CheckpointError, match=expected) as caught:
        open_checkpoint(write_onnx(tmp_path, changed(change), toy("bert").config))
    assert str(caught.value).isprintable()


def test_an_onnx_file_of_what_no_message_may_have_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it is read."""
    folder = write_onnx(tmp_path, changed(lambda _: None), toy("bert").config)
    monkeypatch.setattr(onnx_file, "_LARGEST", 1000)
    with pytest.raises(CheckpointError, match="below 1000"):
        open_checkpoint(folder)


@pytest.mark.parametrize("style", ["onnxruntime", "dynamo"])
def test_an_int8_onnx_child_is_dependent_on_its_parent(tmp_path: Path, style: str) -> None:
    """Across formats and rounding; a stranger stays one."""
    model = shipped("fine-tuned")
    folder = write_onnx(tmp_path, export(model, style).model(), model.config)
    (folder / "tokenizer.json").write_bytes((MODELS / "reference" / "tokenizer.json").read_bytes())
    report = verify.test_lineage(folder, MODELS / "reference")
    assert report.verdict == "dependent"
    assert report.log10_p is not None
    assert report.log10_p < -100
    assert verify.test_lineage(folder, MODELS / "stranger-1").verdict == "no_evidence"


def test_gguf_and_onnx_of_one_model_are_dependent(tmp_path: Path) -> None:
    """No safetensors on either side."""
    file = write_shipped("reference", tmp_path / "m.gguf", Kind.Q8_0)
    model = shipped("reference")
    folder = write_onnx(tmp_path / "o", export(model, "torchscript").model(), model.config)
    assert verify.test_lineage(file, folder).verdict == "dependent"


def test_toys_have_the_heads_that_the_writers_permute_by() -> None:
    """Grouped, so that q and k are permuted by different numbers."""
    assert HEADS != KV_HEADS
