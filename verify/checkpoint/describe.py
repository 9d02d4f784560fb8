"""Architecture from tensor shapes, with ``config.json`` for what shapes cannot say; they must agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..base import CheckpointError
from .architecture import Architecture
from .hostile import count
from .layout import Family

Shapes = Mapping[tuple[str, int | None, int | None], tuple[int, ...]]


def describe(family: Family, shapes: Shapes, config: dict[str, Any]) -> Architecture:
    """The architecture of a model, checked tensor by tensor.

    Raises
    ------
    CheckpointError
        If a tensor has an unexpected shape, a layer is missing, the number of heads is not declared, or
        shapes and ``config.json`` disagree.
    """
    vocab, width = _matrix(shapes, "embed", None)
    layers = 1 + max(layer for _, layer, _ in shapes if layer is not None)
    heads = count(config, "num_attention_heads", "n_head")
    if not heads:
        raise CheckpointError(
            "config.json does not say num_attention_heads, which tensor shapes cannot tell; put the model's "
            "config.json beside its weights."
        )
    query_rows = _matrix(shapes, "q", 0)[0]
    head_size = count(config, "head_dim") or query_rows // heads
    if head_size == 0 or heads * head_size != query_rows:
        raise CheckpointError(
            f"{heads} heads of {head_size} channels do not make the {query_rows} rows of q; check config.json."
        )
    kv_heads, rest = divmod(_matrix(shapes, "v", 0)[0], head_size)
    if rest or kv_heads == 0 or heads % kv_heads:
        raise CheckpointError(
            f"The {_matrix(shapes, 'v', 0)[0]} rows of v are not a divisor of {heads} heads of {head_size} channels; "
            "check config.json."
        )
    experts = 1 + max((expert for _, _, expert in shapes if expert is not None), default=-1)
    sizes = {prefix: _hidden(shapes, prefix) for prefix in ("", "expert_", "shared_")}
    _check_shapes(shapes, width, vocab, heads * head_size, kv_heads * head_size, sizes)
    _check_layers(shapes, layers, experts)
    _check_config(config, width, layers, kv_heads)
    tied = not any(role == "unembed" for role, _, _ in shapes)
    return Architecture(
        family=family.name,
        model_type=str(config.get("model_type", ""))[:60],
        layers=layers,
        width=width,
        vocab=vocab,
        heads=heads,
        kv_heads=kv_heads,
        head_size=head_size,
        hidden=sizes[""],
        experts=experts,
        expert_hidden=sizes["expert_"],
        shared_hidden=sizes["shared_"],
        norm=family.norm,
        norm_offset=family.norm_offset,
        post_norm=family.post_norm,
        gated=family.gated,
        odd_in_up=family.odd_in_up,
        linear_values=family.linear_values,
        positions=family.positions,
        tied_embeddings=tied,
        shared_blocks=False,
    )


def _matrix(shapes: Shapes, role: str, layer: int | None) -> tuple[int, int]:
    shape = shapes.get((role, layer, None))
    if shape is None or len(shape) != 2 or 0 in shape:
        raise CheckpointError(f"{_where(role, layer)} has shape {shape}; expected a matrix.")
    return shape[0], shape[1]


def _hidden(shapes: Shapes, prefix: str) -> int:
    """Units of the first MLP of a kind; 0 if there is none."""
    ups = [shape for (role, layer, _), shape in shapes.items() if role == prefix + "up" and layer is not None]
    return ups[0][0] if ups and ups[0] else 0


def _check_shapes(shapes: Shapes, width: int, vocab: int, query: int, value: int, hidden: dict[str, int]) -> None:
    expected: dict[str, tuple[int, ...]] = {
        "unembed": (vocab, width),
        "q": (query, width),
        "k": (value, width),
        "v": (value, width),
        "o": (width, query),
        "q_bias": (query,),
        "k_bias": (value,),
        "v_bias": (value,),
        "o_bias": (width,),
        "norm_attn": (width,),
        "norm_mlp": (width,),
        "norm_out": (width,),
        "norm_embed": (width,),
        "norm_final": (width,),
    }
    for prefix, size in hidden.items():
        expected |= {prefix + role: (size, width) for role in ("gate", "up")} | {prefix + "down": (width, size)}
    for (role, layer, expert), shape in shapes.items():
        if role in expected and shape != expected[role]:
            raise CheckpointError(
                f"{_where(role, layer, expert)} has shape {shape}; expected {expected[role]} from the other tensors."
            )


def _check_layers(shapes: Shapes, layers: int, experts: int) -> None:
    """Layers and experts are numbered without gaps, and each layer has its attention and one MLP."""
    for layer in range(layers):
        missing = [role for role in "qkvo" if (role, layer, None) not in shapes]
        if missing:
            raise CheckpointError(f"{_where(missing[0], layer)} is missing; download the checkpoint again.")
        dense, routed = (("down", layer, None) in shapes), (("expert_down", layer, 0) in shapes)
        if not dense and not routed:
            raise CheckpointError(f"Layer {layer} has no MLP; download the checkpoint again.")
        absent = [e for e in range(experts if routed else 0) if ("expert_down", layer, e) not in shapes]
        if absent:
            raise CheckpointError(f"{_where('expert_down', layer, absent[0])} is missing; download it again.")
    incomplete = [
        (prefix, layer, expert)
        for (role, layer, expert) in shapes
        for prefix in ("", "expert_", "shared_")
        if role == prefix + "down" and (prefix + "up", layer, expert) not in shapes
    ]
    if incomplete:
        prefix, layer, expert = incomplete[0]
        raise CheckpointError(f"{_where(prefix + 'up', layer, expert)} is missing; download it again.")


def _check_config(config: dict[str, Any], width: int, layers: int, kv_heads: int) -> None:
    for found, keys in (
        (width, ("hidden_size", "n_embd")),
        (layers, ("num_hidden_layers", "n_layer")),
        (kv_heads, ("num_key_value_heads",)),
    ):
        declared = count(config, *keys)
        if declared is not None and declared != found:
            raise CheckpointError(
                f"config.json says {keys[0]} is {declared}, but the tensors have {found}; use files of one model."
            )


def _where(role: str, layer: int | None, expert: int | None = None) -> str:
    text = f"The tensor for `{role}`"
    if layer is not None:
        text += f" of layer {layer}"
    return text if expert is None else text + f", expert {expert}"
