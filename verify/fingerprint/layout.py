"""The table of all arrays of a fingerprint; builder, checker, cutter, tests and benchmarks iterate over it.

``{l}`` is a layer, ``{b}`` a bundle of MLP copies (``mlp``, ``experts`` or ``shared``), or ``state``, of which there
are ``units`` and ``response`` alone: the heads of a state space, of which the first few are kept:

=======================  =========================  =======  =============================================
name                     shape                      dtype    content
=======================  =========================  =======  =============================================
``units.{l}.{b}.R``      [copies, n, projections]   float16  projected rows (columns for ``down``), length 1
``values.{l}.R``         [kv heads, n, proj.]       float16  R in v, o: projected value channels, length 1
``response.{l}.{b}``     [copies, n, anchors]       float16  response of units to anchors, centred, length 1
``response.{l}.values``  [kv heads, n, anchors]     float16  response of value channels, likewise
``match.{l}.{b}.R``      [copies, n, anchors]       float16  of units of largest response: R in gate, up (what
                                                             they read), down (what they write), likewise
``stream.embed``         [dims, anchors]            float16  columns of the embedding over anchors, length 1
``stream.unembed``       [dims, anchors]            float16  of the unembedding likewise; absent where tied
``gram.embed``           [anchors, anchors]         float32  inner products of the anchors' embeddings, trace 1
``unused.embed``         [unused, anchors]          float32  of embeddings of unused tokens with those of anchors that
                                                             are read, centred, length 1
``circuit.{l}.C``        [anchors, anchors]         float16  C in qk, vo, ffn on the anchors, Frobenius norm 1
``heads.{l}.C``          [kv heads, anchors]        float16  C in qk, vo of single tokens, centred, length 1
``routers.{l}.weights``  [experts, projections]     float16  projected rows less their mean, length 1
``routers.{l}.P``        [experts, anchors]         float16  P in responses, of these rows to anchors, and experts, of
                                                             all units of an expert, less their mean, centred likewise
``spectrum.{l}.C``       [values]                   float32  singular values of C in qk, vo, over the largest
``keys.{l}.P.R``         [kv heads, n, 2 or 1,      float16  R in k, q: projected rows in planes (P: turned) or
                         projections]                        alone (plain); of q, summed over a group; length 1
``key_responses.{l}.P.R`` [kv heads, n, 2 or 1,     float16  their responses to anchors, centred, length 1
                         anchors]
``latent.{l}.P.R``       [n, projections]           float16  P in kv, q: channels of a latent vector by R in a, their
                                                             projected rows, and b, columns that read them; length 1
``latent_responses.{l}.P`` [n, anchors]             float16  their responses to anchors, centred, length 1
``scales.{l}.norm_S``    [4]                        float64  mean, sd, least and largest gain before sublayer S
``scales.{l}.{b}``       [copies, n]                float32  lengths of the rows of ``up``
``scales.embed``         [dims]                     float32  lengths of dimensions of the embedding over anchors
``spread.R``             [layers, 4]                float64  mean, sd, rms, kurtosis of all entries of role R
=======================  =========================  =======  =============================================

Full effort has all arrays; standard effort, those of :data:`SAMPLED`; screen effort, those with fewer units and
channels, without ``down`` and ``o``. Components that a model lacks (an embedding, kv heads, a bundle in some layer)
have no arrays.

``units``, ``values``, ``response`` and ``stream`` keep indices fixed in advance, as the exact tests need; ``match``,
``gram``, ``circuit`` and ``spectrum`` do not depend on the order of units or the basis of the stream.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from ..checkpoint import Architecture
from .sketch import EFFORTS, Effort, SketchSpec, chosen_indices

if TYPE_CHECKING:
    from .record import FingerprintRecord

Arrays = Mapping[str, NDArray[np.floating]]

Component = Literal[
    "units",
    "values",
    "response",
    "match",
    "stream",
    "gram",
    "circuit",
    "spectrum",
    "spread",
    "keys",
    "key_responses",
    "unused",
    "heads",
    "routers",
    "latent",
    "latent_responses",
    "scales",
]
"""Kinds of arrays, by the first part of their names."""
COMPONENTS: tuple[Component, ...] = get_args(Component)
SAMPLED: tuple[Component, ...] = (
    "units",
    "values",
    "response",
    "stream",
    "gram",
    "keys",
    "key_responses",
    "routers",
    "latent",
    "latent_responses",
    "unused",
    "scales",
)
"""Components made of rows at chosen indices, which suffice for the exact tests."""
OF_PANELS: tuple[Component, ...] = ("circuit", "spectrum", "spread")
"""Components of full effort that panel statistics alone read; a comparison without a panel does not make them."""
SINCE_3: tuple[Component, ...] = (
    "keys",
    "key_responses",
    "unused",
    "heads",
    "routers",
    "latent",
    "latent_responses",
    "scales",
)
"""Components that sketches of version 2 lack."""

Norm = Literal["rows", "centred rows", "planes", "centred planes", "whole", "trace", "largest", "none"]
"""Scaling of an array: each row, or each plane of rows together, to length 1 (after centring rows), the whole to
length 1, to trace 1, to a largest entry of 1; or none."""

SPREAD_ROLES = (*"qkvo", *(prefix + role for prefix in ("", "expert_", "shared_") for role in ("gate", "up", "down")))
"""Roles whose moments a fingerprint may hold, in order."""

_FEWEST_PLAIN = 4  # channels, so that their order tells something
_FEWEST_PLANES = 2  # so that planes can be compared two at a time

STATE = "state"
"""Name of the bundle of the heads of a state space."""
_STATE_HEADS = 4  # of each layer, as copies with one order

CIRCUIT_LAYERS = 2
"""Number of last layers whose circuits are kept, as in HuRef."""


class Axis(NamedTuple):
    """One axis of an array."""

    name: str
    """Name of the axis; for chosen indices, also the purpose in ``chosen_indices``."""
    size: int
    population: int = 0
    """Number of the model's indices, if those kept were chosen among them in advance; else 0."""

    @property
    def indices(self) -> NDArray[np.intp]:
        """The model's indices that are kept, ascending; for a prefix, the first ones."""
        return chosen_indices(self.name, self.population, self.size) if self.population else np.arange(self.size)

    def positions(self, larger: Axis) -> NDArray[np.intp]:
        """Positions of this axis's entries along a larger axis of the same name, shape [size].

        For chosen indices, those that a smaller sketch would choose; otherwise the first ones.
        """
        return np.searchsorted(larger.indices, self.indices)


