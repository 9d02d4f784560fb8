"""Every file, name and number of a checkpoint is a stranger's: whatever is wrong becomes one clear sentence."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from tests.checkpoints import HEADS, LAYERS, VOCAB, WIDTH, Toy, raw_safetensors, toy, write_checkpoint
from verify.base import CheckpointError
from verify.checkpoint import FAMILIES, Architecture, Checkpoint, open_checkpoint

Q = "model.layers.0.self_attn.q_proj.weight"
F32 = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def refused(path: Path) -> str:
    """The one sentence with which a checkpoint is refused."""
    with pytest.raises(CheckpointError) as caught:
        read_all(open_checkpoint(path))
    return one_line(caught.value)


def one_line(error: CheckpointError) -> str:
    """The message, which is a single short printable line and gives no absolute path."""
    message = str(error)
    assert message.isprintable()
    assert len(message) < 700
    assert "/tmp" not in message
    return message


def read_all(checkpoint: Checkpoint) -> None:
    """Read every tensor and the vocabulary."""
    for layer in (None, *range(checkpoint.architecture.layers)):
        for key in checkpoint.keys(layer):
            checkpoint.read(*key)
    checkpoint.vocabulary()


def write_raw(folder: Path, content: bytes) -> Path:
    """A folder of one weight file with these bytes, and a sound config."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(toy().config))
    (folder / "model.safetensors").write_bytes(content)
    return folder


# What is not a checkpoint at all


def test_nothing_there(tmp_path: Path) -> None:
    """A path to nothing is named by its last part."""
    assert "does not exist" in refused(tmp_path / "absent")
    assert "does not exist" in refused(tmp_path / ("x" * 500))


def test_a_folder_without_weights(tmp_path: Path) -> None:
    """A folder must hold a file of some format that is read."""
    assert "holds no .safetensors or .gguf or .onnx file" in refused(tmp_path)


@pytest.mark.parametrize("suffix", [".bin", ".pt", ".pth", ".ckpt", ".pkl", ".BIN"])
def test_a_pickle_is_never_opened(tmp_path: Path, suffix: str) -> None:
    """Neither named itself nor alone in a folder."""
    path = tmp_path / f"pytorch_model{suffix}"
    path.write_bytes(b"cos\nsystem\n(S'touch /tmp/never'\ntR.")
    for given_path in (path, tmp_path):
        assert "is a pickle" in (message := refused(given_path))
        assert "safetensors" in message


def test_some_other_file(tmp_path: Path) -> None:
    """A file of another kind is refused by its name."""
    (tmp_path / "notes.txt").write_text("hello")
    assert "not a .safetensors or .gguf or .onnx file" in refused(tmp_path / "notes.txt")


