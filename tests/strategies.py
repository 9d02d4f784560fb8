"""Models that never existed: architectures, sketches, and fingerprints of random vectors under them.

Random fingerprints obey the null hypothesis by construction (independent Gaussian vectors), unless asked for hubs,
ties, dead units or a shared arrangement.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from verify.checkpoint import Architecture, FileIdentity
from verify.fingerprint import (
    ANCHORS,
    COMPONENTS,
    SAMPLED,
    ArraySpec,
    Component,
    Effort,
    Fingerprint,
    FingerprintRecord,
    SketchSpec,
    in_frozen_order,
    specs,
    unit_rows,
)

SKETCH = SketchSpec(
    units=12,
    expert_units=6,
    channels=6,
    projections=8,
    anchors=40,
    stream=24,
    match_units=8,
    match_expert_units=4,
    spectrum=4,
)
EXACT: tuple[Component, ...] = (
    "units",
    "values",
    "response",
    "routers",
    "heads",
    "keys",
    "key_responses",
    "latent",
    "latent_responses",
    "stream",
    "unused",
)
"""Components that the exact tests look at."""
UNUSED = tuple(in_frozen_order(f"[unused{n}]" for n in range(20, 34)))
"""Names of the tokens of such models that no text contains."""

SEEDS = st.integers(0, 2**32)
"""Seeds of generators."""

Arrays = dict[str, NDArray[np.floating]]


def architecture(**changes: Any) -> Architecture:
    """A small gated RMS-norm architecture, with changes."""
    fields = {
        "family": "llama",
        "model_type": "llama",
        "layers": 3,
        "width": 48,
        "vocab": 256,
        "heads": 4,
        "kv_heads": 2,
        "head_size": 12,
        "hidden": 40,
        "experts": 0,
        "expert_hidden": 0,
        "shared_hidden": 0,
        "norm": "rms",
        "norm_offset": 0,
        "post_norm": False,
        "gated": True,
        "odd_in_up": True,
        "linear_values": True,
        "positions": "rotary",
        "tied_embeddings": False,
        "shared_blocks": False,
        "query_key_norm": "none",
        "heads_alike": True,
    }
    return Architecture(**(fields | changes))


def gpt2_like() -> Architecture:
    """GELU, layer norm, learned positions."""
    return architecture(
        family="gpt2",
        model_type="gpt2",
        norm="layer",
        gated=False,
        odd_in_up=False,
        positions="learned",
        kv_heads=4,
        tied_embeddings=True,
    )


def moe_like() -> Architecture:
    """Four experts and a shared one."""
    return architecture(family="qwen2_moe", hidden=0, experts=4, expert_hidden=20, shared_hidden=20, expert_group=4)


def anchors_known(shape: Architecture, sketch: SketchSpec) -> int:
    """Anchors of a model that knows every token of the list."""
    return min(sketch.anchors, len(ANCHORS)) if shape.vocab else 0


def unused_known(shape: Architecture, sketch: SketchSpec) -> tuple[str, ...]:
    """Unused tokens kept of a model that has tokens."""
    return UNUSED[: sketch.unused] if shape.vocab else ()


def random_arrays(
    rng: np.random.Generator,
    shape: Architecture,
    sketch: SketchSpec = SKETCH,
    *,
    effort: Effort = "full",
    components: Sequence[Component] = EXACT,
    dtype: type[np.floating] = np.float64,
) -> Arrays:
    """Independent Gaussian numbers in every array of the table, before they are scaled.

    Parameters
    ----------
    rng : draws them, in the order of the table.
    shape, sketch, effort : which arrays there are, and their sizes.
    components : kinds of arrays made.
    dtype : of the numbers drawn.
    """
    known = anchors_known(shape, sketch)
    wanted = specs(shape, sketch.at(effort), known, effort, unused=len(unused_known(shape, sketch)))
    return {
        spec.name: rng.standard_normal(spec.shape, dtype=dtype)  # type: ignore[arg-type]
        for spec in wanted
        if spec.component in components
    }


def scaled(spec: ArraySpec, array: NDArray[np.floating]) -> NDArray[np.floating]:
    """Any numbers as a fingerprint could hold them in this array; rows are not centred."""
    if spec.norm == "trace":
        gram = array @ array.T
        return (gram / (np.trace(gram) or 1.0)).astype(spec.dtype)
    if spec.norm == "largest":
        values = np.sort(np.abs(array))[::-1]
        return (values / values[0]).astype(spec.dtype)
    if spec.norm == "whole":
        return unit_rows(array.reshape(1, -1), spec.dtype).reshape(array.shape)
    if spec.norm.endswith("planes"):
        return unit_rows(array.reshape(*array.shape[:-2], -1), spec.dtype).reshape(array.shape)
    return array.astype(spec.dtype) if spec.norm == "none" else unit_rows(array, spec.dtype)


def fingerprint_of(
    arrays: Arrays,
    shape: Architecture,
    *,
    name: str = "synthetic",
    sketch: SketchSpec = SKETCH,
    effort: Effort = "full",
    components: Sequence[Component] = COMPONENTS,
) -> Fingerprint:
    """A fingerprint that holds the given numbers, scaled as the table says."""
    content = hashlib.sha256(b"".join(arrays[key].tobytes() for key in sorted(arrays))).hexdigest()
    record = FingerprintRecord(
        name=name,
        architecture=shape,
        files=(FileIdentity(name="model.safetensors", size=1, sha256=content),),
        effort=effort,
        content_sha256=content,
        sketch=sketch.at(effort),
        components=tuple(components),
        anchors=tuple(range(anchors_known(shape, sketch))),
        unused=unused_known(shape, sketch),
        tokenizer="tokenizer.json" if shape.vocab else None,
        bytes_read=0,
        software={},
    )
    table = {spec.name: spec for spec in specs(shape, record.sketch, len(record.anchors), unused=len(record.unused))}
    held = {key: scaled(table[key], x) if key in table else unit_rows(x) for key, x in arrays.items()}
    return Fingerprint(record, held)


def random_fingerprint(
    rng: np.random.Generator,
    shape: Architecture,
    sketch: SketchSpec = SKETCH,
    *,
    effort: Effort = "full",
    components: Sequence[Component] | None = None,
    name: str = "synthetic",
    dtype: type[np.floating] = np.float64,
) -> Fingerprint:
    """A sound fingerprint of random numbers.

    Parameters
    ----------
    rng : draws them.
    shape, sketch, effort : which arrays there are, and their sizes.
    components : kinds of arrays held; by default all that the effort gives.
    name : of the model.
    dtype : of the numbers drawn.
    """
    kinds = components if components is not None else COMPONENTS if effort == "full" else SAMPLED
    arrays = random_arrays(rng, shape, sketch, effort=effort, components=kinds, dtype=dtype)
    return fingerprint_of(arrays, shape, name=name, sketch=sketch, effort=effort, components=kinds)


def stranger(seed: int | np.random.Generator, shape: Architecture | None = None) -> Fingerprint:
    """What the exact tests read of a model that shares nothing with any other."""
    shape = shape or architecture()
    return fingerprint_of(random_arrays(np.random.default_rng(seed), shape), shape)


@st.composite
def architectures(draw: st.DrawFn) -> Architecture:
    """Dense or of experts, with or without a shared one; gated or not; any number of kv heads, or none, perhaps
    behind latent vectors; any vocabulary, or none; one layer or more."""
    kv_heads = draw(st.integers(0, 3))
    latent = draw(st.sampled_from([0, 0, 3, 20])) if kv_heads else 0
    turned = draw(st.sampled_from([2, 6])) if latent else 0
    experts = draw(st.sampled_from([0, 0, 1, 3]))
    vocab = draw(st.sampled_from([0, 200, 256]))
    return architecture(
        layers=draw(st.integers(1, 4)),
        width=draw(st.integers(1, 40)),
        vocab=vocab,
        heads=kv_heads * draw(st.integers(1, 1 if latent else 3)) if kv_heads else draw(st.sampled_from([0, 4])),
        kv_heads=kv_heads,
        head_size=draw(st.integers(1, 12)) if kv_heads else 0,
        hidden=draw(st.integers(0 if experts else 1, 40)),
        experts=experts,
        expert_hidden=draw(st.integers(1, 20)) if experts else 0,
        shared_hidden=draw(st.integers(0, 20)) if experts else 0,
        expert_group=draw(st.sampled_from([0, 1, experts])) if experts else 0,
        heads_alike=kv_heads > 0 and draw(st.booleans()),
        query_key_norm=draw(st.sampled_from(["unknown", "none", "gain", "layer"])),
        rotary="interleaved" if latent else "",
        rotary_size=turned,
        key_size=turned + draw(st.integers(0, 9)) if latent else draw(st.sampled_from([0, 7])) if kv_heads else 0,
        latent=latent,
        latent_query=draw(st.sampled_from([0, 5])) if latent else 0,
        state_heads=(states := draw(st.sampled_from([0, 0, 1, 5]))),
        state_size=draw(st.integers(1, 20)) if states else 0,
        gated=draw(st.booleans()),
        tied_embeddings=bool(vocab) and draw(st.booleans()),
    )


@st.composite
def sketches(draw: st.DrawFn) -> SketchSpec:
    """Small ones, of sizes below and above what an architecture has."""
    names = [name for name in SketchSpec.model_fields if name != "version"]
    return SketchSpec(**{name: draw(st.integers(1, 48)) for name in names})
