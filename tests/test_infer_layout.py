"""Layouts of models that no table knows are inferred from names and shapes, or refused where in doubt."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import verify
from tests.checkpoints import Toy, write_checkpoint
from tests.models import VOCABULARY, child
from tests.unknown_models import ATTENTION, GATED, HEADS, HIDDEN, LAYERS, SHAPES, VOCAB, WIDTH, strange
from verify.base import CheckpointError, Phrase
from verify.checkpoint import draft_layout, open_checkpoint, read_layout
from verify.checkpoint.layouts.infer import infer
from verify.checkpoint.layouts.naming import places

PLAIN = (
    ("fc1", "fc2"),
    ("lin1", "lin2"),
    ("linear1", "linear2"),
    ("c_fc", "c_proj"),
    ("fc_in", "fc_out"),
    ("dense_h_to_4h", "dense_4h_to_h"),
    ("intermediate.dense", "output.dense"),
    ("up_proj", "down_proj"),
    ("w1", "w2"),
    ("wi", "wo"),
    ("0", "2"),
)


def shapes(model: Toy) -> dict[str, tuple[int, ...]]:
    """Stored shapes by name."""
    return {name: value.shape for name, value in model.tensors.items()}


MODELS = st.builds(
    strange,
    words=st.sampled_from([*GATED, *PLAIN]),
    attention=st.sampled_from([None, *ATTENTION]),
    at=st.sampled_from(["layers.", "model.layers.", "a.b.encoder.layer.", "h.", "0.stack.blocks.", "x.h."]),
    module=st.sampled_from(["", "mlp.", "ffn.", "feed_forward.net."]),
    transposed=st.booleans(),
    bias=st.booleans(),
    tokens=st.sampled_from(["wte.weight", "model.embed_tokens.weight", "a.word_embeddings.weight"]),
    norms=st.booleans(),
)


@given(MODELS)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_words_and_shapes_tell_units_from_the_stream(tmp_path: Path, model: Toy) -> None:
    """Under any prefix, words and orientation, what is read is what was meant; the rest is left out, and listed."""
    checkpoint = open_checkpoint(write_checkpoint(tmp_path, model))
    found = checkpoint.architecture
    for key, expected in model.canonical.items():
        np.testing.assert_array_equal(checkpoint.read(*key), expected)
    assert (found.width, found.hidden, found.layers, found.vocab) == (WIDTH, HIDDEN, LAYERS, VOCAB)
    assert found.heads == (HEADS if ("q", 0, None) in model.canonical else 0)
    assert (found.odd_in_up, found.linear_values, found.positions) == (False, False, "unknown")
    assert set(checkpoint.unrecognised) == {name for name in model.tensors if ".norm1." in name}


@given(MODELS)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_a_draft_of_what_is_understood_is_a_layout(tmp_path: Path, model: Toy) -> None:
    """A draft says what was inferred and states nothing else; read back, it names the same tensors."""
    (tmp_path / "draft.toml").write_text(draft_layout(shapes(model)), encoding="utf-8")
    declared, inferred = read_layout(tmp_path / "draft.toml"), infer(shapes(model))
    named = [places(family, ("", ""), model.tensors) for family in (declared, inferred)]
    assert named[0].keys() == named[1].keys()
    for name, keys in named[0].items():
        assert {key for key, _ in keys} == {key for key, _ in named[1][name]}
        assert [slot.transposed for _, slot in keys] == [slot.transposed for _, slot in named[1][name]]
    assert not declared.odd_in_up
    assert not declared.linear_values
    assert (declared.norm, declared.gated, declared.positions) == (inferred.norm, inferred.gated, "unknown")


@pytest.mark.parametrize("words", [("w1", "w3", "w2"), ("fc1", "fc2")])
def test_an_inferred_child_is_dependent_and_a_stranger_is_not(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Only tests of hidden units apply; the others say what is not known, or not there."""
    parent, files = strange(words), {"vocab.json": json.dumps(VOCABULARY)}
    models = {
        "parent": parent,
        "child": Toy(child(parent.tensors, seed=1), parent.config, {}),
        "stranger": strange(words, seed=2),
    }
    prints = {
        name: verify.fingerprint(write_checkpoint(tmp_path / name, m, files=files)) for name, m in models.items()
    }
    near = verify.test_lineage(prints["child"], prints["parent"])
    far = verify.test_lineage(prints["stranger"], prints["parent"])
    assert (near.verdict, far.verdict) == ("dependent", "no_evidence")
    assert near.a.architecture.family == "inferred"
    refused = {test.id: test.reason for test in near.tests.values() if not test.applicable}
    assert near.tests.keys() - refused.keys() == {"unit_identity", "response_identity"}
    assert refused.pop("expert_identity") == Phrase.of("no_experts", model="A")
    assert refused.pop("unused_tokens") == Phrase.of("no_unused", model="A", tokenizer="vocab.json")
    assert refused.pop("latent_identity") == Phrase.of("no_latent", model="A")
    assert set(refused.values()) == {Phrase.of("type_unknown", model="A", type="never-seen")}


