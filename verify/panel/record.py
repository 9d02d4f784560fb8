"""A panel: fingerprints of models declared unrelated, and everything declared about them.

On disk a panel is a folder: ``panel.json`` (canonical JSON of the record), one fingerprint file per model, and score
files. The record holds the sha256 of every file, so its own digest covers them all.

*Members* are models without a recipe: references, of which pairs are ranked. *Twins* are two or more models of one
recipe from different seeds, of which one pair, chosen by names, gives the recipe's score (`twins`). Fingerprints of
twins may be left out of a folder that has their scores.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from ..base import (
    InputError,
    Record,
    VerifyError,
    canonical,
    digest,
    first_problem,
    json_object,
    later,
    options,
    read_regular,
    write_atomically,
)
from ..base.card import Card, flat
from ..base.display import Drawn, Tabular
from ..base.plain import plain
from ..fingerprint import Component, Fingerprint, SketchSpec, record_text
from ..statistics import Similarity
from .members import Exclusion, Member, RelatedPair, Twins, check_strangers
from .scores import ScoreFile, Scores
from .twin_scores import TwinFile, TwinScores

RECORD = "panel.json"
_LARGEST = 1 << 28  # bytes; the record of a thousand members has about 1 MB
_LARGEST_FILE = 1 << 30  # bytes, of a fingerprint or of scores
DEFAULT = Path(__file__).parents[1] / "data" / "panel"
"""The panel that ships with the library."""
PANEL_COMPONENTS: tuple[Component, ...] = (
    "match",
    "stream",
    "gram",
    "circuit",
    "spectrum",
    "spread",
    "key_responses",
)
"""Components of fingerprints that panel statistics read."""


class PanelRecord(Record):
    """Everything in a panel except the fingerprints."""

    schema_version: Literal[1] = 1
    name: str
    version: str
    description: str
    sketch: SketchSpec
    members: tuple[Member, ...] = Field(min_length=1)
    """References: models of no recipe."""
    twins: tuple[Twins, ...] = later(())
    excluded: tuple[Exclusion, ...] = ()
    kinship: tuple[RelatedPair, ...] = ()
    """Suspected relatives, found when the panel was built; they are listed and never dropped."""
    scores: tuple[ScoreFile, ...] = ()
    twin_scores: tuple[TwinFile, ...] = later(())
    digest: str = ""
    """``sha256:`` over the canonical JSON of everything else, which holds the sha256 of every file."""

    @model_validator(mode="after")
    def _check_names(self) -> PanelRecord:
        names, recipes = [member.name for member in self.members], [twins.recipe for twins in self.twins]
        models = [*names, *(member.name for twins in self.twins for member in twins.models)]
        if len(set(models)) < len(models):
            raise ValueError("two members have one name")
        if len(set(recipes)) < len(recipes):
            raise ValueError("two recipes have one name")
        check_strangers(self.members, [member for twins in self.twins for member in twins.models])
        if any(
            len({*kept.recipes}) < len(kept.recipes)
            or not {*recipes}.issuperset(kept.recipes)
            or not {*names}.issuperset(kept.references)
            for kept in self.twin_scores
        ):
            raise ValueError("scores of twins are of other recipes or references")
        if any(len({*kept.names}) < len(kept.names) or not {*names}.issuperset(kept.names) for kept in self.scores):
            raise ValueError("scores are not of distinct members")
        return self

    @model_validator(mode="after")
    def _check_weights(self) -> PanelRecord:
        """Check that no two models have the same weights: such a pair would count as two draws."""
        first: dict[str, str] = {}
        for member in (*self.members, *(member for twins in self.twins for member in twins.models)):
            other = first.setdefault(member.content_sha256, member.name)
            if other != member.name:
                raise ValueError(f"{other!r:.40} and {member.name!r:.40} have the same weights")
        return self

    @model_validator(mode="after")
    def _check_kinds(self) -> PanelRecord:
        """Check that each file of scores is of models of one kind, as declared: others are not compared."""
        kinds: dict[str, tuple[bool | None, str | None]] = {member.name: member.kind for member in self.members}
        recipes = {twins.recipe: twins.kind for twins in self.twins}
        for kept in self.scores:
            self._check_one_kind(kept.file, (kinds[name] for name in kept.names))
        for of_twins in self.twin_scores:
            found = (*(kinds[name] for name in of_twins.references), *(recipes[one] for one in of_twins.recipes))
            self._check_one_kind(of_twins.file, found)
        return self

    @staticmethod
    def _check_one_kind(file: str, kinds: Iterable[tuple[bool | None, str | None]]) -> None:
        if len({kind for kind in kinds if None not in kind}) > 1:
            raise ValueError(f"{file} holds scores of models with MLPs or norms of several kinds")

    def sealed(self) -> PanelRecord:
        """The same record with its digest."""
        return self.model_copy(update={"digest": digest(_content(self), without=("digest",))})


class _OnDemand(Mapping[str, Fingerprint]):
    """Members' fingerprints, read when they are asked for, and kept: a claim needs those of its own kind."""

    def __init__(self, record: PanelRecord, folder: Path) -> None:
        self._record, self._folder = record, folder
        self._members = {member.name: member for member in record.members}
        self._found: dict[str, Fingerprint] = {}

    def __getitem__(self, name: str) -> Fingerprint:
        if name not in self._found:
            member = self._members[name]
            self._found[name] = _fingerprint(self._record, fingerprint_file(self._folder, name), member)
        return self._found[name]

    def __reduce__(self) -> tuple[type, tuple[dict[str, Fingerprint]]]:
        return dict, (dict(self),)  # sent elsewhere it holds all of them, as the folder may not be there

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)


