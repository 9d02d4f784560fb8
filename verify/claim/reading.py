"""Read a report from its bytes: of this schema, or of an older one, which is converted.

Every door to a report (`ClaimReport.from_json`, the command line, `verify.replay`) goes through here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from ..base import ReportError, first_problem, json_object, read_regular
from ..base.canonical_json import canonical, digest
from . import schema_1
from .report import SCHEMA, ClaimReport

LARGEST_FILE = 1 << 28
"""Bytes; scores of 2000 members make about 40 MB."""


class Reader(NamedTuple):
    """Reader of one schema."""

    report: Callable[[dict[str, Any]], ClaimReport]
    """The report, in the present schema."""
    outside: tuple[str, ...]
    """Keys that its digest does not cover."""


READERS: dict[int, Reader] = {
    1: Reader(schema_1.converted, ("digest", "citation")),
    SCHEMA: Reader(ClaimReport.model_validate, ("digest",)),
}
"""Readers by ``schema_version``."""


class Written(NamedTuple):
    """A report and the file that it was read from."""

    content: dict[str, Any]
    """Its JSON object, as written."""
    report: ClaimReport
    reader: Reader

    @property
    def digest(self) -> str:
        """Digest of the written content, which the report should state."""
        return digest(self.content, without=self.reader.outside)


def intact(source: str | os.PathLike[str]) -> ClaimReport:
    """Read a report from a path or JSON text, and check its digest.

    Raises
    ------
    ReportError
        If there is no such file, it is not a report, or its digest does not fit its content.
    """
    written = read(bytes_of(source))
    check_digest(written.content, written.digest)
    return written.report


def check_digest(content: Mapping[str, Any], found: str) -> None:
    """Refuse a report that does not state the digest of its content.

    Raises
    ------
    ReportError
        If it states another, or none.
    """
    if content.get("digest") != found:
        raise ReportError(
            f"The report's digest is not that of its content ({found:.23}...), so it was altered after it was made; "
            "obtain an unaltered copy."
        )


def read(source: bytes) -> Written:
    """Read a report from the bytes of its file; its digest is not checked.

    Raises
    ------
    ReportError
        If it is not a report, or of a schema that this version cannot read.
    """
    try:
        content = json_object(source, most=LARGEST_FILE)
        canonical(content)  # refuses numbers and texts that JSON readers differ on
        reader = _reader(content)
        written = Written(content, reader.report(content), reader)
        if written.report.schema_of_maker == SCHEMA and canonical(written.report.facts()) != canonical(content):
            raise ValueError("holds values of other types than a report has, or leaves out some, or states defaults")
        return written
    except ValidationError as error:
        raise _not_a_report(first_problem(error)) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        told = type(error) is ValueError
        what = f"it {error!s:.160}" if told else "a value is of another kind than a report has"
        raise _not_a_report(what) from error


def bytes_of(source: str | os.PathLike[str]) -> bytes:
    """The bytes of a report's file, given its path or its JSON text (the file less its newline).

    Raises
    ------
    ReportError
        If there is no such file.
    """
    if isinstance(source, str) and source.lstrip().startswith("{"):
        file = source if source.endswith("\n") else source + "\n"
        return file.encode("utf-8", "surrogatepass")
    path = Path(source)
    try:
        return read_regular(path, LARGEST_FILE)
    except (OSError, ValueError) as error:  # ValueError: not a path
        reason = getattr(error, "strerror", None) or "not a path"
        raise ReportError(f"{path.name!r:.120} cannot be read as a report ({reason}); check the path.") from error


def _reader(content: dict[str, Any]) -> Reader:
    version = content.get("schema_version")
    if isinstance(version, int) and not isinstance(version, bool) and version in READERS:
        return READERS[version]
    if {"payload", "payloadType", "signatures"} <= content.keys():
        raise ReportError(
            "This is a signed envelope (DSSE) with a report in it, not the report itself; check it with "
            "`verify check-signature ENVELOPE --key SIGNER.pub`, and give the report.json that was signed."
        )
    if "schema_version" not in content:
        raise ValueError("states no schema_version")
    raise ReportError(
        f"The report is of schema {version!r:.40}, and this version of verify reads {sorted(READERS)}; "
        "use the version that wrote it, or a later one."
    )


def _not_a_report(reason: str) -> ReportError:
    return ReportError(f"This is not a claim report ({reason}); give the report.json that `verify lineage` wrote.")
