"""LoRA adapters: merged on the way as their formula says, and refused in a sentence where that would not be so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from tests.checkpoints import Array, Toy, toy, write_checkpoint
from tests.models import config, weights, write
from verify import CheckpointError, InputError, fingerprint, replay, test_lineage
from verify.checkpoint import Location, open_checkpoint
from verify.checkpoint.adapters.low_rank import Factor, LowRank
from verify.checkpoint.formats.tensor import Indexer
from verify.cli import main

Q, DOWN = "model.layers.0.self_attn.q_proj", "model.layers.1.mlp.down_proj"
EMBED, BIAS = "model.embed_tokens", "model.layers.0.self_attn.q_proj.bias"
PLAIN: dict[str, Any] = {
    "peft_type": "LORA",
    "base_model_name_or_path": "org/base",
    "r": 2,
    "lora_alpha": 6,
    "init_lora_weights": True,
}


def draw(*shape: int, seed: int = 0) -> Array:
    """Gaussian numbers."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def change(module: str, rows: int, columns: int, rank: int = 2, seed: int = 0) -> dict[str, Array]:
    """A and B of a module."""
    return {
        f"{module}.lora_A.weight": draw(rank, columns, seed=seed + 1),
        f"{module}.lora_B.weight": draw(rows, rank, seed=seed + 2),
    }


