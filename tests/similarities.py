"""Shipped models by name, for what every similarity promises."""

import shutil
from functools import cache

import numpy as np
from safetensors.numpy import load_file, save_file

import verify
from verify.data import model
from verify.statistics import (
    ASSIGNED_GEOMETRY,
    CIRCUIT_COSINE,
    EMBEDDING_GEOMETRY,
    RESPONSE_MATCH,
    SPECTRAL_DISTANCE,
    SPREAD_CORRELATION,
    STREAM_ROTATION,
)

TOLERANCE = {
    RESPONSE_MATCH.id: 2.5 / (2 * 64),  # up to five of 2 x 128 votes turn when a near tie is rounded to float16
    SPREAD_CORRELATION.id: 1e-9,  # float64; only the order of a sum changes
    EMBEDDING_GEOMETRY.id: 1e-6,  # float32 inner products
    CIRCUIT_COSINE.id: 1e-4,  # float16 entries, about .01 each, with errors that average out
    SPECTRAL_DISTANCE.id: 1e-5,  # float32 weights after the change
    STREAM_ROTATION.id: 1e-4,  # float32 inner products, square roots of small eigenvalues
    ASSIGNED_GEOMETRY.id: 1e-4,  # float16 responses, with errors that average out
}


@cache
def shipped(name):
    return verify.fingerprint(model(name))


@cache
def weights(name):
    return load_file(model(name) / "model.safetensors")


def reordered(w, rng):
    """Blocks in another order, none of the last two where it was."""
    order = np.array([2, 3, 0, 1])
    for half in (slice(0, 2), slice(2, 4)):
        order[half] = rng.permutation(order[half])
    new = {name: x for name, x in w.items() if ".layers." not in name}
    for to, old in enumerate(order):
        at = f"model.layers.{old}."
        new |= {f"model.layers.{to}.{name[len(at) :]}": x for name, x in w.items() if name.startswith(at)}
    return new


def changed(folder, tensors):
    """The fingerprint of the reference with other tensors, written as a checkpoint and read again."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for file in ("config.json", "tokenizer.json"):
        shutil.copy(model("reference") / file, folder)
    save_file(
        {name: np.ascontiguousarray(x, dtype=np.float32) for name, x in tensors.items()}, folder / "m.safetensors"
    )
    return verify.fingerprint(folder)
