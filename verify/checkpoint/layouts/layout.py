"""What a family table says: where each role lies among a checkpoint's tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

HINT = (
    "write a layout file (`verify inspect MODEL --draft-layout` begins one) and pass it as --layout my.toml "
    "(--layout-a or --layout-b where two models are compared)"
)
"""What to do about a layout that is not understood."""


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
    fused: Literal["equal", "heads", "groups", "alternate"] = "equal"
    """How the parts lie: n equal ones; q, k, v each of all its heads; q heads, k, v of each kv head in turn; or a
    row of each part in turn."""
    stacked: bool = False
    """The experts of a layer are the first axis of one tensor."""

    def blocks(self, heads: int, kv_heads: int, rows: int) -> tuple[int, tuple[int, ...]]:
        """How many blocks of rows follow each other, and how the parts share one block, in equal pieces.

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
            return rows // self.part[1], (1,) * self.part[1]
        if self.fused == "heads":
            return 1, (heads, kv_heads, kv_heads)
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
    """Weight and bias of each role, by the name that both begin with."""
    return {
        role + suffix: name + ending
        for role, name in names.items()
        for suffix, ending in (("", ".weight"), ("_bias", ".bias"))
    }


@dataclass(frozen=True)
class Family:
    """One architecture family. Adding a family is writing one of these.

    ``globals`` and ``layer`` map roles to names or slots; templates get each of ``prefixes`` in turn, and
    the first under which the required roles exist is used. Unembedding names carry no prefix. A model inside
    another has one more prefix before all of them. A family without ``embed`` has no embedding of tokens; one
    without q, k, v and o says so in ``attention``.
    """

    name: str
    model_types: tuple[str, ...]
    prefixes: tuple[str, ...]
    globals: dict[str, str | Slot]
    layer: dict[str, str | Slot]
    stacks: tuple[dict[str, str | Slot], ...] = ()
    """Further stacks, such as a decoder: their layers follow those of ``layer``, and one another."""
    unprefixed: dict[str, str | Slot] = field(default_factory=dict)
    constants: tuple[str, ...] = ()
    """Regular expressions of stored constants, such as position ids: no part of what was learned."""
    outside: tuple[str, ...] = ()
    """Regular expressions of learned tensors that no test compares: poolers, task heads, token types."""
    required: tuple[str, ...] = ("embed", "q", "k", "v", "o", "norm_attn")
    telling: tuple[str, ...] = ()
    """Further roles without which names alone do not tell this family; a model declared to be of it may lack them."""
    others: Mapping[str, tuple[str | Slot, ...]] = field(default_factory=dict)
    """Where else a role may lie in a model declared to be of this family: older names, or fused with another."""
    norm: Literal["rms", "layer"] = "rms"
    norm_offset: Literal[0, 1] = 0
    post_norm: bool = False
    gated: bool = True
    odd_in_up: bool = True
    linear_values: bool = True
    attention: Literal["heads", "latent", "unknown"] = "heads"
    """Plain q, k, v, o; k and v made from a latent, so that there are no rows to tell apart; or not understood."""
    positions: Literal["rotary", "learned", "sinusoidal", "none", "unknown"] = "rotary"
    shared_norm: bool = False
    """Attention and MLP in parallel behind one norm, ``norm_attn``."""
    shared_blocks: bool = False
    """The layers stored are used more than once."""
    tied: bool = False
    """Tied embeddings where ``config.json`` does not say."""
    kv_heads: int | tuple[str, ...] = ("num_key_value_heads",)
    """Their number in fused tensors, or where ``config.json`` says it."""
    by_names: bool = True
    """Whether its tensor names alone tell it from other families; else ``config.json`` must name it."""
    kind: str = "language model"
    """What such a part of a model is called, in plain words."""
    section: str = ""
    """Entry of ``config.json`` with the numbers of this part of the model, where there are several parts."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """Numbers for where ``config.json`` is silent."""
    stated: bool = False
    """Declared by whoever asked, for this very model: its symmetries hold whatever the model type."""
    other_meaning: tuple[str, ...] = ()
    """Entries of ``config.json`` that count something else here than elsewhere."""
    switches: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Fields that differ where an entry of ``config.json`` (dotted if nested) is neither absent, null nor false."""


def slot_of(entry: str | Slot) -> Slot:
    """A table's entry; a name alone is a tensor stored as it is meant."""
    return entry if isinstance(entry, Slot) else Slot(entry)
