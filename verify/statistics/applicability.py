"""When a test applies: decided from the architectures and shared anchors, before any score.

The null hypothesis asks one of two models, unknown which, to be invariant; so an assumption
about architecture must hold in both.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ..checkpoint import FAMILIES, LOOKED_FOR
from ..fingerprint import (
    LEAST_ANCHORS,
    Fingerprint,
    FingerprintRecord,
    on_anchors,
    on_shared_anchors,
    shared_anchors,
)

__all__ = ["on_anchors", "on_shared_anchors"]


def same_width(a: Fingerprint, b: Fingerprint) -> str | None:
    """Refuse residual streams of different width."""
    x, y = a.record.architecture.width, b.record.architecture.width
    return None if x == y else f"the residual streams have different widths ({x} and {y})"


def both_mlps(a: Fingerprint, b: Fingerprint) -> str | None:
    """Refuse models without MLPs, or one gated and one not."""
    for model in (a, b):
        shape = model.record.architecture
        if not shape.hidden and not shape.expert_hidden:
            return f"{model.record.name} has no MLP that was understood"
    if a.record.architecture.gated != b.record.architecture.gated:
        return "one model's MLPs are gated and the other's are not"
    return None


def _unknown(model: Fingerprint) -> str | None:
    shape = model.record.architecture
    if shape.positions != "unknown":
        return None
    if shape.family.startswith("layout:"):
        return f"the layout given for {model.record.name} leaves its symmetries open"
    if any(shape.model_type in family.model_types for family in FAMILIES):
        return (
            f"the tensors of {model.record.name} are not named as those of the model type {shape.model_type!r}, so "
            "its symmetries are not known"
        )
    return f"the model type {shape.model_type!r} of {model.record.name} is not known, so neither are its symmetries"


def _misunderstood(model: Fingerprint, *parts: str) -> str | None:
    """Unknown tensors inside a sublayer may stand between the tensors that a symmetry ties together.

    Those of another tower, or outside layers, may not; a record that does not tell them apart has all of them inside.
    """
    record = model.record
    inside = record.unrecognised if record.unrecognised_inside is None else record.unrecognised_inside
    for name in inside:
        if re.search(r"\.[0-9]+\.", name) and any(part in name.lower() for part in parts):
            return f"{model.record.name} has a tensor {name!r:.120} that was not understood"
    return None


def _no_channels(model: Fingerprint) -> str | None:
    shape = model.record.architecture
    if shape.kv_heads:
        return None
    if shape.heads:
        return f"{model.record.name} makes k and v from a latent, so it has no value channels of single heads"
    return (
        f"the attention heads of {model.record.name} are not known (no number of its layout or config.json fits its "
        "tensors), so neither are its value channels"
    )


def odd_in_up(a: Fingerprint, b: Fingerprint) -> str | None:
    """Refuse MLPs that a sign flip of up and down would change (GELU, clamped, up + 1)."""
    for model in (a, b):
        if not model.record.architecture.odd_in_up:
            refusal = f"the MLPs of {model.record.name} are not odd in `up`, so flipping up and down changes them"
            return _unknown(model) or refusal
        if (reason := _misunderstood(model, "mlp", "ffn", "feed_forward", "expert")) is not None:
            return reason
    return None


def linear_values(a: Fingerprint, b: Fingerprint) -> str | None:
    """Refuse attention that is not linear between v and o, or heads of different size."""
    for model in (a, b):
        if (reason := _no_channels(model)) is not None:
            return reason
        if not model.record.architecture.linear_values:
            return _unknown(model) or f"the attention of {model.record.name} is not linear between v and o"
        if (reason := _misunderstood(model, "attn", "attention")) is not None:
            return reason
    x, y = a.record.architecture.head_size, b.record.architecture.head_size
    return None if x == y else f"the attention heads have different sizes ({x} and {y})"


def enough_anchors(a: Fingerprint, b: Fingerprint) -> str | None:
    """Refuse models of which fewer than ``LEAST_ANCHORS`` rows of the tables of tokens can be paired."""
    for model in (a, b):
        if not model.record.architecture.vocab:
            return f"{model.record.name} has no embedding of tokens"
    shared = len(shared_anchors(a.record, b.record))
    if shared >= LEAST_ANCHORS:
        return None
    records = (a.record, b.record)
    by_number = [record for record in records if record.pairing == "rows"]
    of_old = [record for record in records if record.tokenizer is None and not record.anchors]
    if lacking := (*by_number, *of_old):
        return _no_tokens(lacking[0]) + _unpaired(*records)
    return f"the vocabularies share {shared} anchor tokens, fewer than {LEAST_ANCHORS}"


def _no_tokens(record: FingerprintRecord) -> str:
    if record.tokenizer is None:
        return f"no tokenizer was found in {record.name} (looked for {', '.join(LOOKED_FOR)})"
    return f"the tokenizer of {record.name} ({record.tokenizer}) knows fewer than {LEAST_ANCHORS} anchor tokens"


def _unpaired(a: FingerprintRecord, b: FingerprintRecord) -> str:
    """Why rows of the tables were not paired by number either."""
    x, y = a.architecture.vocab, b.architecture.vocab
    if x != y:
        return f", and tables of {x} and {y} rows cannot be paired by number"
    return "" if a.pairing != b.pairing or x >= LEAST_ANCHORS else f", and {x} rows are fewer than {LEAST_ANCHORS}"


def no_fixed_vectors(a: Fingerprint, b: Fingerprint) -> str | None:
    """Refuse residual streams that fixed position vectors are added to."""
    for model in (a, b):
        if (reason := _unknown(model)) is not None:
            return reason
        if model.record.architecture.positions == "sinusoidal":
            return f"{model.record.name} adds fixed sinusoidal positions to the residual stream"
    return None


def first(*reasons: str | None) -> str | None:
    """The first reason to refuse, if any."""
    return next((reason for reason in reasons if reason is not None), None)


def present(*names: str) -> Callable[[Fingerprint, Fingerprint], str | None]:
    """Refuse fingerprints that lack one of the arrays."""

    def refuse(a: Fingerprint, b: Fingerprint) -> str | None:
        for model in (a, b):
            for name in names:
                if name not in model.arrays:
                    return f"the fingerprint of {model.record.name} has no array {name!r}"
        return None

    return refuse
