"""Layouts of models that no table knows: inferred from names and shapes, declared in a file, or refused."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import verify
from tests.checkpoints import Array, Toy, toy, write_checkpoint
from tests.models import VOCABULARY, child
from verify.base import CheckpointError, Phrase
from verify.checkpoint import Location, draft_layout, open_checkpoint, read_layout
from verify.checkpoint.layouts.infer import infer
from verify.checkpoint.layouts.layout import slot_of
from verify.checkpoint.layouts.layout_file import _family
from verify.checkpoint.layouts.naming import places
from verify.fingerprint import Fingerprint
from verify.statistics.applicability import no_fixed_vectors

WIDTH, HIDDEN, VOCAB, LAYERS, HEADS, KV_HEADS, SIZE = 16, 40, 128, 3, 4, 2, 4
DOCUMENT = Path(__file__).parents[1] / "docs" / "layouts.md"

GATED = (
    ("gate_proj", "up_proj", "down_proj"),
    ("w1", "w3", "w2"),
    ("gate", "up", "down"),
    ("wi_0", "wi_1", "wo"),
)
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
ATTENTION = (
    ("q_proj", "k_proj", "v_proj", "o_proj"),
    ("q_proj", "k_proj", "v_proj", "out_proj"),
    ("query", "key", "value", "out"),
    ("wq", "wk", "wv", "wo"),
    ("to_q", "to_k", "to_v", "to_out.0"),
)
SHAPES = {
    "gate": (HIDDEN, WIDTH),
    "up": (HIDDEN, WIDTH),
    "down": (WIDTH, HIDDEN),
    "q": (HEADS * SIZE, WIDTH),
    "k": (KV_HEADS * SIZE, WIDTH),
    "v": (KV_HEADS * SIZE, WIDTH),
    "o": (WIDTH, HEADS * SIZE),
}


def strange(
    words: tuple[str, ...] = ("w1", "w3", "w2"),
    *,
    attention: tuple[str, ...] | None = ATTENTION[0],
    at: str = "net.blocks.",
    module: str = "mixer.",
    transposed: bool = False,
    bias: bool = False,
    tokens: str | None = "net.tok_embeddings.weight",
    norms: bool = True,
    seed: int = 0,
) -> Toy:
    """A model of no family, under words in common use."""
    rng = np.random.default_rng(seed)
    tensors: dict[str, Array] = {}
    canonical: dict[tuple[str, int | None, int | None], Array] = {}

    def add(name: str, role: str, layer: int | None, shape: tuple[int, ...]) -> None:
        value = rng.standard_normal(shape).astype(np.float32)
        canonical[role, layer, None] = value
        tensors[name] = value.T if transposed and layer is not None and len(shape) == 2 else value

    if tokens is not None:
        add(tokens, "embed", None, (VOCAB, WIDTH))
    for i in range(LAYERS):
        roles = ("gate", "up", "down") if words in GATED else ("up", "down")
        named = [(f"{at}{i}.{module}{word}", role) for word, role in zip(words, roles, strict=True)]
        if attention is not None:
            named += [(f"{at}{i}.attn.{word}", role) for word, role in zip(attention, "qkvo", strict=True)]
        for name, role in named:
            add(f"{name}.weight", role, i, SHAPES[role])
            if bias:
                add(f"{name}.bias", f"{role}_bias", i, SHAPES[role][:1])
        if norms:
            tensors[f"{at}{i}.norm1.weight"] = np.ones(WIDTH, np.float32)
    config = {"model_type": "never-seen", "num_attention_heads": HEADS, "num_key_value_heads": KV_HEADS}
    return Toy(tensors, config, canonical)


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
    """Only tests of hidden units apply; the others say what is not known."""
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
    assert refused.keys() == {"value_identity", "sign_agreement", "stream_identity"}
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
            "no layers with an MLP",
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


# layout files


def documented() -> str:
    """The example of the manual."""
    found = re.search(r"<!-- example -->\n```toml\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def documented_model(seed: int = 0) -> Toy:
    """The model that the manual's example is of."""
    model = toy("llama", seed)
    get, tensors = (
        model.canonical,
        {"net.pooler.weight": np.ones(3, np.float32), "net.inv_freq": np.ones(2, np.float32)},
    )
    tensors |= {"net.tokens.weight": get["embed", None, None], "net.norm.weight": get["norm_final", None, None]}
    tensors["head.weight"] = get["unembed", None, None]
    for i in range(2):
        q, k, v = (get[role, i, None].reshape(2, -1, 16) for role in "qkv")  # 2 kv heads, width 16
        tensors[f"net.layers.{i}.mix.qkv.weight"] = np.concatenate([q, k, v], axis=1).reshape(-1, 16)
        tensors[f"net.layers.{i}.mix.out.weight"] = get["o", i, None]
        tensors[f"net.layers.{i}.norm_a.weight"] = get["norm_attn", i, None]
        tensors[f"net.layers.{i}.norm_b.weight"] = get["norm_mlp", i, None]
        tensors[f"net.layers.{i}.ffn.in.weight"] = np.concatenate([get["gate", i, None], get["up", i, None]])
        tensors[f"net.layers.{i}.ffn.out.weight"] = get["down", i, None].T
    return Toy(tensors, {}, get)


