"""Select the members of a panel that a claim is ranked among: by declarations, never by a score.

Comparable members have MLPs of the same kind (gated or not) and norms of the same kind as A and B, and share anchor
tokens with both; one token list is used for all. Members with the weights of A or B, or of the family of such a
member or of a family declared for A or B, are excluded; of several members of one family, only the one whose name has
the smallest sha256 is used. Exchangeability of A, B and the members is conditional on everything used for the
selection: declared families, identity of weights, kinds of MLP and norm, and vocabularies.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ..base import Phrase
from ..checkpoint import Architecture
from ..fingerprint import ANCHORS, LEAST_ANCHORS, Fingerprint, known_tokens
from .dropped import Dropped
from .members import Member, Twins, blind, kin
from .record import Panel


@dataclass(frozen=True)
class Selection:
    """Members to rank a claim among, those excluded with reasons, and the common token list."""

    members: tuple[Member, ...]
    dropped: tuple[Dropped, ...]
    anchors: tuple[int, ...]


def comparable(panel: Panel, a: Fingerprint, b: Fingerprint, families: Collection[str] = ()) -> Selection:
    """Select from a panel, by declarations, architectures and vocabularies alone.

    The token list is that of all comparable members, before any is excluded: claims on one panel then share it, and
    can use the scores stored with the panel.

    Parameters
    ----------
    panel : the panel.
    a, b : the two models.
    families : declared families of A and B, whose members are excluded.
    """
    related = _kin(panel, a, b, families)
    reasons: dict[str, Phrase] = {}
    kind: list[Member] = []
    for member in panel.record.members:
        reason = _other_kind(kind_of(panel, member), a)
        if reason is None:
            kind.append(member)
        else:
            reasons[member.name] = reason
    kind, anchors = _on_one_list(panel, kind, known_tokens(a.record) & known_tokens(b.record))
    of_family: dict[str, Member] = {}
    for member in sorted(kind, key=blind):
        reason = _related(member, a, b, related)
        if reason is None and (other := of_family.setdefault(member.family, member)) is not member:
            reason = Phrase.of("panel.member.stands_for", name=other.name, family=other.family)
        if reason is not None:
            reasons[member.name] = reason
    few, used = Phrase.of("panel.member.few_anchors"), {member.name for member in of_family.values()}
    return Selection(
        members=tuple(member for member in panel.record.members if member.name in used),
        dropped=tuple(
            Dropped(name=member.name, reason=reasons.get(member.name, few))
            for member in panel.record.members
            if member.name not in used
        ),
        anchors=anchors,
    )


def comparable_twins(
    panel: Panel, a: Fingerprint, b: Fingerprint, families: Collection[str] = ()
) -> tuple[tuple[Twins, ...], tuple[Dropped, ...]]:
    """Recipes that a claim can be ranked among: with MLPs and norms of the kinds of A and B, and no relative of them.

    Parameters
    ----------
    panel : the panel.
    a, b : the two models.
    families : declared families of A and B; recipes with a model of one are excluded.

    Returns
    -------
    tuple
        The recipes, and those left out for a declared relation; recipes of other kinds are not listed.
    """
    kinds = {(model.record.architecture.gated, model.record.architecture.norm) for model in (a, b)}
    related = _kin(panel, a, b, families)
    kept, dropped = [], []
    for twins in panel.record.twins:
        if kinds != {twins.kind}:
            continue
        reasons = (_related(member, a, b, related) for member in twins.models)
        reason = next((one for one in reasons if one is not None), None)
        if reason is None:
            kept.append(twins)
        else:
            dropped.append(Dropped(name=twins.recipe, reason=reason))
    return tuple(kept), tuple(dropped)


def stratum_of(shape: Architecture) -> str:
    """The stratum of a model: type, depth and vocabulary size."""
    return f"{shape.model_type or shape.family}, {shape.layers} layers, vocabulary {shape.vocab}"


def comparable_groups(panel: Panel) -> list[tuple[list[Member], tuple[int, ...]]]:
    """Sets of members that can be compared with one another, largest first, and the token list of each."""
    groups: dict[tuple[bool, str], list[Member]] = {}
    for member in panel.record.members:
        groups.setdefault(kind_of(panel, member), []).append(member)
    found = [_on_one_list(panel, group, set(range(len(ANCHORS)))) for group in groups.values()]
    return sorted((one for one in found if one[0]), key=lambda kind: -len(kind[0]))


def _on_one_list(panel: Panel, members: list[Member], shared: set[int]) -> tuple[list[Member], tuple[int, ...]]:
    """Members that share enough tokens with all others, and these tokens."""
    kept = list(members)
    least = min(LEAST_ANCHORS, len(shared))  # if A and B share too few, members are not excluded for it
    known = {member.name: known_tokens(panel.fingerprints[member.name].record) for member in kept}
    while kept and len(shared.intersection(*(known[member.name] for member in kept))) < least:
        kept.remove(min(kept, key=lambda member: (len(shared & known[member.name]), blind(member))))
    return kept, tuple(sorted(shared.intersection(*(known[member.name] for member in kept))))


def kind_of(panel: Panel, member: Member) -> tuple[bool, str]:
    """Whether a member's MLPs are gated, and the kind of its norms: as declared, else as its fingerprint says."""
    if member.gated is not None and member.norm is not None:
        return member.gated, member.norm
    shape = panel.fingerprints[member.name].record.architecture
    return shape.gated, shape.norm


def _other_kind(kind: tuple[bool, str], a: Fingerprint) -> Phrase | None:
    (gated, norm), reference = kind, a.record.architecture
    if gated != reference.gated:
        return Phrase.of("panel.member.gated" if gated else "panel.member.not_gated")
    if norm != reference.norm:
        return Phrase.of("panel.member.norm", norm=norm, of_a=reference.norm)
    return None


def _kin(panel: Panel, a: Fingerprint, b: Fingerprint, families: Collection[str]) -> dict[tuple[str, str], Phrase]:
    """What relatives of A and B have: families declared, and whatever panel models with their weights are kin by."""
    related = {("family", name): Phrase.of("panel.member.family_declared", family=name) for name in families}
    for member in (*panel.record.members, *(one for twins in panel.record.twins for one in twins.models)):
        for side, model in (("A", a), ("B", b)):
            if member.content_sha256 == model.record.content_sha256:
                related |= {
                    label: Phrase.of(
                        f"panel.member.{label[0]}_of", **{label[0]: label[1]}, name=member.name, model=side
                    )
                    for label in kin(member)
                }
    return related


def _related(
    member: Member, a: Fingerprint, b: Fingerprint, related: Mapping[tuple[str, str], Phrase]
) -> Phrase | None:
    for side, model in (("A", a), ("B", b)):
        if member.content_sha256 == model.record.content_sha256:
            return Phrase.of("panel.member.same_weights", model=side)
    return next((related[label] for label in kin(member) if label in related), None)
