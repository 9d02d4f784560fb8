"""Check a report from its bytes, and make it again from weights or fingerprints."""

from __future__ import annotations

import os
from pathlib import Path

from ..base import InputError, Progress, ReportError
from ..checkpoint import Location
from ..claim import AdapterChange, ClaimReport, Subject
from ..claim.evidence import PANEL
from ..claim.reading import bytes_of
from ..fingerprint import EFFORTS, Fingerprint, SketchSpec, fingerprint, is_fingerprint
from ..fingerprint.given import Model, by_one_tokenizer, told_apart
from ..lineage import change_held, test_lineage
from ..panel import Panel, PanelSource, PanelUse, load_panel
from ..panel.evidence import used
from ..statistics.earlier import EARLIER_DESIGNS
from .agreement import EXACT, Coverage, Disagreement, Models, Replay, Tolerance, Unchecked, compare
from .check import checked, opened, outcome
from .dates import of_files
from .older import as_then, is_older, not_checked
from .recompute import recompute
from .unchecked import inputs, of_own_lines, own_results, unchecked

WITH_WEIGHTS = (("*", Tolerance(1e-5, 1e-5)),)
"""Tolerances of numbers recomputed from weights, since processors and libraries round differently.
Counts, ranks, texts and verdicts are exact."""

_STATED = (
    "$.evidence[exact].alpha",
    "$.evidence[panel].alpha",
    "$.chronology",
    "$.dated",
    "$.authors",
    "$.url",
    "$.created",
    "$.wording",
    "$.provenance.software",
    "$.provenance.options",
    "$.provenance.effort",
    "$.panel.families",
    "$.panel.corpus_",
)
_OF_PANEL = tuple(f"$.panel.{name}*" for name in ("name", "version", "digest", "members", "recipes"))
"""Kinds of fields that the panel alone checks."""
_NAMED = ("name", "origin", "merged_onto", "declared_bases", "declared_relation", "tokenizer")
"""Fields by which reasons and limitations name a model."""
_LARGEST_SKETCH = 1 << 16


def rerun(
    source: ClaimReport | bytes,
    a: Model | None,
    b: Model | None,
    panel: PanelSource,
    progress: Progress,
) -> Replay:
    """Implementation of :func:`verify.replay`.

    Parameters
    ----------
    source : the bytes of a ``report.json``, or a report.
    a, b : the models; None for both to check the report alone.
    panel : the panel that the report names, if any.
    progress : called while weights are read.

    Returns
    -------
    Replay
        The outcome.
    """
    if (a is None) != (b is None):
        raise InputError("One model is given; give both A and B, or neither to check the report alone.")
    recorded, wrong_with_bytes = opened(source)
    alone = checked(recorded, wrong_with_bytes)
    if (a, b, panel) == (None, None, None):
        return alone
    if panel is not None and is_older(recorded):
        raise InputError(
            f"The report is of schema {recorded.schema_of_maker}, whose panel test this version of verify does not "
            "have; leave the panel out."
        )
    if panel is not None and recorded.panel is None:
        raise InputError("The report used no panel, and one is given; leave it out.")
    reference = load_panel(panel)
    primary = recorded.primary
    named = reference is not None and recorded.panel is not None and reference.digest == recorded.panel.digest
    if named and primary is not None and (primary.id, primary.version) in EARLIER_DESIGNS:
        raise InputError(
            f"The report's panel test is version {primary.version} of {primary.id}, which this version of verify "
            "does not have; leave the panel out."
        )
    found = list(alone.disagreements)
    kinds = list(alone.not_checkable)
    basis: list[str] = []
    given: Models = None
    if reference is not None and recorded.panel is not None:
        found += (wrong := _panel(recorded, reference))
        kinds = [kind for kind in kinds if not kind.field.startswith(_OF_PANEL)]
        basis.append("the panel")
        reference = None if wrong else reference
    if a is not None and b is not None:
        sides = recorded.a, recorded.b
        for side, model, subject in zip("ab", (a, b), sides, strict=True):
            _check_given(side, model, subject, recorded)
        models = _fingerprint(a, recorded.a, progress), _fingerprint(b, recorded.b, progress)
        for side, read, subject in zip("ab", models, sides, strict=True):
            _check_part(side, read, subject)
        models = by_one_tokenizer((a, b), models, lambda model, side: _fingerprint(model, sides[side], progress))
        models = told_apart(models, (a, b), progress)
        prints = [side for side, model in zip("AB", models, strict=True) if model.read_from == "fingerprint"]
        given = "fingerprints" if prints else "weights"
        basis.insert(0, " and ".join(f"the fingerprint of {side}" for side in prints) or "both models")
        if wrong := _subjects(recorded, *models):
            found = [*wrong, *found]
        else:
            again = _again(recorded, *models, reference, progress)
            if recorded.change is not None:
                again = again.model_copy(update={"change": _change(recorded, (a, b), models, progress)})
            kinds = _unchecked(recorded, models, reference)
            if recorded.change is not None and _lacks_numbers((a, b), models):
                kinds += [kind for kind in unchecked(recorded) if kind.field.startswith("$.change")]
            differing = compare(recorded.facts(), again.facts(), WITH_WEIGHTS)
            kept, coverage = {item.field for item in found} | {"$.digest"}, Coverage(kinds)
            found += [item for item in differing if item.field not in kept and not coverage.of(item.field)]
            of_others, of_unread = of_files(recorded, *models)
            found += of_others
            kinds = [*_of_fingerprints(models), *kinds, *of_unread]
    return outcome(
        recorded,
        " and ".join(basis) or alone.basis,
        found,
        tuple(kinds),
        models=given,
        panel=panel is not None,
    )