class Panel(Tabular, Drawn):
    """A reference population of unrelated models.

    Parameters
    ----------
    record : PanelRecord
    fingerprints : mapping of member name to Fingerprint.
    scores : the scores that ``record.scores`` lists, in its order.
    twin_scores : those that ``record.twin_scores`` lists, in its order.
    folder : where fingerprints of twins are read from, when they are needed.
    """

    def __init__(
        self,
        record: PanelRecord,
        fingerprints: Mapping[str, Fingerprint],
        scores: Sequence[Scores] = (),
        twin_scores: Sequence[TwinScores] = (),
        folder: Path | None = None,
    ) -> None:
        self.record = record.sealed()
        on_demand = isinstance(fingerprints, _OnDemand)
        self.fingerprints: Mapping[str, Fingerprint] = fingerprints if on_demand else dict(fingerprints)
        self.scores = tuple(scores)
        self.twin_scores = tuple(twin_scores)
        self.folder = folder

    def __eq__(self, other: object) -> bool:
        return self.digest == other.digest if isinstance(other, Panel) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        r = self.record
        return f"Panel({r.name!r:.80} {plain(r.version, 40)}, {len(r.members)} members, {self.digest:.19})"

    def _card(self) -> Card:
        r = self.record
        families, strata = ({getattr(member, what) for member in r.members} for what in ("family", "stratum"))
        facts = (
            ("members", f"{len(r.members)} of {len(families)} families and {len(strata)} strata"),
            ("twins", f"of {len(r.twins)} recipes"),
            ("left out", f"{len(r.excluded)}; related by an exact test: {len(r.kinship)} pairs"),
            ("scores", f"kept by {len({kept.statistic for kept in r.scores})} statistics"),
            ("digest", self.digest),
        )
        rows = ({name: getattr(one, name) for name in ("name", "family", "stratum", "corpus")} for one in r.members)
        return Card(f"Panel {r.name!r:.80}, version {r.version!r:.40}", facts, tuple(rows))

    def to_dicts(self) -> list[dict[str, Any]]:
        """One row for each model: the members, then the twins of each recipe."""
        r = self.record
        rows = [("", member) for member in r.members]
        rows += [(twins.recipe, member) for twins in r.twins for member in twins.models]
        return [{"recipe": recipe, **flat(member)} for recipe, member in rows]

    @property
    def digest(self) -> str:
        """Digest of the record, which covers every fingerprint and every score."""
        return self.record.digest

    def twin(self, member: Member) -> Fingerprint | None:
        """Fingerprint of a model of a recipe; None if the panel keeps only scores.

        Raises
        ------
        InputError
            If the file was altered.
        """
        if member.name in self.fingerprints or self.folder is None:
            return self.fingerprints.get(member.name)
        file = fingerprint_file(self.folder, member.name)
        return _fingerprint(self.record, file, member) if file.exists() else None

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the folder: the fingerprints first, the record last.

        Raises
        ------
        InputError
            If ``folder`` is no path.
        """
        folder = options.path("folder", folder)
        for name, found in self.fingerprints.items():
            found.save(fingerprint_file(folder, name))
        for kept, scores in zip(self.record.scores, self.scores, strict=True):
            write_atomically(folder / kept.file, scores.to_bytes())
        for of_twins, made in zip(self.record.twin_scores, self.twin_scores, strict=True):
            write_atomically(folder / of_twins.file, made.to_bytes())
        write_atomically(folder / RECORD, canonical(_content(self.record)) + b"\n")

    @staticmethod
    def load(folder: str | os.PathLike[str]) -> Panel:
        """Read a panel, or the ``"default"`` one, checking the record and every file against their digests.

        Raises
        ------
        InputError
            If it is not a panel, is damaged, or the record, a fingerprint or a score is missing or altered. What a
        fingerprint holds is checked when it is first used.
        """
        folder = DEFAULT if isinstance(folder, str) and folder == "default" else options.path("folder", folder)
        record = _record(folder / RECORD)
        for member in record.members:
            file = fingerprint_file(folder, member.name)
            _bytes(record, file, member.fingerprint_sha256)
            _check_header(record, file, member)
        scores = [Scores.from_bytes(_bytes(record, folder / kept.file, kept.sha256), kept) for kept in record.scores]
        of_twins = [
            TwinScores.from_bytes(_bytes(record, folder / kept.file, kept.sha256), kept)
            for kept in record.twin_scores
        ]
        return Panel(record, _OnDemand(record, folder), scores, of_twins, folder)


PanelSource = str | os.PathLike[str] | Panel | None
"""A panel as an argument: "default", a folder, a Panel, or None."""


def check_panel(panel: PanelSource) -> None:
    """Refuse an argument that names no panel, before anything is read.

    Raises
    ------
    InputError
        If it is neither a path nor a Panel, nor None.
    """
    if panel is not None and not isinstance(panel, Panel):
        options.path("panel", panel, "'default', the folder of a panel, or a Panel")


def load_panel(panel: PanelSource) -> Panel | None:
    """A panel from a folder, or by the name ``default``; None for None.

    Raises
    ------
    InputError
        If there is no such panel, or it is damaged.
    """
    check_panel(panel)
    if panel is None or isinstance(panel, Panel):
        return panel
    return Panel.load(panel)


def kept_scores(panel: Panel, statistic: Similarity, names: Sequence[str], anchors: tuple[int, ...]) -> Scores | None:
    """Stored scores of some members on a token list; None if there are none.

    Parameters
    ----------
    panel : Panel
    statistic : the panel statistic, of its present version.
    names : names of members, in the order of the result.
    anchors : the token list, as positions in the frozen anchor list.
    """
    for kept in panel.scores:
        same = (kept.statistic, kept.version, kept.anchors) == (statistic.id, statistic.version, anchors)
        if same and set(names).issubset(kept.names):
            return kept.of(names)
    return None


def fingerprint_file(folder: Path, name: str) -> Path:
    """Path of a member's fingerprint in a panel's folder."""
    return folder / "fingerprints" / f"{name}.safetensors"


def _check_header(record: PanelRecord, file: Path, member: Member) -> None:
    """Refuse a fingerprint of another model, sketch or kind than the record says, from its header alone."""
    try:
        said = json_object((record_text(file) or "{}").encode(), most=_LARGEST_FILE)
        shape, sketch = said["architecture"], SketchSpec.model_validate(said["sketch"])
        same = (said["content_sha256"], sketch) == (member.content_sha256, record.sketch)
        declared = member.gated in (None, shape["gated"]) and member.norm in (None, shape["norm"])
    except (KeyError, TypeError, ValueError, VerifyError):
        same = declared = False
    if not (same and declared):
        raise InputError(f"{file.name} is of another model or sketch than {RECORD} says; build the panel again.")


def _fingerprint(record: PanelRecord, file: Path, member: Member) -> Fingerprint:
    _bytes(record, file, member.fingerprint_sha256)
    _check_header(record, file, member)
    return Fingerprint.load(file)


def _content(record: PanelRecord) -> dict[str, Any]:
    """Content of the file, without undeclared corpora, so that panels from before corpora keep their digest."""
    content = record.model_dump(mode="json")
    for member in [*content["members"], *(one for twins in content.get("twins", ()) for one in twins["models"])]:
        if not member["corpus"]:
            del member["corpus"]
    return content


def _bytes(record: PanelRecord, file: Path, sha256: str) -> bytes:
    try:
        content = read_regular(file, _LARGEST_FILE)
    except OSError:
        content = b""
    if hashlib.sha256(content).hexdigest() != sha256:
        raise InputError(
            f"{file.name} in the panel {record.name!r:.100} is missing or altered; obtain the panel again, or "
            "build it again."
        )
    return content


def _record(path: Path) -> PanelRecord:
    try:
        record = PanelRecord.model_validate(json_object(read_regular(path, _LARGEST), most=_LARGEST))
    except OSError as error:
        raise InputError(
            f"{path.parent.name!r:.200} is not a panel ({RECORD}: {error.strerror}); give a folder that "
            "`verify panel build` wrote."
        ) from error
    except ValidationError as error:
        raise InputError(
            f"{RECORD} of {path.parent.name!r:.200} is damaged or of an unknown schema ({first_problem(error)}); "
            "build the panel again."
        ) from error
    except ValueError as error:  # after ValidationError, which is a ValueError
        raise InputError(
            f"{RECORD} of {path.parent.name!r:.200} {error}; build the panel again, or obtain it again."
        ) from error
    try:
        intact = record == record.sealed()
    except ValueError:  # an integer without canonical JSON form, so no digest
        intact = False
    if not intact:
        raise InputError(
            f"The digest of {RECORD} in {path.parent.name!r:.200} is not that of its content, so it was altered "
            "after it was made; obtain the panel again."
        )
    return record