def test_the_documented_layout_reads_the_model_it_documents(tmp_path: Path) -> None:
    """Fused tensors come apart, what is declared is known, and the record says that it was declared."""
    (tmp_path / "my.toml").write_text(documented(), encoding="utf-8")
    model = documented_model()
    folder = write_checkpoint(tmp_path / "model", model)
    (folder / "config.json").unlink()
    checkpoint = open_checkpoint(Location(str(folder), layout=str(tmp_path / "my.toml")))
    for key, expected in model.canonical.items():
        np.testing.assert_array_equal(checkpoint.read(*key), expected)
    assert (checkpoint.outside, checkpoint.unrecognised) == (("net.pooler.weight",), ())
    found = checkpoint.architecture
    assert (found.family, found.model_type) == ("layout:my-model", "")
    assert (found.heads, found.kv_heads, found.head_size) == (4, 2, 4)
    assert (found.norm, found.gated, found.odd_in_up, found.linear_values) == ("rms", True, True, True)
    assert found.positions == "rotary"


def test_what_config_json_says_goes_before_what_a_layout_says(tmp_path: Path) -> None:
    """Counts of the layout are for where config.json is silent; a number that fits no tensor is noted."""
    (tmp_path / "my.toml").write_text(documented(), encoding="utf-8")
    folder = write_checkpoint(tmp_path / "model", documented_model().configured(num_attention_heads=2))
    checkpoint = open_checkpoint(Location(str(folder), layout=str(tmp_path / "my.toml")))
    assert checkpoint.architecture.heads == 0
    assert any("2 heads and 2 kv heads, which do not fit" in note for note in checkpoint.notes)


MINIMAL = """name = "m"
[layer]
up = "net.blocks.{i}.mixer.fc1.weight"
down = "net.blocks.{i}.mixer.fc2.weight"
"""


def test_what_a_layout_does_not_declare_is_not_assumed(tmp_path: Path) -> None:
    """Layer norm, unknown positions, no symmetry of signs or values: the cautious answers."""
    (tmp_path / "my.toml").write_text(MINIMAL, encoding="utf-8")
    folder = write_checkpoint(tmp_path / "model", strange(("fc1", "fc2")))
    checkpoint = open_checkpoint(Location(str(folder), layout=str(tmp_path / "my.toml")))
    found = checkpoint.architecture
    assert (found.norm, found.positions, found.gated) == ("layer", "unknown", False)
    assert (found.odd_in_up, found.linear_values, found.vocab, found.heads) == (False, False, 0, 0)
    assert "net.tok_embeddings.weight" in checkpoint.unrecognised
    one = verify.fingerprint(write_checkpoint(tmp_path / "other", toy("llama")))
    open_one = Fingerprint(one.record.model_copy(update={"architecture": found}), one.arrays)
    assert no_fixed_vectors(open_one, one) == Phrase.of("layout_open", model="A")


def test_a_layout_that_does_not_fit_says_what_it_needs(tmp_path: Path) -> None:
    """Its roles must be there; no other table is tried."""
    (tmp_path / "my.toml").write_text(MINIMAL, encoding="utf-8")
    folder = write_checkpoint(tmp_path / "model", toy("llama"))
    for layout in (str(tmp_path / "my.toml"), "bert"):
        with pytest.raises(CheckpointError, match=r"layout:(m|bert) needs .*up.*not all present; correct"):
            open_checkpoint(Location(str(folder), layout=layout))