def bytes_given(report: str | os.PathLike[str]) -> bytes:
    """The bytes of a report that is given by its path or text.

    Raises
    ------
    InputError
        If it is given otherwise, or there is no such file.
    """
    if not isinstance(report, str | os.PathLike):
        raise InputError(f"report is {report!r:.60}; give a report, its JSON text, or the path of its file.")
    return bytes_of(report)


def _check_given(side: str, model: Model, subject: Subject, recorded: ClaimReport) -> None:
    """Refuse a model that is given otherwise than the report says it was: it would be read as another.

    Raises
    ------
    InputError
        With what is missing.
    """
    if isinstance(model, Fingerprint) or is_fingerprint(Path(Location.of(model).address)):
        return
    given, options = Location.of(model), recorded.provenance.options
    for what in ("declare", "layout"):
        said = options.get(f"{what}_{side}")
        if said is not None and getattr(given, what) is None:
            raise InputError(
                f"For the report {side.upper()} was read with a {what} ({said!r:.200}); give the same "
                f"(--{what}-{side})."
            )
    if subject.merged_onto is not None and given.base is None:
        raise InputError(
            f"For the report {side.upper()} was merged onto {subject.merged_onto!r:.200}; give that as its base "
            f"(--base-{side})."
        )


def _check_part(side: str, read: Fingerprint, subject: Subject) -> None:
    """Refuse a model of which more parts are read than the one that was read alone for the report.

    Raises
    ------
    InputError
        With the part to name.
    """
    parts, then = ({part.name for part in of.parts if part.family} for of in (read.record, subject))
    if read.read_from == "weights" and then == {subject.part} < parts:
        raise InputError(
            f"For the report {side.upper()} was read of its part {subject.part!r:.120} alone; give the same "
            f"(--part-{side})."
        )


