"""A fragment of a model card for the Hugging Face Hub: front matter, the evidence in short, and a badge.

``base_model`` is stated only if the model's own card declares it and the verdict confirms it: a verdict has no
direction. https://huggingface.co/docs/hub/model-cards
"""

from __future__ import annotations

import re

from ...base import Phrase
from ...claim import ClaimReport
from ...claim.declared import FOUND, Descent, descent
from ...claim.said_of_parts import of_the_models
from ..escape import markdown_name, markdown_text, yaml_text

_RELATIONS = ("adapter", "finetune", "merge", "quantized")
"""Those that the Hub knows."""
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?", re.ASCII)
_MOST_NAMED = 8


def card(report: ClaimReport) -> str:
    """The fragment, for the card of the model that is declared to descend from the other, else of A."""
    declared = descent(report)
    other = report.a if declared is not None and declared.child is report.b else report.b
    answer = report.answer
    lines = [
        ("Compared", f"{markdown_name(report.a.name)} (A) with {markdown_name(report.b.name)} (B)"),
        *((label, markdown_text(text)) for label, text in answer.lines),
        ("Declared", markdown_text(report.declared_in_words)),
        *(("Base model", markdown_text(report.say(phrase))) for phrase in _on_base(report, declared)),
        ("Report", f"{markdown_name(report.digest)}, made {markdown_text(report.created[:10])} by verify-lineage"),
        *([("Published", f"<{report.url}>")] if report.url else []),
        ("Check it", "`verify replay report.json`"),
    ]
    badge = f"![Lineage report: {markdown_text(answer.word)}](report.badge.svg)"
    body = "\n".join(f"- **{label}.** {text}" for label, text in lines)
    return (
        f"---\n{_front_matter(report, other.name, declared)}---\n\n## Lineage evidence\n\n{badge}\n\n"
        f"**{markdown_text(answer.word)}.** {markdown_text(answer.sentence)}\n\n{body}\n"
    )


def _front_matter(report: ClaimReport, other: str, declared: Descent | None) -> str:
    rows = []
    if declared is not None and _REPOSITORY.fullmatch(declared.declared_as):
        rows.append(f"base_model: {yaml_text(declared.declared_as)}")
        if declared.relation in _RELATIONS:
            rows.append(f"base_model_relation: {declared.relation}")
    rows += [
        "verify_lineage:",
        f"  compared_with: {yaml_text(other)}",
        f"  verdict: {report.verdict}",
        f"  declared: {report.declared.status}",
        f"  report: {yaml_text(report.digest)}",
    ]
    return "\n".join(rows) + "\n"


def _on_base(report: ClaimReport, declared: Descent | None) -> list[Phrase]:
    """What is to be said of the base model that is stated, or is not."""
    if declared is None:
        both = report.declared.a_names_b and report.declared.b_names_a
        code = "document.both_directions" if both else "document.no_direction"
        code = code if of_the_models(report) else "document.part"
        return [Phrase.of(code)] if report.verdict in FOUND else []
    others = [name for name in declared.child.declared_bases if name != declared.declared_as][:_MOST_NAMED]
    named = [Phrase.of("document.others", names=[repr(name)[:120] for name in others])] if others else []
    return [Phrase.of("document.descends"), *named]
