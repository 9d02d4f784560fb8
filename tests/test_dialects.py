"""Names of other tools: the same weights are the same model, to every row, the digest and what is known of them.

Without settings that name the architecture nothing is assumed of the order of rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from tests.checkpoints import Toy, toy, write_checkpoint
from tests.dialects import (
    SANDWICH,
    Spoken,
    Tensors,
    litgpt,
    litgpt_neox,
    megatron,
    meta,
    nanogpt,
    olmo,
    olmo_core,
    open_clip,
    side_by_side,
    sliced,
    timm,
    torchtune,
    unfused,
)
from tests.families import toy as published
from verify import fingerprint
from verify.base import CheckpointError
from verify.checkpoint import Checkpoint, Location, open_checkpoint
from verify.checkpoint.dialects.settings import flat_yaml
from verify.checkpoint.dialects.translate import _by_prefix
from verify.checkpoint.formats.rotary import rows_of_pairs
from verify.checkpoint.opening import contents

RNG = np.random.default_rng(0)


def biased(model: Toy) -> Toy:
    """With biases of q, k and v, as Qwen2."""
    added = {
        f"model.layers.{i}.self_attn.{role}_proj.bias": RNG.standard_normal(len(model.canonical[role, i, None]))
        for i in range(2)
        for role in "qkv"
    }
    model = model.adding(**{name: value.astype(np.float32) for name, value in added.items()})
    roles = {(name[-11] + "_bias", int(name[13]), None): model.tensors[name] for name in added}
    return replace(model, canonical=model.canonical | roles).configured(model_type="qwen2")


def write(folder: Path, spoken: Spoken, config: dict[str, Any] | None = None) -> Path:
    """A folder as the tool leaves it, with ``config.json`` too if it is given."""
    folder.mkdir(parents=True)
    save_file({name: np.ascontiguousarray(x) for name, x in spoken.tensors.items()}, folder / "model.safetensors")
    for name, said in spoken.files.items():
        (folder / name).write_text(said if isinstance(said, str) else json.dumps(said))
    if config is not None:
        (folder / "config.json").write_text(json.dumps(config))
    return folder


LLAMA, QWEN = toy("llama"), biased(toy("llama"))
VIT = published("vit").adding(**{"classifier.bias": np.ones(3, np.float32)})
GPT2 = Toy(**(vars(toy("gpt2")) | {"tensors": {f"transformer.{k}": v for k, v in toy("gpt2").tensors.items()}}))
BY_SETTINGS: dict[str, tuple[Toy, Callable[[Toy], Spoken]]] = {
    "LitGPT": (LLAMA, litgpt),
    "LitGPT with biases": (QWEN, litgpt),
    "LitGPT 0.4": (QWEN, lambda model: litgpt(model, older=True)),
    "Meta": (LLAMA, meta),
    "NeMo": (LLAMA, megatron),
    "NeMo with biases": (QWEN, megatron),
    "NeMo, norms alone": (LLAMA, lambda model: megatron(model, alone=True)),
    "NeMo, all layers in one tensor": (QWEN, lambda model: megatron(model, in_one=True)),
    "NeMo, older": (LLAMA, lambda model: megatron(model, legacy=True)),
    "timm": (VIT, timm),
    "OLMo": (published("hf_olmo"), olmo),
    "OLMo-core": (LLAMA, olmo_core),
    "OLMo-core, olmo2": (published("olmo2"), olmo_core),
}
"""What needs no ``config.json``."""
BY_CONFIG: dict[str, tuple[Toy, Callable[[Toy], Spoken]]] = {
    **{name: entry for name, entry in BY_SETTINGS.items() if name not in ("timm", "OLMo")},
    "LitGPT, qwen3": (toy("qwen3"), litgpt),
    "LitGPT, mixtral": (published("mixtral"), litgpt),
    "LitGPT, gemma2": (published("gemma2"), lambda model: litgpt(model, SANDWICH)),
    "LitGPT, olmo2": (published("olmo2"), lambda model: litgpt(model, SANDWICH)),
    "LitGPT, phi3": (published("phi3"), lambda model: litgpt(unfused(model))),
    "LitGPT, gpt_neox": (published("gpt_neox"), litgpt_neox),
    "torchtune": (LLAMA, torchtune),
    "torchtune, qwen2": (QWEN, torchtune),
    "nanoGPT": (GPT2, nanogpt),
}


def same(plain: Checkpoint, other: Checkpoint, model: Toy) -> None:
    """Every tensor, whole and by rows in pieces."""
    assert other.unrecognised == plain.unrecognised == ()
    for key, value in model.canonical.items():
        if not plain.has(*key):  # a head that is tied
            continue
        np.testing.assert_array_equal(other.read(*key), plain.read(*key))
        np.testing.assert_array_equal(other.read(*key), value)
        np.testing.assert_array_equal(other.read(*key, rows=slice(1, 3)), value[1:3])
        chosen = np.array([0, len(value) - 1])
        np.testing.assert_array_equal(other.read(*key, rows=chosen), value[chosen])
    assert other.bytes_read == plain.bytes_read


@pytest.mark.parametrize("name", BY_CONFIG)
def test_the_same_weights_under_the_names_of_a_tool_are_the_same_model(tmp_path: Path, name: str) -> None:
    """With ``config.json`` beside them, which says what the model is."""
    model, convert = BY_CONFIG[name]
    plain = write_checkpoint(tmp_path / "plain", model)
    other = write(tmp_path / "other", replace(convert(model), files={}), model.config)
    same(open_checkpoint(plain), open_checkpoint(other), model)
    here, there = (fingerprint(folder).record for folder in (plain, other))
    assert there.content_sha256 == here.content_sha256
    assert there.architecture == here.architecture
    assert there.architecture.positions != "unknown"


@pytest.mark.parametrize("prefix", ["model.", "module._orig_mod.", "policy.net."])
@pytest.mark.parametrize("name", ["Meta", "NeMo, all layers in one tensor"])
def test_names_of_a_tool_may_have_a_prefix(tmp_path: Path, name: str, prefix: str) -> None:
    """Of whatever held the model in training, also beside an average of its weights."""
    model, convert = BY_CONFIG[name]
    spoken = replace(convert(model), files={})
    plain = write_checkpoint(tmp_path / "plain", model)
    under = {prefix + key: value for key, value in spoken.tensors.items()}
    average = {f"model_ema.{key}": value + 1 for key, value in spoken.tensors.items()}
    for folder, tensors in (("alone", under), ("beside", under | average)):
        other = open_checkpoint(write(tmp_path / folder, replace(spoken, tensors=tensors), model.config))
        same(open_checkpoint(plain), other, model)
        assert other.architecture == open_checkpoint(plain).architecture
        assert [part.kind for part in other.parts] == ["language model", "EMA copy"][: 1 + (folder == "beside")]


@pytest.mark.parametrize("name", BY_SETTINGS)
def test_a_tool_s_own_settings_say_as_much(tmp_path: Path, name: str) -> None:
    """But for the model type, of which several have one table."""
    model, convert = BY_SETTINGS[name]
    plain = write_checkpoint(tmp_path / "plain", model)
    other = write(tmp_path / "other", convert(model))
    here, there = (open_checkpoint(folder) for folder in (plain, other))
    same(here, there, model)
    of_type = {"model_type": there.architecture.model_type}
    assert there.architecture == here.architecture.model_copy(update=of_type)


@pytest.mark.parametrize("name", ["LitGPT", "Meta", "NeMo"])
def test_an_adapter_is_merged_onto_a_base_under_such_names(tmp_path: Path, name: str) -> None:
    """The adapter speaks of rows as they lie on the Hub."""
    factors = {
        f"base_model.model.model.layers.{i}.self_attn.{role}_proj.lora_{which}.weight": RNG.standard_normal(shape)
        for i in range(2)
        for role, rows in (("q", 16), ("k", 8))
        for which, shape in (("A", (2, 16)), ("B", (rows, 2)))
    }
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    save_file({key: x.astype(np.float32) for key, x in factors.items()}, adapter / "adapter_model.safetensors")
    said = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj", "k_proj"]}
    (adapter / "adapter_config.json").write_text(json.dumps(said))
    bases = write_checkpoint(tmp_path / "plain", LLAMA), write(tmp_path / "other", BY_SETTINGS[name][1](LLAMA))
    here, there = (open_checkpoint(Location(str(adapter), base=str(base))) for base in bases)
    assert there.architecture == here.architecture
    for role in "qkvo":
        np.testing.assert_array_equal(there.read(role, 1), here.read(role, 1))


@pytest.mark.parametrize("custom", [False, True])
def test_two_towers_are_two_parts(tmp_path: Path, custom: bool) -> None:
    """Each with its own heads, and the projections behind them [out, in]."""
    towers = []
    for name, rest in (("clip_text_model", "text_projection"), ("clip_vision_model", "visual_projection")):
        tower = published(name)
        towers.append(tower.adding(**{f"{rest}.weight": RNG.standard_normal((5, 32)).astype(np.float32)}))
    text, image = towers
    spoken = open_clip(text, image, custom)
    config = {"model_type": "clip", "text_config": text.config, "vision_config": image.config}
    plain = write_checkpoint(tmp_path / "plain", replace(text.adding(**image.tensors), config=config))
    for folder in (write(tmp_path / "own", spoken), write(tmp_path / "both", replace(spoken, files={}), config)):
        for part, tower in (("text_model", text), ("vision_model", image)):
            here, there = (open_checkpoint(Location(str(one), part=part)) for one in (plain, folder))
            same(here, there, tower)
            assert there.architecture == here.architecture
        here, there = (fingerprint(one).record for one in (plain, folder))
        assert there.content_sha256 == here.content_sha256


def write_slices(folder: Path, ranks: list[Tensors]) -> Path:
    """A folder as Meta publishes it."""
    write(folder, replace(meta(LLAMA), tensors={}))
    (folder / "model.safetensors").unlink()
    for n, rank in enumerate(ranks):
        stored = {name: np.ascontiguousarray(value) for name, value in rank.items()}
        save_file(stored, folder / f"consolidated.{n:02}.safetensors")
    return folder


@pytest.mark.parametrize("embedding", [0, 1])
@pytest.mark.parametrize("number", [1, 2])
def test_slices_of_meta_are_put_together(tmp_path: Path, number: int, embedding: int) -> None:
    plain = write_checkpoint(tmp_path / "plain", LLAMA)
    other = write_slices(tmp_path / "other", sliced(meta(LLAMA), number, embedding))
    same(open_checkpoint(plain), open_checkpoint(other), LLAMA)
    here, there = (fingerprint(folder).record for folder in (plain, other))
    assert there.content_sha256 == here.content_sha256
    assert [file.name[13:15] for file in there.files] == ["00", "01"][:number]


def test_a_number_in_the_place_of_a_matrix_is_refused(tmp_path: Path) -> None:
    """Of which no rows can be put in order."""
    spoken = meta(LLAMA)
    folder = write(tmp_path / "m", spoken)
    changed = spoken.tensors | {"layers.0.attention.wq.weight": np.ones((), np.float32)}
    save_file(changed, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match="has 1 rows"):
        open_checkpoint(folder)


def test_slices_that_are_not_certain_are_refused(tmp_path: Path) -> None:
    """Another name, another shape, a rank that is missing, and kv heads that several ranks hold alike."""
    ranks = sliced(meta(LLAMA), 2, 0)
    name = "layers.0.attention.wk.weight"
    extra = {"layers.0.attention.bias": np.ones(3, np.float32)}
    with pytest.raises(CheckpointError, match=r"2 slices of one model .* 'layers\.0\.attention\.bias' was split"):
        open_checkpoint(write_slices(tmp_path / "name", [rank | extra for rank in ranks]))
    with pytest.raises(CheckpointError, match="do not all have"):
        open_checkpoint(write_slices(tmp_path / "shape", [ranks[0], ranks[1] | {name: ranks[1][name][:2]}]))
    lacking = {key: value for key, value in ranks[0].items() if key != name}
    with pytest.raises(CheckpointError, match="The first slice of lacking lacks"):
        open_checkpoint(write_slices(tmp_path / "lacking", [lacking, ranks[1]]))
    folder = write_slices(tmp_path / "missing", ranks)
    (folder / "consolidated.01.safetensors").rename(folder / "consolidated.02.safetensors")
    with pytest.raises(CheckpointError, match="none of them is number 01"):
        open_checkpoint(folder)
    alike = [rank | {name: meta(LLAMA).tensors[name]} for rank in ranks]
    with pytest.raises(CheckpointError, match="has 16 rows; expected those of 2 heads of 4"):
        open_checkpoint(write_slices(tmp_path / "alike", alike))


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("vision_cfg", "qk_norm", True),
        ("text_cfg", "hf_model_name", "toy"),
        ("vision_cfg", "layers", [3, 4, 6, 3]),
        ("vision_cfg", "head_width", 5),
        ("", "multimodal_cfg", {}),
    ],
)
def test_towers_of_another_kind_are_not_taken_for_clip(tmp_path: Path, section: str, key: str, value: object) -> None:
    spoken = open_clip(published("clip_text_model"), published("clip_vision_model"))
    said = json.loads(json.dumps(spoken.files["open_clip_config.json"]))
    (said["model_cfg"][section] if section else said["model_cfg"])[key] = value
    folder = write(tmp_path / "other", replace(spoken, files={"open_clip_config.json": said}))
    try:
        found = open_checkpoint(folder).architecture
    except CheckpointError:
        return
    assert (found.positions, found.linear_values) == ("unknown", False)


@given(heads=st.integers(1, 6), planes=st.integers(1, 5))
def test_rows_of_pairs_undo_what_puts_them_side_by_side(heads: int, planes: int) -> None:
    value = np.arange(2 * heads * planes * 3).reshape(-1, 3)
    np.testing.assert_array_equal(side_by_side(value, heads)[rows_of_pairs(len(value), heads)], value)


# ---- nothing is guessed


@pytest.mark.parametrize("name", [name for name in BY_SETTINGS if name != "timm"])
def test_without_settings_nothing_is_assumed_of_rows(tmp_path: Path, name: str) -> None:
    """Names alone do not say how many heads share a tensor, or which rows rotate together."""
    model, convert = BY_SETTINGS[name]
    folder = write(tmp_path / "other", replace(convert(model), files={}))
    try:
        found = open_checkpoint(folder).architecture
    except CheckpointError:
        return
    assert (found.positions, found.linear_values, found.heads) == ("unknown", False, 0)


CHANGES: list[tuple[str, Callable[[Toy], Spoken], str, str, str]] = [
    ("rows interleaved", litgpt, "model_config.yaml", "rope_interleave: false", "rope_interleave: true"),
    ("in parallel", litgpt, "model_config.yaml", "parallel_residual: false", "parallel_residual: true"),
    ("other norms", litgpt, "model_config.yaml", "RMSNorm", "LayerNorm"),
    ("a family of its own", litgpt, "model_config.yaml", "name: toy\nnorm", "name: Gemma-2b\nnorm"),
    (
        "norms in other places",
        olmo_core,
        "config.json",
        '"block": {"name": "default"',
        '"block": {"name": "peri_norm"',
    ),
    ("an unknown setting", meta, "params.json", '"dim"', '"use_qk_norm": true, "dim"'),
    ("heads as a text", meta, "params.json", '"n_heads": 4', '"n_heads": "4"'),
    ("another activation", megatron, "model_config.yaml", "fast-swiglu", "squared-relu"),
    ("norms less one", megatron, "model_config.yaml", "kv_channels: null", "layernorm_zero_centered_gamma: true"),
]


@pytest.mark.parametrize(
    ("convert", "file", "old", "new"), [case[1:] for case in CHANGES], ids=[c[0] for c in CHANGES]
)
def test_settings_of_another_architecture_are_not_taken_for_this_one(
    tmp_path: Path, convert: Callable[[Toy], Spoken], file: str, old: str, new: str
) -> None:
    spoken = convert(LLAMA)
    said = spoken.files[file]
    text = said if isinstance(said, str) else json.dumps(said)
    assert old in text
    folder = write(tmp_path / "other", replace(spoken, files={file: text.replace(old, new)}))
    try:
        found = open_checkpoint(folder).architecture
    except CheckpointError:
        return
    assert (found.positions, found.linear_values) == ("unknown", False)


def test_an_unknown_setting_is_named(tmp_path: Path) -> None:
    """Among the notes of the model, since the tool's names are then not taken for those of the Hub."""
    spoken = meta(LLAMA)
    said = spoken.files["params.json"]
    text = said if isinstance(said, str) else json.dumps(said)
    other = replace(spoken, files={"params.json": text.replace('"dim"', '"new_key": true, "dim"')})
    noted = contents(str(write(tmp_path / "a", other))).source.notes
    assert [(note.code, note.values["key"]) for note in noted] == [("config.tool_setting", "new_key")]
    assert not contents(str(write(tmp_path / "b", spoken))).source.notes