def adapter(folder: Path, tensors: dict[str, Array], **changes: Any) -> Path:
    """Write an adapter; settings of None are left out."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({f"base_model.model.{name}": x for name, x in tensors.items()}, folder / "adapter_model.safetensors")
    settings_ = {key: value for key, value in (PLAIN | changes).items() if value is not None}
    (folder / "adapter_config.json").write_text(json.dumps(settings_))
    return folder


def merged(tmp_path: Path, model: Toy, tensors: dict[str, Array], **changes: Any) -> Any:
    """The checkpoint that a toy and an adapter make together."""
    base = write_checkpoint(tmp_path / "base", model)
    return open_checkpoint(Location(str(adapter(tmp_path / "lora", tensors, **changes)), base=str(base)))


def refused(tmp_path: Path, tensors: dict[str, Array], **changes: Any) -> str:
    """Why an adapter of a toy Llama is refused."""
    with pytest.raises(CheckpointError) as caught:
        merged(tmp_path, toy(), tensors, **changes)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 800
    assert str(tmp_path) not in message
    return message


@pytest.fixture
def llama() -> Toy:
    """A toy Llama, whose q is [16, 16] and down [16, 20]."""
    return toy()


# ---- the formula


class Held:
    """A tensor in memory."""

    name, file, dtype, is_out_in = "w", "memory", "F32", False

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.shape = values, values.shape

    def read(self, rows: Indexer = None, columns: Indexer = None) -> np.ndarray:
        """Some of it."""
        part = self.values[slice(None) if rows is None else rows]
        return part if columns is None else part[:, columns]

    def nbytes(self, rows: Indexer = None, columns: Indexer = None) -> int:
        """Its bytes."""
        return int(self.read(rows, columns).nbytes)

    def iter_bytes(self) -> Any:
        """As stored."""
        yield self.values.tobytes()


sizes = st.integers(1, 7)


def chosen(data: st.DataObject, size: int) -> Indexer:
    """None, a slice or ascending indices."""
    indices = st.lists(st.integers(0, size - 1), unique=True).map(lambda x: np.array(sorted(x), np.intp))
    slices = st.tuples(st.integers(0, size), st.integers(0, size)).map(lambda x: slice(min(x), max(x)))
    return data.draw(st.none() | slices | indices)


@settings(max_examples=60, deadline=None)
@given(
    data=st.data(),
    rows=sizes,
    columns=sizes,
    rank=sizes,
    scale=st.floats(-4, 4),
    turned=st.booleans(),
    dora=st.booleans(),
)
def test_any_part_is_that_part_of_the_sum(
    data: st.DataObject, rows: int, columns: int, rank: int, scale: float, turned: bool, dora: bool
) -> None:
    """Any rows and columns have the bits of the whole, which is W + s B A, with DoRA of the learned lengths."""
    w, left, right = draw(rows, columns), draw(rows, rank, seed=1), draw(rank, columns, seed=2)
    outputs = 1 if turned else 0
    lengths = np.abs(draw((rows, columns)[outputs], seed=3)) + 1
    factors = [Factor(Held(np.ascontiguousarray(x.T) if turned else x), turned) for x in (left, right)]
    tensor = LowRank(Held(w), *factors, scale, Held(lengths) if dora else None, outputs)
    expected = w.astype(np.float64) + scale * (left.astype(np.float64) @ right.astype(np.float64))
    if dora:
        norm = np.linalg.norm(expected, axis=1 - outputs, keepdims=True)
        expected *= (lengths if turned else lengths[:, None]) / norm
    whole = tensor.read()
    assert whole.dtype == np.float32
    np.testing.assert_allclose(whole, expected, rtol=1e-5, atol=1e-6)
    i, j = chosen(data, rows), chosen(data, columns)
    part = whole[slice(None) if i is None else i]
    part = part if j is None else part[:, j]
    assert tensor.read(i, j).tobytes() == np.ascontiguousarray(part).tobytes()
    assert b"".join(tensor.iter_bytes()) == whole.tobytes()
    assert tensor.nbytes(i, j) >= part.nbytes


def test_a_change_of_zero_keeps_every_bit() -> None:
    """Negative zero, subnormal numbers and NaN included, in the type that they are stored in."""
    w = np.array([[-0.0, 1e-40, 3.14159], [np.nan, np.inf, -1.0]], ml_dtypes.bfloat16)
    factors = Factor(Held(np.zeros((2, 1), np.float32)), False), Factor(Held(np.ones((1, 3), np.float32)), False)
    tensor = LowRank(Held(w), *factors, 2.0)
    assert tensor.read().tobytes() == w.astype(np.float32).tobytes()
    assert b"".join(tensor.iter_bytes()) == w.tobytes()


# ---- what the settings say


@pytest.mark.parametrize(
    ("changes", "scale"),
    [
        ({}, 3.0),
        ({"lora_alpha": 1.5}, 0.75),
        ({"use_rslora": True}, 6 / 2**0.5),
        ({"alpha_pattern": {"q_proj": 8}}, 4.0),
        ({"alpha_pattern": {Q: 8, "q_proj": 2}}, 4.0),
        ({"alpha_pattern": {"^" + Q: 10}}, 5.0),
        ({"alpha_pattern": {"proj": 8, "^q_proj": 8}}, 3.0),
        ({"r": 7, "rank_pattern": {"q_proj": 2}}, 3.0),
        ({"r": 7, "rank_pattern": {"q_proj": 2}, "use_rslora": True}, 6 / 2**0.5),
    ],
)
def test_scale_and_rank_are_as_the_settings_say(
    tmp_path: Path, llama: Toy, changes: dict[str, Any], scale: float
) -> None:
    """alpha / r, or alpha / sqrt(r); of the first pattern that is the module's name or its end."""
    tensors = change(Q, 16, 16)
    found = merged(tmp_path, llama, tensors, **changes).read("q", 0)
    a, b = tensors.values()
    np.testing.assert_allclose(found, llama.canonical["q", 0, None] + scale * (b @ a), rtol=1e-5, atol=1e-5)


def test_other_tensors_stay_as_they_are(tmp_path: Path, llama: Toy) -> None:
    """Only what the adapter names is changed."""
    checkpoint = merged(tmp_path, llama, change(DOWN, 16, 20))
    for (role, layer, expert), expected in llama.canonical.items():
        same = np.array_equal(checkpoint.read(role, layer, expert), expected)
        assert same is ((role, layer) != ("down", 1))