def test_experts_are_inferred_by_their_number(tmp_path: Path) -> None:
    """A number behind `experts` counts experts; a shared one is told by its name; a router is left out."""
    rng, tensors = np.random.default_rng(0), strange(attention=None).tensors
    tensors = {name: value for name, value in tensors.items() if "mixer" not in name}
    for i in range(LAYERS):
        for part in ("experts.0", "experts.1", "shared_expert"):
            for word, role in zip(("w1", "w3", "w2"), ("gate", "up", "down"), strict=True):
                name = f"net.blocks.{i}.moe.{part}.{word}.weight"
                tensors[name] = rng.standard_normal(SHAPES[role]).astype(np.float32)
        tensors[f"net.blocks.{i}.moe.router.weight"] = rng.standard_normal((2, WIDTH)).astype(np.float32)
    checkpoint = open_checkpoint(write_checkpoint(tmp_path, Toy(tensors, {}, {})))
    found = checkpoint.architecture
    assert (found.hidden, found.experts, found.expert_hidden, found.shared_hidden) == (0, 2, HIDDEN, HIDDEN)
    np.testing.assert_array_equal(checkpoint.read("expert_up", 2, 1), tensors["net.blocks.2.moe.experts.1.w3.weight"])
    assert any("router" in name for name in checkpoint.unrecognised)


def test_stacks_of_one_shape_follow_one_another(tmp_path: Path) -> None:
    """Encoder and decoder are layers of one model, whatever their names; two attentions are not told apart."""
    encoder = strange(at="m.encoder.layers.", module="", words=("fc1", "fc2"))
    decoder = strange(at="m.decoder.layers.", module="", words=("fc1", "fc2"), seed=1)
    cross = {name.replace(".attn.", ".cross."): x for name, x in decoder.tensors.items() if ".attn." in name}
    model = Toy(encoder.tensors | decoder.tensors | cross, encoder.config, {})
    checkpoint = open_checkpoint(write_checkpoint(tmp_path, model))
    assert checkpoint.architecture.layers == 2 * LAYERS
    np.testing.assert_array_equal(checkpoint.read("up", 0), encoder.canonical["up", 0, None])
    np.testing.assert_array_equal(checkpoint.read("up", LAYERS), decoder.canonical["up", 0, None])
    assert checkpoint.architecture.kv_heads == 0
    assert set(cross) <= set(checkpoint.unrecognised)


def reshaped(model: Toy, sizes: dict[str, tuple[int, ...]]) -> Toy:
    """The same model with tensors of other shapes under names that contain a text; new ones in each layer if none."""
    tensors = dict(model.tensors)
    for text, size in sizes.items():
        places = [name for name in tensors if text in name] or [f"net.blocks.{i}{text}" for i in range(LAYERS)]
        tensors |= {name: np.ones(size, np.float32) for name in places}
    return Toy(tensors, model.config, {})


