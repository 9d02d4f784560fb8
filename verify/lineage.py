"""test_lineage: two models in, one claim report out."""

from __future__ import annotations

import logging
import os
import platform
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Never

from . import panel as panels
from . import statistics
from .base import FingerprintError, InputError, Phrase, Progress, Workers, in_notebook, options, software
from .checkpoint import Location, is_alone
from .claim import AdapterChange, ClaimReport, Dated, EvidenceLine, Provenance, Subject
from .claim.change import change_of
from .claim.citation import stated_authors, stated_url
from .claim.conclude import Circumstances, Further, conclude, log10_alpha_of_one, not_needed
from .claim.evidence import RESERVED, not_ones_own
from .claim.parts import equal_tensors, inventory, paired, single
from .fingerprint import (
    EFFORTS,
    Effort,
    Fingerprint,
    check_same,
    identical,
    nothing_differs,
    shared_anchors,
)
from .fingerprint.given import (
    Model,
    are_weights,
    at_one_effort,
    by_one_tokenizer,
    check_alike,
    check_model,
    check_whole,
    made,
    of_side,
    told_apart,
)
from .panel.own import own_similarities
from .statistics import EXACT_TESTS, ExactResult, reworked
from .wording import say

if TYPE_CHECKING:
    from .claim.dating import Piece

_log = logging.getLogger(__name__)

MOST_SEARCHED = 10**9 - 1
"""Largest number of searched pairs that a report accepts."""

OwnEvidence = Callable[[Fingerprint, Fingerprint], EvidenceLine]


