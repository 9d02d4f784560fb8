"""Panels: null hypotheses of designs, assumptions, and why a rank is no verdict."""

from __future__ import annotations

_CHANCE = "so the pair labelled (A, B) is exchangeable with every other pair of these models"
_RESIDUAL = " Tested after removing each model's main effect (its average similarity to the other models)."
_LARGER = " Tested with and without each model's main effect, and the larger rank counts."

_DESIGNS = {
    "pair": f"A and B are unrelated and could each have been any of the models of the panel, {_CHANCE}.",
    "row_a": (
        "A is taken as it is, whatever its peculiarities; B is unrelated to it and could have been any of the models "
        "of the panel, so the comparison of A with B is exchangeable with those of A with the other models."
    ),
    "row_b": (
        "B is taken as it is, whatever its peculiarities; A is unrelated to it and could have been any of the models "
        "of the panel, so the comparison of A with B is exchangeable with those of B with the other models."
    ),
    "stratum": f"A and B are unrelated and could each have been any of the panel models of their stratum, {_CHANCE}.",
    "two_strata": (
        "A and B are unrelated; A could have been any of the panel models of its own stratum and B any of those of "
        "its own, so the pair labelled (A, B) is exchangeable with every pair of one model from each stratum."
    ),
}

PANELS = {
    **{f"design.{design}": words for design, words in _DESIGNS.items()},
    **{f"design.{design}_residual": words + _RESIDUAL for design, words in _DESIGNS.items()},
    **{f"design.{design}_larger": words + _LARGER for design, words in _DESIGNS.items()},
    "design.own_kind": (
        "A and B are unrelated and could have been any of the panel models of their own kind, which have the same "
        "stratum and declared corpus; nothing is assumed of the other models, which can only raise the rank. The "
        "rank is that among all pairs, and the number of pairs that of this kind."
    ),
    "design.twins": (
        "A and B are at most two models of one recipe from different seeds, and that recipe is exchangeable with "
        "those of the panel's twins. Ranked by the logarithm of the score above each model's own level, its mean "
        "logarithm with the panel's members."
    ),
    "design.twins_and_pair_larger": (
        "That of twins, and that of all pairs with and without each model's main effect: the larger of the two "
        "p-values counts, which is valid if either hypothesis holds."
    ),
    "panel.null": (
        "A and B are unrelated: at most two models of one recipe from different seeds, whose recipe is exchangeable "
        "with those of the panel's twins, or two models exchangeable with the panel's members, either as they are or "
        "after removing each model's main effect."
    ),
    # What the panel test assumes.
    "assumption.exchangeable": (
        "A and B are exchangeable with the members of their own kind, which have the stratum and the declared corpus "
        "of A, or of B, as they are or after removing each model's main effect (additive hub effects). Of the other "
        "members nothing is assumed."
    ),
    "assumption.no_affinity": (
        "Not protected: multiplicative hub effects, unequal noise, and an affinity of the pair that the members of "
        "its own kind do not have, such as a shared laboratory, data or tokenizer."
    ),
    "assumption.unrelated_members": (
        "The members are unrelated to one another and to A and B, as declared; so are the corpora."
    ),
    "assumption.exchangeable_recipes": (
        "The recipe of A and B is exchangeable with those of the panel's twins: what A and B share by their data, "
        "code, laboratory, tokenizer, size or length of training, twins share too. Two recipes in place of one are "
        "taken to make A and B no more alike. A recipe unlike those of the panel, in scale above all, is not covered."
    ),
    "assumption.exchangeable_members": (
        "For the second rung alone: A and B are exchangeable with the panel's members, as they are or after removing "
        "each model's main effect. The larger of the two p-values counts, which is valid if either assumption holds."
    ),
    "assumption.unrelated_twins": (
        "Twins differ in initial weights and order of data, and are unrelated to one another, to the members and to "
        "A and B, as declared."
    ),
    # What the exact tests assume; each test says for which group.
    "assumption.invariant_training": (
        "At least one model was trained from an initialisation and by a procedure whose distribution is invariant "
        "under the group of each test."
    ),
    "assumption.no_shared_tensors": (
        "For stream_identity: the models do not share pretrained embeddings, and neither was distilled from the "
        "other's hidden states."
    ),
    "assumption.not_arranged": (
        "Neither developer re-ordered or re-signed units to match the other model, and not both to match a third."
    ),
    "assumption.state_spaces": (
        "Where both models have state spaces (Mamba), hidden units are also the channels inside the heads of these, "
        "and an MLP block is also a state space: its group permutes the channels of all its heads alike, and the "
        "first heads alone are compared. Initial steps and decays must not tell the channels of a head apart by "
        "their index."
    ),
    # Ranks that are no verdict.
    "panel.no_verdict": (
        "Among the {size} pairs of A, B and the panel's members, A and B have rank {rank}. This is no verdict: {why}."
    ),
    "panel.no_recipes": (
        "the panel has no twins, and strangers of one recipe rank above strangers of other recipes; level {alpha:g} "
        "needs {needed} recipes with two models each, from different seeds: name their `recipe` in what you build "
        "the panel from"
    ),
    "panel.few_recipes": (
        "{recipes} of the panel's {of} recipes have MLPs and norms of the kinds of both A and B, and no relative of "
        "either, where level {alpha:g} needs {needed}; build a panel that has them (none can, "
        "if A and B are of two kinds)"
    ),
    "panel.few_groups": (
        "the {recipes} recipes of the kinds of A and B form {groups} groups that share no initial weights, each of "
        "which counts once, where level {alpha:g} needs {needed}; add recipes trained from seeds of their own"
    ),
    "panel.twins_not_scored": (
        "the panel keeps scores of its twins for other tokens than the {anchors} that A and B share with its "
        "members, and not the twins' fingerprints; use it as it was built, with fingerprints"
    ),
    "panel.not_beyond": (
        "A and B score {ratio:.2f} times the largest score of a pair of strangers in the panel, {largest:.3f}, and "
        "more than 1 is needed"
    ),
    "panel.impossible": "No panel verdict is possible: {why}.",
    "panel.corpus_undeclared": (
        "the training text of {models} is not declared, and strangers trained on one text rank above a panel of "
        "other texts; name it (option corpus) as the panel's members do, or build a panel of models trained on it"
    ),
    "panel.few_of_kind": (
        "of the panel's members {counts:;}, where level {alpha:g} needs {needed}; build a panel that holds them"
    ),
    "panel.few_of_kinds": (
        "of the panel's members {counts:;}, where level {alpha:g} needs {needed} like each of them, or more of one "
        "and fewer of the other; build a panel that holds them"
    ),
    "panel.count.both": (
        "{stratum} are of the stratum of A and B ({stratum_name:q}), {corpus} were trained on their declared corpus "
        "({corpus_name:q}) and {both} are both"
    ),
    "panel.count": (
        "{stratum} are of the stratum of {model} ({stratum_name:q}), {corpus} were trained on its declared corpus "
        "({corpus_name:q}) and {both} are both"
    ),
    # Why a claim cannot be ranked.
    "panel.other_sketch": (
        "A and B were fingerprinted under another sketch than the panel's members; make them again under theirs"
    ),
    "panel.two_norms": "A and B have different kinds of norm, so no member is comparable with both",
    "panel.few_members": (
        "{members} members of the panel are comparable with A and B, and level {alpha:g} needs {needed}: no score "
        "could reach it; build a panel of models like them with `verify panel build RECIPE`"
    ),
    "panel.no_score": "one of its scores is not a finite number; look for dead weights",
    "panel.member_refused": "the panel's member {name:q} has no score: {why}",
    # Why a member is left out.
    "panel.member.gated": "its MLPs are gated, unlike those of A",
    "panel.member.not_gated": "its MLPs are not gated, unlike those of A",
    "panel.member.norm": "it has {norm} norm, and A {of_a} norm",
    "panel.member.same_weights": "holds the weights of {model}",
    "panel.member.family_declared": "its family {family:q} is declared for A or B",
    "panel.member.initial_of": (
        "it starts from the initial weights {initial:q} of {name:q}, which holds the weights of {model}"
    ),
    "panel.member.family_of": "its family {family:q} is that of {name:q}, which holds the weights of {model}",
    "panel.member.stands_for": "{name:q} stands for the family {family:q}",
    "panel.member.few_anchors": "too few anchor tokens shared with A, B and the rest",
}
