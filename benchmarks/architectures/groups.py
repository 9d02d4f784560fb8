"""Random elements of the groups of the exact tests, as signed permutations of the numbers of a file.

Each function takes the roles of a part and makes one element; where it is broken, what a symmetry moves along stays.
Tensors that no table knows and that a symmetry would move are moved along where their axes tell.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from verify.checkpoint import Architecture, Checkpoint

from .numbers import Element, Places

Rng = np.random.Generator
_OF_ATTENTION = re.compile("attn|attention")


@dataclass(frozen=True)
class Roles:
    """The roles of a part, and where their numbers lie."""

    checkpoint: Checkpoint
    """Opened on a file whose numbers are their places."""
    architecture: Architecture
    """As declared, or as supposed."""
    named: Mapping[str, Places]
    """Places of every stored tensor."""
    read: dict[tuple[str, int | None, int | None], Places] = field(default_factory=dict)
    """Those of roles, once they were asked for."""

    def has(self, role: str, layer: int | None = None, expert: int | None = None) -> bool:
        """Whether there is such a role."""
        return self.checkpoint.has(role, layer, expert)

    def at(self, role: str, layer: int | None = None, expert: int | None = None) -> Places:
        """Places of its numbers, in canonical shape."""
        key = role, layer, expert
        if key not in self.read:
            self.read[key] = self.checkpoint.read(*key).astype(np.intp)
        return self.read[key]

    def matrix_and_bias(self, role: str, layer: int, expert: int | None = None) -> Iterator[Places]:
        """Places of the rows of a matrix, and of the entries of its bias; what is not there is left out."""
        for name in (role, f"{role}_bias"):
            if self.has(name, layer, expert):
                yield self.at(name, layer, expert)

    def layers(self) -> range:
        """Numbers of all layers."""
        return range(self.architecture.layers)


def _signs(n: int, rng: Rng) -> Places:
    return rng.choice([-1, 1], n)


def unit_order(roles: Roles, element: Element, rng: Rng) -> None:
    """Permutations of the hidden units of each MLP and expert."""
    for layer, prefix, expert in _mlps(roles):
        order = rng.permutation(roles.checkpoint.shape(prefix + "down", layer, expert)[1])
        _move_units(roles, element, (layer, prefix, expert), order, None)
    _move_states(roles, element, rng)


def unit_order_of_all(roles: Roles, element: Element, rng: Rng) -> None:
    """The same permutation for all experts of a layer, and for tensors of the layer that no table knows."""
    orders: dict[tuple[int, str], Places] = {}
    for layer, prefix, expert in _mlps(roles):
        size = roles.checkpoint.shape(prefix + "down", layer, expert)[1]
        order = orders.setdefault((layer, prefix), rng.permutation(size))
        _move_units(roles, element, (layer, prefix, expert), order, None)
    _move_states(roles, element, rng)
    for (layer, prefix), order in orders.items():
        for name, places in _without_role(roles, layer):
            kind = "shared_" if re.search("shared?_(expert|mlp)", name) else "expert_" if "expert" in name else ""
            if kind == prefix and not _OF_ATTENTION.search(name):
                for axis in range(places.ndim):
                    if places.shape[axis] in (len(order), 2 * len(order)):  # of gate and up, one after the other
                        for half in np.split(np.moveaxis(places, axis, 0), places.shape[axis] // len(order)):
                            element.back(half, order)


def _move_states(roles: Roles, element: Element, rng: Rng) -> None:
    """Permutations of the channels of each head of a state space, with all that is stored by the channel."""
    heads, size = roles.architecture.state_heads, roles.architecture.state_size
    for layer in roles.layers() if heads else ():
        if not roles.has("state_down", layer):
            continue
        start = np.arange(heads)[:, None] * size
        order = (start + np.array([rng.permutation(size) for _ in range(heads)])).ravel()
        for role in ("state_up", "state_gate"):
            element.there(roles.at(role, layer), order)
        element.back(roles.at("state_down", layer).T, order)
        decay = roles.at("state_decay", layer)
        if decay.size > heads:  # of each channel
            element.back(decay.reshape(len(order), -1), order)
        for name, places in _without_role(roles, layer):
            if re.search(r"\.(conv1d|norm|D|dt_proj(_weight|_bias)?)(\.\w+)?$", name) and places.size >= len(order):
                rows = places.reshape(-1, places.shape[-1]) if places.ndim == 3 and "conv1d" not in name else places
                rows = rows.ravel() if re.search(r"\.D$|_bias$", name) else rows
                element.back(rows[: len(order)], order)
            elif re.search(r"\.x_proj(_weight)?(\.\w+)?$", name):
                columns = places.swapaxes(-1, -2).reshape(len(order), -1)
                element.back(columns, order)
            elif re.search(r"\.in_proj\.bias$", name):
                for part in np.split(places[: 2 * len(order)], 2):
                    element.back(part, order)


def unit_signs(roles: Roles, element: Element, rng: Rng) -> None:
    """Signs of up with down."""
    for place in _mlps(roles):
        size = roles.checkpoint.shape(place[1] + "down", place[0], place[2])[1]
        _move_units(roles, element, place, np.arange(size), _signs(size, rng))


def _mlps(roles: Roles) -> Iterator[tuple[int, str, int | None]]:
    for layer in roles.layers():
        for prefix in ("", "expert_", "shared_"):
            for expert in range(roles.architecture.experts) if prefix == "expert_" else (None,):
                if roles.has(prefix + "down", layer, expert) and roles.has(prefix + "up", layer, expert):
                    yield layer, prefix, expert


def _move_units(
    roles: Roles, element: Element, place: tuple[int, str, int | None], order: Places, sign: Places | None
) -> None:
    layer, prefix, expert = place
    for places in roles.matrix_and_bias(prefix + "up", layer, expert):
        element.there(places, order, sign)
    for places in roles.matrix_and_bias(prefix + "gate", layer, expert):
        element.there(places, order)
    if not prefix and roles.has("unit_norm", layer):
        element.there(roles.at("unit_norm", layer), order)
    element.back(roles.at(prefix + "down", layer, expert).T, order, sign)


_OF_VALUES = ("value_gate", "value_norm")
"""What scales value channels after attention."""


def value_order(roles: Roles, element: Element, rng: Rng) -> None:
    """Permutations of the value channels of each kv head."""
    _values(roles, element, lambda size: (rng.permutation(size), None))


def value_signs(roles: Roles, element: Element, rng: Rng) -> None:
    """Signs of the value channels of each kv head."""
    _values(roles, element, lambda size: (np.arange(size), _signs(size, rng)))


def _values(roles: Roles, element: Element, draw: Callable[[int], tuple[Places, Places | None]]) -> None:
    shape = roles.architecture
    for layer in roles.layers():
        if shape.latent and roles.has("latent_kv_b", layer):
            rows = [_behind(roles, "latent_kv_b", layer)[:, shape.key_size - shape.rotary_size :]]
            columns = _behind(roles, "latent_o", layer)
        elif roles.has("v", layer) and roles.has("o", layer):
            rows = [_by_head(x, shape.kv_heads) for x in roles.matrix_and_bias("v", layer)]
            columns = _by_head(roles.at("o", layer).T, shape.heads)
        else:
            continue
        carried = [_by_head(roles.at(role, layer), shape.heads) for role in _OF_VALUES if roles.has(role, layer)]
        for head in range(shape.kv_heads):
            order, sign = draw(shape.head_size)
            for places in rows:
                element.there(places[head], order, sign)
            sharing = shape.heads // shape.kv_heads
            for reader in range(head * sharing, (head + 1) * sharing):
                element.back(columns[reader], order, sign)
                for places in carried:
                    element.back(places[reader], order)


def _by_head(places: Places, heads: int) -> Places:
    """Rows by head, shape [heads, rows, ...]."""
    return places.reshape(heads, -1, *places.shape[1:])


def _behind(roles: Roles, role: str, layer: int) -> Places:
    """Rows (of o, columns) of each head of attention behind a latent vector."""
    places = roles.at(role, layer)
    return _by_head(places.T if role == "latent_o" else places, roles.architecture.heads)


def _queries(roles: Roles, layer: int) -> str:
    return "latent_q_b" if roles.has("latent_q_b", layer) else "latent_q"


def key_order(roles: Roles, element: Element, rng: Rng) -> None:
    """Permutations of the channels of k that positions do not turn, with the queries that read them."""
    _plain_keys(roles, element, lambda size: (rng.permutation(size), None))


def key_signs(roles: Roles, element: Element, rng: Rng) -> None:
    """Signs of the channels of k that positions do not turn, with the queries that read them."""
    _plain_keys(roles, element, lambda size: (np.arange(size), _signs(size, rng)))


def _plain_keys(roles: Roles, element: Element, draw: Callable[[int], tuple[Places, Places | None]]) -> None:
    for keys, queries, plain, _ in _keys_and_queries(roles):
        if len(plain):
            order, sign = draw(len(plain))
            for places in keys:
                element.back(places[plain], order, sign)
            for places in queries:
                element.there(places[plain], order, sign)


def _keys_and_queries(roles: Roles) -> Iterator[tuple[list[Places], list[Places], Places, Places]]:
    """Of each kv head: rows of k, rows of q of each of its query heads; numbers of rows not turned, and of planes."""
    shape = roles.architecture
    for layer in roles.layers():
        if shape.latent and roles.has("latent_kv_b", layer):
            plain = np.arange(shape.key_size - shape.rotary_size)
            none = np.zeros((0, 2), np.intp)
            for made, asked in zip(
                _behind(roles, "latent_kv_b", layer), _behind(roles, _queries(roles, layer), layer), strict=True
            ):
                yield [made], [asked], plain, none
            turned = roles.at("latent_kv_a", layer)[shape.latent :]
            asked = _behind(roles, _queries(roles, layer), layer)[:, len(plain) :]
            yield [turned], list(asked), np.zeros(0, np.intp), planes(shape.rotary_size, shape.rotary)
        elif roles.has("k", layer) and roles.has("q", layer):
            keys = [_by_head(x, shape.kv_heads) for x in roles.matrix_and_bias("k", layer)]
            queries = [_by_head(x, shape.heads) for x in roles.matrix_and_bias("q", layer)]
            plain = np.arange(shape.rotary_size, shape.key_size or shape.head_size)
            sharing = shape.heads // shape.kv_heads
            for head in range(shape.kv_heads):
                readers = range(head * sharing, (head + 1) * sharing)
                yield (
                    [x[head] for x in keys],
                    [x[reader] for x in queries for reader in readers],
                    plain,
                    planes(shape.rotary_size, shape.rotary),
                )


def planes(turned: int, pairing: str) -> Places:
    """Channels of each plane, shape [planes, 2]."""
    return np.arange(turned).reshape(-1, 2) if pairing == "interleaved" else np.arange(turned).reshape(2, -1).T


def phases(roles: Roles, element: Element, rng: Rng) -> None:
    """Quarter turns of the planes of k, with the queries that read them; half turns under gains."""
    quarters = roles.architecture.query_key_norm == "none"
    for keys, queries, _, pairs in _keys_and_queries(roles):
        if not len(pairs):
            continue
        turns = rng.integers(0, 4, len(pairs)) if quarters else 2 * rng.integers(0, 2, len(pairs))
        order, sign = np.arange(pairs.size), np.ones(pairs.size, int)
        for (x, y), turn in zip(pairs, turns, strict=True):
            order[[x, y]] = (y, x) if turn % 2 else (x, y)
            sign[[x, y]] = [(1, 1), (-1, 1), (-1, -1), (1, -1)][turn]
        for places in keys:
            element.back(places[: pairs.size], order, sign)
        for places in queries:
            element.there(places[: pairs.size], order, sign)


def head_order(roles: Roles, element: Element, rng: Rng) -> None:
    """Permutations of the kv heads of each layer, each with its query heads."""
    shape = roles.architecture
    for layer in roles.layers():
        order = rng.permutation(shape.kv_heads)
        if shape.latent and roles.has("latent_kv_b", layer):
            for role in ("latent_kv_b", "latent_o"):
                element.there(_behind(roles, role, layer), order)
            element.back(_behind(roles, _queries(roles, layer), layer), order)
        elif all(roles.has(role, layer) for role in "qkvo"):
            for role in "qkv":
                move = element.back if role == "q" else element.there
                for places in roles.matrix_and_bias(role, layer):
                    move(_by_head(places, shape.kv_heads), order)
            element.there(_by_head(roles.at("o", layer).T, shape.kv_heads), order)
            for role in ("q_norm", "k_norm", "q_norm_bias", "k_norm_bias", "sinks"):
                if roles.has(role, layer) and (role == "sinks" or len(roles.at(role, layer)) > shape.head_size):
                    element.back(_by_head(roles.at(role, layer), shape.kv_heads), order)
            for places in (
                *(roles.at(role, layer) for role in _OF_VALUES if roles.has(role, layer)),
                *(x for n, x in _without_role(roles, layer) if _OF_ATTENTION.search(n) and len(x) == shape.heads),
            ):
                element.back(_by_head(places, shape.kv_heads), order)


def _without_role(roles: Roles, layer: int) -> Iterator[tuple[str, Places]]:
    """Tensors of a layer that no test of its part compares, with their names."""
    firsts = {int(places.flat[0]): name for name, places in roles.named.items() if places.size}
    order = sorted(firsts)
    held = {int(roles.at(*key).min()) for key in roles.checkpoint.keys(layer)}
    inside = {firsts[order[bisect(order, place) - 1]] for place in held}
    if not inside:
        return
    one, other = min(inside), max(inside)  # all names between them begin as both do
    shared = next((n for n, (x, y) in enumerate(zip(one, other, strict=False)) if x != y), len(one))
    block = re.match(r"(?:.*\.)?\d+\.", one[:shared])
    for name, places in roles.named.items():
        if block and name.startswith(block[0]) and name not in inside:
            yield name, places


def expert_order(roles: Roles, element: Element, rng: Rng) -> None:
    """Permutations of the routed experts of each layer, inside the groups that routing treats alike."""
    shape = roles.architecture
    group = shape.expert_group or shape.experts
    for layer in roles.layers():
        starts = range(0, shape.experts, group)
        order = np.concatenate([start + rng.permutation(group) for start in starts])
        named = {role for role, _, expert in roles.checkpoint.keys(layer) if expert is not None}
        for role in sorted(named):
            element.there(np.stack([roles.at(role, layer, e) for e in range(shape.experts)]), order)
        for role in ("router", "router_bias", "router_scale"):
            if roles.has(role, layer):
                element.back(roles.at(role, layer).reshape(shape.experts, -1), order)


def latent_order(roles: Roles, element: Element, rng: Rng) -> None:
    """Permutations of the channels of each latent vector."""
    _latents(roles, element, lambda size: (rng.permutation(size), None))


def latent_signs(roles: Roles, element: Element, rng: Rng) -> None:
    """Signs of the channels of each latent vector."""
    _latents(roles, element, lambda size: (np.arange(size), _signs(size, rng)))


def _latents(roles: Roles, element: Element, draw: Callable[[int], tuple[Places, Places | None]]) -> None:
    shape = roles.architecture
    for layer in roles.layers():
        for part, size in (("kv", shape.latent), ("q", shape.latent_query)):
            if size and roles.has(f"latent_{part}_a", layer):
                order, sign = draw(size)
                element.there(roles.at(f"latent_{part}_a", layer)[:size], order, sign)
                element.there(roles.at(f"latent_{part}_a_norm", layer), order)
                element.back(roles.at(f"latent_{part}_b", layer).T, order, sign)
                for name, places in _without_role(roles, layer):
                    if f"w{part}_b" in name:
                        element.back(places.T, order, sign)


GROUPS: Mapping[str, Callable[[Roles, Element, Rng], None]] = {
    "unit order": unit_order,
    "unit signs": unit_signs,
    "value order": value_order,
    "value signs": value_signs,
    "key order": key_order,
    "key signs": key_signs,
    "phases": phases,
    "head order": head_order,
    "expert order": expert_order,
    "latent order": latent_order,
    "latent signs": latent_signs,
}
"""By the name of the symmetry, but those of the stream, which act on every tensor (``stream``)."""
