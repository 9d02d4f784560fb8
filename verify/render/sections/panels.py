"""The ranks of the pair in a panel."""

from __future__ import annotations

from ...base import Phrase
from ...claim import ClaimReport
from ...claim.evidence import PANEL
from ...panel import ALL_PAIRS, PRIMARY_DESIGN, undecided
from ...panel.designs import TWINS
from ...panel.twins import FLOOR
from ..kinds import Code
from ..numbers import count, general, log10, share
from ..page import Block, Items, Paragraph, Picture, listed, table
from .shown import shown


def _null(report: ClaimReport, design: str) -> str:
    return report.say(Phrase.of(f"design.{design}"))


def _among_twins(report: ClaimReport) -> list[Block]:
    """What twins say, in two sentences."""
    use, primary = report.panel, report.primary
    if use is None or primary is None or not primary.twins:
        return []
    rung = next(rank for rank in primary.ranks if rank.design == TWINS)
    largest = max(primary.twins, key=lambda recipe: recipe.score)
    linked = rung.size <= len(primary.twins)
    return [
        Paragraph(
            (
                "Of ",
                count(len(primary.twins)),
                " recipes with two models each from different seeds",
                *((", in ", count(rung.size - 1), " groups without common initial weights") if linked else ()),
                ", ",
                count(rung.rank - 1),
                " groups have" if linked else " have",
                " models as alike as A and B, beyond each model's own level. The largest score of strangers, "
                "twins or pairs of members, is ",
                share(use.largest_stranger),
                "; A and B score ",
                share(primary.score),
                ", ",
                share(use.effect_ratio),
                " times as much with ",
                general(FLOOR),
                " added to both. The most alike twins are of the recipe ",
                Code(largest.recipe),
                ".",
            )
        )
    ]


def _in_common(report: ClaimReport) -> list[Block]:
    """What A and B share with each other, and with the models that they are ranked among, by declarations."""
    use = report.panel
    if use is None or use.primary_design != PRIMARY_DESIGN:
        return []
    sides = [report.a.architecture, report.b.architecture]
    facts = [
        (name, *(getattr(shape, field) for shape in sides))
        for name, field in (
            ("type", "model_type"),
            ("depth", "layers"),
            ("width", "width"),
            ("hidden units", "hidden"),
            ("vocabulary", "vocab"),
        )
    ]
    shared = [f"{name} ({a})" for name, a, b in facts if a == b]
    other = [f"{name} ({a} and {b})" for name, a, b in facts if a != b]
    corpora = {corpus for corpus in (use.corpus_a, use.corpus_b) if corpus}
    if use.corpus_a and use.corpus_a == use.corpus_b:
        shared.append(f"declared corpus ({use.corpus_a})")
    strata = {use.stratum_a, use.stratum_b}
    both = (("recipes", use.recipes), ("references", use.members))
    return [
        Paragraph(
            (
                "A and B share: ",
                *(listed(shared) if shared else ("none of what follows",)),
                *(("; they differ in: ", *listed(other)) if other else ()),
                "." if corpora else ". Their corpora are not declared (option corpus).",
                " Whether they were trained by one recipe is taken as possible.",
                *(
                    part
                    for what, models in both
                    for part in (
                        f" Of the {what} ranked among, ",
                        count(sum(model.stratum in strata for model in models)),
                        " have the type, depth and vocabulary of A or B",
                        *((", ", count(sum(model.corpus in corpora for model in models)), " their declared corpora")
                          if corpora else ()),
                        ".",
                    )
                ),
            )
        )
    ]  # fmt: skip


def against_panel(report: ClaimReport, pictures: dict[str, Picture]) -> list[Block]:
    """The ranks of every panel statistic, and the designs of the primary one."""
    use, ranked, primary = report.panel, report.ranked, report.primary
    if use is None or not ranked:
        return []
    line, why_not = report.line(PANEL), undecided(use, report.searched)
    blocks: list[Block] = [
        Paragraph(
            (
                Code(use.primary),
                ", by its design ",
                use.primary_design.replace("_", " "),
                ", was fixed in advance as the only panel test that may enter the verdict (level ",
                general(use.alpha),
                ").",
                *((" It does not here: ", report.say(why_not), ".") if why_not else ()),
            )
        ),
        *_among_twins(report),
        *_in_common(report),
        table(
            "Panel statistics, each by its rank among all pairs of A, B and the members"
            if use.primary_design == PRIMARY_DESIGN
            else "Panel statistics, each by that design",
            ("statistic", "score of A and B", "rank", "of", "log10 p", "smallest possible"),
            (
                (
                    Code(test.id),
                    share(test.score),
                    count(own.rank),
                    count(own.size),
                    log10(own.log10_p),
                    log10(own.attainable_log10_p),
                )
                for test in ranked
                for own in test.ranks
                if own.design == (ALL_PAIRS if use.primary_design == PRIMARY_DESIGN else use.primary_design)
            ),
        ),
    ]
    if primary is None or line is None:
        return blocks
    return [
        *blocks,
        *shown(pictures, "null"),
        table(
            ("The score of ", Code(primary.id), " ranked by every design"),
            ("design", "rank", "of", "log10 p", "smallest possible"),
            (
                (
                    entry.design.replace("_", " ") + (" (primary)" if entry.design == use.primary_design else ""),
                    count(entry.rank),
                    count(entry.size),
                    log10(entry.log10_p),
                    log10(entry.attainable_log10_p),
                )
                for entry in primary.ranks
            ),
        ),
        *shown(pictures, "designs"),
        Items(
            (
                *(
                    ("Null hypothesis of ", entry.design.replace("_", " "), ": ", _null(report, entry.design))
                    for entry in primary.ranks
                    if not entry.design.endswith(("_residual", "_larger"))
                ),
                "The residual designs test the same after removing each model's main effect (its average similarity "
                "to the other models); the larger of the two ranks is valid if either null hypothesis holds.",
                *(("Assumption: ", report.say(phrase)) for phrase in line.assumes),
            )
        ),
        *shown(pictures, "panel"),
    ]
