"""What the exact tests rest on for one part of a checkpoint, told from its headers alone."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from types import SimpleNamespace
from typing import Any, cast

from verify.base import Phrase
from verify.checkpoint import Checkpoint
from verify.fingerprint import Fingerprint, SketchSpec, specs
from verify.fingerprint.build import TokenRows
from verify.statistics import EXACT_TESTS

SYMMETRIES: Mapping[str, tuple[str, str, str | None]] = {
    "unit order": ("unit_identity", "fixed_points", None),
    "unit signs": ("sign_agreement", "signs", "hidden units"),
    "value order": ("value_identity", "fixed_points", None),
    "value signs": ("sign_agreement", "signs", "value channels"),
    "key order": ("query_key_identity", "fixed_points", None),
    "key signs": ("query_key_identity", "signs", None),
    "phases": ("rotary_phase", "signs", None),
    "head order": ("head_identity", "fixed_points", None),
    "expert order": ("expert_identity", "fixed_points", None),
    "latent order": ("latent_identity", "fixed_points", None),
    "latent signs": ("latent_identity", "signs", None),
    "stream order": ("stream_identity", "fixed_points", None),
    "stream signs": ("stream_identity", "signs", None),
}
"""Symmetries of networks, each with the test that rests on it, and the law and part of the count."""


def declared(checkpoint: Checkpoint) -> dict[str, str]:
    """The symmetries that tests of a model with another of its kind would use, and why the others are not used.

    Parameters
    ----------
    checkpoint : an open part.

    Returns
    -------
    dict
        By symmetry; empty text where it is used, else the code of the reason.
    """
    model = _headers(checkpoint)
    tests = {test.id: test for test in EXACT_TESTS}
    found: dict[str, str] = {}
    for symmetry, (name, law, part) in SYMMETRIES.items():
        test = tests[name]
        assert test.counts is not None
        reason = test.refuse(model, model)
        if reason is None:
            reason = next(one.left_out for one in test.counts(model, model) if (one.law, one.part) == (law, part))
        found[symmetry] = "" if reason is None else reason.code if isinstance(reason, Phrase) else reason
    return found


def outcome(checkpoint: Checkpoint) -> dict[str, Any]:
    """How a checkpoint is read: each understood part with its table and symmetries, and what is left out.

    Parameters
    ----------
    checkpoint : the main part.

    Returns
    -------
    dict
        ``parts`` by name, with ``family``, ``layers`` and ``declared``; ``left_out``, the share of all numbers that
        lie in tensors that no table knows; ``outside``, that of tensors understood and compared by no test.
    """
    sizes = {part.name: part.numbers for part in checkpoint.parts}
    total = max(1, sum(sizes.values()))
    parts = (checkpoint, *checkpoint.further())
    outside = sum(prod(one.stored_as(name)[1]) for one in parts for name in one.outside)
    return {
        "parts": {one.part.name: _read(one) for one in parts},
        "left_out": round(sum(part.numbers for part in checkpoint.parts if not part.family) / total, 4),
        "outside": round(outside / total, 4),
    }


def _read(checkpoint: Checkpoint) -> dict[str, Any]:
    shape = checkpoint.architecture
    used = [symmetry for symmetry, reason in declared(checkpoint).items() if not reason]
    return {"family": shape.family, "kind": checkpoint.part.kind, "layers": shape.layers, "declared": used}


def _headers(checkpoint: Checkpoint) -> Fingerprint:
    """What the conditions of the tests ask of a fingerprint; its arrays have names and no numbers."""
    sketch, shape = SketchSpec().at("full"), checkpoint.architecture
    tokens = TokenRows.of(checkpoint, sketch)
    record = SimpleNamespace(
        architecture=shape,
        sketch=sketch,
        effort="full",
        anchors=tuple(tokens.anchors),
        pairing=tokens.pairing,
        tokenizer=tokens.tokenizer,
        unused=tokens.unused,
        dead=(),
        unrecognised=checkpoint.unrecognised,
        unrecognised_inside=checkpoint.unrecognised_inside,
    )
    arrays = dict.fromkeys(spec.name for spec in specs(shape, sketch, len(tokens.anchors), "full"))
    return cast(Fingerprint, SimpleNamespace(record=record, arrays=arrays))