def test_conv1d_is_turned_and_fused_parts_are_changed(tmp_path: Path) -> None:
    """GPT-2 stores [in, out], fuses q, k and v, and lacks the prefix that its model has; DoRA's lengths likewise."""
    model, module = toy("gpt2"), "transformer.h.1.attn.c_attn"
    tensors = change(module, 48, 16)
    a, b = tensors.values()
    checkpoint = merged(tmp_path, model, tensors, fan_in_fan_out=True)
    for i, role in enumerate("qkv"):
        expected = model.canonical[role, 1, None] + 3 * (b @ a)[16 * i : 16 * (i + 1)]
        np.testing.assert_allclose(checkpoint.read(role, 1), expected, rtol=1e-5, atol=1e-5)
    rows = np.array([1, 5], np.intp)
    assert np.array_equal(checkpoint.read("k", 1, rows=rows), checkpoint.read("k", 1)[rows])
    lengths = np.full(48, 2.0, np.float32)
    tensors[f"{module}.lora_magnitude_vector"] = lengths
    checkpoint = merged(tmp_path / "dora", model, tensors, fan_in_fan_out=True, use_dora=True)
    np.testing.assert_allclose(np.linalg.norm(checkpoint.read("k", 1), axis=1), 2.0, rtol=1e-5)


def test_embeddings_are_changed(tmp_path: Path, llama: Toy) -> None:
    """A is [r, vocab], B [width, r]."""
    a, b = draw(2, 30, seed=1), draw(16, 2, seed=2)
    checkpoint = merged(tmp_path, llama, {f"{EMBED}.lora_embedding_A": a, f"{EMBED}.lora_embedding_B": b})
    np.testing.assert_allclose(
        checkpoint.read("embed"), llama.canonical["embed", None, None] + 3 * (b @ a).T, rtol=1e-4
    )


def test_what_is_trained_whole_replaces_the_base(tmp_path: Path) -> None:
    """Biases, modules to save, and embeddings of more tokens; a new head is left out and listed."""
    model = toy("qwen2_moe")
    more, bias = draw(33, 16, seed=5), draw(16, seed=6)
    tensors = {
        f"{EMBED}.weight": more,
        "lm_head.modules_to_save.weight": more,
        BIAS: bias,
        "score.weight": draw(3, 16),
    }
    checkpoint = merged(tmp_path, model, tensors, modules_to_save=["lm_head", "score"], bias="all")
    assert np.array_equal(checkpoint.read("embed"), more)
    assert np.array_equal(checkpoint.read("q_bias", 0), bias)
    assert checkpoint.unrecognised == ("score.weight",)


def test_a_layer_saved_with_its_change_is_replaced_and_then_changed(tmp_path: Path) -> None:
    """As PEFT saves embeddings of a LoRA, and biases."""
    model, module = toy("qwen2_moe"), "model.layers.0.self_attn.q_proj"
    tensors = change(module, 16, 16)
    a, b = tensors.values()
    w, bias = draw(16, 16, seed=5), draw(16, seed=6)
    tensors |= {f"{module}.base_layer.weight": w, f"{module}.base_layer.bias": bias}
    checkpoint = merged(tmp_path, model, tensors)
    np.testing.assert_allclose(checkpoint.read("q", 0), w + 3 * (b @ a), rtol=1e-5, atol=1e-5)
    assert np.array_equal(checkpoint.read("q_bias", 0), bias)


def test_dora_gives_the_learned_lengths(tmp_path: Path, llama: Toy) -> None:
    """Each output's weights have the learned length, in the direction of the sum."""
    tensors = change(Q, 16, 16)
    a, b = tensors.values()
    tensors[f"{Q}.lora_magnitude_vector"] = lengths = np.abs(draw(16, seed=9)) + 0.5
    checkpoint = merged(tmp_path, llama, tensors, use_dora=True)
    total = llama.canonical["q", 0, None] + 3 * (b @ a)
    expected = lengths[:, None] * total / np.linalg.norm(total, axis=1, keepdims=True)
    np.testing.assert_allclose(checkpoint.read("q", 0), expected, rtol=1e-4)


