"""The first lines of a report: the answer, what was counted, the chance of it, and what the answer does not show."""

from __future__ import annotations

_NOT_WHO = "which was made first, whether anyone copied, or whether it was allowed"
_TRAINED = (
    "that in the making of at least one of them chance alone decided the places and signs of inner parts, and that "
    "nobody re-ordered one to look like the other. If either fails, this answer means nothing, and "
    "no number says how often that happens"
)

ANSWERS = {
    "answer.identical": "THE SAME MODEL",
    "answer.identical.part": "THE SAME IN PART",
    "answer.dependent": "RELATED",
    "answer.dependent.part": "RELATED IN PART",
    "answer.identical.adapters": "THE SAME NUMBERS",
    "answer.dependent.adapters": "RELATED, PERHAPS BY A COMMON SEED ALONE",
    "answer.similar_beyond_panel": "MORE ALIKE THAN EXPECTED",
    "answer.similar_beyond_panel.part": "MORE ALIKE THAN EXPECTED, IN PART",
    "answer.similar_beyond_panel.earlier": "NO ANSWER: BY A RULE GIVEN UP SINCE",
    "answer.no_evidence": "NO SIGN OF A RELATION FOUND",
    "answer.no_evidence.but.dependent": "NO SIGN OF A RELATION FOUND IN ONE PART; ANOTHER IS RELATED",
    "answer.no_evidence.but.identical": "NO SIGN OF A RELATION FOUND IN ONE PART; ANOTHER IS THE SAME",
    "answer.untestable": "CANNOT BE TESTED",
    "answer.untestable.but.dependent": "CANNOT BE TESTED IN ONE PART; ANOTHER IS RELATED",
    "answer.untestable.but.identical": "CANNOT BE TESTED IN ONE PART; ANOTHER IS THE SAME",
    # In a sentence.
    "answer.identical.sentence": "{pair:capital} hold the same weights, number for number.",
    "answer.dependent.sentence": (
        "{pair:capital} share a starting point, at least in part, if what this rests on holds: they began from the "
        "same initial weights (one random seed used by both is enough, without copying), or one was made from the "
        "other, or both from a third."
    ),
    "answer.identical.adapters.sentence": (
        "{pair:capital}, adapters without their bases, hold the same numbers. How strongly each is scaled "
        "(lora_alpha, and the rank that its settings state) was not compared, nor were their bases."
    ),
    "answer.dependent.adapters.sentence": (
        "{pair:capital}, adapters without their bases, began from the same initial numbers (drawn from one seed, or "
        "computed from one base), or one was made from the other, or both from a third, if what this rests on holds. "
        "Much code starts every adapter from one default seed: then adapters of strangers begin alike, and this "
        "answer says no more."
    ),
    "answer.similar_beyond_panel.sentence": (
        "{pair:capital} are more alike than any unrelated pair of a comparison set (the panel), even pairs made "
        "alike: same data, code, size and length of training. This does not show that they are related{exact}."
    ),
    "answer.similar_beyond_panel.earlier.sentence": (
        "The panel test that called {pair} alike was given up, since it called strangers alike; make the report "
        "again."
    ),
    "answer.no_evidence.sentence": (
        "The tests that apply do not show that {pair} began from the same initial weights, or that one was made from "
        "the other."
    ),
    "answer.untestable.sentence": ("None of the tests can decide whether {pair} are related."),
    "answer.untestable.sentence.why": ("None of the tests can decide whether {pair} are related: {why:;}."),
    "answer.untestable.more": "{more} more reasons are listed in the report.",
    "answer.exact.nothing": ": the exact tests found no sign of it",
    "answer.exact.none": ": no exact test applies",
    # What was counted.
    "answer.count.fixed_points": (
        "{count:,} of {n:,} {what} stand at the same place in both; between unrelated models, at most "
        "{expected:,.12g} do on average."
    ),
    "answer.count.signs": (
        "{count:,} of {n:,} {what} are the same in both; between unrelated models, {expected:,.12g} are on average."
    ),
    "answer.count.alike": (
        "Their score for responding alike to the same tokens is {ratio:.1f} times the largest of the unrelated pairs "
        "that they were ranked among."
    ),
    "answer.count.identical": "Every weight that was read is equal, by sha256.",
    # The chance of it.
    "answer.chance": (
        "If they were unrelated, as much agreement or more would be seen with a chance of {p:chance_at_most}; a "
        "relation is reported at {alpha:level} or less, set beforehand. This is not the chance that they are "
        "unrelated."
    ),
    "answer.chance.of": (
        "If they were unrelated, as much agreement or more would be seen with a chance of {p:chance_at_most}, "
        "corrected for {looks}; a relation is reported at {alpha:level} or less, set beforehand. This is not the "
        "chance that they are unrelated."
    ),
    "answer.looks": "all {m} tests",
    "answer.looks.parts": "{parts} pairs of parts",
    "answer.looks.searched": "the {searched:,} pairs of models searched",
    "answer.chance.panel": (
        "Unrelated models made in the same way come this close at most {bound:at_most} of the time (95% confidence, "
        "for recipes drawn like the {recipes} of the panel). This is not the chance that they are unrelated. "
        "The words that it supports at most: {bound:cap}."
    ),
    "answer.chance.ranked": (
        "Among the panel's unrelated models: {p:chance_at_most}, if the recipe of A and B is one like theirs."
    ),
    # What it does not show.
    "answer.identical.not": f"Which of them is the original; {_NOT_WHO}.",
    "answer.dependent.not": f"How much of them is shared, {_NOT_WHO}.",
    "answer.similar_beyond_panel.not": (
        f"That one was made from the other; {_NOT_WHO}. Two models of one recipe that is unlike those of the panel, "
        "in scale above all, could be as close."
    ),
    "answer.similar_beyond_panel.earlier.not": "Anything of the two models.",
    "answer.no_evidence.not": "That they are unrelated, independent or cleared.",
    "answer.no_evidence.power": (
        "A copy would be seen 19 times in 20 if each of its {what}, dead ones aside, had kept its place with a "
        "chance of {share:share_at_least} or more, independently; that is not the chance that neither is a copy. "
        "One whose inner parts were all re-ordered would be missed, and so may be a model that was trained on the "
        "other's outputs."
    ),
    "answer.untestable.not": "That they are related, or that they are not.",
    # What it rests on.
    "answer.identical.rests": "The sha256 of the weights, which anyone who has the files can compute.",
    "answer.identical.rests.stated": (
        "The sha256 of the weights, which a fingerprint given in place of weights states, and only the weights show."
    ),
    "answer.rests.one_base": (
        "And on how the models were given: A and B are adapters that were merged onto one base for this report, "
        "which relates them whatever they are. To compare the adapters by themselves, give them without a base."
    ),
    "answer.rests.declared": (
        "That {model} computes what whoever asked for this report says of it (--declare, --layout)."
    ),
    "answer.rests.declared.both": (
        "That A and B compute what whoever asked for this report says of them (--declare, --layout)."
    ),
    "answer.dependent.rests": f"{_TRAINED[0].upper()}{_TRAINED[1:]}.",
    "answer.similar_beyond_panel.rests": (
        "That the recipe of A and B (data, code, size, length of training) could have been one of the panel's, and "
        "that no more pairs were searched for such a likeness than is stated. If either fails, this answer means "
        "nothing."
    ),
    "answer.similar_beyond_panel.earlier.rests": "A rule that assumed too much.",
    "answer.no_evidence.rests": "The {applied} of {tests} exact tests that apply to these two models.",
    "answer.no_evidence.rests.panel": (
        "Ranks among the panel's unrelated models, and that the recipe of A and B could have been one of theirs; no "
        "exact test applies."
    ),
    # What each test looks at.
    "looked.unit_identity": "neurons (by weights)",
    "looked.unit_identity.adapters": "rank channels (by the rows of A)",
    "adapters.null": (
        "The order of the rank channels of each module of one adapter carries no information about their order in "
        "the other."
    ),
    "adapters.group": "permutations of the rank channels of each module, independently of the other modules",
    "adapters.survives": "continued training, also on other texts; pruning, quantisation",
    "adapters.blind_to": "rank channels in another order, or mixed with one another",
    "looked.value_identity": "attention channels (by weights)",
    "looked.response_identity": "neurons and attention channels (by response to tokens)",
    "looked.sign_agreement": "signs of neurons and attention channels",
    "looked.stream_identity": "dimensions of the residual stream",
    "looked.stream_identity.signs": "signs of pairs of dimensions of the residual stream",
    "looked.head_identity": "attention heads",
    "looked.expert_identity": "experts",
    "looked.rotary_phase": "phases of queries and keys",
    "looked.query_key_identity": "channels of queries and keys",
    "looked.query_key_identity.signs": "signs of pairs of channels of queries and keys",
    "looked.latent_identity": "latent channels of attention",
    "looked.latent_identity.signs": "signs of pairs of latent channels of attention",
    "looked.unused_tokens": "tokens that no text contains (by their rows)",
    "looked.own": "things compared by {title!r:.120}",
}
