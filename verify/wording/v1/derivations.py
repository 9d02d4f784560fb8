"""What was done to one checkpoint to get another, and which order that excludes."""

from __future__ import annotations

DERIVATIONS = {
    "derivation.word.equal": "THE SAME NUMBERS",
    "derivation.word.b_from_a": "B FOLLOWS FROM A",
    "derivation.word.a_from_b": "A FOLLOWS FROM B",
    "derivation.word.either": "EACH FOLLOWS FROM THE OTHER",
    "derivation.word.unresolved": "ORDER NOT SETTLED",
    "derivation.word.no_rule": "NO RULE FOUND",
    "derivation.equal": "A and B hold the same numbers in tensors of the same names.",
    "derivation.follows": (
        "Every number of {other} can be computed from {model} by the rules below, to the bit; {model} cannot be "
        "computed from {other} by such rules."
    ),
    "derivation.either": "Every number of each model can be computed from the other by recorded rules, to the bit.",
    "derivation.unresolved": (
        "Recorded rules hold for some tensors, and do not settle which file could be computed from the other."
    ),
    "derivation.together": "Every number of B can be computed from A and C together by the rules below, to the bit.",
    "derivation.no_rule": "No recorded rule computes a tensor of one model from the other.",
    "derivation.lost": (
        "{lost:,} numbers of {model}, in samples, differ from others of {model} where the numbers of {other} are "
        "equal: no rule that gives equal numbers equal values restores them."
    ),
    "derivation.missing": "{missing:,} numbers of {model} are of tensors or rows that {other} does not hold.",
    "derivation.covered": (
        "Rules give {share:percent} of the {entries:,} numbers of B, not counting tensors of one value throughout."
    ),
    "derivation.most": "{share:percent} of B: {what}.",
    "derivation.layers": "Layers of B have their numbers from these of A, in order: {layers}.",
    "derivation.rule.none": "by no recorded rule",
    "derivation.rule.constant": "one value throughout",
    "derivation.rule.equal": "equal to A's",
    "derivation.rule.rounded": "A's, rounded to the nearest of {setting}",
    "derivation.rule.truncated": "A's, rounded to {setting} toward zero",
    "derivation.rule.scaled": "A's, times {values}",
    "derivation.rule.quantised": "A's, put on the grid {setting} and restored",
    "derivation.rule.repeated": "a stack of copies of one of A's",
    "derivation.rule.rows_chosen": "rows of A's, in a selection",
    "derivation.rule.pruned": "A's, or zero",
    "derivation.rule.pruned.pattern": "A's, or zero ({setting})",
    "derivation.rule.low_rank": "A's and a matrix of rank {values}, within two steps of rounding",
    "derivation.rule.of_third": "equal to C's",
    "derivation.rule.merged": "w times A's and 1 - w times C's, with w = {values}",
    "derivation.rule.on_own_grid": (
        "nearest to A's of the numbers that B has in its {setting}, nine in ten or more exactly and all within the "
        "rounding of a scale (with A's numbers of a neighbouring run or row, {values} of them would be)"
    ),
    "derivation.then.rounded": "{first}, then rounded to the nearest of {setting}",
    "derivation.then.quantised": "{first}, then put on the grid {setting} and restored",
    "derivation.then.scaled": "{first}, then times {values}",
    "derivation.elsewhere": "{what}, of another layer or place",
    "derivation.rows.added": "{what}, in the rows that both have; B has more",
    "derivation.rows.removed": "{what}, in the rows that both have; A has more",
    "derivation.limit.first": (
        "Which file existed first, or who made which. Digits can be added to a file, as by light training in a finer "
        "type, and rows or layers appended: then the file that the other follows from is the younger one."
    ),
    "derivation.limit.equal": "Who made which, or which existed first: equal files hold no order.",
    "derivation.limit.rules": (
        "A relation by a rule that is not among those tried, such as training. Where no rule was found, nothing is "
        "said; the tests of `verify lineage` may find what the two have in common."
    ),
    "derivation.limit.own_grid": (
        "That numbers which lie on a grid of B's own were computed from A's: the grid may come from a search, from "
        "data or from another model, and a model that differs from A by less than a step of the grid, such as "
        "another light fine-tune of A's base, gives about the same."
    ),
    "derivation.limit.made": (
        "Tables that a formula fills, such as sinusoidal positions, are equal in unrelated models, and small tensors "
        "of coarse numbers may be equal by luck. Equal numbers carry no p-value here."
    ),
    "derivation.limit.tool": "Which tool was used: a rule describes the numbers, and others give the same ones.",
    "derivation.changed": (
        "{tensors:,} tensors without a rule have their numbers at A's places, changed by {distance:amount} of their "
        "length at the median number ({low:amount} to {high:amount} by tensor; cosine {cosine:.4f})."
    ),
    "derivation.not_in_place": (
        "{tensors:,} tensors without a rule have no more in common with A's at the same places than elsewhere, so "
        "no amount of change is said of them."
    ),
    "derivation.not_read": "{number:,} tensors are not stored as floating-point numbers and were not compared.",
    "derivation.rests": "The numbers in the two files; nothing is assumed of how they came about.",
}  # fmt: skip
