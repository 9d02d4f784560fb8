"""Fingerprints of models that never existed: random vectors under a chosen architecture.

They obey the null hypothesis by construction (independent Gaussian vectors), unless asked for
hubs, ties, dead units or a shared arrangement.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from verify.checkpoint import Architecture, FileIdentity
from verify.fingerprint import Fingerprint, FingerprintRecord, SketchSpec, unit_rows

SKETCH = SketchSpec(units=12, expert_units=6, channels=6, projections=8, anchors=40, stream=24)


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
    return architecture(family="qwen2_moe", hidden=0, experts=4, expert_hidden=20, shared_hidden=20)


def random_arrays(
    rng: np.random.Generator, shape: Architecture, sketch: SketchSpec = SKETCH
) -> dict[str, np.ndarray]:
    """Independent Gaussian vectors, before scaling to length 1."""
    arrays: dict[str, np.ndarray] = {}
    bundles = {
        "mlp": (1, min(shape.hidden, sketch.units)),
        "experts": (shape.experts, min(shape.expert_hidden, sketch.expert_units)),
        "shared": (1, min(shape.shared_hidden, sketch.units)),
    }
    channels = min(shape.head_size, sketch.channels)
    for layer in range(shape.layers):
        for bundle, (copies, n) in bundles.items():
            if copies * n:
                for role in ("gate", "up", "down") if shape.gated else ("up", "down"):
                    arrays[f"units.{layer}.{bundle}.{role}"] = rng.standard_normal((copies, n, sketch.projections))
                arrays[f"response.{layer}.{bundle}"] = rng.standard_normal((copies, n, sketch.anchors))
        for role in "vo":
            arrays[f"values.{layer}.{role}"] = rng.standard_normal((shape.kv_heads, channels, sketch.projections))
        arrays[f"response.{layer}.values"] = rng.standard_normal((shape.kv_heads, channels, sketch.anchors))
    dims = min(shape.width, sketch.stream)
    for role in ("embed",) if shape.tied_embeddings else ("embed", "unembed"):
        arrays[f"stream.{role}"] = rng.standard_normal((dims, sketch.anchors))
    return arrays


def fingerprint_of(
    arrays: dict[str, np.ndarray],
    shape: Architecture,
    *,
    name: str = "synthetic",
    sketch: SketchSpec = SKETCH,
) -> Fingerprint:
    """A fingerprint that holds the given vectors, scaled to length 1."""
    content = hashlib.sha256(b"".join(arrays[key].tobytes() for key in sorted(arrays))).hexdigest()
    record = FingerprintRecord(
        name=name,
        architecture=shape,
        files=(FileIdentity(name="model.safetensors", size=1, sha256=content),),
        content_sha256=content,
        sketch=sketch,
        anchors=tuple(range(sketch.anchors)),
        bytes_read=0,
        software={},
    )
    return Fingerprint(record, {key: unit_rows(value) for key, value in arrays.items()})


def stranger(seed: int | np.random.Generator, shape: Architecture | None = None) -> Fingerprint:
    """A model that shares nothing with any other."""
    shape = shape or architecture()
    return fingerprint_of(random_arrays(np.random.default_rng(seed), shape), shape)
