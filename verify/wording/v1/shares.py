"""Shares of candidates in a child."""

from __future__ import annotations

SHARES = {
    "share.word.carries_share": "SHARES FOUND",
    "share.word.no_share": "NO SHARE FOUND",
    "share.word.undecided": "CANNOT BE TOLD",
    "share.found": "C carries a share of {candidates}.",
    "share.sum": "Up to rounding, C is a sum of {candidates}.",
    "share.none": "None was found of {candidates}.",
    "share.apart": (
        "What C has of each of {candidates} cannot be told: they have an origin in common, so part of what C has of "
        "one it may have of another."
    ),
    "share.nothing": "Nothing of {candidates} could be compared with C.",
    "share.count": (
        "Hidden units and value channels at their own places in C, layer by layer: {units}. The best fit of all "
        "candidates together leaves {unexplained:percent} of C unexplained."
    ),
    "share.chance": (
        "The intervals hold together with {level:confidence} confidence. Strangers would be given a share with a "
        "chance of {chance:level} at most. This is not the chance that a candidate is a stranger."
    ),
    "share.limit.cause": (
        "How the share came to be there: by merging, by training on from the candidate or from what it was made "
        "from, or by a common start; nor which of the models came first."
    ),
    "share.limit.places": (
        "A candidate whose units were re-ordered, or whose residual stream was rotated, has no share at its places; "
        "`verify lineage` tests for such copies."
    ),
    "share.limit.alone": "A share is of what no other candidate that is given explains; with others it may differ.",
    "share.rests": (
        "For each candidate: given the rest of C and the other candidates, the order of its hidden units and value "
        "channels says nothing, as of any model that was trained by itself from random weights."
    ),
    "share.varies": (
        "If a share differs from layer to layer, its interval for the whole model is one for a mean, and the "
        "intervals of the layers show it."
    ),
}  # fmt: skip