# ---- what is refused


def test_without_a_base_the_sentence_says_what_it_is(tmp_path: Path) -> None:
    """An adapter of which base, its rank, and how to give it; a file and a folder alike."""
    folder = adapter(tmp_path / "lora", change(Q, 16, 16))
    for path in (folder, folder / "adapter_model.safetensors"):
        with pytest.raises(CheckpointError, match=r"adapter \(LoRA, rank 2\) of 'org/base'.*--base-a"):
            open_checkpoint(path)


@pytest.mark.parametrize("name", ["x" * 5000, "a\nb", 7, None, ["org/base"]])
def test_a_hostile_base_name_is_not_repeated_whole(tmp_path: Path, name: Any) -> None:
    """Bounded, printable, and never opened."""
    folder = adapter(tmp_path / "lora", change(Q, 16, 16), base_model_name_or_path=name)
    with pytest.raises(CheckpointError, match="not a whole model") as caught:
        open_checkpoint(folder)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


def test_the_base_that_an_adapter_names_is_never_opened(tmp_path: Path) -> None:
    """Not even where it exists."""
    base = write_checkpoint(tmp_path / "base", toy())
    folder = adapter(tmp_path / "lora", change(Q, 16, 16), base_model_name_or_path=str(base))
    with pytest.raises(CheckpointError, match="not a whole model"):
        open_checkpoint(folder)


@pytest.mark.parametrize("kind", ["IA3", "PROMPT_TUNING", "ADALORA", "LOHA", "VERA", None, 3])
def test_other_kinds_of_adapter_are_refused(tmp_path: Path, kind: Any) -> None:
    """By name, with or without a base."""
    tensors = {"prompt_embeddings": draw(4, 16)}
    assert f"of type {kind!r}" in refused(tmp_path, tensors, peft_type=kind)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"init_lora_weights": "pissa_niter_16"}, "init_lora_weights"),
        ({"init_lora_weights": "loftq"}, "init_lora_weights"),
        ({"layer_replication": [[0, 2]]}, "layer_replication"),
        ({"trainable_token_indices": [1]}, "trainable_token_indices"),
        ({"lora_bias": True}, "lora_bias"),
        ({"r": 3}, "at rank 3"),
        ({"r": 0}, "a rank of at least 1"),
        ({"r": True}, "a rank of at least 1"),
        ({"r": 10**30}, "a rank of at least 1"),
        ({"r": None}, "a rank of at least 1"),
        ({"lora_alpha": "16"}, "expected a number"),
        ({"lora_alpha": float("nan")}, "expected a number"),
        ({"lora_alpha": float("inf")}, "expected a number"),
        ({"lora_alpha": 10**400}, "expected a number"),
        ({"rank_pattern": [1]}, "expected an object"),
        ({"alpha_pattern": {"(a+)+$": 1}}, "expected names of modules"),
        ({"use_dora": True}, "use_dora as True"),
    ],
)
def test_settings_that_cannot_be_followed_are_refused(tmp_path: Path, changes: dict[str, Any], expected: str) -> None:
    """With the setting and what was expected."""
    assert expected in refused(tmp_path, change(Q, 16, 16), **changes)