def test_naming_a_family_states_that_it_is_one(tmp_path: Path) -> None:
    """A model type that is not known leaves symmetries open; whoever asks may state them, and it shows."""
    folder = write_checkpoint(tmp_path, toy("llama").configured(model_type="acme"))
    assert open_checkpoint(folder).architecture.positions == "unknown"
    found = open_checkpoint(Location(str(folder), layout="llama")).architecture
    assert (found.family, found.model_type, found.positions) == ("layout:llama", "acme", "rotary")
    assert found.odd_in_up
    assert found.linear_values


UP = 'up = "a.{i}.up"\ndown = "a.{i}.down"\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "name as None"),
        ("name = ", "not TOML"),
        ("a = " + "[" * 20_000, "not TOML"),
        ("a = " + "9" * 9000, "not TOML"),
        ("#" * (1 << 21), "more than 1048576 bytes"),
        ('name = "a/b"\n[layer]\n' + UP, "name as 'a/b'"),
        ('name = "m"\nx = 1\n[layer]\n' + UP, "entry 'x'"),
        ('name = "m"', "lacks a table"),
        ('name = "m"\nlayer = 3', "lacks a table"),
        ('name = "m"\n[layer]\nup = "a.{i}.up"', "no MLP"),
        ('name = "m"\n[layer]\nspin = "a.{i}.x"\n' + UP, "role 'spin'"),
        ('name = "m"\n[layer]\nq = "a.{i.__class__}.x"\n' + UP, "between dots"),
        ('name = "m"\n[layer]\nq = "a.{e}.x.{i}.y"\n' + UP, "between dots"),
        ('name = "m"\n[layer]\nq = "a.{i}.x.{i}.y"\n' + UP, "between dots"),
        ('name = "m"\n[layer]\nq = "a.x"\n' + UP, "between dots"),
        ('name = "m"\n[layer]\nexpert_up = "a.{i}.x"\n' + UP, "between dots"),
        ('name = "m"\n[layer]\nq = 3\n' + UP, "q as 3"),
        ('name = "m"\n[layer]\nq = { name = "a.{i}.q", part = [3, 3] }\n' + UP, "part of q"),
        ('name = "m"\n[layer]\nq = { name = "a.{i}.q", part = [0, 99999999] }\n' + UP, "part of q"),
        ('name = "m"\n[layer]\nq = { name = "a.{i}.q", part = [true, 3] }\n' + UP, "part of q"),
        ('name = "m"\n[layer]\nq = { name = "a.{i}.q", fused = "heads" }\n' + UP, "fused of q"),
        ('name = "m"\n[layer]\nq = { name = "a.{i}.q", stacked = true }\n' + UP, "stacked of q"),
        ('name = "m"\n[layer]\nexpert_up = { name = "a.{i}.q", stacked = 1 }\n' + UP, "stacked of expert_up"),
        ('name = "m"\n[layer]\nexpert_up = { name = "a.{i}.{e}.q", stacked = true }\n' + UP, "a name with {i}"),
        ('name = "m"\n[layer]\nq = { name = "a.{i}.q", fused = ["heads"] }\n' + UP, "fused of q"),
        ('name = "m"\n[layer]\nq = { name = "a.{i}.q", transposed = 1 }\n' + UP, "transposed of q"),
        ('name = "m"\n[layer]\nq = { name = "a.{i}.q", code = "x" }\n' + UP, "a table of name"),
        ('name = "m"\n[layer]\nq = { transposed = true }\n' + UP, "q as None"),
        (f'name = "m"\n[layer]\nq = "a.{{i}}.{"q" * 400}"\n' + UP, "printable"),
        ('name = "m"\n[layer]\nq = "a.{i}.\\u0007"\n' + UP, "printable"),
        ('name = "m"\n[globals]\nembed = "a.{i}.x"\n[layer]\n' + UP, "without braces"),
        ('name = "m"\nprefix = "a"\n[layer]\n' + UP, "ends in a dot"),
        ('name = "m"\nprefix = 3\n[layer]\n' + UP, "ends in a dot"),
        ('name = "m"\nnorm = "batch"\n[layer]\n' + UP, "norm as 'batch'"),
        ('name = "m"\nnorm_offset = true\n[layer]\n' + UP, "norm_offset as True"),
        ('name = "m"\npost_norm = 1\n[layer]\n' + UP, "post_norm as 1"),
        ('name = "m"\nodd_in_up = true\n[layer]\n' + UP, "odd_in_up as true"),
        ('name = "m"\nlinear_values = true\n[layer]\n' + UP, "linear_values as true"),
        ('name = "m"\nattention = "heads"\n[layer]\n' + UP, "attention as"),
        ('name = "m"\noutside = "x"\n[layer]\n' + UP, "outside otherwise"),
        ('name = "m"\noutside = [3]\n[layer]\n' + UP, "outside as 3"),
        ('name = "m"\nstacks = 3\n[layer]\n' + UP, "stacks otherwise"),
        ('name = "m"\nstacks = [3]\n[layer]\n' + UP, "table of roles"),
        ('name = "m"\n[config]\nnum_attention_heads = -1\n[layer]\n' + UP, "[config]"),
        ('name = "m"\n[config]\nnum_attention_heads = "4"\n[layer]\n' + UP, "[config]"),
    ],
)
def test_a_layout_is_read_as_hostile_input(tmp_path: Path, text: str, says: str) -> None:
    """Whatever is not a layout is one sentence that names the file, the entry and what was expected."""
    (tmp_path / "my.toml").write_text(text, encoding="utf-8")
    with pytest.raises(CheckpointError) as caught:
        read_layout(tmp_path / "my.toml")
    message = str(caught.value)
    assert says in message
    assert "my.toml" in message
    assert "\n" not in message
    assert len(message) < 1000


