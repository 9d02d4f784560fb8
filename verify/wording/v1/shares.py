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
    "share.word.sum_of_changes": "CHANGES FOUND",
    "share.word.changes_in_part": "CHANGES FOUND IN PART",
    "share.word.changes_not_found": "NO CHANGE FOUND",
    "share.word.changes_not_told": "CANNOT BE TOLD",
    "share.changes.every": (
        "In {seen:,} of {tensors:,} tensors enough numbers tell; there every number of C is, up to rounding, P's, or "
        "P's plus multiples of what {candidates} changed in P."
    ),
    "share.changes.once": (
        "In {seen:,} of {tensors:,} tensors enough numbers tell; there every number of C is, up to rounding, P's, or "
        "P's plus {weight} times what {candidates} changed in P."
    ),
    "share.changes.sum": (
        "In {seen:,} of {tensors:,} tensors enough numbers tell; there {explained:percent} of the numbers that C "
        "changed in P are, up to rounding, P's plus multiples of what {candidates} changed in P."
    ),
    "share.changes.part": (
        "C holds multiples of what {candidates} changed in P: in {seen:,} of {tensors:,} tensors enough numbers "
        "tell, and {explained:percent} of those that C changed there are such sums, up to rounding. The rest is "
        "something else."
    ),
    "share.changes.none": "No multiple of what {candidates} changed in P was found in C.",
    "share.changes.none_compared": "No tensor of C and a candidate could be compared with that of P.",
    "share.changes.as_in_base": "In all tensors that were compared C is as P, so it holds no change.",
    "share.changes.none_changed": "No candidate changed anything in P in the tensors that all have.",
    "share.changes.too_few": (
        "In no tensor do enough numbers of C differ from P by much more than their rounding, so agreement would tell "
        "nothing."
    ),
    "share.changes.in_steps": (
        "Where C differs from P by much more than rounding, its numbers lie on a grid, or were changed by sizes or "
        "multiples of P that many have, as by quantisation, pruning, decay or few steps of a sign-based optimiser; "
        "models without a relation agree there, so agreement would tell nothing."
    ),
    "share.changes.alike": (
        "Numbers of C agree with changes of candidates that are alike there, so it cannot be told of which it has "
        "them."
    ),
    "share.changes.counted": (
        "Of {entries:,} numbers compared, C left {same:percent} as in P. Of the {changed:,} others {told:,} tell, in "
        "{judged:,} tensors that are judged: their change is large beside their rounding and no decay."
    ),
    "share.changes.own": (
        "{candidate}: held in {held:,} of {judged:,} tensors; {only:percent} of the telling numbers agree with sums "
        "that have its change and with no other, and {elsewhere:percent} would if its change stood elsewhere{alone}."
    ),
    "share.changes.limit.law": (
        "How often models that do not have a change would agree so: changes of one base have no law by which it "
        "could be computed, so there is no p-value and no error rate; counts elsewhere and beside stand in its place."
    ),
    "share.changes.limit.cause": (
        "How it came to be there: by merging, from a third model that has it too, or the other way round, a "
        "candidate having been made from C; nor which model came first. Adapters of rank 1 or 2, or hardly trained, "
        "that share a factor which was not trained hold multiples of one another's rows without any merging."
    ),
    "share.changes.limit.negative": (
        "NO CHANGE FOUND is not evidence that nothing was merged: training afterwards, quantisation, a base or "
        "candidate other than the ones merged, and numbers rounded as coarsely as they were changed all hide it."
    ),
    "share.changes.limit.fit": (
        "Coefficients of least squares are estimates without an error rate: they are not 0 for a model that is only "
        "like a parent, and say little where variance inflation is large."
    ),
    "share.changes.rests": (
        "Numbers in files, and that none of the candidates was made from another: of two that were, C may hold what "
        "both have."
    ),
    "share.changes.non_finite": "{number:,} of the numbers of {label} are not finite; they count as unchanged.",
    "share.changes.not_compared": (
        "In {number:,} cases a tensor of P is missing in C or a candidate, has another shape or is quantised there; "
        "nothing is said of these."
    ),
}  # fmt: skip