def test_lineage(
    a: Model,
    b: Model,
    *,
    effort: Effort | None = None,
    alpha: float = 1e-3,
    panel: panels.PanelSource = None,
    panel_alpha: float = 1e-2,
    families: Collection[str] = (),
    corpus: str | tuple[str, str] = "",
    searched: int = 1,
    chronology: str | None = None,
    dated_a: Collection[str | os.PathLike[str]] = (),
    dated_b: Collection[str | os.PathLike[str]] = (),
    tsa: Collection[str | os.PathLike[str]] = (),
    authors: Collection[str] = (),
    url: str | None = None,
    created: str | datetime | None = None,
    own: Collection[OwnEvidence] = (),
    statistics: Collection[statistics.Similarity] = (),
    workers: Workers = None,
    progress: Progress = in_notebook,
    **unknown: Never,
) -> ClaimReport:
    """Test whether two checkpoints share initial weights or derivation.

    Parameters
    ----------
    a : the questioned model: path or address of a folder or file of weights, path of a saved fingerprint, a Location,
        or a Fingerprint.
    b : the reference, likewise.
    effort : how much of the weights to read and compare, ``"screen"``, ``"standard"`` or ``"full"``: see
        :func:`verify.fingerprint`. The exact tests are the same at standard and full; a panel needs full. The default
        is full for local files and with a panel, else standard.
    alpha : level of the exact tests: the largest probability of ``dependent`` for unrelated models.
    panel : unrelated models to rank the pair among: ``"default"`` for the built-in panel, a folder, or a Panel. It
        can find copies whose units were permuted *and* whose residual stream was rotated, which no exact test can.
    panel_alpha : level of the primary panel test: under the panel's assumptions, the largest probability of
        ``similar_beyond_panel`` for unrelated models.
    families : model families that A and B belong to; panel members of these families are excluded.
    corpus : training text of A and B, or one name for each, as named in the panel. The report says which of the
        panel's models were trained on it; it enters no verdict.
    searched : number of pairs that were searched to find this one; it multiplies the report's p-values. 1 for a pair
        named in advance.
    chronology : which file existed first and how you know, in words; recorded as stated.
    dated_a, dated_b : evidence that the files of A, or of B, existed by a time: time stamps (RFC 3161), of a file of
        weights or of a document beside them that holds its digest, or addresses ``hf://org/model@revision``, of
        which the Hub is asked for its commits. It enters no p-value and no verdict; see docs/dated.md.
    tsa : files of the root certificates (PEM or DER) of the authorities whose time stamps are given.
    authors : who makes the report, for its citation: "Family, Given" for a person, or the name of a body; recorded as
        stated.
    url : where the report will be published, for its citation; recorded as stated.
    created : time to record, in ISO 8601 or as a datetime with a time zone; the present by default. No other time is
        recorded in the report.
    own : your own evidence: functions of the two fingerprints (of the pair of parts in the headline), each
        returning an EvidenceLine under a name of its own. Lines are recorded and shown, and enter no verdict; see
        docs/own-statistics.md.
    statistics : your own similarities (:class:`verify.statistics.Similarity`), ranked in the panel beside those of
        the library; they enter no verdict.
    workers : number of processes for reading weights, or an executor; the report does not depend on it.
    progress : called while weights are read; by default it shows bars in a notebook, and nothing elsewhere.
    unknown : always empty; options of other names are refused.

    Returns
    -------
    ClaimReport

    Raises
    ------
    InputError
        If an argument is invalid, a model cannot be used, or the fingerprints were made under different sketches, or
        state the same weights but hold different numbers.

    Examples
    --------
    >>> from verify.data import model
    >>> report = test_lineage(model("fine-tuned"), model("reference"))
    >>> report.verdict, report.tests["unit_identity"].statistic
    ('dependent', 256)
    """
    options.no_others(unknown)
    for name, given in (("a", a), ("b", b)):
        check_model(name, given)
    alpha, panel_alpha = options.fraction("alpha", alpha), options.fraction("panel_alpha", panel_alpha)
    families, corpora = options.texts("families", families), _corpora(corpus)
    searched = options.positive("searched", searched, MOST_SEARCHED)
    chronology = None if chronology is None else options.text("chronology", chronology)
    dated = options.paths("dated_a", dated_a), options.paths("dated_b", dated_b)
    tsa = options.paths("tsa", tsa)
    if tsa and not any(dated):
        raise InputError("tsa is given, and no dated evidence to check with it; give some, or leave it out.")
    authors, url = stated_authors(authors), stated_url(url)
    own, similarities = options.functions("own", own), own_similarities(statistics)
    created, workers = options.time("created", created), options.processes("workers", workers)
    effort = None if effort is None else options.one_of("effort", effort, EFFORTS)
    progress = options.function("progress", progress)
    if panel is not None:
        panels.check_panel(panel)
    if panel is not None and effort not in (None, "full"):
        raise InputError(f"effort is {effort!r}, and a panel needs all weights; give 'full', or no panel.")
    if similarities and panel is None:
        raise InputError("statistics are given and no panel to rank them in; give a panel, or leave statistics out.")
    pieces = _opened(dated, tsa)
    reference = None if panel is None else panels.load_panel(panel)
    asked: Effort | None = "full" if reference is not None else effort
    ranked = reference is not None or bool(own) or not are_weights(a, b)

    def read_one(side: str, model: Model) -> Fingerprint:
        with of_side(side):
            return made(model, asked, workers, progress, panels=ranked)

    read = read_one("A", a), read_one("B", b)
    check_alike(*read)
    if panel is not None and (alone := [m.record.name for m in read if is_alone(m.record.architecture)]):
        raise InputError(f"{alone[0]} is an adapter without its base, and a panel holds whole models; leave it out.")
    read = by_one_tokenizer((a, b), read, lambda model, side: read_one("AB"[side], model))
    first, second = at_one_effort(*read, effort=asked)
    for model in (first, second) if ranked else ():
        check_whole(model)
    pairs = paired(inventory(first.record), inventory(second.record))
    both = [(part_of(first, pair.a.name), part_of(second, pair.b.name)) for pair in pairs if pair.understood]
    whole = single(inventory(first.record), inventory(second.record))
    subject_a, subject_b = (
        Subject.read(model, None if whole else part.record)
        for model, part in zip(told_apart(read, (a, b), progress), both[0], strict=True)
    )
    dates = _dates(pieces, (subject_a, subject_b), created)  # refused before anything is tested
    results, further, evidence, equal = not_needed(), list[Further](), None, None
    same = identical(subject_a, subject_b)
    of_parts = [same or pair.same for pair in pairs if pair.understood]
    of_parts[0] |= nothing_differs(subject_a, subject_b)
    for stated, two in zip(of_parts, both, strict=True):
        if stated:
            check_same(*two)
    if not same:
        able = sum(any(test.refusal(*two) is None for test in EXACT_TESTS) for two in both)
        results, *others = (exact_results(*two, alpha=alpha, searched=searched, parts=able) for two in both)
        rest = iter(zip(both[1:], others, strict=True))
        further = [Further.of(pair, *(next(rest) if pair.understood else (None, ()))) for pair in pairs[1:]]
        equal = equal_tensors(first.record.rest, second.record.rest, pairs)
        if reference is not None:
            evidence = panels.evaluate(
                reference,
                *both[0],
                alpha=panel_alpha,
                families=families,
                corpora=corpora,
                n_searched=searched,
                own=similarities,
                progress=progress,
                announce=_announce,
            )
    circumstances = Circumstances(
        alpha=alpha,
        searched=searched,
        chronology=chronology,
        dated=dates,
        authors=authors,
        url=url,
        shared_anchors=len(shared_anchors(*(model.record for model in both[0]))),
        provenance=Provenance(
            software=_software(),
            effort=first.record.effort,
            sketch=first.record.sketch,
            options=_options(a, b, effort, panel),
        ),
        created=created,
        reworked=reworked(*both[0]),
    )
    change = change_held(a, b, read, progress) if first.record.effort == "full" else None
    lines = [_own_line(function, *both[0]) for function in own]
    if len({line.line for line in lines}) < len(lines):
        raise InputError("Two functions in own gave lines of one name; give each its own.")
    return conclude(
        subject_a,
        subject_b,
        results,
        evidence,
        circumstances,
        further=further,
        equal=equal,
        change=change,
        others=lines,
    )