@pytest.mark.parametrize("path", ["", ".", "absent.toml", "a\0b", "x" * 5000])
def test_a_layout_that_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """What is not there, a folder or no path at all is refused."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError):
        read_layout(path)
    with pytest.raises(CheckpointError):
        open_checkpoint(Location(str(write_checkpoint(tmp_path / "model", toy())), layout=path))


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    """TOML is UTF-8."""
    (tmp_path / "my.toml").write_bytes(b'name = "\xff"')
    with pytest.raises(CheckpointError, match="not TOML"):
        read_layout(tmp_path / "my.toml")


def test_patterns_have_stars_and_no_regular_expressions(tmp_path: Path) -> None:
    """A pattern is of a whole name, and takes no time that grows beyond the name's length."""
    text = MINIMAL.replace("[layer]", 'outside = ["*.norm1.*", "(a+)+$", "' + "*a" * 100 + '"]\n[layer]')
    (tmp_path / "my.toml").write_text(text, encoding="utf-8")
    model = strange(("fc1", "fc2")).adding(**{"b" + "a" * 800 + "b": np.ones(1, np.float32)})
    folder = write_checkpoint(tmp_path / "model", model)
    checkpoint = open_checkpoint(Location(str(folder), layout=str(tmp_path / "my.toml")))
    assert len(checkpoint.outside) == LAYERS
    assert all(".norm1." in name for name in checkpoint.outside)


TOML = st.recursive(
    st.booleans() | st.integers(-3, 2**40) | st.text(max_size=4) | st.sampled_from(["a.{i}.x", "heads", "rms"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["up", "down", "name", "part", "q", "embed"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(
    st.dictionaries(
        st.sampled_from(["name", "prefix", "layer", "globals", "stacks", "config", "norm", "outside", "tied"]), TOML
    )
)
def test_no_content_escapes(content: dict[str, Any]) -> None:
    """Anything that TOML can hold is a family or one sentence."""
    entries = {"name": "m", "layer": {"up": "a.{i}.u", "down": "a.{i}.d"}} | content
    try:
        family = _family(entries)
    except CheckpointError as error:
        _one_sentence(error)
    else:
        assert family.stated
        assert all(slot_of(entry).name for entry in family.layer.values())


def _one_sentence(error: CheckpointError) -> None:
    assert "\n" not in str(error)
    assert len(str(error)) < 1000
