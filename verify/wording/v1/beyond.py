"""Two fine-tunes of one base: what they share beyond it."""

from __future__ import annotations

BEYOND = {
    "beyond.word.shares_derivation": "CLOSER THAN SIBLINGS",
    "beyond.word.not_closer": "NO CLOSER THAN SIBLINGS",
    "beyond.word.unlike_siblings": "CANNOT BE RANKED",
    "beyond.word.counted": "COUNTED, NOT RANKED",
    "beyond.word.as_base": "NOTHING TO COMPARE",
    "beyond.shares_derivation": (
        "What A and B changed in the base P is more alike than what unrelated siblings changed: a sign that they "
        "share a derivation beyond P, if each of them is otherwise like the siblings of some kind."
    ),
    "beyond.not_closer": (
        "What A and B changed in the base P is not shown to be more alike than what unrelated siblings changed."
    ),
    "beyond.unlike_siblings": (
        "{models} changed the base P as none of the siblings did, so these do not tell how alike unrelated models of "
        "such a kind are."
    ),
    "beyond.counted": (
        "What A and B changed in the base P was counted and compared; without siblings it has no error rate."
    ),
    "beyond.as_base": (
        "The matrices of {models} are as in the base P, or multiples of these up to rounding, so there is no change "
        "to compare."
    ),
    "beyond.equal": (
        "A and B hold the same numbers in all tensors compared, to the bit in the coarser type of the two."
    ),
    "beyond.contained": (
        "Of the tensors compared, all {number:,} numbers that {model} changed are in {other} as in {model}, to the "
        "bit in the coarser type of the two: there the change of {model} is contained in that of {other}."
    ),
    "beyond.rank": (
        "Similarity of the directions in which A and B changed P: {score}. It is reached by {reached:,} of the "
        "{pairs:,} other pairs of A, B and {siblings:,} siblings, or by so many above the levels of the models; "
        "p-values are over the {size:,} pairs of the smallest kind."
    ),
    "beyond.similarity": "Similarity of the directions in which A and B changed P: {score}.",
    "beyond.left": (
        "Of {entries:,} numbers of P, A left {a:percent} as they are, B {b:percent}, and both {both:percent}. Of "
        "{changed:,} numbers that both changed, {equal:,} are equal in A and B."
    ),
    "beyond.chance": (
        "If A and B are unrelated beyond P, and each is like the siblings of some kind, so high a rank has a chance "
        "of {p:chance_at_most} (level {alpha:level}; no less than {least:chance} could be shown with these "
        "siblings). This is not the chance that they are unrelated."
    ),
    "beyond.nearest": (
        "Their similarity with the nearest sibling is as low as {score}; of every sibling it is {least} or more. So "
        "the p-value is set to 1."
    ),
    "beyond.lighter": (
        "Both are more like all siblings of one kind than each of these is like the others, as models are that were "
        "trained less than all of them: such are most alike without any relation. So the p-value is set to 1."
    ),
    "beyond.bound": (
        "Of {pairs:,} disjoint pairs of siblings {reached:,} reach the similarity: for two models drawn from kinds "
        "that are mixed as here, an unrelated pair does with a chance of at most {bound:at_most} (95% confidence); "
        "of one kind it may more often."
    ),
    "beyond.rests": (
        "Each of A and B could have been one of the siblings of some kind, as far as chance and recipe go, and no "
        "sibling is related to another, to A or to B beyond P. Weights cannot show either."
    ),
    "beyond.rests.counts": "Counts of numbers; they rest on nothing but the files.",
    "beyond.limit.cause": (
        "Which it is: that one was made from the other, both from a third fine-tune, or both were merged with one; "
        "or only that they have one data set and recipe, or one seed and order of batches, that no two siblings have "
        "in common."
    ),
    "beyond.limit.kinds": (
        "If A or B was made otherwise than the siblings of every kind, such as much more lightly or on data much "
        "narrower, p does not hold."
    ),
    "beyond.limit.declared": "That siblings are unrelated to one another is declared, and was not tested.",
    "beyond.limit.negative": (
        "NO CLOSER THAN SIBLINGS is not evidence that A and B share nothing: long further training hides it."
    ),
    "beyond.limit.unlike": (
        "Whether A and B share a derivation beyond the base: siblings on data and by recipes like theirs would tell."
    ),
    "beyond.limit.counts": (
        "How often unrelated fine-tunes have as many equal numbers is not known: coarse types, frozen tensors and "
        "tokens that no text has make many. Counts carry no p-value."
    ),
    "beyond.limit.order": "Which of the models came first, or who copied.",
    "beyond.non_finite": "{number:,} of the numbers of {label} are not finite; they count as unchanged.",
    "beyond.not_compared": (
        "In {number:,} cases a tensor of P is missing in A or B, has another shape or is quantised there; nothing "
        "is said of these."
    ),
}  # fmt: skip
