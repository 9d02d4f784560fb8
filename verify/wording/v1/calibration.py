"""Calibrated scores: what is guaranteed, what is not, and the null hypotheses of their designs."""

from __future__ import annotations

_ANY = "A and B are unrelated and each could have been any of the models"
_KIND = "A and B are unrelated and each could have been any of the models of its own stratum"
_LEVELLED = "after each model's main effect (its average similarity to the others) is taken out"
_TWINS = (
    "A and B are two models of one recipe, trained independently of each other, and that recipe is exchangeable with "
    "the recipes declared (or A and B are of two recipes, and no more alike than twins are)"
)

CALIBRATION = {
    # Headline.
    "calibration.bound": (
        "With 95% confidence, at most {bound:at_most} of pairs of unrelated models drawn like the others of the "
        "table are as alike as A and B by this score ({reached} of {pairs} disjoint pairs are)."
    ),
    "calibration.bound.twins": (
        "With 95% confidence, at most {bound:at_most} of pairs of twins (one recipe, two seeds; recipes drawn like "
        "those declared) are as alike as A and B by this score ({reached} of {pairs} pairs are)."
    ),
    "calibration.bound.none": (
        "How often unrelated models are as alike is not bounded: the table lacks scores of disjoint pairs of the "
        "others."
    ),
    "calibration.similar_beyond_panel": (
        "A and B are more alike than expected of {strangers} ({p}; rank {rank} of {size} {among})."
    ),
    "calibration.no_evidence": (
        "A and B are not more alike than can be expected of {strangers} ({p}; rank {rank} of {size} {among})."
    ),
    "calibration.strangers": "unrelated models",
    "calibration.strangers.twins": "twins, unrelated models of one recipe",
    "calibration.strangers.twins_and_pair_larger": "unrelated models, of one recipe or of several",
    "calibration.among": "pairs",
    "calibration.among.twins": "pairs of twins, A and B counted as one",
    # First lines.
    "calibration.answer.similar_beyond_panel": (
        "By this score A and B are more alike than expected of {strangers}. They are not shown to be related."
    ),
    "calibration.answer.no_evidence": (
        "By this score A and B are not more alike than can be expected of {strangers}."
    ),
    "calibration.answer.count": "They have rank {rank:,} of {size:,} {among}, the most alike first.",
    "calibration.answer.chance": (
        "{bound} If they were unrelated, they would rank as high with a chance of {p:chance_at_most}; more alike "
        "than expected is reported at {alpha:level} or less, set beforehand. This is not the chance that they are "
        "unrelated."
    ),
    "calibration.answer.chance.searched": "The {pairs:,} pairs that were searched are paid for.",
    "calibration.answer.rests": "The scores as given, and this: {null}.",
    "calibration.searched": "The p-value is multiplied by the {pairs} pairs that were searched.",
    "calibration.holds_if": "The p-value holds if {null}.",
    "calibration.p": "{log10_p:p}",
    # Before any score.
    "calibration.attainable": "The smallest p-value that the numbers of models allow: {p}.",
    "calibration.fixed": (
        "The primary design follows from what was declared: {design}. Scale: {scale}. {closer:capital} scores are of "
        "closer models. Level {alpha:g}."
    ),
    "calibration.fixed.stated": (
        "The primary design was named by the caller: {design}. Scale: {scale}. {closer:capital} scores are of closer "
        "models. Level {alpha:g}."
    ),
    "calibration.families": "Each declared family is represented by one model, chosen by the sha256 of names.",
    "calibration.scale.identity": "scores as they are",
    "calibration.scale.log": "logarithms of scores",
    "calibration.scale.logit": "log odds of scores",
    "calibration.scale.fisher": "Fisher's z of scores",
    "calibration.design.pair": "all pairs, by score",
    "calibration.design.pair_residual": "all pairs, after each model's main effect is taken out",
    "calibration.design.pair_larger": "all pairs, the larger rank with and without each model's main effect",
    "calibration.design.own_kind": (
        "the larger rank among all pairs with and without each model's main effect, over the number of pairs of the "
        "stratum of A and B"
    ),
    "calibration.design.row_a": "the pairs of A with all others",
    "calibration.design.row_b": "the pairs of B with all others",
    "calibration.design.stratum": "pairs of the stratum of A and B, or of a model from each of their strata",
    "calibration.design.stratum_residual": (
        "pairs of the stratum of A and B, or of a model from each of their strata, after each model's main effect is "
        "taken out"
    ),
    "calibration.design.twins": (
        "one pair of twins a recipe, by score and by score less the models' levels, of which the larger rank counts"
    ),
    "calibration.design.twins_and_pair_larger": "the larger p of twins and of pairs with and without main effects",
    # Null hypotheses, as conditions.
    "calibration.null.pair": f"{_ANY}, as they are",
    "calibration.null.pair_residual": f"{_ANY}, {_LEVELLED}",
    "calibration.null.pair_larger": f"{_ANY}, as they are or {_LEVELLED}",
    "calibration.null.own_kind": (
        "A and B are unrelated and each could have been any of the models of its own stratum, as they are or "
        f"{_LEVELLED}; of the other models nothing is assumed, and they can only raise the rank"
    ),
    "calibration.null.row_a": (
        "B is unrelated to A and could have been any of the others, whatever the peculiarities of A"
    ),
    "calibration.null.row_b": (
        "A is unrelated to B and could have been any of the others, whatever the peculiarities of B"
    ),
    "calibration.null.stratum": f"{_KIND}, as they are",
    "calibration.null.two_strata": f"{_KIND}, as they are",
    "calibration.null.stratum_residual": f"{_KIND}, {_LEVELLED}",
    "calibration.null.two_strata_residual": f"{_KIND}, {_LEVELLED}",
    "calibration.null.twins": _TWINS,
    "calibration.null.twins_and_pair_larger": (
        f"either {_TWINS}; or A and B are unrelated and each could have been any of the models that are not twins of "
        f"one another, as they are or {_LEVELLED}"
    ),
    # Models left out.
    "calibration.left_out.relative": "it is a relative of {model}, by the declared family {family:q}",
    "calibration.left_out.spare": "the recipe {recipe:q} has two others, which come first by the sha256 of names",
    # Audit.
    "calibration.audit.none": (
        "Audit: none, which needs the scores of all pairs of 6 to 400 other models; nothing here tells whether the "
        "ranks are calibrated."
    ),
    "calibration.audit.one_kind": "Audit: the {members} others are of one kind, so their ranks are uniform anyway.",
    "calibration.audit.family": (
        "Audit of the {members} others: at level {level:g}, {share:percent} of the pairs of {family:q} with another "
        "are extreme among the rest, the most of any model or family."
    ),
    "calibration.audit.strata": (
        "Audit of the others: at level {level:g}, {share:percent} of their {pairs} pairs inside strata are extreme "
        "among all pairs (p = {p:.2g} if strata did not matter)."
    ),
    # Limits.
    "calibration.limit.kind": (
        "It does not say that one model was derived from the other, that they share weights, or who copied: only "
        "that their score is, or is not, more extreme than the scores that it was ranked among."
    ),
    "calibration.limit.affinity": (
        "Two unrelated models may be more alike than the others for a reason that these do not share, such as a "
        "laboratory, training data or a tokenizer."
    ),
    "calibration.limit.no_evidence": (
        "It is not evidence of independence: relatives may be no more alike by this score than strangers are."
    ),
    "calibration.limit.given": (
        "Scores are as given; nothing was computed from weights or answers, and A and B are known by name alone."
    ),
    "calibration.limit.declared": (
        "That the design, scale and level were fixed before the scores were seen, and that the other models are "
        "unrelated to one another and to A and B, is as declared."
    ),
    "calibration.limit.recipes": (
        "If the recipe of A and B is unlike those declared (another size, kind of data or length of training), twins "
        "of these say little."
    ),
    "calibration.limit.row": (
        "One of the two models is taken as it is; if the others differ from one another in how alike they are to any "
        "model at all, a model that resembles everything is called close."
    ),
}
