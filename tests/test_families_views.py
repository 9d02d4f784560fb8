"""Roles that are part of a tensor: shares of its rows, one of its sides, or tensors with an axis for heads.

Each toy is stored as the model's own code reshapes it, and read back role by role.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from tests.checkpoints import Array
from verify import fingerprint
from verify.base import CheckpointError
from verify.checkpoint import Checkpoint, open_checkpoint
from verify.checkpoint.formats.safetensors_file import StoredTensor
from verify.checkpoint.formats.tensor import Indexer
from verify.checkpoint.views import ByHead, Window

WIDTH, HEADS, SIZE, HIDDEN, LAYERS, VOCAB, EXPERTS = 16, 4, 4, 24, 2, 30, 3
RNG = np.random.default_rng(0)


def some(*shape: int) -> Array:
    return RNG.standard_normal(shape).astype(np.float32)


def opened(folder: Path, tensors: dict[str, Array], config: dict[str, Any]) -> Checkpoint:
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: np.ascontiguousarray(x) for name, x in tensors.items()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config))
    return open_checkpoint(folder)


def reads(checkpoint: Checkpoint, layer: int, **roles: Array) -> None:
    """Every role holds these numbers, whole and row by row."""
    for role, value in roles.items():
        np.testing.assert_array_equal(checkpoint.read(role, layer), value, role)
        rows = np.array([0, len(value) - 1])
        np.testing.assert_array_equal(checkpoint.read(role, layer, rows=rows), value[rows], role)
        np.testing.assert_array_equal(checkpoint.read(role, layer, rows=slice(1, 3)), value[1:3], role)


class _Held(StoredTensor):
    """A tensor in memory."""

    def __init__(self, value: Array) -> None:
        object.__setattr__(self, "value", value)
        object.__setattr__(self, "shape", value.shape)

    def read(self, rows: Indexer = None, columns: Indexer = None) -> Array:
        found: Array = self.value[slice(None) if rows is None else rows]  # type: ignore[attr-defined]
        return found if columns is None else found[:, columns]

    def nbytes(self, rows: Indexer = None, columns: Indexer = None) -> int:
        return self.read(rows, columns).nbytes


@st.composite
def _chosen(draw: st.DrawFn, size: int) -> Indexer:
    """Nothing, a slice, or ascending indices."""
    kind = draw(st.sampled_from(["all", "slice", "some"]))
    if kind == "all":
        return None
    low, high = sorted((draw(st.integers(0, size)), draw(st.integers(0, size))))
    if kind == "slice":
        return slice(low, high)
    return np.array(sorted(draw(st.sets(st.integers(0, size - 1), min_size=1))), np.intp)


@given(st.data())
def test_a_window_reads_what_the_same_slice_would(data: st.DataObject) -> None:
    """Of rows and of columns, with the bytes of what is read and no others."""
    value = np.arange(7 * 9, dtype=np.float32).reshape(7, 9)
    axis = data.draw(st.sampled_from([0, 1]))
    start = data.draw(st.integers(0, value.shape[axis] - 1))
    size = data.draw(st.integers(1, value.shape[axis] - start))
    window, expected = Window(_Held(value), axis, start, size), np.take(value, range(start, start + size), axis)
    rows, columns = (data.draw(_chosen(n)) for n in expected.shape)
    wanted = expected[slice(None) if rows is None else rows][:, slice(None) if columns is None else columns]
    assert window.shape == expected.shape
    np.testing.assert_array_equal(window.read(rows, columns), wanted)
    assert window.nbytes(rows, columns) == wanted.nbytes
    assert b"".join(window.iter_bytes()) == expected.tobytes()


@given(st.data())
def test_a_tensor_by_head_is_the_matrix_of_its_heads(data: st.DataObject) -> None:
    """Wherever the width is among its axes; heads come before their channels."""
    axis = data.draw(st.sampled_from([0, 1, 2]))
    matrix = np.arange(2 * 3 * 5, dtype=np.float32).reshape(6, 5)
    view = ByHead(_Held(np.ascontiguousarray(np.moveaxis(matrix.reshape(2, 3, 5), -1, axis))), axis)
    rows, columns = (data.draw(_chosen(n)) for n in matrix.shape)
    wanted = matrix[slice(None) if rows is None else rows][:, slice(None) if columns is None else columns]
    assert view.shape == matrix.shape
    np.testing.assert_array_equal(view.read(rows, columns), wanted)
    assert view.nbytes(rows, columns) == wanted.nbytes
    assert ByHead(_Held(np.zeros((2, 3), np.float32)), axis).shape == (6,)


DBRX = {
    "model_type": "dbrx",
    "d_model": WIDTH,
    "n_heads": HEADS,
    "attn_config": {"kv_n_heads": 2},
    "ffn_config": {"moe_num_experts": EXPERTS},
}


def dbrx() -> tuple[dict[str, Array], dict[str, Array]]:
    """The model, and its experts by role, [experts, units, width]."""
    at, parts = "transformer.blocks.{}.", {role: some(EXPERTS, HIDDEN, WIDTH) for role in ("w1", "v1", "w2")}
    tensors = {"transformer.wte.weight": some(VOCAB, WIDTH), "lm_head.weight": some(VOCAB, WIDTH)}
    tensors["transformer.norm_f.weight"] = some(WIDTH)
    for i in range(LAYERS):
        block = at.format(i)
        tensors |= {f"{block}ffn.experts.mlp.{role}": x.reshape(-1, WIDTH) for role, x in parts.items()}
        tensors[f"{block}ffn.router.layer.weight"] = some(EXPERTS, WIDTH)
        tensors[f"{block}norm_attn_norm.attn.Wqkv.weight"] = some(8 * SIZE, WIDTH)
        tensors[f"{block}norm_attn_norm.attn.out_proj.weight"] = some(WIDTH, WIDTH)
        tensors |= {f"{block}norm_attn_norm.norm_{n}.weight": some(WIDTH) for n in (1, 2)}
    return tensors, parts


def test_experts_of_dbrx_lie_one_below_the_other(tmp_path: Path) -> None:
    """As ``DbrxExpertGLU`` takes them: each of ``w1``, ``v1`` and ``w2`` is viewed as [experts, units, width]."""
    tensors, parts = dbrx()
    checkpoint = opened(tmp_path, tensors, DBRX)
    assert (checkpoint.architecture.experts, checkpoint.architecture.expert_hidden) == (EXPERTS, HIDDEN)
    assert checkpoint.unrecognised == ()
    for expert in range(EXPERTS):
        np.testing.assert_array_equal(checkpoint.read("expert_gate", 1, expert), parts["w1"][expert])
        np.testing.assert_array_equal(checkpoint.read("expert_up", 1, expert), parts["v1"][expert])
        np.testing.assert_array_equal(checkpoint.read("expert_down", 1, expert), parts["w2"][expert].T)


def test_experts_that_the_router_does_not_know_are_refused(tmp_path: Path) -> None:
    """Rows that it cannot share out would be units of two experts in one."""
    tensors, _ = dbrx()
    tensors["transformer.blocks.1.ffn.router.layer.weight"] = some(EXPERTS + 2, WIDTH)
    with pytest.raises(CheckpointError, match="expected the matrices or biases"):
        opened(tmp_path, tensors, DBRX)


def test_codegen_has_queries_values_and_keys_by_quarters(tmp_path: Path) -> None:
    """As ``CodeGenAttention`` takes them: four blocks, of each a third for q, for v and for k."""
    parts = {role: some(WIDTH, WIDTH) for role in "qvk"}
    quarters = [part for n in range(4) for part in (x[4 * n : 4 * n + 4] for x in parts.values())]
    tensors = {"transformer.wte.weight": some(VOCAB, WIDTH), "lm_head.weight": some(VOCAB, WIDTH)}
    tensors |= {"lm_head.bias": some(VOCAB)} | {
        f"transformer.ln_f.{kind}": some(WIDTH) for kind in ("weight", "bias")
    }
    for i in range(LAYERS):
        at = f"transformer.h.{i}."
        tensors[f"{at}attn.qkv_proj.weight"] = np.concatenate(quarters)
        tensors[f"{at}attn.out_proj.weight"] = some(WIDTH, WIDTH)
        tensors |= {f"{at}mlp.fc_in.weight": some(HIDDEN, WIDTH), f"{at}mlp.fc_in.bias": some(HIDDEN)}
        tensors |= {f"{at}mlp.fc_out.weight": some(WIDTH, HIDDEN), f"{at}mlp.fc_out.bias": some(WIDTH)}
        tensors |= {f"{at}ln_1.weight": some(WIDTH), f"{at}ln_1.bias": some(WIDTH)}
    config = {"model_type": "codegen", "n_embd": WIDTH, "n_head": HEADS, "rotary_dim": 2}
    checkpoint = opened(tmp_path, tensors, config)
    shape = checkpoint.architecture
    assert (shape.heads, shape.rotary, shape.rotary_size, shape.linear_values) == (HEADS, "interleaved", 2, True)
    reads(checkpoint, 1, **parts)


def flux(names: str) -> tuple[dict[str, Array], Array, Array, Array]:
    """A layer for images and text and one for both; of the latter, up, down, and what attention writes through."""
    gates = 2 if names == "flux2" else 1
    up, down, other = some(gates * HIDDEN, WIDTH), some(WIDTH, HIDDEN), some(WIDTH, WIDTH)
    tensors: dict[str, Array] = {}
    first, second, into, out = {
        "mmdit": ("transformer_blocks.0.ff.net.", "transformer_blocks.0.ff_context.net.", "0.proj", "2"),
        "flux": ("double_blocks.0.img_mlp.", "double_blocks.0.txt_mlp.", "0", "2"),
        "flux2": ("transformer_blocks.0.ff.", "transformer_blocks.0.ff_context.", "linear_in", "linear_out"),
    }[names]
    for mlp in (first, second):
        tensors |= {f"{mlp}{into}.weight": some(len(up), WIDTH), f"{mlp}{out}.weight": some(WIDTH, HIDDEN)}
    both = np.concatenate([other, down], axis=1)
    qkv = some(3 * WIDTH, WIDTH)
    if names == "mmdit":
        at = "single_transformer_blocks.0.proj_"
        tensors |= {f"{at}mlp.weight": up, f"{at}mlp.bias": up[:, 0], f"{at}out.weight": both}
    elif names == "flux":
        at, first_of_all = "single_blocks.0.linear", np.concatenate([qkv, up])
        tensors |= {f"{at}1.weight": first_of_all, f"{at}1.bias": first_of_all[:, 0], f"{at}2.weight": both}
    else:
        at = "single_transformer_blocks.0.attn."
        tensors |= {f"{at}to_qkv_mlp_proj.weight": np.concatenate([qkv, up]), f"{at}to_out.weight": both}
    return tensors, up, down, other


@pytest.mark.parametrize("names", ["mmdit", "flux", "flux2"])
def test_layers_with_attention_and_an_mlp_in_one_matrix_are_read(tmp_path: Path, names: str) -> None:
    """Behind the others, as ``FluxSingleTransformerBlock`` joins what both found: attention first."""
    tensors, up, down, _ = flux(names)
    checkpoint = opened(tmp_path, tensors, {})
    shape = checkpoint.architecture
    assert (shape.family, shape.layers, shape.hidden, checkpoint.unrecognised) == (names, 2, HIDDEN, ())
    reads(checkpoint, 1, up=up[-HIDDEN:], down=down)
    if names == "flux2":
        reads(checkpoint, 1, gate=up[:HIDDEN])
    else:
        reads(checkpoint, 1, up_bias=up[:, 0])


@pytest.mark.parametrize("names", ["mmdit", "flux", "flux2"])
def test_what_attention_has_of_such_a_matrix_counts_for_the_digest(tmp_path: Path, names: str) -> None:
    """No test compares it, and a model in which it changed is another."""
    tensors, *_, other = flux(names)
    opened(tmp_path / "a", tensors, {})
    name = next(name for name, x in tensors.items() if x.shape == (WIDTH, WIDTH + HIDDEN))
    changed = tensors[name].copy()
    changed[0, 0] += 1
    assert changed[0, 0] != other[0, 0]
    opened(tmp_path / "b", tensors | {name: changed}, {})
    digests = {fingerprint(tmp_path / folder, effort="full").record.content_sha256 for folder in "ab"}
    assert len(digests) == 2


def test_a_matrix_without_room_for_attention_is_refused(tmp_path: Path) -> None:
    """Square, so that nothing is left for the MLP."""
    tensors, *_ = flux("mmdit")
    tensors["single_transformer_blocks.0.proj_out.weight"] = some(WIDTH, WIDTH)
    with pytest.raises(CheckpointError, match="along one side"):
        opened(tmp_path, tensors, {})


def by_head(x: Array, axis: int) -> Array:
    """A matrix [heads times channels, width] with an axis for each."""
    return np.moveaxis(x.reshape(HEADS, SIZE, WIDTH), -1, axis)


def test_xlnet_has_axes_for_width_heads_and_channels(tmp_path: Path) -> None:
    """As ``einsum("ibh,hnd->ibnd")`` takes q, and ``einsum("ibnd,hnd->ibh")`` takes o."""
    parts = {role: some(WIDTH, WIDTH) for role in "qkv"} | {"o": some(WIDTH, WIDTH)}
    tensors = {"transformer.word_embedding.weight": some(VOCAB, WIDTH), "transformer.mask_emb": some(1, 1, WIDTH)}
    for i in range(LAYERS):
        at = f"transformer.layer.{i}."
        tensors |= {f"{at}rel_attn.{role}": by_head(x.T if role == "o" else x, 0) for role, x in parts.items()}
        tensors[f"{at}rel_attn.r"] = some(WIDTH, HEADS, SIZE)
        tensors |= {f"{at}rel_attn.r_{which}_bias": some(HEADS, SIZE) for which in "rsw"}
        tensors[f"{at}rel_attn.seg_embed"] = some(2, HEADS, SIZE)
        for norm in ("rel_attn.layer_norm", "ff.layer_norm"):
            tensors |= {f"{at}{norm}.weight": some(WIDTH), f"{at}{norm}.bias": some(WIDTH)}
        tensors |= {f"{at}ff.layer_1.weight": some(HIDDEN, WIDTH), f"{at}ff.layer_1.bias": some(HIDDEN)}
        tensors |= {f"{at}ff.layer_2.weight": some(WIDTH, HIDDEN), f"{at}ff.layer_2.bias": some(WIDTH)}
    config = {"model_type": "xlnet", "d_model": WIDTH, "n_head": HEADS, "n_layer": LAYERS}
    checkpoint = opened(tmp_path, tensors, config)
    shape = checkpoint.architecture
    assert (shape.family, shape.heads, shape.linear_values, shape.query_key_norm) == ("xlnet", HEADS, True, "unknown")
    assert checkpoint.unrecognised == ()
    reads(checkpoint, 1, **parts)


LENS: dict[str, Any] = {
    "d_model": WIDTH,
    "n_heads": HEADS,
    "d_head": SIZE,
    "n_layers": LAYERS,
    "d_mlp": HIDDEN,
    "n_key_value_heads": None,
    "num_experts": None,
    "attn_only": False,
    "act_fn": "gelu_new",
    "normalization_type": "LN",
    "positional_embedding_type": "standard",
    "rotary_dim": None,
}
"""Of what ``HookedTransformerConfig.to_dict`` gives."""


def lens(
    *, gated: bool = False, norms: bool = True, kv_heads: int = HEADS
) -> tuple[dict[str, Array], dict[str, Array]]:
    """A model of TransformerLens, and the roles of its layers; every layer is the same."""
    grouped = "" if kv_heads == HEADS else "_"
    rows = {"q": WIDTH, "k": kv_heads * SIZE, "v": kv_heads * SIZE}
    parts = {role: some(n, WIDTH) for role, n in rows.items()} | {"o": some(WIDTH, WIDTH)}
    parts |= {f"{role}_bias": some(n) for role, n in rows.items()}
    parts |= {"up": some(HIDDEN, WIDTH), "down": some(WIDTH, HIDDEN), "up_bias": some(HIDDEN)}
    tensors = {"embed.W_E": some(VOCAB, WIDTH), "unembed.W_U": some(WIDTH, VOCAB), "unembed.b_U": some(VOCAB)}
    tensors["pos_embed.W_pos"] = some(8, WIDTH)
    for i in range(LAYERS):
        at = f"blocks.{i}."
        for role, heads in (("q", HEADS), ("k", kv_heads), ("v", kv_heads)):
            letter = (grouped if role != "q" else "") + "{}_" + role.upper()
            tensors[f"{at}attn.{letter.format('W')}"] = parts[role].reshape(heads, SIZE, WIDTH).swapaxes(1, 2)
            tensors[f"{at}attn.{letter.format('b')}"] = parts[f"{role}_bias"].reshape(heads, SIZE)
        tensors[f"{at}attn.W_O"] = parts["o"].T.reshape(HEADS, SIZE, WIDTH)
        tensors |= {f"{at}attn.b_O": some(WIDTH), f"{at}attn.IGNORE": np.full((), -np.inf, np.float32)}
        tensors |= {f"{at}mlp.W_in": parts["up"].T, f"{at}mlp.b_in": parts["up_bias"]}
        tensors |= {f"{at}mlp.W_out": parts["down"].T, f"{at}mlp.b_out": some(WIDTH)}
        if gated:
            parts.setdefault("gate", some(HIDDEN, WIDTH))
            tensors[f"{at}mlp.W_gate"] = parts["gate"].T
        if norms:
            tensors |= {f"{at}ln{n}.{kind}": some(WIDTH) for n in (1, 2) for kind in "wb"}
    return tensors, parts


@pytest.mark.parametrize("gated", [False, True])
@pytest.mark.parametrize("kv_heads", [HEADS, 2])
def test_a_model_of_transformer_lens_is_read(tmp_path: Path, gated: bool, kv_heads: int) -> None:
    """As ``einsum("b p d, n d h -> b p n h")`` takes W_Q, and ``einsum("b p n h, n h d -> b p d")`` takes W_O."""
    tensors, parts = lens(gated=gated, kv_heads=kv_heads)
    rotary = {"positional_embedding_type": "rotary", "rotary_dim": 2}
    checkpoint = opened(tmp_path, tensors, LENS | rotary | {"n_key_value_heads": kv_heads})
    shape = checkpoint.architecture
    assert shape.family == f"transformer_lens{'_gated' if gated else ''}"
    assert (shape.heads, shape.kv_heads, shape.positions, shape.norm) == (HEADS, kv_heads, "rotary", "layer")
    assert (shape.linear_values, shape.query_key_norm, shape.odd_in_up) == (True, "none", gated)
    assert checkpoint.unrecognised == ()
    reads(checkpoint, 1, **parts)
    np.testing.assert_array_equal(checkpoint.read("unembed"), tensors["unembed.W_U"].T)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, {"linear_values": False, "query_key_norm": "unknown", "positions": "learned", "heads_alike": True}),
        ({"normalization_type": "LNPre"}, {"linear_values": False, "query_key_norm": "unknown", "norm": "layer"}),
        ({"normalization_type": "RMSPre"}, {"linear_values": False, "query_key_norm": "unknown", "norm": "rms"}),
        ({"normalization_type": "RMS"}, {"linear_values": False, "norm": "rms"}),
        ({"positional_embedding_type": "alibi"}, {"positions": "none", "linear_values": False, "heads_alike": False}),
        ({"positional_embedding_type": "rotary", "normalization_type": "RMSPre"}, {"linear_values": False}),
        (
            {"positional_embedding_type": "rotary", "rotary_dim": 2},
            {"rotary": "half", "rotary_size": 2, "linear_values": True, "query_key_norm": "none"},
        ),
        (
            {"positional_embedding_type": "rotary", "rotary_dim": 4, "rotary_adjacent_pairs": True},
            {"rotary": "interleaved", "rotary_size": 4},
        ),
        ({"normalization_type": None}, {"linear_values": False, "positions": "unknown"}),
        ({"use_normalization_before_and_after": True}, {"linear_values": False, "positions": "unknown"}),
        ({"positional_embedding_type": "relative_positional_bias"}, {"positions": "unknown"}),
    ],
)
def test_what_a_model_of_transformer_lens_declares(
    tmp_path: Path, said: dict[str, Any], expected: dict[str, Any]
) -> None:
    """Of channels nothing where loading may have sorted them, with folded norms or not; of others nothing at all."""
    folded = str(said.get("normalization_type")).endswith("Pre")
    tensors, _ = lens(norms=not folded)
    try:
        shape = opened(tmp_path, tensors, LENS | said).architecture
    except CheckpointError:
        assert expected["positions"] == "unknown"  # then no table knows its names
        return
    assert {name: getattr(shape, name) for name in expected} == expected


@pytest.mark.parametrize(("before", "attention", "mlp"), [(True, 1, 2), (False, None, 1)])
def test_norms_of_flaubert_are_told_by_where_they_are(
    tmp_path: Path, before: bool, attention: int | None, mlp: int
) -> None:
    """Before the sublayers, the first norm of a layer feeds attention and the second the MLP; behind them, the second
    norm of the layer before feeds attention, and the first the MLP."""
    tensors = {"transformer.embeddings.weight": some(VOCAB, WIDTH)}
    for i in range(LAYERS):
        shapes = {f"attentions.{i}.{role}": (WIDTH, WIDTH) for role in ("q_lin", "k_lin", "v_lin", "out_lin")}
        shapes |= {f"ffns.{i}.lin1": (HIDDEN, WIDTH), f"ffns.{i}.lin2": (WIDTH, HIDDEN)}
        shapes |= {f"layer_norm{n}.{i}": (WIDTH,) for n in (1, 2)}
        for name, shape in shapes.items():
            tensors[f"transformer.{name}.weight"] = some(*shape)
            tensors[f"transformer.{name}.bias"] = some(shape[0])
    config = {"model_type": "flaubert", "emb_dim": WIDTH, "n_heads": HEADS, "n_layers": LAYERS, "pre_norm": before}
    checkpoint = opened(tmp_path, tensors, config)
    assert (checkpoint.architecture.post_norm, checkpoint.unrecognised) == (not before, ())
    for sublayer, number, layer in (("attn", attention or 2, 1 if before else 0), ("mlp", mlp, 1)):
        norm = checkpoint.norm_before(sublayer, 1)
        assert norm is not None
        stored = tensors[f"transformer.layer_norm{number}.{layer}.weight"]
        np.testing.assert_array_equal(checkpoint.read(*norm), stored)


TOWERS = {
    "vit_base_patch16_siglip_224": ("timm_tower", "learned", "", True, False),
    "beitv2_base_patch16_224": ("timm_tower", "learned", "", True, False),
    "vit_base_patch16_dinov3": ("timm_tower", "rotary", "half", True, False),
    "vit_small_plus_patch16_dinov3_qkvb": ("timm_gated", "rotary", "half", True, True),
    "eva02_tiny_patch14_336": ("timm_gated", "rotary", "interleaved", True, True),
    "eva02_base_patch14_448": ("timm_gated", "rotary", "interleaved", True, False),
    "eva02_large_patch14_clip_336": ("timm_gated", "rotary", "interleaved", False, False),
}
"""Table, positions, pairing, and whether values and signs of units are free."""


def tower(architecture: str) -> tuple[dict[str, Array], dict[str, Array]]:
    """A tower of timm, and the roles of its layers."""
    parts = {role: some(WIDTH, WIDTH) for role in "qkvo"}
    parts |= {"up": some(HIDDEN, WIDTH), "gate": some(HIDDEN, WIDTH), "down": some(WIDTH, HIDDEN)}
    parts |= {"q_bias": some(WIDTH), "v_bias": some(WIDTH)}
    tensors = {"cls_token": some(1, 1, WIDTH), "patch_embed.proj.weight": some(WIDTH, 3, 4, 4)}
    gated, apart = TOWERS[architecture][0] == "timm_gated", architecture.startswith(("eva02_base", "eva02_large"))
    for i in range(LAYERS):
        at = f"blocks.{i}."
        if apart:
            tensors |= {f"{at}attn.{role}_proj.weight": parts[role] for role in "qkv"}
            tensors |= {f"{at}attn.{role}_proj.bias": parts[f"{role}_bias"] for role in "qv"}
            tensors |= {f"{at}mlp.norm.weight": some(HIDDEN), f"{at}mlp.norm.bias": some(HIDDEN)}
        else:
            tensors[f"{at}attn.qkv.weight"] = np.concatenate([parts[role] for role in "qkv"])
            tensors |= {f"{at}attn.{role}_bias": parts[f"{role}_bias"] for role in "qv"}
        tensors |= {f"{at}attn.proj.weight": parts["o"], f"{at}mlp.fc2.weight": parts["down"]}
        if not gated:
            tensors[f"{at}mlp.fc1.weight"] = parts["up"]
        elif "tiny" in architecture:
            tensors[f"{at}mlp.fc1.weight"] = np.concatenate([parts["gate"], parts["up"]])
        else:
            tensors |= {f"{at}mlp.fc1_g.weight": parts["gate"], f"{at}mlp.fc1_x.weight": parts["up"]}
        tensors |= {f"{at}norm{n}.{kind}": some(WIDTH) for n in (1, 2) for kind in ("weight", "bias")}
        tensors |= {f"{at}gamma_{n}": some(WIDTH) for n in (1, 2)}
    return tensors, parts if gated else {role: x for role, x in parts.items() if role != "gate"}


@pytest.mark.parametrize("architecture", TOWERS)
def test_a_tower_of_timm_is_read_as_its_architecture_says(tmp_path: Path, architecture: str) -> None:
    """Also where q, k and v have biases of their own, and k has none."""
    tensors, parts = tower(architecture)
    checkpoint = opened(tmp_path, tensors, {"architecture": architecture, "model_args": {"num_heads": HEADS}})
    shape, (family, positions, rotary, values, signs) = checkpoint.architecture, TOWERS[architecture]
    assert (shape.family, shape.positions, shape.rotary) == (family, positions, rotary)
    assert (shape.linear_values, shape.odd_in_up, shape.heads) == (values, signs, HEADS)
    assert checkpoint.unrecognised == ()
    reads(checkpoint, 1, **parts)


@pytest.mark.parametrize(
    "config",
    [
        {"architecture": "vit_base_patch16_siglip_224", "model_args": {"qk_norm": True}},
        {"architecture": "vit_base_patch16_siglip_9x9"},
        {"architecture": "vit_giant_patch16_radio_v3"},
        {},
    ],
)
def test_of_another_tower_hidden_units_are_all(tmp_path: Path, config: dict[str, Any]) -> None:
    """One that is not among the architectures, or was changed."""
    tensors, _ = tower("vit_base_patch16_siglip_224")
    shape = opened(tmp_path, tensors, config).architecture
    assert (shape.family, shape.positions, shape.linear_values) == ("inferred", "unknown", False)