@pytest.mark.parametrize(
    ("tensors", "expected"),
    [
        (change("model.layers.9.self_attn.q_proj", 16, 16), "changes 1 modules that base does not have"),
        (change(Q, 16, 17), "does not fit"),
        (change(Q, 15, 16), "does not fit"),
        (change("model.norm", 16, 16), "does not fit"),
        ({f"{Q}.lora_A.weight": draw(2, 16), f"{Q}.lora_B.weight": draw(16, 3)}, "does not fit"),
        ({f"{Q}.lora_A.weight": draw(2, 16)}, "expected one A and one B"),
        ({f"{Q}.lora_A.weight": draw(2, 16), f"{Q}.lora_embedding_B": draw(16, 2)}, "expected one A and one B"),
        (change(Q, 16, 16) | {f"{Q}.lora_magnitude_vector": draw(16)}, "use_dora as False"),
        (change(Q, 16, 16) | {f"{Q}.lora_C.weight": draw(16)}, "not understood"),
        (change(Q, 16, 16) | {f"{Q}.lora_A": draw(2, 16)}, "each once"),
        ({f"{Q}.weight": draw(16, 16), f"{Q}.base_layer.weight": draw(16, 16)}, "each once"),
        (change(Q, 16, 16) | change(Q.removeprefix("model."), 16, 16), "twice"),
        ({f"{Q}.weight": draw(17, 16)}, "replaces"),
        ({"score.weight": draw(3, 16)}, "does not have"),
        ({"model.layers.0.new.weight": draw(3, 16)}, "does not have"),
        (change("x" * 600, 16, 16), "not understood"),
    ],
)
def test_tensors_that_fit_nothing_are_refused(tmp_path: Path, tensors: dict[str, Array], expected: str) -> None:
    """With the tensor, its shape and what was expected."""
    assert expected in refused(tmp_path, tensors)


def test_a_rank_beyond_the_matrix_is_refused(tmp_path: Path) -> None:
    """However much of it the file holds."""
    assert "at rank 17" in refused(tmp_path, change(Q, 16, 16, rank=17), r=17)


def test_a_base_is_for_adapters_only_and_is_no_adapter(tmp_path: Path) -> None:
    """A whole model, or a fingerprint, takes no base; an adapter of an adapter is refused."""
    base = write_checkpoint(tmp_path / "base", toy())
    lora = adapter(tmp_path / "lora", change(Q, 16, 16))
    with pytest.raises(CheckpointError, match="a model of its own"):
        open_checkpoint(Location(str(base), base=str(base)))
    with pytest.raises(CheckpointError, match="is an adapter; give a whole model"):
        open_checkpoint(Location(str(lora), base=str(lora)))
    fingerprint(base).save(tmp_path / "base.fingerprint")
    with pytest.raises(InputError, match="is a fingerprint"):
        fingerprint(Location(str(tmp_path / "base.fingerprint"), base=str(base)))


def test_settings_must_lie_beside_the_weights(tmp_path: Path) -> None:
    """Tensors alone do not say how they are scaled."""
    lora = adapter(tmp_path / "lora", change(Q, 16, 16))
    (lora / "adapter_config.json").unlink()
    with pytest.raises(CheckpointError, match=r"no adapter_config\.json"):
        open_checkpoint(lora)


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            ["peft_type", "r", "lora_alpha", "rank_pattern", "use_dora", "fan_in_fan_out", "init_lora_weights"]
        ),
        st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=3)
        | st.dictionaries(st.text(), st.integers()),
    )
)
def test_no_settings_raise_anything_but_a_sentence(tmp_path_factory: pytest.TempPathFactory, changes: Any) -> None:
    """Whatever JSON they are."""
    folder = tmp_path_factory.mktemp("hostile")
    base = write_checkpoint(folder / "base", toy())
    lora = adapter(folder / "lora", change(Q, 16, 16))
    (lora / "adapter_config.json").write_text(json.dumps(PLAIN | changes))
    try:
        outcome = str(open_checkpoint(Location(str(lora), base=str(base))).read("q", 0).shape)
    except CheckpointError as error:
        outcome = str(error)
    assert outcome == "(16, 16)" or (outcome.endswith(".") and outcome.isprintable())