def test_each_name_belongs_to_few_prefixes() -> None:
    """However many models are in a file, so that reading takes time in proportion to its names."""
    prefixes = [("", f"m{n}x.") for n in range(60)]
    names = [start + name for _, start in prefixes for name in meta(LLAMA).tensors]
    found = _by_prefix(names, prefixes)
    assert found.keys() == {start for _, start in prefixes}
    assert sum(map(len, found.values())) == len(names)


def test_a_declared_type_that_a_tool_does_not_keep_so_is_not_translated(tmp_path: Path) -> None:
    folder = write(tmp_path / "other", meta(LLAMA), LLAMA.config | {"model_type": "cohere"})
    assert open_checkpoint(folder).architecture.positions == "unknown"


@pytest.mark.parametrize(("number", "kv"), [(3, 2), (4, 3), (16, 16), (0, 2)])
def test_heads_that_do_not_fit_are_refused(tmp_path: Path, number: int, kv: int) -> None:
    """Rows put in another order would be of other heads."""
    config = LLAMA.config | {"num_attention_heads": number, "num_key_value_heads": kv}
    for n, convert in enumerate((meta, litgpt, megatron)):
        with pytest.raises(CheckpointError):
            open_checkpoint(write(tmp_path / f"{n}", replace(convert(LLAMA), files={}), config))