def test_two_weight_files_without_an_index(tmp_path: Path) -> None:
    """Which of them is the model is not guessed."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.safetensors").write_bytes(raw_safetensors({name: F32}, bytes(8)))
    assert "2 sets of weights that differ: 'a.safetensors', 'b.safetensors'" in refused(tmp_path)


def test_a_pipe_in_place_of_a_file_does_not_hang(tmp_path: Path) -> None:
    """Only regular files are opened."""
    os.mkfifo(tmp_path / "model.safetensors")
    assert "not a regular file" in refused(tmp_path)
    assert "not a regular file" in refused(tmp_path / "model.safetensors")


def test_a_folder_in_place_of_a_file(tmp_path: Path) -> None:
    """A directory may have any name."""
    (tmp_path / "model.safetensors").mkdir()
    assert "not a regular file" in refused(tmp_path)


def test_a_file_name_of_two_lines(tmp_path: Path) -> None:
    """A name cannot break the one line of a message or a report."""
    (tmp_path / "a\nb.safetensors").write_bytes(raw_safetensors({}))
    assert r"a\nb" in refused(tmp_path)


# The index of shards


@pytest.mark.parametrize(
    "file",
    ["../x.safetensors", "/etc/x.safetensors", "a/../../x.safetensors", "..\\x.safetensors", "C:\\x.safetensors",
     "x\0.safetensors", "model.bin", ""],
)  # fmt: skip
def test_an_index_may_not_leave_the_folder(tmp_path: Path, file: str) -> None:
    """Names of shards are checked as names, before anything is opened."""
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": file}}))
    assert "inside the folder" in refused(tmp_path)


@pytest.mark.parametrize(
    "index", ["[]", "{}", '{"weight_map": []}', '{"weight_map": {}}', '{"weight_map": {"a": 1}}']
)
def test_an_index_without_a_map(tmp_path: Path, index: str) -> None:
    """The index must map tensor names to file names."""
    (tmp_path / "model.safetensors.index.json").write_text(index)
    refused(tmp_path)


@pytest.mark.parametrize("name", ["gone.safetensors", "x" * 400 + ".safetensors"])
def test_a_missing_shard(tmp_path: Path, name: str) -> None:
    """A shard that is not there, or cannot be, is missing."""
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": name}}))
    assert "is missing (1 of 1 shards)" in refused(tmp_path)


def test_an_index_that_lies(tmp_path: Path) -> None:
    """A tensor is where the index says; a shard of the same name in another folder will not do."""
    folder = write_checkpoint(tmp_path, toy(), shards=2)
    index = folder / "model.safetensors.index.json"
    weight_map = json.loads(index.read_text())["weight_map"]
    index.write_text(json.dumps({"weight_map": weight_map | {"ghost": weight_map[Q]}}))
    assert "'ghost'" in refused(folder)


def test_a_tensor_in_two_shards(tmp_path: Path) -> None:
    """One tensor has one place."""
    folder = write_checkpoint(tmp_path, toy(), shards=2)
    (folder / "model-00002-of-00002.safetensors").write_bytes(
        (folder / "model-00001-of-00002.safetensors").read_bytes()
    )
    assert "is in both" in refused(folder)


# The safetensors header


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\x10\0\0", "truncated"),
        (raw_safetensors(b"{}", length=2**63), "truncated"),
        (raw_safetensors(b"{}", length=3), "truncated"),
        (raw_safetensors(b"not json"), "not valid JSON"),
        (raw_safetensors(b"\xff\xfe"), "not valid JSON"),
        (raw_safetensors([1]), "expected an object"),
        (raw_safetensors(b"[" * 50_000), "nested too deeply"),
        (raw_safetensors(b'{"a":' + b"[" * 900 + b"]" * 900 + b"}"), "nested too deeply"),
        (raw_safetensors(b'{"a": 1, "a": 2}'), "appears twice"),
        (raw_safetensors(b'{"a": ' + b"9" * 5000 + b"}"), "not valid JSON"),
        (raw_safetensors({"a\nb": F32}, bytes(8)), "printable"),
        (raw_safetensors(b'{"\\ud800": {}}'), "printable"),
        (raw_safetensors({"a": F32}, bytes(7)), "truncated (77 bytes"),
        (raw_safetensors({"a": F32}, bytes(9)), "longer than its header says"),
        (raw_safetensors({"a": F32, "b": F32}, bytes(8)), "gap or overlap"),
        (raw_safetensors({"a": F32 | {"data_offsets": [8, 16]}}, bytes(16)), "gap or overlap"),
    ],
)
def test_a_bad_header(tmp_path: Path, content: bytes, says: str) -> None:
    """Each way a header can lie is told apart."""
    says = "truncated" if says.startswith("truncated") else says
    assert says in refused(write_raw(tmp_path, content))


@pytest.mark.parametrize(
    "entry",
    [
        None, 3, "F32", [], {}, {"dtype": "F32"}, F32 | {"dtype": "F33"}, F32 | {"dtype": ["F32"]},
        F32 | {"dtype": None},
        F32 | {"shape": [3]}, F32 | {"shape": [-2]}, F32 | {"shape": [True, 2]}, F32 | {"shape": [2.0]},
        F32 | {"shape": "2"}, F32 | {"shape": {}}, F32 | {"shape": [2**60]}, F32 | {"shape": [1] * 9 + [2]},
        F32 | {"shape": [float("inf")]}, F32 | {"data_offsets": [0]}, F32 | {"data_offsets": [0, 4, 8]},
        F32 | {"data_offsets": [8, 0]}, F32 | {"data_offsets": [-8, 0]}, F32 | {"data_offsets": [False, 8]},
        F32 | {"data_offsets": "08"}, F32 | {"data_offsets": [2**70, 2**70 + 8]},
    ],
)  # fmt: skip
def test_a_bad_entry(tmp_path: Path, entry: Any) -> None:
    """A tensor's dtype, shape and offsets must be such, and agree."""
    assert "tensor 'a'" in refused(write_raw(tmp_path, raw_safetensors({"a": entry}, bytes(8))))