def _fingerprint(model: Model, subject: Subject, progress: Progress) -> Fingerprint:
    """The fingerprint of a model, read as for the report."""
    if isinstance(model, Fingerprint):
        return model
    sketch = subject.sketch
    if not all(0 < size <= _LARGEST_SKETCH for size in sketch.model_dump().values()):
        raise ReportError(f"The report's sketch ({sketch}) has a size that no fingerprint can have; obtain it again.")
    present = sketch.model_copy(update={"version": max(sketch.version, SketchSpec().version)})
    made = fingerprint(model, effort=subject.effort, sketch=present, progress=progress)
    return made.at_sketch(sketch.version)


def _subjects(report: ClaimReport, a: Fingerprint, b: Fingerprint) -> list[Disagreement]:
    """Whether the models are those that the report names."""
    return [
        Disagreement(
            field=f"$.{side}.content_sha256",
            recorded=subject.content_sha256,
            recomputed=model.record.content_sha256,
            tolerance=EXACT,
        )
        for side, subject, model in (("a", report.a, a), ("b", report.b, b))
        if subject.content_sha256 != model.record.content_sha256
    ]


def _panel(report: ClaimReport, panel: Panel) -> list[Disagreement]:
    """Whether the panel is the one that the report names, and its members are declared as the report says."""
    use = report.panel
    assert use is not None
    named = {"digest": use.digest, "name": use.name, "version": use.version}
    given = {"digest": panel.digest, "name": panel.record.name, "version": panel.record.version}
    found = compare({"panel": named}, {"panel": given}, ())
    if use.digest != panel.digest:
        return sorted(found, key=lambda item: item.field != "$.panel.digest")
    declared = {member.name: member for member in panel.record.members}
    given_members = [
        {name: getattr(declared[member.name], name) for name in ("name", "family", "stratum", "corpus")}
        if member.name in declared
        else None
        for member in use.members
    ]
    recorded_members = [member.model_dump() for member in use.members]
    found += compare({"panel": {"members": recorded_members}}, {"panel": {"members": given_members}}, ())
    return found + _recipes(report, use, panel)


def _recipes(report: ClaimReport, use: PanelUse, panel: Panel) -> list[Disagreement]:
    """Whether the recipes are all those of the kinds of A and B, declared and grouped as the report says."""
    kinds = {(model.architecture.gated, model.architecture.norm) for model in (report.a, report.b)}
    out = [dropped.name for dropped in use.recipes_dropped]
    of_kind = [twins for twins in panel.record.twins if kinds == {(twins.gated, twins.norm)}]
    kept = [twins for twins in of_kind if twins.recipe not in out]
    due = {
        "recipes": [one.model_dump(mode="json") for one in used(kept, panel.record.kinship)],
        "recipes_dropped": [twins.recipe for twins in of_kind if twins.recipe in out],
        "recipes_in_panel": len(panel.record.twins),
    }
    recorded = {
        "recipes": [recipe.model_dump(mode="json") for recipe in use.recipes],
        "recipes_dropped": out,
        "recipes_in_panel": use.recipes_in_panel,
    }
    return compare({"panel": recorded}, {"panel": due}, ())