test_lineage.__test__ = False  # type: ignore[attr-defined]  # not a test for pytest


def change_held(
    a: Model, b: Model, read: tuple[Fingerprint, Fingerprint], progress: Progress
) -> AdapterChange | None:
    """Whether one model holds the change that the other, an adapter given with its base, makes to the base.

    Parameters
    ----------
    a, b : the models as given.
    read : their fingerprints.
    progress : called while tensors are compared.

    Returns
    -------
    AdapterChange or None
        None unless one is an adapter and the other a whole model, both given as weights.
    """
    if isinstance(a, Fingerprint) or isinstance(b, Fingerprint) or "fingerprint" in [x.read_from for x in read]:
        return None
    merged = [model.record.merged_onto is not None for model in read]
    if merged[0] == merged[1]:
        return None
    from .checkpoint import compare_change  # which loads the readers of adapters

    if merged[0]:
        return change_of("a", compare_change(Location.of(a), Location.of(b), progress))
    return change_of("b", compare_change(Location.of(b), Location.of(a), progress))


def part_of(model: Fingerprint, name: str) -> Fingerprint:
    """The fingerprint of a part of a model.

    Raises
    ------
    FingerprintError
        If it has no part of that name.
    """
    if inventory(model.record)[0].name == name:
        return model
    for part in model.parts:
        if part.record.part == name:
            return part
    raise FingerprintError(
        f"The fingerprint of {model.record.name} holds nothing of its part {name!r:.80}; make it again from the "
        "weights."
    )