@given(st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_damage_to_a_header_escapes(tmp_path: Path, data: st.DataObject) -> None:
    """Bytes flipped, cut or inserted: the file is read, or refused in one sentence; nothing else comes out."""
    folder = tmp_path / "damaged"
    if not folder.exists():
        write_checkpoint(folder, toy())
        (tmp_path / "sound").write_bytes((folder / "model.safetensors").read_bytes())
    content = bytearray((tmp_path / "sound").read_bytes())
    end = 8 + int.from_bytes(content[:8], "little")
    for _ in range(data.draw(st.integers(1, 4))):
        if not content:
            break
        at = data.draw(st.integers(0, end - 1))
        kind = data.draw(st.sampled_from(["flip", "cut", "insert", "digit", "end"]))
        if kind == "flip":
            content[at % len(content)] ^= data.draw(st.integers(1, 255))
        elif kind == "digit":
            digits = [i for i in range(8, min(end, len(content))) if chr(content[i]) in "0123456789"] or [0]
            content[digits[at % len(digits)]] = data.draw(st.sampled_from(b"0123456789-.e"))
        elif kind == "insert":
            content[at:at] = data.draw(st.binary(min_size=1, max_size=6))
        elif kind == "cut":
            del content[at : at + data.draw(st.integers(1, 6))]
        else:
            del content[max(1, len(content) - at) :]
    (folder / "model.safetensors").write_bytes(content)
    try:
        read_all(open_checkpoint(folder))
    except CheckpointError as error:
        one_line(error)


# Tensors that are not what the family says


@pytest.mark.parametrize("dtype", ["int64", "int8", "bool"])
def test_a_dtype_that_is_not_read(tmp_path: Path, dtype: str) -> None:
    """Opening succeeds, other tensors are read, and the one that cannot be is refused by name."""
    folder = write_checkpoint(tmp_path, toy())
    save_file(toy().tensors | {Q: np.ones((WIDTH, WIDTH), dtype)}, folder / "model.safetensors")
    checkpoint = open_checkpoint(folder)
    checkpoint.read("k", 0)
    with pytest.raises(CheckpointError, match="this version reads F64, F32, F16, BF16") as caught:
        checkpoint.read("q", 0)
    assert Q in one_line(caught.value)


def test_a_file_that_shrinks_after_it_was_opened(tmp_path: Path) -> None:
    """Weights are read long after the header was; a file changed in between is noticed."""
    folder = write_checkpoint(tmp_path, toy())
    checkpoint = open_checkpoint(folder)
    (folder / "model.safetensors").write_bytes(b"")
    with pytest.raises(CheckpointError, match="changed while it was read"):
        checkpoint.read("q", 0)
    (folder / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="cannot be read"):
        checkpoint.files()


def test_a_role_that_is_not_there(tmp_path: Path) -> None:
    """Asking for what the model lacks is answered in words."""
    checkpoint = open_checkpoint(write_checkpoint(tmp_path, toy()))
    for ask in (checkpoint.shape, checkpoint.read):
        with pytest.raises(CheckpointError, match="no tensor for `router`, layer 0"):
            ask("router", 0)


def shaped(name: str, *shape: int) -> Toy:
    """The toy Llama with one tensor of another shape."""
    return toy().adding(**{name: np.ones(shape, np.float32)})


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (shaped(Q, WIDTH, WIDTH + 1), "`q` of layer 0 has shape (16, 17)"),
        (shaped(Q, WIDTH), "`q` of layer 0"),
        (shaped(Q), "`q` of layer 0"),
        (shaped("model.layers.1.self_attn.q_proj.weight", 8, WIDTH), "`q` of layer 1"),
        (shaped("model.layers.1.mlp.up_proj.weight", 8, WIDTH), "`up` of layer 1"),
        (shaped("model.layers.1.mlp.up_proj.weight", 0, WIDTH), "`up` of layer 1 is empty"),
        (shaped("model.layers.0.input_layernorm.weight", 3), "`norm_attn` of layer 0"),
        (shaped("model.layers.0.self_attn.q_norm.weight", 3), "`q_norm` of layer 0"),
        (shaped("lm_head.weight", VOCAB, 3), "`unembed`"),
        (shaped("model.embed_tokens.weight", VOCAB), "`embed` has shape"),
        (shaped("model.layers.00.self_attn.q_proj.weight", WIDTH, WIDTH), "claim one place"),
        (shaped("model.layers.5.self_attn.q_proj.weight", WIDTH, WIDTH), "of layer 2 is missing"),
        (shaped("model.layers.999999.self_attn.q_proj.weight", WIDTH, WIDTH), "of layer 2 is missing"),
        (toy().without("model.layers.1.self_attn.v_proj.weight"), "`v` of layer 1 is missing"),
        (toy().without("model.layers.0.self_attn.v_proj.weight"), "`v` of layer 0"),
        (toy().without("model.layers.1.mlp.gate_proj.weight"), "`gate` of layer 1 is missing"),
        (toy("qwen2_moe").without("model.layers.1.mlp.experts.1.down_proj.weight"), "expert 1"),
        (toy("qwen2_moe").adding(**{"model.layers.0.mlp.gate.weight": np.ones((9, WIDTH), np.float32)}), "`router`"),
        (toy("gpt2").adding(**{"h.0.attn.c_attn.weight": np.ones((WIDTH, 49), np.float32)}), "3 fused parts"),
        (toy("gpt2").adding(**{"h.0.attn.c_attn.bias": np.ones(50, np.float32)}), "3 fused parts"),
        (toy("gpt2").adding(**{"h.0.mlp.c_fc.bias": np.ones((), np.float32)}), "`up_bias` of layer 0"),
        (toy("bert").adding(**{"embeddings.position_embeddings.weight": np.ones(8, np.float32)}), "`position`"),
    ],
)
def test_tensors_that_do_not_fit_together(tmp_path: Path, model: Toy, says: str) -> None:
    """Shapes are checked against each other when the checkpoint is opened, from headers alone."""
    assert says in refused(write_checkpoint(tmp_path, model))


