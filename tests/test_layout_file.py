"""Layouts declared in a file: read as documented, and as hostile input."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import verify
from tests.checkpoints import Toy, toy, write_checkpoint
from tests.hybrids import lfm2
from tests.unknown_models import LAYERS, strange
from verify.base import CheckpointError, Phrase
from verify.checkpoint import Location, open_checkpoint, read_layout
from verify.checkpoint.layouts.layout import slot_of
from verify.checkpoint.layouts.layout_file import family_of
from verify.fingerprint import Fingerprint
from verify.statistics.applicability import no_fixed_vectors
from verify.wording import say

DOCUMENT = Path(__file__).parents[1] / "docs" / "layouts.md"


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
    assert (found.positions, found.rotary, found.rotary_size) == ("rotary", "half", 4)
    assert found.query_key_norm == "none"


def test_what_config_json_says_goes_before_what_a_layout_says(tmp_path: Path) -> None:
    """Counts of the layout are for where config.json is silent; a number that fits no tensor is noted."""
    (tmp_path / "my.toml").write_text(documented(), encoding="utf-8")
    folder = write_checkpoint(tmp_path / "model", documented_model().configured(num_attention_heads=2))
    checkpoint = open_checkpoint(Location(str(folder), layout=str(tmp_path / "my.toml")))
    assert checkpoint.architecture.heads == 0
    assert any("2 heads and 2 kv heads, which do not fit" in say(note) for note in checkpoint.notes)


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
        ("a = " + "[" * 20_000, "nested too deeply"),
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
        family = family_of(entries)
    except CheckpointError as error:
        _one_sentence(error)
    else:
        assert family.stated
        assert all(slot_of(entry).name for entry in family.layer.values())


def _one_sentence(error: CheckpointError) -> None:
    assert "\n" not in str(error)
    assert len(str(error)) < 1000


HYBRID = """name = "hybrid"
norm = "rms"
uneven = true
tied = true
odd_in_up = true
linear_values = true
query_key_norm = "gain"
outside = ["*.conv.*"]
section = "text_config"

[globals]
embed = "model.embed_tokens.weight"
norm_final = "model.embedding_norm.weight"

[layer]
q = "model.layers.{i}.self_attn.q_proj.weight"
k = "model.layers.{i}.self_attn.k_proj.weight"
v = "model.layers.{i}.self_attn.v_proj.weight"
o = "model.layers.{i}.self_attn.o_proj.weight"
q_norm = "model.layers.{i}.self_attn.q_layernorm.weight"
k_norm = "model.layers.{i}.self_attn.k_layernorm.weight"
norm_attn = "model.layers.{i}.operator_norm.weight"
norm_mlp = "model.layers.{i}.ffn_norm.weight"
gate = "model.layers.{i}.feed_forward.w1.weight"
up = "model.layers.{i}.feed_forward.w3.weight"
down = "model.layers.{i}.feed_forward.w2.weight"

[others]
o = ["model.layers.{i}.self_attn.out_proj.weight"]

[switches."model_type=strange"]
positions = "none"
"""


def test_a_layout_says_what_a_table_says(tmp_path: Path) -> None:
    """Mixers, other places of a role, a section of config.json, and what its entries change."""
    (tmp_path / "my.toml").write_text(HYBRID, encoding="utf-8")
    model = lfm2()
    config = {"model_type": "strange", "text_config": model.config | {"model_type": "inner"}}
    folder = write_checkpoint(tmp_path / "model", replace(model, config=config))
    checkpoint = open_checkpoint(Location(str(folder), layout=str(tmp_path / "my.toml")))
    found = checkpoint.architecture
    assert (found.no_attention, found.kv_heads, found.linear_values) == ((0, 2), 2, True)
    assert checkpoint.unrecognised == ()
    assert all(".conv." in name for name in checkpoint.outside)
    assert found.positions == "unknown"
    folder = write_checkpoint(tmp_path / "other", replace(model, config=model.config | {"model_type": "strange"}))
    assert open_checkpoint(Location(str(folder), layout=str(tmp_path / "my.toml"))).architecture.positions == "none"


@pytest.mark.parametrize(
    ("added", "says"),
    [
        ('[others]\nmystery = ["a"]', "gives others of 'mystery'"),
        ('[others]\nup = "a"', "gives others of up otherwise"),
        ("[switches]\nx = 1", "gives \\[switches\\] as"),
        ("[switches.x]\nkind = 1", "changes 'kind' in \\[switches\\]"),
        ('[switches.x]\npositions = "up"', "gives positions as 'up'"),
    ],
)
def test_the_newer_entries_are_checked(tmp_path: Path, added: str, says: str) -> None:
    """Each mistake is named."""
    (tmp_path / "my.toml").write_text(f"{MINIMAL}{added}\n", encoding="utf-8")
    folder = write_checkpoint(tmp_path / "model", strange(("fc1", "fc2")))
    with pytest.raises(CheckpointError, match=says):
        open_checkpoint(Location(str(folder), layout=str(tmp_path / "my.toml")))
