"""Shares of candidates in a child."""

from __future__ import annotations

SHARES = {
    "share.word.carries_share": "SHARES FOUND",
    "share.word.no_share": "NO SHARE FOUND",
    "share.word.undecided": "CANNOT BE TOLD",
    "share.found": "C carries a share of {candidates}.",
    "share.sum": "In the rows that were read, C is up to rounding a sum of {candidates}.",
    "share.none": "No share of {candidates} was found in C.",
    "share.open": "How much C has of {candidates} is not bounded: the other candidates leave too little of it.",
    "share.apart": (
        "What C has of each of {candidates} cannot be told: their units look alike at their places, as those of "
        "models of one origin do, so part of what C has of one it may have of another."
    ),
    "share.nothing": "Nothing of {candidates} could be compared with C.",
    "share.left": "The best fit of all candidates together leaves {unexplained:percent} of C unexplained.",
    "share.ordered": (
        "{candidates}: units of C and of the candidate look ordered in {parts}, so these parts were left out."
    ),
    "share.count": (
        "Hidden units and value channels at their own places in C, layer by layer: {units}."
    ),
    "share.chance": (
        "The intervals of whole models hold together with {level:confidence} confidence. Strangers of C would be "
        "given a share with a chance of {chance:level} at most. This is not the chance that a candidate is a "
        "stranger."
    ),
    "share.limit.cause": (
        "How the share came to be there: by merging, by training on from the candidate or from what it was made "
        "from, or by a common start; nor which of the models came first."
    ),
    "share.limit.places": (
        "A candidate whose units were re-ordered, or whose residual stream was rotated, has no share at its places; "
        "a test of lineage finds many such copies."
    ),
    "share.limit.alone": "A share is of what no other candidate that is given explains; with others it may differ.",
    "share.rests": (
        "For each candidate: the order of its hidden units and value channels says nothing about the rest of C and, "
        "where a share is beyond those of other candidates, about these; as the order of any model that was trained "
        "by itself from random weights says nothing about models made without it."
    ),
    "share.non_finite": (
        "{number:,} of the numbers read of {label} are not finite; they count as zeros, so shares are of what is "
        "left."
    ),
    "share.varies": (
        "If a share differs from layer to layer, its interval for the whole model is one for a mean, and the "
        "intervals of the layers show it."
    ),
}  # fmt: skip