def test_a_tensor_under_both_names_is_refused(tmp_path: Path) -> None:
    spoken = meta(LLAMA)
    twice = spoken.tensors | {"model.norm.weight": LLAMA.tensors["model.norm.weight"]}
    with pytest.raises(CheckpointError, match=r"stored under that name and as 'norm\.weight'"):
        open_checkpoint(write(tmp_path / "twice", replace(spoken, tensors=twice)))


def test_gpt2_of_the_hub_is_not_taken_for_nanogpt(tmp_path: Path) -> None:
    """The shapes of its matrices tell: the name is the same."""
    checkpoint = open_checkpoint(write_checkpoint(tmp_path, GPT2))
    np.testing.assert_array_equal(checkpoint.read("o", 1), GPT2.canonical["o", 1, None])


def test_a_layout_file_speaks_of_names_as_stored(tmp_path: Path) -> None:
    layout = """name = "own"
[globals]
embed = "tok_embeddings.weight"
[layer]
gate = "layers.{i}.feed_forward.w1.weight"
up = "layers.{i}.feed_forward.w3.weight"
down = "layers.{i}.feed_forward.w2.weight"
"""
    (tmp_path / "own.toml").write_text(layout)
    folder = write(tmp_path / "other", meta(LLAMA))
    checkpoint = open_checkpoint(Location(str(folder), layout=str(tmp_path / "own.toml")))
    assert checkpoint.architecture.family == "layout:own"
    assert any("attention.wq" in name for name in checkpoint.unrecognised)


def test_layers_in_one_tensor_are_bounded(tmp_path: Path) -> None:
    """Tensors of no size have as many layers as a header likes."""
    spoken = megatron(LLAMA, in_one=True)
    empty = {"decoder.layers.mlp.linear_fc2.weight": np.zeros((1 << 19, 0, 0), np.float32)}
    with pytest.raises(CheckpointError, match="hold all layers"):
        open_checkpoint(write(tmp_path / "many", replace(spoken, tensors=spoken.tensors | empty)))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_text_is_settings_of_some_kind(text: bytes) -> None:
    """Nothing is constructed: values are numbers, words or texts."""
    found = flat_yaml(text, "model_config.yaml")
    assert all(value is None or type(value) in (bool, int, float, str) for value in found.values())


def test_settings_that_are_too_long_are_refused() -> None:
    with pytest.raises(CheckpointError, match="expected at most 1048576"):
        flat_yaml(b"#" * ((1 << 20) + 1), "model_config.yaml")