# ---- fingerprints and reports of merged models


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A base, a stranger, an adapter and one that changes nothing."""
    root, c = tmp_path_factory.mktemp("models"), config()
    module = "model.layers.0.mlp.up_proj"
    nothing = change(module, c.hidden, c.width)
    nothing[f"{module}.lora_B.weight"][:] = 0
    return {
        "base": write(root / "base", weights(0, c), c, dtype="BF16"),
        "stranger": write(root / "stranger", weights(1, c), c),
        "lora": adapter(root / "lora", change(module, c.hidden, c.width)),
        "nothing": adapter(root / "nothing", nothing),
    }


def on(models: dict[str, Path], name: str, base: str = "base") -> Location:
    """An adapter on a base."""
    return Location(str(models[name]), base=str(models[base]))


def test_an_adapter_that_changes_nothing_is_its_base(models: dict[str, Path]) -> None:
    """By the digest of the content."""
    report = test_lineage(on(models, "nothing"), models["base"])
    assert report.verdict == "identical"


def test_the_record_shows_the_merging(models: dict[str, Path]) -> None:
    """The files of both, the base, and what the settings declare; with workers, the same."""
    record = fingerprint(on(models, "lora")).record
    names = [file.name for file in record.files]
    assert names == ["adapter_config.json", "adapter_model.safetensors", "base/model.safetensors"]
    assert all(file.sha256 for file in record.files)
    assert (record.name, record.merged_onto, record.declared_bases) == ("lora", "base", ("org/base",))
    assert fingerprint(models["base"]).record.merged_onto is None
    assert fingerprint(on(models, "lora"), workers=2).record == record


def test_a_merged_adapter_depends_on_its_base_and_says_why(models: dict[str, Path]) -> None:
    """The report warns that the relation is of the merging, in every rendering, and can be replayed."""
    report = test_lineage(on(models, "lora"), models["base"])
    assert report.verdict == "dependent"
    warning = "A is an adapter that was merged for this report"
    assert any(warning in line for line in report.limitations)
    for text in (report.to_markdown(), report.to_latex(), report.to_html()):
        assert warning in text
        assert "merged onto" in text
    assert replay(report).agrees
    assert replay(report, on(models, "lora"), models["base"]).agrees


def test_a_merged_adapter_is_no_relative_of_a_stranger(models: dict[str, Path]) -> None:
    """And its report carries the caveat all the same."""
    report = test_lineage(models["stranger"], on(models, "lora"))
    assert report.verdict == "no_evidence"
    assert any(line.startswith("B is an adapter") for line in report.limitations)


def test_the_card_of_the_base_is_not_the_adapters(models: dict[str, Path], tmp_path: Path) -> None:
    """Its own card is."""
    c = config()
    base = write(tmp_path / "base", weights(0, c), c)
    (base / "README.md").write_text("---\nbase_model: org/older\n---\n")
    lora = Location(str(models["lora"]), base=str(base))
    assert open_checkpoint(base).declared_bases == ("org/older",)
    assert open_checkpoint(lora).declared_bases == ("org/base",)


def test_the_command_line_takes_a_base(
    models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of one model, of each of two, and to replay; one sentence without."""

    def run(*arguments: object) -> int:
        monkeypatch.setattr("sys.argv", ["verify", *map(str, arguments)])
        try:
            main()
        except SystemExit as end:
            return int(end.code or 0)
        return 0

    base, lora, out = models["base"], models["lora"], tmp_path / "report"
    assert run("fingerprint", lora, "--base", base, "-o", tmp_path / "f.safetensors", "-q") == 0
    assert run("lineage", lora, base, "--base-a", base, "-o", out, "-q") == 0
    assert run("lineage", base, lora, "--base-b", base, "-o", tmp_path / "other", "-q") == 0
    assert run("replay", out / "report.json", "--a", lora, "--base-a", base, "--b", base, "-q") == 0
    capsys.readouterr()
    assert run("lineage", lora, base, "-q") == 2
    assert capsys.readouterr().err.count("\n") == 1