@pytest.mark.parametrize(
    ("model", "doubt"),
    [
        (
            reshaped(strange(), dict.fromkeys((".w1.", ".w2.", ".w3."), (WIDTH, WIDTH))),
            "`down` writes to cannot be told",
        ),
        (strange(tokens=None, norms=False), "`down` writes to cannot be told"),
        (reshaped(strange(), {".mixer.norm.weight": (HIDDEN,)}), "`down` writes to cannot be told"),
        (
            reshaped(strange(tokens=None, norms=False), {".mixer.norm.weight": (HIDDEN,)}),
            "`down` writes to cannot be told",
        ),
        (
            reshaped(strange(), {".adapter.fc1.weight": (8, WIDTH), ".adapter.fc2.weight": (WIDTH, 8)}),
            "could be `up`",
        ),
        (reshaped(strange(("fc1", "fc2")), {".fc1.weight": (2 * HIDDEN, WIDTH)}), "no layers with an MLP"),
        (
            reshaped(strange(), {"net.blocks.1.mixer.w1": (HIDDEN + 1, WIDTH), "net.blocks.1.mixer.w3": (7, WIDTH)}),
            "MLPs of several sizes",
        ),
        (Toy({"x.weight": np.ones((3, 3), np.float32)}, {}, {}), "no layers with an MLP"),
        (
            Toy(
                strange().tensors
                | {
                    name.replace("net.", "net.eye."): value[: len(value) // 2]
                    for name, value in strange().tensors.items()
                    if ".w1." in name or ".w3." in name
                }
                | {
                    name.replace("net.", "net.eye."): value[:, : HIDDEN // 2]
                    for name, value in strange().tensors.items()
                    if ".w2." in name
                }
                | {f"net.eye.blocks.{i}.norm.weight": np.ones(WIDTH, np.float32) for i in range(LAYERS)},
                {},
                {},
            ),
            "stacks of layers of different shapes",
        ),
    ],
)
def test_more_than_one_reading_is_refused(tmp_path: Path, model: Toy, doubt: str) -> None:
    """The message counts the tensors, says what is in doubt, shows templates, and says what to do; it stays short."""
    with pytest.raises(CheckpointError) as caught:
        open_checkpoint(write_checkpoint(tmp_path, model))
    message = str(caught.value)
    assert f"{len(model.tensors)} tensors) is not understood" in message
    assert doubt in message
    assert "--layout" in message
    assert "--draft-layout" in message
    assert "\n" not in message
    assert len(message) < 2500
    tomllib.loads(draft_layout(shapes(model)))


@given(
    st.dictionaries(
        st.text(st.sampled_from("ab.{}ie01\"\\'#=[]\u00e9"), min_size=1, max_size=24),
        st.lists(st.integers(1, 5), max_size=3).map(tuple),
        max_size=12,
    )
)
def test_a_draft_of_anything_is_toml(named: dict[str, tuple[int, ...]]) -> None:
    """Whatever tensors are called, their names stay inside quotes; nothing but what a layout has is declared."""
    content = tomllib.loads(draft_layout(named))
    assert content["name"] == "my-model"
    assert content.keys() <= {"name", "norm", "attention", "globals", "layer", "stacks"}


def test_a_draft_of_what_is_in_doubt_says_so() -> None:
    """Roles told by one word are written; words that several tensors have are left as comments."""
    model = reshaped(strange(), dict.fromkeys((".w1.", ".w2.", ".w3."), (WIDTH, WIDTH)))
    text = draft_layout(shapes(model))
    assert "# Not certain: which side of" in text
    assert tomllib.loads(text)["layer"]["down"] == "net.blocks.{i}.mixer.w2.weight"
    two = reshaped(strange(), {".adapter.w1.weight": (8, WIDTH), ".adapter.w3.weight": (8, WIDTH)})
    two = reshaped(two, {".adapter.w2.weight": (WIDTH, 8)})
    text = draft_layout(shapes(two))
    assert "down" not in tomllib.loads(text)["layer"]
    assert '# "net.blocks.{i}.adapter.w2.weight" [16, 8] in 3 layers' in text