class Bundle(NamedTuple):
    """The MLPs of one kind in a layer."""

    name: str
    prefix: str
    """Prefix of the roles of their tensors."""
    copies: int
    hidden: int
    """Units of each."""
    units: int
    """Units of each copy kept by index."""
    strongest: int
    """Units of each copy kept by response; 0 where none are, and where signs of units are no symmetry."""

    @property
    def indices(self) -> NDArray[np.intp]:
        """Indices of the units kept by index, ascending."""
        return self.axis.indices

    @property
    def together(self) -> int:
        """Copies in one tensor, one after the other: the heads of a state space."""
        return self.copies if self.name == STATE else 1

    @property
    def rows(self) -> NDArray[np.intp]:
        """Rows of a tensor that are kept, of all copies that lie in it, ascending."""
        return (np.arange(self.together)[:, None] * self.hidden + self.indices).ravel()

    @property
    def axis(self) -> Axis:
        """Axis of the units kept by index."""
        return Axis("units", self.units, self.hidden)


@dataclass(frozen=True)
class ArraySpec:
    """Specification of one array: name, axes, dtype, and when it is present."""

    component: Component
    layer: int | None
    part: str
    """Bundle, circuit or kind of rows; empty if the component has one kind."""
    role: str
    """Role of the tensor it is made from; empty if there is only one."""
    axes: tuple[Axis, ...]
    norm: Norm = "rows"
    dtype: str = "float16"
    effort: Effort = "screen"
    """The smallest effort that has it."""
    group: str = ""
    """Arrays of one group are all present or all absent; those without group are always present."""

    @property
    def name(self) -> str:
        """Key of the array in a fingerprint."""
        layer = "" if self.layer is None else str(self.layer)
        return ".".join(filter(None, (self.component, layer, self.part, self.role)))

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes."""
        return tuple(axis.size for axis in self.axes)

    def held_at(self, effort: Effort) -> bool:
        """Whether an effort has it."""
        return EFFORTS.index(self.effort) <= EFFORTS.index(effort)


def bundles(architecture: Architecture, sketch: SketchSpec) -> tuple[Bundle, ...]:
    """Kinds of MLPs of an architecture, with the number of units that a sketch keeps; a layer may lack some."""
    few, fewer = (sketch.units, sketch.match_units), (sketch.expert_units, sketch.match_expert_units)
    rows = (
        ("mlp", "", 1, architecture.hidden, *few),
        ("experts", "expert_", architecture.experts, architecture.expert_hidden, *fewer),
        ("shared", "shared_", 1, architecture.shared_hidden, *few),
        (STATE, "state_", min(architecture.state_heads, _STATE_HEADS), architecture.state_size, sketch.units, 0),
    )
    return tuple(
        Bundle(name, prefix, copies, hidden, min(hidden, units), min(hidden, strongest))
        for name, prefix, copies, hidden, units, strongest in rows
        if copies * hidden
    )


def mlp_roles(architecture: Architecture) -> tuple[str, ...]:
    """Roles of the matrices of an MLP, first the one whose responses are taken."""
    return ("gate", "up", "down") if architecture.gated else ("up", "down")


def kept_channels(architecture: Architecture, sketch: SketchSpec) -> Axis:
    """Axis of the value channels kept of each key-value head."""
    return Axis("channels", min(architecture.head_size, sketch.channels), architecture.head_size)


def kept_dimensions(architecture: Architecture, sketch: SketchSpec) -> Axis:
    """Axis of the dimensions of the residual stream that are kept."""
    return Axis("stream", min(architecture.width, sketch.stream), architecture.width)


def key_size(architecture: Architecture) -> int:
    """Channels of q and k of each head."""
    return architecture.key_size or architecture.head_size


def has_heads(architecture: Architecture, layer: int) -> bool:
    """Whether a layer has key-value heads that are known."""
    return architecture.kv_heads > 0 and layer not in architecture.no_attention


def turned_heads(architecture: Architecture) -> int:
    """Keys of a layer that positions turn: one for each key-value head, or one for all behind a latent vector."""
    return 1 if architecture.latent else architecture.kv_heads


def kept_latent(architecture: Architecture, sketch: SketchSpec, *, query: bool) -> Axis:
    """Axis of the channels kept of a latent vector.

    Parameters
    ----------
    architecture : of the model.
    sketch : sizes, as of the effort.
    query : whether of the latent vector of queries, not of keys and values.
    """
    size = architecture.latent_query if query else architecture.latent
    return Axis("latent", min(size, sketch.units), size)


def kept_planes(architecture: Architecture, sketch: SketchSpec) -> Axis:
    """Axis of the rotary planes kept of each key-value head."""
    planes = architecture.rotary_size // 2
    kept = max(_FEWEST_PLANES, sketch.keys // max(1, 2 * turned_heads(architecture)))
    return Axis("planes", min(planes, kept), planes)


def kept_plain(architecture: Architecture, sketch: SketchSpec) -> Axis:
    """Axis of the channels of q and k, of those that positions do not turn, kept of each key-value head."""
    known = architecture.query_key_norm != "unknown"
    plain = key_size(architecture) - architecture.rotary_size if known else 0
    kept = max(_FEWEST_PLAIN, sketch.keys // max(1, architecture.kv_heads))
    return Axis("plain channels", min(plain, kept), plain)


def components(sketch: SketchSpec, effort: Effort) -> tuple[Component, ...]:
    """Components that a sketch gives at an effort."""
    given = COMPONENTS if effort == "full" else SAMPLED
    return given if sketch.version >= 3 else tuple(component for component in given if component not in SINCE_3)


def bundle_group(layer: int, bundle: Bundle) -> str:
    """Group of the arrays of one bundle in one layer."""
    return f"{layer}.{bundle.name}"


def gains_name(sublayer: str) -> str:
    """Name of the summary of the gain before a sublayer, ``attn`` or ``mlp``."""
    return f"norm_{sublayer}"


def specs(
    architecture: Architecture, sketch: SketchSpec, anchors: int, effort: Effort = "full", *, unused: int = 0
) -> Iterator[ArraySpec]:
    """The table: every array that a fingerprint may have.

    Parameters
    ----------
    architecture : of the model.
    sketch : sizes, as of this effort.
    anchors : number of anchors known.
    effort : only arrays that it has are given.
    unused : number of unused tokens kept.
    """
    layers = (layer_specs(architecture, sketch, anchors, layer) for layer in range(architecture.layers))
    for found in (*layers, token_specs(architecture, sketch, anchors, unused), spread_specs(architecture)):
        yield from (spec for spec in found if spec.held_at(effort))


def table(record: FingerprintRecord) -> Mapping[str, ArraySpec]:
    """Specifications, by name, of the arrays that a fingerprint of this record may have."""
    rows = _table(record.architecture, record.sketch, len(record.anchors), record.effort, len(record.unused))
    return {name: spec for name, spec in rows.items() if spec.component in record.components}


@lru_cache(maxsize=32)  # a screen cuts thousands of models with few shapes
def _table(
    architecture: Architecture, sketch: SketchSpec, anchors: int, effort: Effort, unused: int
) -> Mapping[str, ArraySpec]:
    return {spec.name: spec for spec in specs(architecture, sketch, anchors, effort, unused=unused)}


def subset(arrays: Arrays, larger: Mapping[str, ArraySpec], smaller: Mapping[str, ArraySpec]) -> Arrays:
    """Cut arrays to the smaller sizes of another table; names stay the same.

    Anchors and projections must be the same: fewer anchors change the numbers (``on_anchors``).

    Parameters
    ----------
    arrays : arrays that ``larger`` describes.
    larger : table of the arrays given, by name.
    smaller : table of the arrays wanted, by name.

    Returns
    -------
    dict
        Arrays by name.
    """
    found = {}
    for name, array in arrays.items():
        if name not in smaller:
            continue
        for k, (before, after) in enumerate(zip(larger[name].axes, smaller[name].axes, strict=True)):
            if before.size != after.size:
                array = array.take(after.positions(before), axis=k)
        found[name] = array
    return found


def layer_specs(architecture: Architecture, sketch: SketchSpec, anchors: int, layer: int) -> Iterator[ArraySpec]:
    """The arrays of one layer.

    Parameters
    ----------
    architecture : of the model.
    sketch : sizes, as of the effort.
    anchors : number of anchors known.
    layer : number of the layer, from 0.

    Returns
    -------
    iterator of ArraySpec
        Rows of the table.
    """
    for sublayer in ("attn", "mlp"):
        name = gains_name(sublayer)
        yield ArraySpec("scales", layer, name, "", (Axis("gains", 4),), "none", "float64", group=f"{layer}.{name}")
    for bundle in bundles(architecture, sketch):
        yield from bundle_specs(architecture, sketch, anchors, layer, bundle)
    yield from router_specs(architecture, sketch, anchors, layer)
    if has_heads(architecture, layer):
        yield from attention_specs(architecture, sketch, anchors, layer)
        yield from key_specs(architecture, sketch, anchors, layer)
        yield from latent_specs(architecture, sketch, anchors, layer)


def bundle_specs(
    architecture: Architecture, sketch: SketchSpec, anchors: int, layer: int, bundle: Bundle
) -> Iterator[ArraySpec]:
    """The arrays of the MLPs of one kind in one layer.

    Parameters
    ----------
    architecture : of the model.
    sketch : sizes, as of the effort.
    anchors : number of anchors known.
    layer : number of the layer, from 0.
    bundle : the kind of MLP.

    Returns
    -------
    iterator of ArraySpec
        Rows of the table.
    """
    group, circuits = bundle_group(layer, bundle), bundle.name == "mlp" and _in_circuits(architecture, layer)
    one = partial(ArraySpec, layer=layer, part=bundle.name, group=group)
    tokens, copies = Axis("anchors", anchors), Axis("copies", bundle.copies)
    projected = (copies, bundle.axis, Axis("projections", sketch.projections))
    for role in mlp_roles(architecture):
        yield one("units", role=role, axes=projected, effort="standard" if role == "down" else "screen")
    yield one("response", role="", axes=(copies, bundle.axis, tokens), norm="centred rows")
    if not bundle.strongest:
        return
    yield one("scales", role="", axes=(copies, bundle.axis), norm="none", dtype="float32")
    strongest = (copies, Axis("strongest", bundle.strongest), tokens)
    for role in mlp_roles(architecture):
        yield one("match", role=role, axes=strongest, norm="centred rows", effort="full")
    if circuits:
        yield ArraySpec("circuit", layer, "ffn", "", (tokens, tokens), "whole", effort="full", group=group)


def router_specs(architecture: Architecture, sketch: SketchSpec, anchors: int, layer: int) -> Iterator[ArraySpec]:
    """The arrays of the router of one layer, if routing is known to treat experts alike.

    Parameters
    ----------
    architecture : of the model.
    sketch : sizes, as of the effort.
    anchors : number of anchors known.
    layer : number of the layer, from 0.

    Returns
    -------
    iterator of ArraySpec
        Rows of the table; a layer has all of them or none.
    """
    if not architecture.expert_group:
        return
    experts, tokens = Axis("experts", architecture.experts), Axis("anchors", anchors)
    one = partial(ArraySpec, "routers", layer, role="", group=f"{layer}.router")
    yield one("weights", axes=(experts, Axis("projections", sketch.projections)))
    yield one("responses", axes=(experts, tokens), norm="centred rows")
    yield one("experts", axes=(experts, tokens), norm="centred rows", effort="full")


def attention_specs(architecture: Architecture, sketch: SketchSpec, anchors: int, layer: int) -> Iterator[ArraySpec]:
    """The arrays of the attention of one layer, if there are key-value heads.

    Parameters
    ----------
    architecture : of the model.
    sketch : sizes, as of the effort.
    anchors : number of anchors known.
    layer : number of the layer, from 0.

    Returns
    -------
    iterator of ArraySpec
        Rows of the table; none without key-value heads.
    """
    tokens, heads = Axis("anchors", anchors), Axis("kv heads", architecture.kv_heads)
    of_products = () if architecture.latent else ("qk", "vo")  # products of whole matrices
    channels = kept_channels(architecture, sketch)
    projected = (heads, channels, Axis("projections", sketch.projections))
    yield ArraySpec("values", layer, "", "v", projected)
    yield ArraySpec("values", layer, "", "o", projected, effort="standard")
    yield ArraySpec("response", layer, "values", "", (heads, channels, tokens), "centred rows")
    for circuit in ("qk", "vo"):
        if architecture.heads_alike and (circuit == "vo" or architecture.query_key_norm in ("none", "gain")):
            yield ArraySpec("heads", layer, circuit, "", (heads, tokens), "centred rows", effort="full")
    for circuit in of_products:
        largest = (Axis("values", sketch.spectrum),)
        yield ArraySpec("spectrum", layer, circuit, "", largest, "largest", "float32", "full")
        if _in_circuits(architecture, layer):
            yield ArraySpec("circuit", layer, circuit, "", (tokens, tokens), "whole", effort="full")


def key_specs(architecture: Architecture, sketch: SketchSpec, anchors: int, layer: int) -> Iterator[ArraySpec]:
    """The arrays of the rows of q and k of one layer, as far as it is known what positions do to them.

    Parameters
    ----------
    architecture : of the model.
    sketch : sizes, as of the effort.
    anchors : number of anchors known.
    layer : number of the layer, from 0.

    Returns
    -------
    iterator of ArraySpec
        Rows of the table.
    """
    tokens, projections = Axis("anchors", anchors), Axis("projections", sketch.projections)
    for part, heads, kept, rows in (
        ("turned", turned_heads(architecture), kept_planes(architecture, sketch), 2),
        ("plain", architecture.kv_heads, kept_plain(architecture, sketch), 1),
    ):
        for role in "kq" if kept.size else "":
            axes = Axis("kv heads", heads), kept, Axis("rows", rows)
            one = partial(
                ArraySpec, layer=layer, part=part, role=role, effort="screen" if role == "k" else "standard"
            )
            yield one("keys", axes=(*axes, projections), norm="planes")
            yield one("key_responses", axes=(*axes, tokens), norm="centred planes")


def latent_specs(architecture: Architecture, sketch: SketchSpec, anchors: int, layer: int) -> Iterator[ArraySpec]:
    """The arrays of the channels of the latent vectors of one layer.

    Parameters
    ----------
    architecture : of the model.
    sketch : sizes, as of the effort.
    anchors : number of anchors known.
    layer : number of the layer, from 0.

    Returns
    -------
    iterator of ArraySpec
        Rows of the table; none without a latent vector.
    """
    for part in ("kv", "q"):
        kept = kept_latent(architecture, sketch, query=part == "q")
        if kept.size:
            for role in "ab":
                yield ArraySpec("latent", layer, part, role, (kept, Axis("projections", sketch.projections)))
            yield ArraySpec("latent_responses", layer, part, "", (kept, Axis("anchors", anchors)), "centred rows")


def token_specs(architecture: Architecture, sketch: SketchSpec, anchors: int, unused: int) -> Iterator[ArraySpec]:
    """The arrays of the tables of tokens.

    Parameters
    ----------
    architecture : of the model.
    sketch : sizes, as of the effort.
    anchors : number of anchors known.
    unused : number of unused tokens kept.

    Returns
    -------
    iterator of ArraySpec
        Rows of the table.
    """
    tokens, dimensions = Axis("anchors", anchors), kept_dimensions(architecture, sketch)
    yield ArraySpec("gram", None, "embed", "", (tokens, tokens), "trace", "float32")
    streams = ("embed",) if architecture.tied_embeddings else ("embed", "unembed")
    for part in streams if architecture.vocab else ():
        yield ArraySpec("stream", None, part, "", (dimensions, tokens))
    if unused:
        yield ArraySpec("unused", None, "embed", "", (Axis("unused", unused), tokens), "centred rows", "float32")
    if architecture.vocab:
        yield ArraySpec("scales", None, "embed", "", (dimensions,), "none", "float32")


def spread_specs(architecture: Architecture) -> Iterator[ArraySpec]:
    """Moments of whole tensors; which roles exist depends on the model."""
    axes = (Axis("layers", architecture.layers), Axis("moments", 4))
    for role in SPREAD_ROLES:
        yield ArraySpec("spread", None, "", role, axes, "none", "float64", "full", f"spread {role}")


def _in_circuits(architecture: Architecture, layer: int) -> bool:
    return layer >= architecture.layers - CIRCUIT_LAYERS
