"""The fingerprint of weights that are in memory."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

import verify

from ..zoo.build import tokenizer, write
from ..zoo.changes.roles import Arrays
from ..zoo.config import Config


def print_of(weights: Arrays, c: Config, sketch: verify.SketchSpec | None = None) -> verify.Fingerprint:
    """The fingerprint of a model of the zoo, read from a folder that is gone afterwards.

    Parameters
    ----------
    weights, c : the model and its network.
    sketch : sizes of the sketch.
    """
    with tempfile.TemporaryDirectory() as folder:
        documents = {"config.json": c.huggingface(), "tokenizer.json": tokenizer(np.arange(c.vocab))}
        write(Path(folder), "attacked", weights, documents, "F32")
        return verify.fingerprint(Path(folder, "attacked"), sketch=sketch)
