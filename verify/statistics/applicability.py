"""When a test applies: decided from the architectures and shared anchors, before any score.

The null hypothesis states that one of the two models is invariant, and does not say which; so a condition on the
architecture must hold in both.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ..base import Phrase
from ..checkpoint import FAMILIES, STATED, is_alone
from ..fingerprint import (
    LEAST_ANCHORS,
    Component,
    Fingerprint,
    FingerprintRecord,
    on_anchors,
    on_shared_anchors,
    shared_anchors,
)

__all__ = ["on_anchors", "on_shared_anchors"]


def same_width(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    """Refuse residual streams of different width."""
    x, y = a.record.architecture.width, b.record.architecture.width
    return None if x == y else Phrase.of("width", a=x, b=y)


def both_mlps(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    """Refuse models without MLPs, one gated and one not, or an adapter without its base and a whole model."""
    alone = [is_alone(model.record.architecture) for model in (a, b)]
    if alone[0] != alone[1]:
        return Phrase.of("adapter_alone", model="AB"[alone.index(True)])
    for side, model in zip("AB", (a, b), strict=True):
        shape = model.record.architecture
        if not (shape.hidden or shape.expert_hidden or shape.shared_hidden or shape.state_size):
            return Phrase.of("no_mlp", model=side)
    if a.record.architecture.gated != b.record.architecture.gated:
        return Phrase.of("gated_differs")
    return None


def _unknown(side: str, model: Fingerprint) -> Phrase | None:
    shape = model.record.architecture
    if shape.family.startswith(STATED) and "," in shape.family:
        return Phrase.of("not_declared", model=side)
    if shape.positions != "unknown":
        return None
    if shape.family.startswith(STATED):
        return Phrase.of("layout_open", model=side)
    known = FAMILIES.know(shape.model_type)
    return Phrase.of("names_unlike_type" if known else "type_unknown", model=side, type=shape.model_type)


def _misunderstood(side: str, model: Fingerprint, *parts: str) -> Phrase | None:
    """Refuse unknown tensors in a sublayer, which may act between the tensors that a symmetry ties together.

    Those of another tower, or outside layers, cannot; if a record does not tell, all count as inside.
    """
    record = model.record
    inside = record.unrecognised if record.unrecognised_inside is None else record.unrecognised_inside
    for name in inside:
        if re.search(r"\.[0-9]+\.", name) and any(part in name.lower() for part in parts):
            return Phrase.of("tensor_not_understood", model=side, tensor=name)
    return None


def _unknown_mixer(side: str, model: Fingerprint) -> Phrase | None:
    """Refuse unknown tensors in a layer without attention: what mixes positions there may tell dimensions apart."""
    record = model.record
    inside = record.unrecognised if record.unrecognised_inside is None else record.unrecognised_inside
    shape = record.architecture
    without = set(shape.no_attention if shape.heads else range(shape.layers))
    for name in inside:
        number = re.search(r"\.([0-9]+)\.", name)
        if number is not None and int(number[1][:9]) in without:
            return Phrase.of("tensor_not_understood", model=side, tensor=name)
    return None


def _older(model: Fingerprint) -> Phrase | None:
    """Refuse a fingerprint of a version that lacks the arrays."""
    version = model.record.sketch.version
    return Phrase.of("older_sketch", version=version) if version < 3 else None


def _no_channels(side: str, model: Fingerprint) -> Phrase | None:
    shape = model.record.architecture
    if shape.kv_heads:
        return None
    return Phrase.of("latent_values" if shape.heads else "heads_unknown", model=side)


def odd_in_up(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    """Refuse MLPs whose output changes if up and down change sign (GELU, clamped, up + 1)."""
    for side, model in zip("AB", (a, b), strict=True):
        if not model.record.architecture.odd_in_up:
            return _unknown(side, model) or Phrase.of("not_odd_in_up", model=side)
        if (reason := _misunderstood(side, model, "mlp", "ffn", "feed_forward", "expert")) is not None:
            return reason
    return None


def linear_values(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    """Refuse attention whose value channels have no signed permutations, or heads of different size."""
    for side, model in zip("AB", (a, b), strict=True):
        if (reason := _no_channels(side, model)) is not None:
            return reason
        if not model.record.architecture.linear_values:
            return _unknown(side, model) or Phrase.of("not_linear_values", model=side)
        if (reason := _misunderstood(side, model, "attn", "attention")) is not None:
            return reason
    x, y = a.record.architecture.head_size, b.record.architecture.head_size
    return None if x == y else Phrase.of("head_sizes", a=x, b=y)


def heads_alike(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    """Refuse layers of one kv head, and heads that something fixed or shared by layers tells apart."""
    for side, model in zip("AB", (a, b), strict=True):
        shape = model.record.architecture
        if (reason := _older(model) or _no_channels(side, model)) is not None:
            return reason
        if shape.kv_heads == 1:
            return Phrase.of("one_head", model=side)
        if not shape.heads_alike:
            return _unknown(side, model) or Phrase.of("heads_told_apart", model=side)
        if (reason := _misunderstood(side, model, "attn", "attention")) is not None:
            return reason
    return None


def known_keys(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    """Refuse attention of which it is not known what lies between the rows of q and k and their product."""
    for side, model in zip("AB", (a, b), strict=True):
        if (reason := _older(model)) is not None:
            return reason
        if (reason := _no_channels(side, model)) is not None:
            return reason
        norm = model.record.architecture.query_key_norm
        if norm == "unknown":
            return _unknown(side, model) or Phrase.of("keys_unknown", model=side)
        if norm == "layer":
            return Phrase.of("keys_layer_norm", model=side)
        if (reason := _misunderstood(side, model, "attn", "attention")) is not None:
            return reason
    return None


def responses_of_keys(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    """Refuse fingerprints that hold no responses of rows of q and k."""
    for side, model in zip("AB", (a, b), strict=True):
        held = {name.rpartition(".")[2] for name in model.arrays if name.startswith("key_responses.")}
        if held != {"q", "k"}:
            return _older(model) or Phrase.of("no_array", model=side, array="key_responses")
    return None


def experts_alike(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    """Refuse models without routed experts, or whose routing is not known to treat them alike."""
    for side, model in zip("AB", (a, b), strict=True):
        shape = model.record.architecture
        if not shape.experts:
            return Phrase.of("no_experts", model=side)
        if (reason := _older(model)) is not None:
            return reason
        if not shape.expert_group:
            return _unknown(side, model) or Phrase.of("routing_unknown", model=side)
        if shape.expert_group == 1:
            return Phrase.of("one_expert", model=side)
        if (reason := _misunderstood(side, model, "mlp", "moe", "ffn", "feed_forward", "expert")) is not None:
            return reason
    return None


def behind_latent(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    """Refuse attention whose keys and values are not made from a latent vector."""
    for side, model in zip("AB", (a, b), strict=True):
        if not model.record.architecture.latent:
            return _older(model) or Phrase.of("no_latent", model=side)
        if (reason := _misunderstood(side, model, "attn", "attention")) is not None:
            return reason
    return None


def compared_by(a: Fingerprint, b: Fingerprint) -> tuple[Component, ...]:
    """Kinds of rows of q and k that can be compared: weights of one width, responses to shared anchors."""
    refused: dict[Component, Phrase | None] = {"keys": same_width(a, b), "key_responses": enough_anchors(a, b)}
    return tuple(component for component, reason in refused.items() if reason is None)


def not_comparable(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    """Refuse rows of q and k of different widths, without enough shared anchors."""
    width, anchors = same_width(a, b), enough_anchors(a, b)
    return None if width is None or anchors is None else Phrase.of("both", first=width, second=anchors)


def enough_anchors(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    """Refuse models of which fewer than ``LEAST_ANCHORS`` rows of the tables of tokens can be paired."""
    models = {"A": a.record, "B": b.record}
    for side, record in models.items():
        if not record.architecture.vocab:
            return Phrase.of("no_embedding", model=side)
    shared = len(shared_anchors(a.record, b.record))
    if shared >= LEAST_ANCHORS:
        return None
    by_number = [side for side, record in models.items() if record.pairing == "rows"]
    of_old = [side for side, record in models.items() if record.tokenizer is None and not record.anchors]
    if lacking := (*by_number, *of_old):
        reason, further = _no_tokens(lacking[0], models[lacking[0]]), _unpaired(a.record, b.record)
        return reason if further is None else Phrase.of("both", first=reason, second=further)
    return Phrase.of("few_shared_anchors", shared=shared, least=LEAST_ANCHORS)


def _no_tokens(side: str, record: FingerprintRecord) -> Phrase:
    if record.tokenizer is None:
        return Phrase.of("no_tokenizer", model=side)
    return Phrase.of("few_known_anchors", model=side, tokenizer=record.tokenizer, least=LEAST_ANCHORS)


def _unpaired(a: FingerprintRecord, b: FingerprintRecord) -> Phrase | None:
    """Why rows of the token tables cannot be paired by number; None if they can."""
    x, y = a.architecture.vocab, b.architecture.vocab
    if x != y:
        return Phrase.of("rows_differ", a=x, b=y)
    if a.pairing != b.pairing or x >= LEAST_ANCHORS:
        return None
    return Phrase.of("few_rows", rows=x, least=LEAST_ANCHORS)


def no_fixed_vectors(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    """Refuse residual streams that fixed position vectors are added to, or that an unknown mixer reads and writes."""
    for side, model in zip("AB", (a, b), strict=True):
        positions = model.record.architecture.positions
        if positions == "unknown" and (reason := _unknown(side, model)) is not None:
            return reason
        if positions == "sinusoidal":
            return Phrase.of("sinusoidal", model=side)
        if (reason := _unknown_mixer(side, model)) is not None:
            return reason
    return None


def first(*reasons: Phrase | None) -> Phrase | None:
    """The first reason to refuse, if any."""
    return next((reason for reason in reasons if reason is not None), None)


def present(*names: str) -> Callable[[Fingerprint, Fingerprint], Phrase | None]:
    """Refuse fingerprints that lack one of the arrays."""

    def refuse(a: Fingerprint, b: Fingerprint) -> Phrase | None:
        for side, model in zip("AB", (a, b), strict=True):
            for name in names:
                if name not in model.arrays:
                    return Phrase.of("no_array", model=side, array=name)
        return None

    return refuse
