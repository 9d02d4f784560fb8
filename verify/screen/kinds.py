"""What kind of relation two models have, in words: from which exact tests reject and which do not.

Words describe what is kept. They never say who copied, nor that anybody did: a shared seed, shared pretrained
embeddings and derivation look alike to every test.
"""

from __future__ import annotations

from collections.abc import Mapping

IDENTICAL = "identical weights"


def kind(tests: Mapping[str, float | None], level: float, *, depths: tuple[int, int]) -> str:
    """Name a relation.

    Parameters
    ----------
    tests : log10 p by test id; None where it does not apply.
    level : log10 of the level of each test; the smallest p-value counts as a rejection in any case.
    depths : layers of both models.
    """
    found = {name: value for name, value in tests.items() if value is not None}
    limit = max(level, min(found.values()))
    kept = {name for name, value in found.items() if value <= limit}

    def missing(test: str, otherwise: str) -> str:
        return "not comparable" if test not in found else otherwise

    if {"unit_identity", "value_identity"} <= kept:
        words = "units and values kept: fine-tuned, continued, pruned, quantised, merged, or one initialisation"
    elif "value_identity" in kept:
        words = "values kept, units " + missing("unit_identity", "not: MLPs replaced, upcycled or permuted")
    elif "unit_identity" in kept:
        words = "units kept, values " + missing("value_identity", "not: attention replaced or its channels permuted")
    elif "response_identity" in kept:
        other = "not: residual stream rotated or rescaled"
        by_weights = found.keys() & {"unit_identity", "value_identity"}
        words = f"responses kept, weights {other if by_weights else 'not comparable'}"
    elif "stream_identity" in kept:
        words = "stream only: embeddings kept, body new, permuted or replaced"
    else:
        words = "signs only"
    return words if depths[0] == depths[1] else f"{words}; {depths[0]} and {depths[1]} layers"
