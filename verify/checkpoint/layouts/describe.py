"""Infer the architecture from tensor shapes, with ``config.json`` for what shapes do not tell.

Tensors must agree with each other. If ``config.json`` contradicts them, the tensors decide, with a note; if its
number of heads does not fit them, heads count as unknown.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import prod
from typing import Any, Literal, NamedTuple

from ...base import CheckpointError, DamagedError, Phrase, UnsupportedError
from ..architecture import Architecture
from ..hostile import count
from .config import nested
from .families import FAMILIES
from .layout import HINT, STATED, Family
from .naming import Key
from .sublayers import MLPS, STATE, Shapes, layers_without

_OF_STACKS = ("encoder_attention_heads", "decoder_attention_heads")
HEADS = ("num_attention_heads", "n_head", "n_heads", "num_heads", *_OF_STACKS, "attention_heads")
_LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
HEAD_SIZES = ("head_dim", "kv_channels", "d_kv")
_WRITERS = ("down", "expert_down", "shared_down", "o")


def describe(
    family: Family,
    shapes: Shapes,
    config: dict[str, Any],
    unknown: Sequence[str] = (),
    outside: Sequence[str] = (),
    aside: Collection[Key] = (),
) -> tuple[Architecture, set[Phrase]]:
    """The architecture of a model, checked tensor by tensor, and sentences on where ``config.json`` differs.

    Without a fitting number of heads, or plain matrices of heads, value channels are unknown: their counts are 0, and
    no test of values applies.

    Parameters
    ----------
    family : the table that reads it.
    shapes : canonical shape by role, layer and expert.
    config : content of ``config.json``, with the family's defaults.
    unknown : names of tensors unknown to the table.
    outside : names of tensors that are understood and have no role here.
    aside : tensors that were set aside.

    Raises
    ------
    CheckpointError
        If a tensor has an unexpected shape, or a layer is missing.
    """
    vocab, width, narrow = stream(shapes)
    layers = 1 + max((layer for _, layer, _ in shapes if layer is not None), default=-1)
    if not layers:
        raise DamagedError(f"No layer of a {family.name} model was found; download the checkpoint again.")
    comparable = {key: value for key, value in config.items() if key not in family.other_meaning}
    experts = 1 + max((expert for _, _, expert in shapes if expert is not None), default=-1)
    _check_layers(
        shapes, layers, experts, family, unknown, outside, {layer for role, layer, _ in aside if "down" in role}
    )
    (heads, kv_heads, head_size), notes = _heads(family, shapes, comparable)
    key_size = head_size
    if family.values_apart and heads:
        head_size, more = _value_size(shapes, comparable, heads, kv_heads)
        heads, kv_heads, notes = (heads, kv_heads, notes) if head_size else (0, 0, notes | more)
    model_type = config.get("model_type") or ""
    if not isinstance(model_type, str) or not model_type.isprintable():
        raise DamagedError(f"config.json gives model_type as {model_type!r:.60}; expected a printable string.")
    sizes = {prefix: _hidden(shapes, prefix) for prefix in MLPS}
    known = family.stated or model_type in family.model_types  # else only the tensor names match this family
    state_heads, state_size = _state_space(shapes, width, gated=family.gated) if known else (0, 0)
    latent = known and family.attention == "latent"
    behind, more = _behind_latent(shapes, comparable) if latent else (None, set())
    if behind is not None:
        heads, kv_heads, head_size = behind.heads, behind.heads, behind.value_size
    mixers = {"heads": ("v",), "latent": ("latent_kv_b",), "unknown": ()}[family.attention]
    rows = dict.fromkeys("qkv", 0)
    if _has_heads(family, shapes):
        of_keys = "k" if family.values_apart else "v"
        rows = {
            role: _matrix(shapes, one, _first(shapes))[0] for role, one in zip("qkv", f"q{of_keys}v", strict=True)
        }
    _check_shapes(shapes, (width, narrow), vocab, rows, sizes)
    _check_rest(shapes, (width, narrow), experts, {"q_norm": rows["q"], "k_norm": rows["k"]}, key_size)
    if (not known and family.name != "inferred") or (family.stated and "," in family.name):
        notes.add(_likeness(family, model_type))
    notes |= more | _otherwise(comparable, width, 0 if family.shared_blocks else layers, vocab, experts, sizes)
    tied = vocab > 0 and not any(role == "unembed" for role, _, _ in shapes)
    if not (known and kv_heads):
        turned = None
    else:
        turned = _turned(family, config, key_size) if behind is None else behind.rotary_size
    architecture = Architecture(
        family=family.name,
        model_type=model_type[:60],
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
        odd_in_up=family.odd_in_up and known,
        linear_values=family.linear_values and known and kv_heads > 0,
        positions=family.positions if known else "unknown",
        tied_embeddings=tied,
        shared_blocks=family.shared_blocks,
        rotary=("half" if comparable.get("rope_interleave") is False else family.rotary) if turned else "",
        rotary_size=turned or 0,
        query_key_norm="unknown" if turned is None else _query_key_norm(family, shapes),
        heads_alike=known and kv_heads > 0 and family.heads_alike and family.positions not in ("none", "unknown"),
        expert_group=_expert_group(family, shapes, comparable, experts) if known else 0,
        key_size=(key_size if kv_heads and key_size != head_size else 0) if behind is None else behind.key_size,
        latent=0 if behind is None else behind.latent,
        latent_query=0 if behind is None else behind.latent_query,
        state_heads=state_heads,
        state_size=state_size,
        no_attention=layers_without(shapes, layers, *mixers) if mixers else (),
        no_mlp=layers_without(shapes, layers, *(kind + "down" for kind in MLPS)),
    )
    return architecture, notes


def _likeness(family: Family, model_type: str) -> Phrase:
    """That a table reads a model that is not declared to be of its type."""
    if family.stated:
        table, _, words = family.name.removeprefix(STATED).partition(",")
        return Phrase.of("config.likeness.stated", family=table, words=words)
    if not model_type:
        return Phrase.of("config.likeness.untyped", family=family.name)
    known = FAMILIES.know(model_type)
    return Phrase.of(f"config.likeness{'.unlike' if known else ''}", type=model_type, family=family.name)


def stream(shapes: Shapes) -> tuple[int, int, int]:
    """Vocabulary size, width of the residual stream, and width of the embedding."""
    if ("embed", None, None) not in shapes:
        writer = next((key for role in _WRITERS for key in shapes if key[0] == role), ("down", 0, None))
        width = (shapes.get(writer) or (0,))[0]
        return 0, width, width
    vocab, narrow = _matrix(shapes, "embed", None)
    width = _matrix(shapes, "embed_map", None)[0] if ("embed_map", None, None) in shapes else narrow
    return vocab, width, narrow


def _heads(family: Family, shapes: Shapes, config: dict[str, Any]) -> tuple[tuple[int, int, int], set[Phrase]]:
    """Heads, kv heads and head size, 0 if unknown or absent; and notes on what does not fit.

    A wrong number of heads would make channels of different heads exchangeable. So a number that contradicts a tensor
    or another number is rejected; a norm of each head then gives it, if there is one.
    """
    try:
        heads, size = count(config, *HEADS), count(config, *HEAD_SIZES)
        kv_heads = count(config, "num_key_value_heads")
    except CheckpointError:  # such as a list with one number per layer
        keys = (*HEADS, *HEAD_SIZES, "num_key_value_heads")
        wrong = next(key for key in keys if not _is_count(config, key))
        return (0, 0, 0), {Phrase.of("config.heads_no_number", key=wrong, said=_said(config[wrong]))}
    if not _has_heads(family, shapes) or len({config[key] for key in _OF_STACKS if key in config}) > 1:
        return (0, 0, 0), set()
    first = _first(shapes)
    query, value = (_matrix(shapes, role, first)[0] for role in ("qk" if family.values_apart else "qv"))
    (normed, *_) = shapes.get(("q_norm", first, None)) or (0,)
    normed = normed if normed < query else 0  # a norm over all heads tells no size
    said = _head_counts(query, value, heads, size, kv_heads)
    if heads and said is not None and normed % said[2] == 0:
        return said, set()
    told = _head_counts(query, value, None, normed, None)
    keys = (*HEADS, *HEAD_SIZES, "num_key_value_heads")
    if heads is None:
        return told or (0, 0, 0), set()
    said_so = ", ".join(f"{key} {config[key]}" for key in keys if config.get(key) is not None)
    if told is None:
        return (0, 0, 0), {Phrase.of("config.heads_misfit", said=said_so, q=query, v=value)}
    return told, {Phrase.of("config.heads_by_norm", said=said_so, q=query, v=value, size=normed)}


def _value_size(shapes: Shapes, config: dict[str, Any], heads: int, kv_heads: int) -> tuple[int, set[Phrase]]:
    """Value channels of a head where keys have another number, from v and o; 0, and a note, if they conflict."""
    first = _first(shapes)
    value, written, said = (
        _matrix(shapes, "v", first)[0],
        _matrix(shapes, "o", first)[1],
        count(config, "v_head_dim"),
    )
    size = value // kv_heads
    if value == kv_heads * size and written == heads * size and said in (None, size):
        return size, set()
    query = _matrix(shapes, "q", first)[0]
    return 0, {Phrase.of("config.heads_misfit", said=f"v_head_dim {said}", q=query, v=value)}


def _has_heads(family: Family, shapes: Shapes) -> bool:
    """Whether a layer has plain attention."""
    return family.attention == "heads" and any(role in "qkv" for role, _, _ in shapes)


def _first(shapes: Shapes) -> int:
    """The first layer that has attention."""
    return min((layer for role, layer, _ in shapes if role == "q" and layer is not None), default=0)


def _turned(family: Family, config: dict[str, Any], head_size: int) -> int | None:
    """Channels of each head that positions turn; None if that is not known."""
    if family.positions == "unknown" or (family.positions == "rotary") is (family.rotary == ""):
        return None
    if not family.rotary:
        return 0
    said: Any = family.rotary_size
    if isinstance(said, tuple):
        said = next((value for entry in said if (value := nested(config, entry)) is not None), head_size)
    if type(said) not in (int, float):
        return None
    size = int(head_size * said) if 0 < said <= 1 else said
    return size if type(size) is int and 0 < size <= head_size and size % 2 == 0 else None


def _query_key_norm(family: Family, shapes: Shapes) -> Literal["unknown", "none", "gain", "layer"]:
    stored = any(role in ("q_norm", "k_norm") for role, _, _ in shapes)
    return "gain" if stored and family.query_key_norm == "none" else family.query_key_norm


def _expert_group(family: Family, shapes: Shapes, config: dict[str, Any], experts: int) -> int:
    """Size of the groups of experts that routing treats alike; 0 if unknown."""
    routed = {layer for role, layer, _ in shapes if role == "expert_down"}
    if not all(("router", layer, None) in shapes for layer in routed):
        return 0
    groups = family.expert_groups
    number = groups if isinstance(groups, int) else count(config, *groups, default=0)
    return experts // number if number and experts % number == 0 else 0


class _Latent(NamedTuple):
    """Sizes of attention through latent vectors."""

    heads: int
    key_size: int
    """Channels of q and k of each head."""
    rotary_size: int
    """Those that positions turn."""
    value_size: int
    latent: int
    latent_query: int


_OF_LATENT = {
    "num_attention_heads": "heads",
    "qk_rope_head_dim": "rotary_size",
    "v_head_dim": "value_size",
    "kv_lora_rank": "latent",
    "q_lora_rank": "latent_query",
}
"""Entries of ``config.json`` for sizes of attention through latent vectors."""


def _behind_latent(shapes: Shapes, config: dict[str, Any]) -> tuple[_Latent | None, set[Phrase]]:
    """Sizes of attention through latent vectors, of every layer of it alike, and notes; None if they cannot be told.

    The tensors tell all of them: what q has more rows than the keys behind the latent vector, over all heads, is what
    positions turn, which k has once. An entry of ``config.json`` that says otherwise leaves all of them unknown.
    """
    layers = sorted(layer for role, layer, _ in shapes if role == "latent_kv_b" and layer is not None)
    found = {_sizes_behind_latent(shapes, layer) for layer in layers}
    sizes = found.pop() if len(found) == 1 else None
    if sizes is None:
        return None, set()
    said = {key: config[key] for key in _OF_LATENT if config.get(key) is not None}
    if all(value == getattr(sizes, _OF_LATENT[key]) for key, value in said.items()):
        return sizes, set()
    query = shapes["latent_q_b" if sizes.latent_query else "latent_q", layers[0], None]
    told = ", ".join(f"{key} {_said(value)}" for key, value in said.items())
    return None, {
        Phrase.of("config.heads_misfit", said=told, q=query[0], v=shapes["latent_kv_b", layers[0], None][0])
    }


def _sizes_behind_latent(shapes: Shapes, layer: int) -> _Latent | None:
    """Sizes of one layer; None if tensors are missing, or do not fit together."""
    into, norm, out_of, writer, query = (
        shapes.get((f"latent_{name}", layer, None), ()) for name in ("kv_a", "kv_a_norm", "kv_b", "o", "q")
    )
    latent_query = 0
    if not query:
        read, between, query = (shapes.get((f"latent_q_{name}", layer, None), ()) for name in ("a", "a_norm", "b"))
        if len(read) != 2 or len(query) != 2 or (*between, query[1]) != (read[0], read[0]):
            return None
        latent_query, query = read[0], (query[0], read[1])
    if [len(shape) for shape in (into, norm, out_of, writer, query)] != [2, 1, 2, 2, 2]:
        return None
    rotary_size = into[0] - out_of[1]
    if norm != out_of[1:] or not into[1] == query[1] == writer[0] or rotary_size <= 0 or out_of[0] <= writer[1]:
        return None
    heads, rest = divmod(query[0] - (out_of[0] - writer[1]), rotary_size)
    if rest or heads <= 0 or query[0] % heads or writer[1] % heads:
        return None
    return _Latent(heads, query[0] // heads, rotary_size, writer[1] // heads, norm[0], latent_query)


def _state_space(shapes: Shapes, width: int, *, gated: bool) -> tuple[int, int]:
    """Heads of a state space and channels of each, alike in all layers that have one; else 0.

    Decays tell the heads: one each in Mamba 2, those of each channel of a head in Zamba, of the only head in Mamba 1.
    """
    found = set[tuple[int, int]]()
    for layer in {layer for role, layer, _ in shapes if role == f"{STATE}down"}:
        down, decay, up, gate = (
            shapes.get((f"{STATE}{role}", layer, None), ()) for role in ("down", "decay", "up", "gate")
        )
        heads = 1 if len(decay) == 2 and decay[:1] == down[1:] else prod(decay[:1]) if decay else 0
        fits = len(down) == 2 and down[0] == width and up == down[::-1] and (not gated or gate == up)
        found.add((heads, down[1] // heads) if fits and heads and down[1] % heads == 0 else (0, 0))
    return found.pop() if len(found) == 1 else (0, 0)


def _is_count(config: dict[str, Any], key: str) -> bool:
    try:
        count(config, key)
    except CheckpointError:
        return False
    return True


def _said(value: Any) -> int | str:
    """A value of config.json as a record holds it."""
    whole = type(value) is int and abs(value) < 2**53
    return value if whole or (isinstance(value, str) and len(value) < 60) else f"{value!r:.60}"


def _head_counts(
    query: int, value: int, heads: int | None, size: int | None, kv_heads: int | None
) -> tuple[int, int, int] | None:
    """Heads, kv heads and head size, from those given and the rows of q and v; None if they conflict."""
    size = size or (query // heads if heads else 0)
    if not size or query % size or value % size or not value:
        return None
    found = query // size, value // size
    fits = heads in (None, found[0]) and kv_heads in (None, found[1]) and found[0] % found[1] == 0
    return (*found, size) if fits else None


def _matrix(shapes: Shapes, role: str, layer: int | None) -> tuple[int, int]:
    shape = shapes.get((role, layer, None))
    if shape is None or len(shape) != 2 or 0 in shape:
        raise DamagedError(f"{_where(role, layer)} has shape {shape}; expected a matrix.")
    return shape[0], shape[1]


def _hidden(shapes: Shapes, prefix: str) -> int:
    """Units of the first MLP of a kind; 0 if there is none."""
    ups = [shape for (role, layer, _), shape in shapes.items() if role == prefix + "up" and layer is not None]
    return ups[0][0] if ups and ups[0] else 0


def _check_shapes(
    shapes: Shapes, widths: tuple[int, int], vocab: int, rows: dict[str, int], hidden: dict[str, int]
) -> None:
    width, narrow = widths
    expected: dict[str, tuple[int, ...]] = {
        "embed_map": (width, narrow),
        "embed_map_bias": (width,),
        "unembed": (vocab, width),
        "norm_attn": (width,),
        "norm_mlp": (width,),
        "norm_out": (width,),
        "norm_attn_out": (width,),
        "norm_mlp_out": (width,),
        "norm_embed": (narrow,),
        "norm_final": (width,),
        "unembed_bias": (vocab,),
        "gate_bias": (hidden[""],),
        "up_bias": (hidden[""],),
        "down_bias": (width,),
        "shared_router": (1, width),
    }
    if rows["q"]:  # else attention is unknown
        expected |= {role: (size, width) for role, size in rows.items()}
        expected |= {f"{role}_bias": (size,) for role, size in rows.items()}
        expected |= {"o": (width, rows["q"] * rows["v"] // max(1, rows["k"])), "o_bias": (width,)}
    expected |= {role + "_bias": size for role, size in expected.items() if role.startswith("norm_")}
    for prefix, size in hidden.items():
        expected |= {prefix + role: (size, width) for role in ("gate", "up")} | {prefix + "down": (width, size)}
    for (role, layer, expert), shape in shapes.items():
        if 0 in shape:
            raise DamagedError(f"{_where(role, layer, expert)} is empty (shape {shape}); obtain the file again.")
        if role in expected and shape != expected[role]:
            raise DamagedError(
                f"{_where(role, layer, expert)} has shape {shape}; expected {expected[role]} from the other tensors."
            )


def _check_rest(
    shapes: Shapes, widths: tuple[int, int], experts: int, normed: dict[str, int], head_size: int
) -> None:
    """Check tensors that share no size with others: routers, positions, norms of one head or all heads."""
    for (role, layer, expert), shape in shapes.items():
        wrong = (
            (role == "router" and shape != (experts, widths[0]))
            or (role == "position" and (len(shape) != 2 or shape[1] not in widths))
            or (role in normed and (len(shape) != 1 or shape[0] % max(1, head_size) or normed[role] % shape[0]))
        )
        if wrong:
            raise DamagedError(
                f"{_where(role, layer, expert)} has shape {shape}; it does not fit width {widths[0]}, {experts} "
                f"experts and head size {head_size}; use files of one model."
            )


def _check_layers(
    shapes: Shapes,
    layers: int,
    experts: int,
    family: Family,
    unknown: Sequence[str],
    outside: Sequence[str],
    other_mlps: Collection[int | None],
) -> None:
    """Check that layers and experts are numbered without gaps, and that each layer has attention and an MLP.

    A layer with tensors that have no role here may have no attention at all; in a family of uneven layers, or where
    roles were inferred, also no MLP, and in the former an MLP alone.
    """
    may_lack_mlp = family.uneven or family.name == "inferred"
    mlps = {layer for role, layer, _ in shapes if role.endswith("down")} if family.uneven else set()

    def others(layer: int, *names: str) -> list[str]:
        """Those of names whose first number is that of the layer."""
        return [] if family.stacks else [name for name in names if _first_number(name) == f"{layer}"]

    def lacking(what: str, layer: int | None) -> CheckpointError:
        """The error for a missing tensor: unknown tensors in the layer may be it, else the file is incomplete."""
        inside = [name for name in unknown if _first_number(name) == f"{layer}"]
        if not inside:
            return DamagedError(f"{what} is missing; download the checkpoint again.")
        named = ", ".join(f"{name!r:.100}" for name in inside[:2])
        return UnsupportedError(
            f"{what} is not among what the table {family.name} knows, and of the layer it does not know "
            f"{len(inside)} tensors, such as {named}; {HINT}."
        )

    attended = {layer for role, layer, _ in shapes if role in ("q", "latent_kv_b")}
    for layer in range(layers):
        attention = "qkvo" if family.attention == "heads" else ""
        missing = [role for role in attention if (role, layer, None) not in shapes]
        of_another_kind = layer in mlps or others(layer, *unknown, *outside)
        if missing and not (len(missing) == len(attention) and of_another_kind):
            raise lacking(_where(missing[0], layer), layer)
        dense, routed = (("down", layer, None) in shapes), (("expert_down", layer, 0) in shapes)
        if not (dense or routed or layer in other_mlps or (may_lack_mlp and (layer in attended or of_another_kind))):
            raise lacking(f"The MLP of layer {layer}", layer)
        absent = [e for e in range(experts if routed else 0) if ("expert_down", layer, e) not in shapes]
        if absent:
            raise lacking(_where("expert_down", layer, absent[0]), layer)
    for prefix in MLPS:
        roles = [prefix + role for role in (("gate",) if family.gated else ()) + ("up", "down")]
        for place in {(layer, expert) for role, layer, expert in shapes if role in roles}:
            for role in roles:
                if (role, *place) not in shapes:
                    raise lacking(_where(role, *place), place[0])


def _otherwise(
    config: dict[str, Any], width: int, layers: int, vocab: int, experts: int, sizes: dict[str, int]
) -> set[Phrase]:
    """Notes on declared numbers that the tensors contradict.

    Numbers about absent components are ignored. Layers that only predict further tokens in training are counted
    separately, and may be missing.
    """
    further = config.get("num_nextn_predict_layers")
    notes = set[Phrase]()
    for found, keys in (
        (vocab, ("vocab_size",)),
        (sizes[""], ("intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size", "hidden_dim")),
        (experts, ("num_experts", "n_routed_experts", "num_local_experts")),
        (sizes["expert_"], ("moe_intermediate_size",)),
        (sizes["shared_"], ("shared_expert_intermediate_size",)),
        (width, ("hidden_size", "n_embd", "d_model", "dim")),
        (layers, _LAYERS),
    ):
        key = next((key for key in keys if config.get(key) is not None), None)
        if not found or key is None:
            continue
        said = config[key]
        agrees = said != [] and all(
            type(n) is int and n == found for n in (said if isinstance(said, list) else [said])
        )
        predicting = keys is _LAYERS and type(further) is type(said) is int and found == said + further
        if not agrees and not predicting:
            notes.add(Phrase.of("config.otherwise", key=key, said=_said(said), found=found))
    return notes


def _first_number(name: str) -> str:
    return next((word for word in name.split(".") if word.isdecimal()), "")


def _where(role: str, layer: int | None, expert: int | None = None) -> str:
    text = f"The tensor for `{role}`"
    if layer is not None:
        text += f" of layer {layer}"
    return text if expert is None else text + f", expert {expert}"