def _again(
    report: ClaimReport, a: Fingerprint, b: Fingerprint, panel: Panel | None, progress: Progress
) -> ClaimReport:
    """The report made again with its options; panel tests are those recorded where the panel is not at hand.

    Models are called what the report calls them, as reasons name them, and what is declared is as it was read then.
    """
    named = [_named(model, subject) for model, subject in ((a, report.a), (b, report.b))]
    efforts = (report.provenance.effort, *(model.record.effort for model in named))
    made = test_lineage(
        *named,
        effort=None if panel is not None else min(efforts, key=EFFORTS.index),
        alpha=report.alpha,
        panel=panel,
        panel_alpha=report.panel_alpha or 0.01,
        families=report.panel.families if report.panel else (),
        corpus=(report.panel.corpus_a, report.panel.corpus_b) if report.panel else "",
        searched=report.searched,
        chronology=report.chronology,
        authors=report.authors,
        url=report.url,
        created="1970-01-01T00:00:00+00:00",
        progress=progress,
    )
    sides = {
        side: getattr(made, side).model_copy(update={"read_from": subject.read_from, "signed": subject.signed})
        for side, subject in (("a", report.a), ("b", report.b))
    }
    made = made.model_copy(update=sides)
    made = made.model_copy(update={"dated": report.dated})  # which the record alone checks
    made = made.model_copy(update={"wording": report.wording, "evidence": (*made.evidence, *report.own_lines)})
    if panel is not None and (own := own_results(report)):
        evidence = (
            line.model_copy(update={"results": (*line.results, *own)}) if line.line == PANEL else line
            for line in made.evidence
        )
        made = made.model_copy(update={"evidence": tuple(evidence)})
    ranked = None if panel is not None else report.line(PANEL)
    if ranked is not None:
        lines = (*(one for one in made.evidence if one.line != PANEL), ranked)
        made = made.model_copy(update={"panel": report.panel, "evidence": lines})
    then = as_then(report, made)
    return recompute(then)[0] if ranked is not None or then is not made else made


def _change(
    report: ClaimReport, given: tuple[Model, Model], models: tuple[Fingerprint, Fingerprint], progress: Progress
) -> AdapterChange | None:
    """The finding on an adapter, counted again; as recorded where a fingerprint is given, which lacks numbers."""
    return report.change if _lacks_numbers(given, models) else change_held(*given, models, progress)


def _lacks_numbers(given: tuple[Model | None, Model | None], models: tuple[Fingerprint, ...]) -> bool:
    """Whether a model is given as a fingerprint."""
    return any(isinstance(one, Fingerprint) for one in given) or "fingerprint" in [x.read_from for x in models]


def _named(model: Fingerprint, subject: Subject) -> Fingerprint:
    """A model and its parts under the name that the report gives it, with what was declared then."""
    stated = {name: getattr(subject, name) for name in _NAMED}
    record = model.record.model_copy(update=stated | {"arrays_sha256": subject.arrays_sha256 or ""})
    parts = (_named(part, subject) for part in model.parts)
    return Fingerprint(record, model.arrays, parts, read_from=subject.read_from or "weights")


def _unchecked(report: ClaimReport, models: tuple[Fingerprint, ...], panel: Panel | None) -> list[Unchecked]:
    """Fields that remain unchecked with the weights: statements of the caller, and the storage of the files."""
    kinds = [kind for kind in unchecked(report) if kind.field.startswith(_STATED)] + [*of_own_lines(report)]
    for side, subject, model in (("a", report.a, models[0]), ("b", report.b, models[1])):
        found = Subject.read(model)
        stated = (*_NAMED, "revision", "not_read", "stored_as", "software")
        read_from = ("read_from", "arrays_sha256", "signed")
        of_files = () if found.files == subject.files else ("files", "bytes_read")
        for name in (*stated, *read_from, *of_files):
            if getattr(found, name) != getattr(subject, name):
                reason = "of what the report was made from: what is given states the same weights, and another value"
                kinds.append(Unchecked(field=f"$.{side}.{name}*", reason=reason))
    if report.panel is not None and panel is None:
        kinds += [
            kind
            for kind in (*inputs(report), *unchecked(report))
            if kind.field.startswith(("$.panel", f"$.evidence[{PANEL}]"))
        ]
    return list(dict.fromkeys((*kinds, *not_checked(report))))


def _of_fingerprints(models: tuple[Fingerprint, ...]) -> list[Unchecked]:
    """Fields that only weights could check, for models given as fingerprints."""
    return [
        Unchecked(
            field=f"$.{side}.*",
            reason=f"as the fingerprint given for {side.upper()} states: only weights tell that its numbers, and the "
            f"counts that follow from them, are of these files and this digest; give the weights of {side.upper()}",
        )
        for side, model in zip("ab", models, strict=True)
        if model.read_from == "fingerprint"
    ]
