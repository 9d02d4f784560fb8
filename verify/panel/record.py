"""A panel: fingerprints of models declared unrelated, and everything declared about them.

On disk a panel is a folder: ``panel.json`` (canonical JSON of the record) and one fingerprint file per
member. The record holds the sha256 of every fingerprint file, so its own digest covers them all.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from ..base import InputError, Record, canonical, digest, write_atomically
from ..fingerprint import Component, Fingerprint, SketchSpec

RECORD = "panel.json"
PANEL_COMPONENTS: tuple[Component, ...] = ("match", "gram", "circuit", "spectrum", "spread")


class Member(Record):
    """One model of a panel, as declared by whoever built it."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$")
    """Unique within the panel; also names the fingerprint file."""
    family: str
    """Models of one family are related or may be; one of them stands for all."""
    stratum: str
    """Architecture, depth and tokenizer: models of one stratum are the honest comparison."""
    source: str
    """Where the weights come from, in words or as a Hub id."""
    licence: str
    content_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    fingerprint_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    """sha256 of the fingerprint file."""


class Exclusion(Record):
    """A model that was meant to be a member, or to be used, and is not."""

    name: str
    reason: str


class Kin(Record):
    """Two members that a symmetry test finds related although they were declared unrelated."""

    a: str
    b: str
    log10_p: float
    """Family-wise over the tests of the pair and over all pairs of the panel."""


class PanelRecord(Record):
    """Everything about a panel but the fingerprints."""

    schema_version: Literal[1] = 1
    name: str
    version: str
    description: str
    sketch: SketchSpec
    members: tuple[Member, ...]
    excluded: tuple[Exclusion, ...] = ()
    kinship: tuple[Kin, ...] = ()
    """Suspected relatives, found when the panel was built; they are listed, never dropped for it."""


class Panel:
    """A reference population of unrelated models.

    Parameters
    ----------
    record : PanelRecord
    fingerprints : mapping of member name to Fingerprint.
    """

    def __init__(self, record: PanelRecord, fingerprints: Mapping[str, Fingerprint]) -> None:
        self.record = record
        self.fingerprints = dict(fingerprints)

    def __repr__(self) -> str:
        return f"Panel({self.record.name!r} {self.record.version}, {len(self.record.members)} members)"

    @property
    def digest(self) -> str:
        """``sha256:`` over the canonical JSON of the record, which holds the digest of every member."""
        return digest(_content(self.record))

    def slim(self) -> Panel:
        """The same panel with only what panel statistics read: about half the size, and no symmetry tests."""
        prints = {name: found.only(*PANEL_COMPONENTS) for name, found in self.fingerprints.items()}
        members = tuple(
            member.model_copy(
                update={"fingerprint_sha256": hashlib.sha256(prints[member.name].to_bytes()).hexdigest()}
            )
            for member in self.record.members
        )
        return Panel(self.record.model_copy(update={"members": members}), prints)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the folder: the fingerprints first, the record last."""
        for member in self.record.members:
            self.fingerprints[member.name].save(fingerprint_file(Path(folder), member.name))
        write_atomically(Path(folder) / RECORD, canonical(_content(self.record)) + b"\n")

    @staticmethod
    def load(folder: str | os.PathLike[str]) -> Panel:
        """Read a panel, checking every fingerprint against its digest.

        Raises
        ------
        InputError
            If it is not a panel, is damaged, or a fingerprint is missing or altered.
        """
        folder = Path(folder)
        record = _record(folder / RECORD)
        prints = {}
        for member in record.members:
            file = fingerprint_file(folder, member.name)
            if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != member.fingerprint_sha256:
                raise InputError(
                    f"The fingerprint of {member.name} in the panel {record.name!r:.100} is missing or altered; "
                    "obtain the panel again."
                )
            prints[member.name] = Fingerprint.load(file)
        return Panel(record, prints)


def fingerprint_file(folder: Path, name: str) -> Path:
    """Where a member's fingerprint lies in a panel's folder."""
    return folder / "fingerprints" / f"{name}.safetensors"


def _content(record: PanelRecord) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(record.model_dump_json())
    return content


def _record(path: Path) -> PanelRecord:
    try:
        return PanelRecord.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(
            f"{path.parent.name!r:.200} is not a panel ({RECORD}: {error.strerror}); give a folder that "
            "`verify panel build` wrote."
        ) from error
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"]) or "the document"
        raise InputError(
            f"{RECORD} of {path.parent.name!r:.200} is damaged or of an unknown schema (at {where}: "
            f"{problem['msg']}); build the panel again."
        ) from error