def test_a_layout_nobody_knows(tmp_path: Path) -> None:
    """The message shows what the tensors are called and how to say what they are."""
    model = Toy({"strange.weight": np.ones((2, 2), np.float32)}, {"model_type": "mamba"}, {})
    message = refused(write_checkpoint(tmp_path, model))
    assert "strange.weight" in message
    assert "mamba" in message
    assert "--layout my.toml" in message


def test_of_two_families_the_one_that_understands_most_is_taken(tmp_path: Path) -> None:
    """Where tensors fit several tables and config.json is silent; one that understands a layer does not suffice."""
    model = toy("qwen2_moe", dense_layers=(0,)).configured(model_type=None)
    found = open_checkpoint(write_checkpoint(tmp_path, model))
    assert (found.architecture.family, found.architecture.positions) == ("qwen2_moe", "unknown")
    assert found.unrecognised == ()


def test_what_two_families_understand_alike_must_be_declared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None is chosen, as they may compute something else; a declared type tells them apart."""
    (llama,) = (family for family in FAMILIES if family.name == "llama")
    twin = replace(llama, name="twin", model_types=("twin",))
    monkeypatch.setattr("verify.checkpoint.layouts.understand.FAMILIES", (llama, twin))
    message = refused(write_checkpoint(tmp_path / "silent", toy().configured(model_type=None)))
    assert "several tables fit it (llama at 'model.', twin at 'model.')" in message
    assert "--layout" in message
    told = open_checkpoint(write_checkpoint(tmp_path / "told", toy().configured(model_type="twin")))
    assert told.architecture.family == "twin"


# config.json


@pytest.mark.parametrize("text", ["", "[]", "3", "null", "{", '{"a": 1, "a": 2}', "[" * 50_000, "\ufeff{}"])
def test_a_config_that_is_no_object(tmp_path: Path, text: str) -> None:
    """Configuration is one JSON object."""
    assert "config.json" in refused(write_checkpoint(tmp_path, toy(), files={"config.json": text}))


def opened(folder: Path, family: str, **changes: Any) -> tuple[Architecture, set[str]]:
    """How a model with other numbers in config.json is read, and what is noted of it."""
    checkpoint = open_checkpoint(write_checkpoint(folder, toy(family).configured(**changes)))
    return checkpoint.architecture, checkpoint.notes


@pytest.mark.parametrize("key", ["num_attention_heads", "head_dim", "hidden_size", "num_hidden_layers", "vocab_size"])
@pytest.mark.parametrize("value", [-1, True, 1.5, 2**40, 10**400, "4", [4], {"a": 4}, float("inf"), float("nan")])
def test_a_number_that_is_no_count_is_noted_and_the_tensors_decide(tmp_path: Path, key: str, value: Any) -> None:
    """Negative, boolean, fractional, huge or of another kind: the key is named, and no more is lost than heads."""
    plain, _ = opened(tmp_path / "plain", "llama")
    found, notes = opened(tmp_path / "other", "llama", **{key: value})
    assert [key in note and note.isprintable() for note in notes] == [True]
    heads = {"heads": 0, "kv_heads": 0, "head_size": 0, "linear_values": False} if "head" in key else {}
    assert found == plain.model_copy(update=heads)


@pytest.mark.parametrize(
    ("family", "changes"),
    [
        ("llama", {"hidden_size": 99}),
        ("llama", {"num_hidden_layers": 3}),
        ("llama", {"intermediate_size": 21}),
        ("llama", {"intermediate_size": [21, 21]}),
        ("llama", {"intermediate_size": []}),
        ("llama", {"vocab_size": 31}),
        ("gpt2", {"n_embd": 99}),
        ("gpt2", {"n_inner": 99}),
        ("qwen2_moe", {"num_experts": 4}),
        ("pangu_pro_moe", {"moe_intermediate_size": 7}),
        ("pangu_pro_moe", {"shared_expert_intermediate_size": 7}),
    ],
)
def test_where_config_and_tensors_differ_the_tensors_decide_and_it_is_noted(
    tmp_path: Path, family: str, changes: dict[str, Any]
) -> None:
    """One edited number stops no test."""
    plain, nothing = opened(tmp_path / "plain", family)
    found, notes = opened(tmp_path / "other", family, **changes)
    assert found == plain
    assert not nothing
    ((key, value),) = changes.items()
    (note,) = notes
    assert f"config.json says {key} is {value}, and the tensors have" in note


def test_a_number_may_be_given_once_a_layer(tmp_path: Path) -> None:
    """A list of what the tensors have agrees with them."""
    hidden = opened(tmp_path / "plain", "llama")[0].hidden
    assert opened(tmp_path / "list", "llama", intermediate_size=[hidden, hidden])[1] == set()


@pytest.mark.parametrize(
    "changes",
    [
        {"num_attention_heads": 0},
        {"num_attention_heads": 3},
        {"num_attention_heads": 99},
        {"num_attention_heads": 2},
        {"num_key_value_heads": 4},
        {"head_dim": 3},
    ],
)
def test_heads_that_contradict_the_tensors_or_each_other_are_not_known(
    tmp_path: Path, changes: dict[str, int]
) -> None:
    """Heads taken for larger than they are would make channels exchangeable that are not; nothing else is lost."""
    plain, _ = opened(tmp_path / "plain", "llama")
    found, notes = opened(tmp_path / "other", "llama", **changes)
    lost = {"heads": 0, "kv_heads": 0, "head_size": 0, "linear_values": False}
    assert found == plain.model_copy(update=lost)
    (note,) = notes
    assert "heads were taken as not known" in note
    assert all(f"{key} {value}" in note for key, value in changes.items())


@pytest.mark.parametrize("changes", [{"num_attention_heads": 2}, {"num_attention_heads": 5}, {"head_dim": 3}])
def test_norms_of_single_heads_tell_how_many_there_are(tmp_path: Path, changes: dict[str, int]) -> None:
    """Where config.json is contradicted, the length of such a norm is that of a head."""
    plain, _ = opened(tmp_path / "plain", "qwen3")
    found, notes = opened(tmp_path / "other", "qwen3", **changes)
    assert found == plain
    (note,) = notes
    assert "the norms of single heads were believed" in note


@pytest.mark.parametrize(("said", "stored"), [(True, True), (False, False), (None, False)])
def test_a_head_that_contradicts_what_is_said_of_tying_is_noted(
    tmp_path: Path, said: bool | None, stored: bool
) -> None:
    model = toy("llama").configured(tie_word_embeddings=said)
    tensors = {name: value for name, value in model.tensors.items() if name != "lm_head.weight"}
    tensors |= {"lm_head.weight": model.tensors["model.embed_tokens.weight"]} if stored else {}
    checkpoint = open_checkpoint(write_checkpoint(tmp_path, replace(model, tensors=tensors)))
    assert checkpoint.architecture.tied_embeddings
    assert ["tie_word_embeddings" in note for note in checkpoint.notes] == ([] if said is None else [True])


def test_a_number_about_an_absent_part_says_nothing(tmp_path: Path) -> None:
    """Mixtures of experts declare intermediate_size though no layer is dense."""
    open_checkpoint(write_checkpoint(tmp_path, toy("qwen2_moe").configured(intermediate_size=12345)))


@pytest.mark.parametrize("value", [{"a": 1}, ["llama"], 7, True, "a\nb", "\ud800"])
def test_a_model_type_that_is_no_name(tmp_path: Path, value: Any) -> None:
    """A type is a printable string."""
    assert "model_type" in refused(write_checkpoint(tmp_path, toy().configured(model_type=value)))


def test_fused_heads_cannot_be_told_from_shapes(tmp_path: Path) -> None:
    """A lone weight file needs the config that was beside it, where q, k and v lie in one tensor."""
    model = toy()
    fused = {
        f"model.layers.{i}.{name}.weight": np.concatenate([model.canonical[role, i, None] for role in roles])
        for i in range(LAYERS)
        for name, roles in (("self_attn.qkv_proj", "qkv"), ("mlp.gate_up_proj", ("gate", "up")))
    }
    folder = write_checkpoint(tmp_path, model.adding(**fused).configured(model_type="phi3"))
    (folder / "config.json").unlink()
    config = {"model_type": "phi3"}
    (folder / "config.json").write_text(json.dumps(config))
    message = refused(folder / "model.safetensors")
    assert "num_attention_heads" in message
    assert "config.json" in message


@given(
    st.dictionaries(
        st.sampled_from(["model_type", "num_attention_heads", "head_dim", "hidden_size", "tie_word_embeddings"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
            max_leaves=5,
        ),
    )
)
@example({"num_attention_heads": HEADS})
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_config_escapes(tmp_path: Path, changes: dict[str, Any]) -> None:
    """Any JSON in place of the numbers that matter gives a checkpoint or one sentence."""
    folder = tmp_path / "model"
    if not folder.exists():
        write_checkpoint(folder, toy())
    (folder / "config.json").write_text(json.dumps(toy().config | changes))
    try:
        read_all(open_checkpoint(folder))
    except CheckpointError as error:
        one_line(error)


def test_a_name_longer_than_any_is_refused(tmp_path: Path) -> None:
    """Parts are named by it, and a fingerprint would be written that cannot be read again."""
    folder = write_checkpoint(tmp_path / "model", toy())
    (folder / "model.safetensors").unlink()
    save_file({**toy().tensors, "x" * 1000 + ".weight": np.ones((2, 2), np.float32)}, folder / "model.safetensors")
    assert "1007 characters" in refused(folder)
