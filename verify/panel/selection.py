"""Which members of a panel a claim is ranked among: chosen by what is declared, never by a score.

Comparable members have MLPs of the same kind (gated or not) and norms of the same kind as A and B, and
share anchor tokens with both; one token list serves them all. Members that hold the weights of A or B,
or belong to a family declared for A or B, are dropped; of several members of one family the one whose
name has the smallest sha256 stands for all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass

from ..fingerprint import Fingerprint
from ..statistics.applicability import LEAST_ANCHORS
from .record import Exclusion, Member, Panel


@dataclass(frozen=True)
class Selection:
    """Members to rank a claim among, those left out with reasons, and the common token list."""

    members: tuple[Member, ...]
    dropped: tuple[Exclusion, ...]
    anchors: tuple[int, ...]


def comparable(panel: Panel, a: Fingerprint, b: Fingerprint, families: Collection[str] = ()) -> Selection:
    """Select from a panel, by declarations, architectures and vocabularies alone.

    Parameters
    ----------
    families : declared families of A and of B; their members are dropped.
    """
    dropped: list[Exclusion] = []
    kept: list[Member] = []
    for member in sorted(panel.record.members, key=_blind):
        reason = _reason(member, panel, a, b, families) or next(
            (f"{other.name} stands for the family {other.family}" for other in kept if other.family == member.family),
            None,
        )
        if reason is None:
            kept.append(member)
        else:
            dropped.append(Exclusion(name=member.name, reason=reason))
    shared = set(a.record.anchors) & set(b.record.anchors)
    known = {member.name: set(panel.fingerprints[member.name].record.anchors) for member in kept}
    while kept and len(shared.intersection(*(known[member.name] for member in kept))) < LEAST_ANCHORS:
        least = min(kept, key=lambda member: (len(shared & known[member.name]), _blind(member)))
        kept.remove(least)
        dropped.append(Exclusion(name=least.name, reason="too few anchor tokens shared with A, B and the rest"))
    common = shared.intersection(*(known[member.name] for member in kept))
    order = {member.name: i for i, member in enumerate(panel.record.members)}
    return Selection(
        members=tuple(sorted(kept, key=lambda member: order[member.name])),
        dropped=tuple(sorted(dropped, key=lambda exclusion: order[exclusion.name])),
        anchors=tuple(sorted(common)),
    )


def _reason(member: Member, panel: Panel, a: Fingerprint, b: Fingerprint, families: Collection[str]) -> str | None:
    for side, model in (("A", a), ("B", b)):
        if member.content_sha256 == model.record.content_sha256:
            return f"holds the weights of {side}"
    if member.family in families:
        return f"its family {member.family} is declared for A or B"
    shape, reference = panel.fingerprints[member.name].record.architecture, a.record.architecture
    if shape.gated != reference.gated:
        return "its MLPs are gated and those of A are not, or the other way round"
    if shape.norm != reference.norm:
        return f"its norm is {shape.norm} norm, that of A {reference.norm} norm"
    return None


def _blind(member: Member) -> bytes:
    return hashlib.sha256(member.name.encode()).digest()
