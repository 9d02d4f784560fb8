"""The architecture of a network: everything that decides which tests apply."""

from __future__ import annotations

from typing import Literal

from ..base import Record, later


class Architecture(Record):
    """Shape and symmetries of one network; counts are of layers, heads, channels or units."""

    family: str
    """Name of the layout table that read the checkpoint; ``inferred`` if from names and shapes alone; ``layout:`` and
    a name if the caller gave a layout; with what the caller declared behind it, if that is not all."""
    model_type: str
    """As declared in ``config.json``; empty if undeclared."""
    layers: int
    """As stored: blocks that are used more than once count once."""
    width: int
    """Size of the residual stream."""
    vocab: int
    """Tokens; 0 if none are embedded."""
    heads: int
    """Query heads; 0 if unknown."""
    kv_heads: int
    """Key-value heads, of which each has channels of its own; 0 if ``heads`` is 0. Behind a latent vector each query
    head has keys and values of its own, made from it, and one more key is shared by all; older records say 0."""
    head_size: int
    """Value channels per head; 0 if there are no kv heads."""
    hidden: int
    """Units of a dense MLP; 0 if no layer has one."""
    experts: int
    """Routed experts per layer; 0 if dense."""
    expert_hidden: int
    shared_hidden: int
    """Units of the shared expert; 0 if there is none."""
    norm: Literal["rms", "layer"]
    norm_offset: Literal[0, 1]
    """The norm gain is the stored weight plus this."""
    post_norm: bool
    """Norms after the sublayers, as in BERT."""
    gated: bool
    odd_in_up: bool
    """Negating a unit's up and down vectors changes no output: gated, not clamped, not shifted."""
    linear_values: bool
    """Re-ordering the value channels of a kv head, or changing their signs, in v with o changes no output: attention
    mixes them linearly over positions, and treats all alike in between; clipped values count, since clipping is odd
    and acts on each channel by itself; so do gates and gains of single channels, which move with them."""
    positions: Literal["rotary", "learned", "sinusoidal", "none", "unknown"]
    """``unknown``, and no symmetry beyond that of hidden units, where the declared model type is not known."""
    tied_embeddings: bool
    shared_blocks: bool
    """One block is used in every layer."""
    rotary: Literal["", "half", "interleaved"] = later("")
    """How channels of q and k pair into planes that positions turn: c with c + ``rotary_size`` / 2, or 2c with
    2c + 1; empty if nothing is turned, or if it is unknown."""
    rotary_size: int = later(0)
    """Channels of each head that are turned, the first ones; 0 if none."""
    query_key_norm: Literal["unknown", "none", "gain", "layer"] = later("unknown")
    """What lies between the rows of q and k and their product, beside rotation: nothing that tells channels apart; a
    norm with a gain for each channel; or a layer norm, which subtracts a mean."""
    heads_alike: bool = later(False)
    """Nothing fixed, such as slopes of ALiBi, and nothing shared by layers, such as one table of position biases,
    tells the heads of a layer apart; False also where this is not known."""
    expert_group: int = later(0)
    """Size of the groups, in order, of routed experts that routing treats alike; all of them unless routing chooses
    among groups first. 0 if there are none, or if this is not known, or if no router was found."""
    key_size: int = later(0)
    """Channels of q and k of each head where they are not as many as value channels, or are made from a latent
    vector: then those that positions leave alone are first, then the ``rotary_size`` that they turn, which k has once
    for all heads; 0 elsewhere, where there are ``head_size``."""
    latent: int = later(0)
    """Channels of the latent vector that k and v are made from; 0 if there is none."""
    latent_query: int = later(0)
    """Channels of the latent vector that q is made from; 0 if there is none."""
    state_heads: int = later(0)
    """Heads of the state space of a layer, each with channels of its own: those of Mamba 2, or one of Mamba 1 beside
    attention or MLPs; 0 if no layer has one, or if it is not known."""
    state_size: int = later(0)
    """Channels of each of these heads; 0 if there are none."""
    no_attention: tuple[int, ...] = later(())
    """Layers, ascending, without attention of the kind and size that is described here, such as layers of a state
    space or of a convolution; empty also where all attention is unknown."""
    no_mlp: tuple[int, ...] = later(())
    """Layers, ascending, without an MLP of a kind and size that is described here."""


class FileIdentity(Record):
    """One weight file, by name, size and digest."""

    name: str
    size: int
    """Bytes."""
    sha256: str | None = None
    """Hexadecimal; None if the file was read in part and its place gives no digest."""