def exact_results(
    a: Fingerprint, b: Fingerprint, *, alpha: float = 1e-3, searched: int = 1, parts: int = 1
) -> list[ExactResult]:
    """Run each exact test; level, search and number of parts enter statements of power alone.

    Parameters
    ----------
    a, b : fingerprints under one sketch and effort.
    alpha : level of the exact tests.
    searched : number of pairs of models that were searched.
    parts : number of pairs of parts that tests apply to.

    Returns
    -------
    list of ExactResult
        In the order of the registry.
    """
    reasons = [test.refusal(a, b) for test in EXACT_TESTS]
    level = log10_alpha_of_one(alpha, reasons.count(None), searched, parts)
    results = [test.unless(reason, a, b, level) for test, reason in zip(EXACT_TESTS, reasons, strict=True)]
    for result in results:
        _log.debug("%s: statistic %s, log10 p %s", result.id, result.statistic, result.log10_p)
    return results


Pieces = tuple[Sequence["Piece"], Sequence["Piece"]]


def _opened(given: tuple[tuple[str, ...], tuple[str, ...]], tsa: tuple[str, ...]) -> Pieces:
    """Dated evidence of A and of B."""
    if not any(given):
        return (), ()
    from .claim.dating import opened, trusted

    roots = trusted(tsa)
    return opened("a", given[0], roots), opened("b", given[1], roots)


def _dates(pieces: Pieces, models: tuple[Subject, Subject], created: str) -> tuple[Dated, ...]:
    """What dated evidence shows of the models as they were read."""
    if not any(pieces):
        return ()
    from .claim.dating import dates

    return (*dates("a", models[0], pieces[0], created), *dates("b", models[1], pieces[1], created))


def _corpora(corpus: str | tuple[str, str]) -> tuple[str, str]:
    names = (corpus, corpus) if isinstance(corpus, str) else corpus
    if not isinstance(names, tuple | list) or len(names) != 2 or not all(isinstance(name, str) for name in names):
        options.refuse("corpus", corpus, "the name of one corpus, or two names, of A's and of B's")
    first, second = (options.text("corpus", name).strip() for name in names)
    return first, second


def _own_line(function: OwnEvidence, a: Fingerprint, b: Fingerprint) -> EvidenceLine:
    """A user's own line of evidence."""
    name = getattr(function, "__name__", repr(function))
    try:
        line = function(a, b)
    except Exception as error:  # of somebody's own
        raise InputError(
            f"The function {name!r:.80} in own failed ({error!r:.160}); mend it, or leave it out."
        ) from error
    if not isinstance(line, EvidenceLine) or line.line in RESERVED:
        names = " and ".join(RESERVED)
        raise InputError(
            f"A function in own gave {line!r:.80}; give an EvidenceLine under another name than {names}."
        )
    if (why := not_ones_own(line)) is not None:
        raise InputError(f"In own {why}.")
    return line


def _announce(reason: Phrase) -> None:
    """Say that a panel allows no verdict, before it is used."""
    _log.warning(say(Phrase.of("panel.impossible", why=reason)))


def _options(a: Model, b: Model, effort: Effort | None, panel: panels.PanelSource) -> dict[str, str]:
    """Options that no other field of the report holds; names, never paths."""
    given: dict[str, str | None] = {"effort": effort}
    if panel is not None:
        given["panel"] = "default" if panel == "default" else "given"
    for side, model in (("a", a), ("b", b)):
        if isinstance(model, Location):
            given[f"layout_{side}"] = model.layout and Path(model.layout).name
            given[f"declare_{side}"] = model.declare
            given[f"tokenizer_{side}"] = "given" if model.tokenizer is not None else None
            given[f"base_{side}"] = "given" if model.base is not None else None
            given[f"part_{side}"] = model.part
    return {name: value for name, value in given.items() if value is not None}


def _software() -> dict[str, str]:
    versions = {"python": platform.python_version()} | software("scipy", "pydantic")
    return dict(sorted(versions.items()))  # as canonical JSON sorts them
