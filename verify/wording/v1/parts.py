"""Parts of models: the pair that a verdict is about, and findings on the others."""

from __future__ import annotations

_PLURALS = {
    "EMA copy": "EMA copies",
    "draft layers": "draft layers",
    "encoder and decoder": "encoders and decoders",
    "other": "parts",
}
_NO_CHANCE = (
    "So many equal numbers do not arise by chance, but may be a public frozen component, or a table computed by a "
    "formula"
)


def plural(kind: str) -> str:
    """A kind of part, of two models."""
    return _PLURALS.get(kind, f"{kind}s")


PARTS = {
    "pair": "A and B",
    "pair.kind": "the {kind:plural} of A and B ({amounts})",
    "pair.kind.name": "the {kind:plural} {name:q} of A and B ({amounts})",
    "pair.kind.names": "the {kind:plural} {a:q} and {b:q} of A and B ({amounts})",
    "pair.kinds": "the {kind_a} {a:q} of A and the {kind_b} {b:q} of B ({amounts})",
    "behind.kind": "the {kind:plural} ({amounts})",
    "behind.kind.name": "the {kind:plural} {name:q} ({amounts})",
    "behind.kind.names": "the {kind:plural} {a:q} and {b:q} ({amounts})",
    "amounts": "{a:percent} of A's numbers and {b:percent} of B's",
    "amounts.each": "{share:percent} of the numbers of each",
    "part.same": (
        "{pair:capital} hold the same weights, by the digests in the report; the exact tests do not find it ({p})."
    ),
    "part.same.found": (
        "{pair:capital} hold the same weights, by the digests in the report; the exact tests find them related ({p})."
    ),
    "part.same.untested": (
        "{pair:capital} hold the same weights, by the digests in the report; the exact tests do not find it (no test "
        "applies)."
    ),
    "part.identical": "{pair:capital} hold the same weights.",
    "part.identical.strange": f"{{pair:capital}} hold the same numbers to the last bit. {_NO_CHANCE}.",
    "part.dependent": "{pair:capital} share initial weights or derivation ({p}).",
    "part.no_evidence": "No evidence was found that {pair} share initial weights or derivation ({p}).",
    "part.untestable": "Whether {pair} are related could not be tested.",
    "parts.more": "What was found of {more} more is listed.",
    "parts.equal_tensors": (
        "Of the tensors that no table understands, {tensors} are equal in both to the last bit ({numbers} numbers, "
        f"{{a}} and {{b}}), such as {{names}}. {_NO_CHANCE}."
    ),
    "parts.amount": "{share:percent} of {model}'s numbers",
    "parts.amount.unknown": "numbers of {model}",
    "parts.may_not_say": "That it holds of parts that were not compared.",
    "parts.not_looked_at": "No test looked at {share:percent} of the stored numbers of {model}: {parts}.",
    "parts.not_looked_at.more": (
        "No test looked at {share:percent} of the stored numbers of {model}: {parts} and {more} more."
    ),
    "parts.part": "{kind} {name:q} ({share:percent})",
    "parts.public": (
        "Parts that hold the same numbers did not come to do so by chance, but may be a public component that both "
        "makers took over unchanged or, where no table understands them, computed by a formula; that says nothing of "
        "other parts."
    ),
}
