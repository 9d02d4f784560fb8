"""Layers of several kinds: which of them hold the attention and the MLPs that tests compare.

A layer may mix positions by other means than attention (a state space, a convolution, linear attention), may have no
MLP, or one of another size than most. What differs from most layers is set aside: understood, compared by no test.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from .layout import Family
from .naming import Key

Shapes = Mapping[Key, tuple[int, ...]]

MLPS = ("", "expert_", "shared_")
"""Prefixes of the roles of each kind of MLP."""
STATE = "state_"
"""Prefix of the roles of the heads of a state space."""
_OF_ATTENTION = {*"qkvo", *(f"{role}_bias" for role in "qkvo"), "q_norm", "k_norm"}


def set_aside(family: Family, shapes: Shapes, width: int, *, declared: bool) -> frozenset[Key]:
    """Tensors of attention and of MLPs, each sound in itself, of another size than those of most layers.

    In a family of uneven layers also what is left of attention that reads the keys or values of another layer; where
    names alone matched the table, also attention that fits in no layer, such as q with a gate in it.

    Parameters
    ----------
    family : the table.
    shapes : canonical shape by role, layer and expert.
    width : of the residual stream.
    declared : whether the model, or the caller, named the table.
    """
    aside = set[Key]()
    layers = sorted({layer for _, layer, _ in shapes if layer is not None})
    if family.attention == "heads":
        found = {i: tuple(shapes.get((role, i, None), ()) for role in "qkvo") for i in layers}
        whole = {i: sizes for i, sizes in found.items() if _is_attention(sizes, width, family.values_apart)}
        shared = [i for i, (q, k, v, o) in found.items() if family.uneven and q and o and not (k and v)]
        strange = [] if whole or declared else [i for i in layers if all(found[i])]
        aside |= _keys(shapes, _OF_ATTENTION, [*_unlike_most(whole), *shared, *strange])
    if family.attention == "latent":
        others = [i for i in layers if ("latent_kv_b", i, None) not in shapes]
        aside |= {key for key in shapes if key[1] in others and key[0].startswith("latent_")}
    for prefix in ("", "shared_"):
        up, down = ({i: shapes.get((prefix + role, i, None), ()) for i in layers} for role in ("up", "down"))
        sizes = {i: (up[i],) for i in layers if len(up[i]) == 2 and up[i][1] == width and down[i] == up[i][::-1]}
        roles = {prefix + role + suffix for role in ("gate", "up", "down") for suffix in ("", "_bias")}
        aside |= _keys(shapes, roles, _unlike_most(sizes))
    return frozenset(aside)


def layers_without(shapes: Shapes, layers: int, *roles: str) -> tuple[int, ...]:
    """Layers, ascending, that have none of some roles.

    Parameters
    ----------
    shapes : canonical shape by role, layer and expert.
    layers : their number.
    roles : the roles.
    """
    held = {layer for role, layer, _ in shapes if role in roles}
    return tuple(layer for layer in range(layers) if layer not in held)


def _is_attention(sizes: tuple[tuple[int, ...], ...], width: int, apart: bool) -> bool:
    if any(len(shape) != 2 or 0 in shape for shape in sizes):
        return False
    q, k, v, o = sizes
    fits = q[0] * v[0] == k[0] * o[1] if apart else q[0] == o[1] and k == v
    return q[1] == k[1] == v[1] == o[0] == width and fits


def _unlike_most(sizes: Mapping[int, object]) -> list[int]:
    """Layers of other sizes than the most frequent ones; of two equally frequent, the earlier."""
    most = Counter(sizes.values()).most_common(1)
    return [layer for layer, size in sizes.items() if size != most[0][0]]


def _keys(shapes: Shapes, roles: set[str], layers: Iterable[int]) -> set[Key]:
    chosen = set(layers)
    return {key for key in shapes if key[1] in chosen and key[0] in roles}
