"""The hypotheses, and the sentences that a verdict permits.

A report states no more than was shown: rejecting the null hypothesis means shared initial weights or derivation, not
who copied from whom; not rejecting it is no evidence of independence.
"""

from __future__ import annotations

_NOT_WHO = "who copied from whom, whether intentionally, or whether lawfully"

FINDINGS = {
    # What is asked, by line of evidence.
    "shared_arrangement.null": (
        "No shared arrangement: at least one of the two models was initialised and trained by a procedure whose "
        "distribution is invariant under relabelling of its internal units, and independently of how the other's "
        "units are arranged. Shared data, a shared recipe and distillation from outputs are compatible with this "
        "hypothesis."
    ),
    "shared_arrangement.alternative": (
        "Shared arrangement: the two models share initial weights, or one was derived from the other or both from a "
        "third. A common initial seed or common pretrained parts count as shared."
    ),
    "closer_than_members.null": (
        "A and B are unrelated, and the pair labelled (A, B) is exchangeable with every other pair of models of its "
        "own kind: A, B and the panel's members of the same stratum and declared corpus."
    ),
    "closer_than_members.alternative": (
        "A and B are more alike than unrelated models of their stratum and declared corpus are."
    ),
    "closer_than_twins.null": (
        "A and B are unrelated: at most two models of one recipe (code, data, tokenizer, size and length of "
        "training) from different seeds, and that recipe is exchangeable with those of the panel's twins; and, for "
        "the second rung, A and B are exchangeable with the panel's members, as they are or after removing each "
        "model's main effect."
    ),
    "closer_than_twins.alternative": (
        "A and B are more alike, beyond what each of them shares with unrelated models, than two models of one "
        "recipe from different seeds are."
    ),
    "quoted.null": "{text}",
    # p-values.
    "p": "{log10_p:p}, level {alpha:g}",
    "p.panel": "panel {log10_p:p}, level {alpha:g}",
    "p.both": "{exact}; {panel}",
    "p.of": "{p}, of {of}",
    # The same weights.
    "identical.finding": "A and B hold the same weights; there is nothing to test.",
    "identical.may_say": "A and B hold the same weights, by the digests in the report.",
    "identical.may_not_say": f"Which is the original; {_NOT_WHO}.",
    # Related.
    "dependent.finding": (
        "{pair:capital} share initial weights or derivation, if the assumptions stated hold: the hypothesis that "
        "their internal arrangements are unrelated is rejected ({p})."
    ),
    "dependent.may_say": (
        "The internal arrangements of {pair} are not independent ({p}): they share initial weights, or one was "
        "derived from the other or both from a third, if the assumptions stated in the report hold."
    ),
    "dependent.may_not_say": (
        f"{_NOT_WHO[0].upper()}{_NOT_WHO[1:]}; how probable a relation is; that a shared initial seed is excluded."
    ),
    # More alike than the panel's models.
    "similar_beyond_panel.finding": (
        "{pair:capital} are closer than the panel explains, {ratio:.1f} times as alike as the most alike twins or "
        "pair of members in it: two models of one recipe from different seeds, for recipes drawn like its "
        "{recipes}, are as close with a probability of at most {bound:at_most} (95% confidence), which supports at "
        "most the words: {bound:cap}. If the recipe of {pair} is exchangeable with these, {p}; a recipe unlike them, "
        "in scale above all, could do the same."
    ),
    "similar_beyond_panel.may_say": (
        "{pair:capital} are more alike than pairs of unrelated models of one recipe, which for recipes drawn like "
        "the {recipes} of the panel are as close with a probability of at most {bound:at_most} (95% confidence) and "
        "support at most the words: {bound:cap}; {p}, if the recipe of {pair} is exchangeable with these."
    ),
    "similar_beyond_panel.earlier.finding": (
        "By a rule that was given up since, {pair} were called closer than the panel explains ({p}). Strangers "
        "trained on one text reached that p-value far too often, so nothing follows from it: make the report again."
    ),
    "similar_beyond_panel.earlier.may_say": (
        "Nothing: the panel p-value of this report is of a rule that was given up since; make the report again."
    ),
    "similar_beyond_panel.may_not_say": (
        f"That one was derived from the other; {_NOT_WHO}; any stronger words than those."
    ),
    # Nothing found.
    "no_evidence.finding": (
        "No evidence that {pair} share initial weights or derivation was found ({p}); this is not evidence that they "
        "are unrelated."
    ),
    "no_evidence.may_say": (
        "The tests found no evidence that {pair} share initial weights or derivation ({p}); the report says what "
        "they would have detected."
    ),
    "no_evidence.may_not_say": "That {pair} are unrelated, independent, or cleared.",
    # Nothing to be found.
    "untestable.finding": "No test can decide whether {pair} are related.",
    "untestable.finding.why": "No test can decide whether {pair} are related: {why:;}.",
    "untestable.may_say": "Whether {pair} are related could not be tested; the report gives the reasons.",
    "untestable.may_not_say": "That {pair} are related, or that they are not.",
    "few_live": "what can be compared is too little for any result at {alpha:level}, the level set beforehand",
    "few_live.counted": (
        "what can be compared is too little for any result at {alpha:level}, the level set beforehand (finite and "
        "not all zero in both models: {counts})"
    ),
    "few_live.count": "{live} of {n} {what}",
    # Several tests.
    "multiplicity.none": "No test applies, so there is nothing to correct.",
    "multiplicity": (
        "{m} of {n} exact tests apply (decided from the architectures, before any score). Combined p-value: {m} "
        "times the smallest (Bonferroni). Individual tests are Holm-adjusted."
    ),
    "multiplicity.parts": "Over the {parts} pairs of parts that tests apply to, p-values are Holm-adjusted again.",
    "multiplicity.searched": (
        "The pair was picked among {searched} that were searched: the report's p-values are multiplied by {searched}."
    ),
    "power": (
        "If each unit (channel, dimension) independently keeps its index as unique best match, under this sketch, "
        "with probability at least s, derivation would have been detected with 95% power: s = {shares}. Copies that "
        "were permuted, re-ordered or changed further are not covered."
    ),
    "power.share": "{share:.3f} ({test})",
    "power.of": "This is of {of}.",
    # What makers declare.
    "declared.confirmed": (
        "{who} as a base, and the answer ({verdict}) agrees that they are related, which does not show the "
        "direction, or who made what from which."
    ),
    "declared.confirmed.part": (
        "{who} as a base; the answer ({verdict}) is about a part of them alone, which may come from a third model, "
        "so it does not confirm that the one was made from the other, which is no evidence against it."
    ),
    "declared.not_confirmed": (
        "{who} as a base; the answer ({verdict}) does not confirm it, which is no evidence against it."
    ),
    "declared.undeclared_found": (
        "Neither model names the other as a base, nor do both name one, in what was read. They may be declared "
        "elsewhere, under another name, or through a model in between."
    ),
    "declared.nothing": (
        "Neither model names the other as a base, nor do both name one, and no relation was established ({verdict})."
    ),
    "declared.names": "{one} names {other}",
    "declared.names.by_name": "{one} names {other} (matched by the last part of its name only)",
    "declared.common": "A and B name one",
    "and": "{first}, and {second}",
    "declared.merged": (
        "An adapter was merged onto a base for this comparison: that it resembles the base, and whatever descends "
        "from that, is of the merging, and does not show which base the adapter was trained on."
    ),
    "declared.no_evidence": "No test uses what makers declare.",
}
