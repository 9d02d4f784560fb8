"""The entries of a family table: where each role lies among a checkpoint's tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

HINT = (
    "write a layout file (`verify inspect MODEL --draft-layout` begins one) and pass it as --layout my.toml "
    "(--layout-a or --layout-b where two models are compared)"
)
"""What to do about a layout that is not understood."""

STATED = "layout:"
"""Begins the name of a family of which the caller states what it computes."""
ROTARY_SIZES = ("rope_parameters.partial_rotary_factor", "partial_rotary_factor", "rotary_pct", "rotary_dim")


@dataclass(frozen=True)
class Slot:
    """One role's tensor: a name with ``{i}`` (layer) and ``{e}`` (expert), and how it is stored.

    The canonical matrix is [out, in] (rows of q, k, v, gate and up are units).
    """

    name: str
    transposed: bool = False
    """Stored [in, out], as by Conv1D."""
    part: tuple[int, int] = (0, 1)
    """(k, n): the k-th of n parts along ``out`` of a fused tensor."""
    fused: Literal["equal", "heads", "groups", "each head", "each quarter", "alternate"] = "equal"
    """Arrangement of the parts: n equal ones; all q heads, all k, all v; for each kv head its q heads, k and v; for
    each head, or each quarter of the rows, n equal ones; or one row of each part in turn."""
    stacked: bool | Literal["rows"] = False
    """The experts of a layer are the first axis of one tensor; or equal shares of its rows, [units, width] each, as
    many as the router has."""
    span: tuple[int, int | None] = (0, None)
    """From where to where along the longer side, in multiples of the shorter one, which is the width: attention and
    an MLP in one matrix. Of a state space, rows in multiples of the columns of ``state_down``."""
    width_axis: int | None = None
    """The axis of the width in a tensor of three, whose others are heads and their channels; biases have two."""

    def blocks(self, heads: int, kv_heads: int, rows: int) -> tuple[int, tuple[int, ...]]:
        """Number of consecutive blocks of rows, and the share of each part in one block, in equal pieces.

        Parameters
        ----------
        heads : query heads.
        kv_heads : key-value heads.
        rows : rows of the fused tensor.

        Returns
        -------
        tuple
            Number of blocks, and pieces of each part in one block.
        """
        if self.fused == "alternate":
            return max(1, rows // self.part[1]), (1,) * self.part[1]
        if self.fused == "heads":
            return 1, (heads, kv_heads, kv_heads)
        if self.fused in ("each head", "each quarter"):
            return heads if self.fused == "each head" else 4, (1,) * self.part[1]
        if self.fused == "groups":
            return kv_heads, (heads // kv_heads, 1, 1)
        return 1, (1,) * self.part[1]


def fused_qkv(
    name: str, fused: Literal["equal", "heads", "groups"], transposed: bool = False, bias: bool = True
) -> dict[str, str | Slot]:
    """Slots of q, k and v in one tensor ``name`` + ".weight", and of their biases in ``name`` + ".bias".

    Parameters
    ----------
    name : name of the tensor, without ``.weight``.
    fused : how the parts lie, as in :class:`Slot`.
    transposed : whether the tensor is stored [in, out].
    bias : whether there are biases.

    Returns
    -------
    dict
        Slots by role.
    """
    slots: dict[str, str | Slot] = {}
    for n, role in enumerate("qkv"):
        slots[role] = Slot(f"{name}.weight", transposed=transposed, part=(n, 3), fused=fused)
        if bias:
            slots[f"{role}_bias"] = Slot(f"{name}.bias", part=(n, 3), fused=fused)
    return slots


def with_bias(**names: str) -> dict[str, str | Slot]:
    """Weight and bias of each role, by their common prefix."""
    return {
        role + suffix: name + ending
        for role, name in names.items()
        for suffix, ending in (("", ".weight"), ("_bias", ".bias"))
    }


@dataclass(frozen=True)
class Family:
    """One architecture family; to add a family, write one of these.

    ``globals`` and ``layer`` map roles to names or slots; templates get each of ``prefixes`` in turn, and the first
    under which the required roles exist is used. Unembedding names carry no prefix. A model inside another has a
    further prefix before all names. A family without ``embed`` has no embedding of tokens; one without q, k, v and o
    says so in ``attention``.
    """

    name: str
    model_types: tuple[str, ...]
    prefixes: tuple[str, ...]
    globals: dict[str, str | Slot]
    layer: dict[str, str | Slot]
    stacks: tuple[dict[str, str | Slot], ...] = ()
    """Further stacks, such as a decoder; their layers are numbered after those of ``layer``, in order."""
    also: Mapping[str, str | Slot] = field(default_factory=dict)
    """Places of roles in those layers that lack the place in ``layer``."""
    unprefixed: dict[str, str | Slot] = field(default_factory=dict)
    constants: tuple[str, ...] = ()
    """Regular expressions of stored constants, such as position ids, which are not learned."""
    outside: tuple[str, ...] = ()
    """Regular expressions of learned tensors that no test compares: poolers, task heads, token types."""
    required: tuple[str, ...] = ("embed", "q", "k", "v", "o", "norm_attn")
    telling: tuple[str, ...] = ()
    """Further roles required to recognise this family by names alone; a model declared to be of it may lack them."""
    others: Mapping[str, tuple[str | Slot, ...]] = field(default_factory=dict)
    """Alternative places of a role in a model declared to be of this family: older names, or fused tensors."""
    norm: Literal["rms", "layer"] = "rms"
    norm_offset: Literal[0, 1] = 0
    post_norm: bool = False
    gated: bool = True
    odd_in_up: bool = True
    linear_values: bool = True
    """Whether value channels have signed permutations, as in :class:`Architecture`."""
    attention: Literal["heads", "latent", "unknown"] = "heads"
    """Plain q, k, v, o; k and v made from a latent vector, so that no rows belong to one head; or unknown."""
    values_apart: bool = False
    """Whether a head may have another number of value channels than of channels of q and k, which ``config.json``
    gives as ``v_head_dim`` beside ``head_dim``."""
    positions: Literal["rotary", "learned", "sinusoidal", "none", "unknown"] = "rotary"
    rotary: Literal["", "half", "interleaved"] = ""
    """How channels of q and k pair into planes that positions turn, as in :class:`Architecture`; where positions are
    rotary and this is empty, nothing is known of q and k."""
    rotary_size: int | tuple[str, ...] = ROTARY_SIZES
    """Channels of each head that are turned, or the entries of ``config.json`` (dotted if nested) that give them, as
    a number or as a share of the head; all channels if none is there."""
    query_key_norm: Literal["unknown", "none", "gain", "layer"] = "unknown"
    """As in :class:`Architecture`; where norms of q or k are stored, ``none`` becomes ``gain``."""
    heads_alike: bool = True
    """Whether nothing fixed, and nothing shared by layers, tells heads apart; false without positions, which may be
    those of ALiBi, whatever this says."""
    expert_groups: int | tuple[str, ...] = 0
    """Number of equal groups of experts among which routing chooses first, 1 if it does not, or the entry of
    ``config.json`` that gives it; 0 if unknown."""
    shared_norm: bool = False
    """Attention and MLP in parallel behind one norm, ``norm_attn``."""
    shared_blocks: bool = False
    """Whether the stored layers are used more than once."""
    tied: bool = False
    """Whether embeddings are tied if ``config.json`` does not say."""
    uneven: bool = False
    """Whether layers may have no MLP, or attention that reads the keys or values of another layer; mixers other than
    attention are understood where ``outside`` names their tensors."""
    kv_heads: int | tuple[str, ...] = ("num_key_value_heads",)
    """Their number in fused tensors, or the entry of ``config.json`` (dotted if nested) that gives it."""
    by_names: bool = True
    """Whether its tensor names alone distinguish it from other families; else ``config.json`` must name it."""
    kind: str = "language model"
    """Kind of such a part of a model, in words."""
    section: str = ""
    """Section of ``config.json`` for this part of a model of several parts."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """Defaults for numbers that ``config.json`` does not give."""
    stated: bool = False
    """Whether the caller declared this table for the model: its symmetries then hold whatever the model type."""
    other_meaning: tuple[str, ...] = ()
    """Entries of ``config.json`` with a different meaning in this family."""
    switches: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Fields to change if an entry of ``config.json`` (dotted if nested) is there and neither null, false nor 0, or,
    written ``entry=text``, if it is that text, or false where the text is ``false``."""


def as_matrix(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape [out, in] of a convolution of 1 by 1, [out, in, 1, 1]; any other shape as it is."""
    return shape[:2] if len(shape) == 4 and shape[2:] == (1, 1) else shape


def slot_of(entry: str | Slot) -> Slot:
    """The slot of a table's entry; a name alone is a tensor stored in canonical form."""
    return entry if isinstance(entry, Slot) else Slot(entry)
