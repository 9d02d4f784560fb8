"""Read reports of other kinds than claims, such as calibrations, from the bytes of their files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import ValidationError

from ..base import ReportError, first_problem, json_object, options
from ..base.canonical_json import canonical, digest
from .pages import Pages
from .reading import LARGEST_FILE, bytes_of, check_digest

Report = TypeVar("Report", bound=Pages)


class Written(NamedTuple, Generic[Report]):
    """A report, and the JSON object that it was read from."""

    content: dict[str, Any]
    report: Report

    @property
    def digest(self) -> str:
        """Digest of the written content, which the report should state."""
        return digest(self.content, without=("digest",))


@dataclass(frozen=True)
class Kind(Generic[Report]):
    """A kind of report in a file of its own."""

    name: str
    """Its field ``kind``."""
    record: type[Report]
    schema: int
    """The version that is read."""
    called: str
    """In an error, such as ``a calibration report``."""
    command: str
    """Of ``verify``, that writes it."""

    def is_meant(self, source: bytes) -> bool:
        """Whether bytes are meant as a report of this kind, in order or not."""
        if f'"kind":"{self.name}"'.encode() not in source.replace(b" ", b""):
            return False
        try:
            return json_object(source, most=LARGEST_FILE).get("kind") == self.name
        except ValueError:
            return False

    def read(self, source: bytes) -> Written[Report]:
        """Read a report from the bytes of its file; its digest is not checked.

        Raises
        ------
        ReportError
            If it is of another kind, or of a schema that this version cannot read.
        """
        try:
            content = json_object(source, most=LARGEST_FILE)
            canonical(content)  # refuses numbers and texts that JSON readers differ on
            version = content.get("schema_version")
            if content.get("kind") == self.name and version != self.schema:
                raise ValueError(f"is of schema {version!r:.40}, and this version of verify reads {self.schema}")
            report = self.record.model_validate(content)
            if canonical(report.model_dump(mode="json")) != canonical(content):
                raise ValueError("holds values of other types than a report has, or leaves out some")
            return Written(content, report)
        except ValidationError as error:
            raise self._refused(first_problem(error)) from error
        except (ValueError, TypeError, RecursionError) as error:
            plain = type(error) is ValueError
            raise self._refused(f"it {error!s:.160}" if plain else "a value is of another kind") from error

    def intact(self, source: str | os.PathLike[str]) -> Report:
        """Read a report from a path or JSON text, and check its digest.

        Raises
        ------
        InputError
            If it is neither a path nor text.
        ReportError
            If there is no such file, it is of another kind, or its digest does not fit its content.
        """
        if not isinstance(source, str | os.PathLike):
            options.refuse("source", source, "a path, or the JSON text of a report")
        written = self.read(bytes_of(source))
        check_digest(written.content, written.digest)
        return written.report

    def _refused(self, reason: str) -> ReportError:
        return ReportError(
            f"This is not {self.called} ({reason}); give the report.json that `verify {self.command}` wrote."
        )
