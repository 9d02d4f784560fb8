"""Signed permutations of the residual stream, of every tensor that touches it, known to a table or not."""

from __future__ import annotations

import re

import numpy as np

from .groups import Roles
from .numbers import Element, Places

_READERS = re.compile(
    r"(q|k|v|value_gate|gate|up|router|embed|unembed|position|latent_q|latent_q_a|latent_kv_a|shared_router"
    r"|(expert|shared|state)_(gate|up)|state_rest)"
)
_WRITERS = re.compile(r"(o|down|embed_map|latent_o|(expert|shared|state)_down)(_bias)?")
_OF_NARROW = ("embed", "position", "norm_embed", "norm_embed_bias", "unembed")
"""What an embedding narrower than the stream holds."""


def move_stream(roles: Roles, element: Element, order: Places, sign: Places | None) -> None:
    """Permute the dimensions of the residual stream, with signs.

    Parameters
    ----------
    roles : of the part whose stream it is.
    element : to be made; broken, only what reads the stream is moved.
    order : permutation of the width.
    sign : of each dimension; None for none.
    """
    width, narrow, known = roles.architecture.width, roles.has("embed_map"), list[int]()
    for layer in (None, *roles.layers()):
        for key in roles.checkpoint.keys(layer):
            places, role = roles.at(*key), key[0]
            known.append(int(places.flat[0]))
            if narrow and role in _OF_NARROW and places.shape[-1] != width:
                continue
            if _READERS.fullmatch(role):
                element.there(places.T, order, sign)
            elif _WRITERS.fullmatch(role):
                element.back(places, order, sign)
            elif role.startswith("norm_") and places.shape == (width,):
                element.back(places, order, sign if role.endswith("_bias") else None)
    for name, places in roles.named.items():
        if not np.isin(known, places).any() and not (narrow and "embeddings." in name):
            for axis in _axes(name, places.shape, width):
                gain = places.ndim == 1 and not name.endswith("bias")
                element.back(np.moveaxis(places, axis, 0), order, None if gain else sign)


def _axes(name: str, shape: tuple[int, ...], width: int) -> list[int]:
    """Axes of a tensor without a role that are the stream's, by their size and its name."""
    axes = [axis for axis, size in enumerate(shape) if size == width]
    leaf = name.rsplit(".", 2)[-2] if name.endswith((".weight", ".bias")) else name.rsplit(".", 1)[-1]
    if len(shape) == 2 and len(axes) == 2:  # of a square matrix, the last axis reads, the first writes
        if re.search(r"(^|_)(q|k|v|query|key|value|qkv)(_|$)|_(q|k|v)$|^to_[qkv]$", leaf):
            return [1]
        if re.search(r"^(wo|Wo|o_proj|out_proj|out_lin)$", leaf) or (
            re.search(r"^(o|out|c_proj|dense|attention_output)$|out_proj", leaf)
            and re.search("attn|attention", name.lower())
        ):
            return [0]
    if len(shape) == 2 and len(axes) == 1 and re.search(r"(^|_)(q|k|v|qkv)_proj|query|key|value", leaf):
        return [1] if shape[1] == width else []
    if len(shape) == 1 and re.search(r"(^|_)(q|k|v|query|key|value)(_|$)", leaf) and "norm" not in leaf:
        return []
    if len(shape) == 1 and re.search(r"[qk]_?(norm|ln|layernorm)|attn_sub_norm", name):
        return []
    if leaf == "r" or (len(shape) == 3 and shape[1] == 1 and "conv" in name):
        return []  # depthwise, of channels that are not the stream's
    return axes
