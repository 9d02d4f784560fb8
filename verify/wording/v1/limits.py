"""What a report does not show."""

from __future__ import annotations

_ADAPTER = (
    "{model} is an adapter that was merged for this report: to its base, and to whatever shares that base's "
    "arrangement, it is related by the merging. Weights alone cannot say which base it was trained on."
)
_FINGERPRINT = (
    "{model} was given as a fingerprint, not as weights: that its numbers and digests are of the model it names is "
    "as whoever made it states, and only the weights can show it."
)

LIMITS = {
    "limit.not_who": "It does not say who made which model, or whether anyone was allowed to.",
    "limit.shared_seed": (
        "It does not tell derivation from a shared initial seed: the same code, configuration and default seed can "
        "give strangers the same initial weights."
    ),
    "limit.forgery": (
        "A match can be forged by someone who held the reference and re-ordered units to fit it; compare the cosine "
        "of identified units with the background, and establish which file existed first."
    ),
    "limit.forgery.fingerprint": (
        "A fingerprint of a model, such as those that a library publishes, is enough to forge a match of units with "
        "it."
    ),
    "limit.order": "No test says which model came first; which file existed first was not stated.",
    "limit.order.stated": (
        "No test says which model came first; which file existed first is as stated by whoever asked for this report."
    ),
    "limit.no_independence.panel": (
        "It is not evidence of independence: a copy changed further than the strangers in the panel differ would not "
        "be seen."
    ),
    "limit.no_independence": (
        "It is not evidence of independence: a copy changed along every symmetry that the applicable tests rest on "
        "is out of their reach; a panel of unrelated models like them can find it."
    ),
    "limit.distillation": (
        "Distillation from outputs leaves no arrangement to find, except in rows of unused tokens where one table "
        "serves as input and output; it is not excluded."
    ),
    "limit.earlier_panel": (
        "The panel p-value was counted by a rule that was given up: it assumed that A and B are exchangeable with "
        "members trained on other texts, and strangers trained on one text are not. The verdict is shown "
        "as it was recorded."
    ),
    "limit.panel_only": (
        "It does not establish derivation: no exact test rejects, and the panel p-value holds only if the panel is a "
        "fair sample of unrelated models like these."
    ),
    "limit.panel_size": (
        "The number of models in the panel limits the strength of any words; see the guaranteed bound."
    ),
    "limit.untested": "It is not evidence of independence: no test could decide.",
    "limit.original": "It does not say which file is the original.",
    "limit.refused": "Tests that did not apply: {tests}.",
    "limit.effort.screen": (
        "The models were compared at screen effort: by rows chosen in advance, fewer than the exact tests can use. "
        "The content digest of such a model covers those rows alone."
    ),
    "limit.effort.standard": (
        "The models were compared at standard effort: by rows chosen in advance, all that the exact tests can use. "
        "The content digest of such a model covers those rows alone."
    ),
    "limit.assumptions": ("Every p-value is valid under the assumptions on training in the appendix, and only then."),
    "limit.nothing_differs": (
        "There is no difference in what was read of the two models: they may be one model whose files were written "
        "anew, or differ in what was not read. At full effort every number is compared."
    ),
    "limit.merged": _ADAPTER,
    "limit.adapters": (
        "A and B are adapters, compared without their bases: what the tests call hidden units are the rank channels "
        "of their low-rank matrices, by the rows of A. Much code starts every adapter from one default seed, "
        "so adapters of strangers are often dependent by their initial numbers alone."
    ),
    "limit.adapters.other_modules": (
        "Modules of {model} whose size or type of numbers is not the most frequent one were not compared ({count}): "
        "{names}."
    ),
    "limit.non_finite": (
        "{count} of the numbers of {model} that were read are not finite; what rests on them was not compared."
    ),
    "limit.fingerprint": _FINGERPRINT,
    "limit.fingerprint.unbound": (
        f"{_FINGERPRINT} It states no digest of its own numbers, so nothing binds them to what it states."
    ),
    "limit.signed.valid": (
        "The fingerprint of {model} is signed by the key {key}, whose holder vouches that it is of the model it "
        "names; a signature does not show that. It was checked when this report was made."
    ),
    "limit.signed.not_checked": (
        "A signature lay beside the fingerprint of {model} and was not checked, since no key was given."
    ),
    "limit.signed.unsigned": "The fingerprint of {model} is not signed: nobody is known to stand for it.",
    "limit.stated": (
        "What {model} computes is as stated by whoever asked for this report ({family:q}); tests that rest on it "
        "hold only if it is true."
    ),
    "limit.own_line": ("The line of evidence {line:q} is of whoever asked for this report, and enters no verdict."),
    "limit.older_schema": (
        "This report was made under schema {schema}, by version {version} of the library. Its facts are shown as "
        "recorded, in the words of catalogue {wording}; what schema {schema} did not record is missing here, and "
        "tests whose definition has changed since are shown by the words and rules of that version."
    ),
}
