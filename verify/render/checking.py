"""How a reader checks a report that is sealed: what its digest is of, what follows from what, and the version."""

from __future__ import annotations

from collections.abc import Mapping

from .kinds import Code, Inline
from .page import Block, Items


def how_to_check(digest: str, software: Mapping[str, str], *follows: Inline) -> list[Block]:
    """The steps, in order.

    Parameters
    ----------
    digest : of the report.
    software : versions that made it.
    follows : what follows from what, with the commands that show it.
    """
    sealed: Inline = (
        "The digest of this report is ",
        Code(digest),
        ": sha256 over the RFC 8785 canonical JSON of ",
        Code("report.json"),
        " without the key ",
        Code("digest"),
        ".",
    )
    version = software.get("verify-lineage", "of an unknown version")
    made: Inline = (f"Made by version {version} of ", Code("verify-lineage"), ". This page carries no signature.")
    return [Items((sealed, *follows, made), ordered=True)]
