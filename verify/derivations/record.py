"""DerivationReport: which numbers of one checkpoint recorded rules compute from another, and what that excludes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal

from pydantic import Field, model_validator

from ..base import Record, later
from ..base.card import Card, Tone
from ..base.display import Tabular
from ..claim.answer import Answer
from ..claim.pages import Sealed
from ..wording import LATEST, said

SCHEMA: Final = 1
Outcome = Literal["equal", "b_from_a", "a_from_b", "either", "unresolved", "no_rule"]
"""Which file can be computed from the other by recorded rules: both hold the same numbers; B from A and not A from B;
the reverse; each from the other; not settled, though rules hold for some tensors; no rule holds for any."""
Name = Literal[
    "constant", "equal", "rounded", "truncated", "scaled", "quantised", "repeated", "rows_chosen", "pruned",
    "low_rank", "of_third", "merged", "on_own_grid",
]  # fmt: skip
COMPUTES: Final = frozenset(
    ("constant", "equal", "rounded", "truncated", "scaled", "quantised", "repeated", "rows_chosen")
)
"""Rules that give all numbers of a tensor from those of the other file, with no more than a few settings."""
FEWEST: Final = 32
"""Numbers of a tensor, or columns of rows that are chosen, below which they may agree by luck."""
FEWEST_IN_PLACE: Final = 1024
"""Numbers of a tensor below which they may seem to be at their places by luck, so that no amount is recorded."""
IN_PLACE: Final = 0.9
"""The distance from A's numbers at the same places, as a share of that from those elsewhere, at most which they are
said to be at their places; for numbers that have a cosine c, and none elsewhere, about sqrt(1 - c)."""
_LAYER = re.compile(r"(?<=\.)\d+(?=\.)")


class DerivationModel(Record):
    """A model of the comparison, as it was read."""

    name: str
    """Folder or file name, never a path."""
    origin: str | None = None
    """Address it was read from; None for local files."""
    revision: str | None = None
    """Commit of the files, if their place keeps a history."""
    merged_onto: str | None = None
    """Base that an adapter was merged onto; None for a whole model."""
    declared_bases: tuple[str, ...] = ()
    """Names of the base models that it declares; no evidence."""
    numbers_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    """Over names, shapes and numbers of all tensors that are read; of a third model, of those that were needed."""
    entries: int = Field(ge=0)
    """Numbers that were read."""


class Rule(Record):
    """A rule that gives the numbers of one tensor from those of another, to the bit."""

    name: Name
    setting: str = ""
    """Type that is rounded to, grid, pattern of zeros such as ``2:4``, what decides which numbers are zero, or the
    run of numbers whose own values are the grid."""
    value: float | None = None
    """Factor, or weight of the first model in a merge; of B's own grid, the share of its numbers that would be the
    nearest to those of A's next run or row, whichever is more."""
    count: int | None = Field(default=None, ge=0)
    """Zeros that the rule makes, rank, copies, rows chosen, or numbers that are nearest without any slack."""

    by_size: bool = False
    """Of zeros: whether they stand for the smallest magnitudes, so that the numbers before decide where they are."""
    before: Rule | None = later()
    """Rule that was applied first, to whose numbers this one is applied; None if to those of the other file."""

    @model_validator(mode="after")
    def _two_at_most(self) -> Rule:
        if self.before is not None and self.before.before is not None:
            raise ValueError("has more than two rules one after the other")
        return self

    @property
    def each(self) -> tuple[Rule, ...]:
        """The rules in the order in which they are applied."""
        return (self,) if self.before is None else (self.before, self)

    @property
    def computes(self) -> bool:
        """Whether the rules need nothing but the other file and their settings."""
        return all(one.name in COMPUTES or (one.name == "pruned" and one.by_size) for one in self.each)

    @property
    def of_third(self) -> bool:
        """Whether it needs a third model."""
        return any(one.name in ("of_third", "merged") for one in self.each)


class Amount(Record):
    """How much the numbers of B differ from those of A that stand beside them."""

    distance: float = Field(ge=0)
    """Length of the difference, as a share of the length of A's numbers."""
    elsewhere: float = Field(ge=0)
    """The same with each number of B beside that of A one row, one column or both further, whichever is nearest: what
    it is for numbers that are not at their places."""
    cosine: float = Field(ge=-1, le=1)
    """Of A's numbers and B's, each as one vector."""

    @property
    def in_place(self) -> bool:
        """Whether the numbers are at their places, so that the distance says how much was changed."""
        return self.distance <= IN_PLACE * self.elsewhere


class TensorFrom(Record):
    """One tensor of B, beside the tensor of A that it is compared with."""

    name: str
    """In B."""
    of: str
    """In A: of the same name; or one that holds its numbers, if that has not."""
    entries: int = Field(ge=0)
    """Numbers of B's."""
    entries_a: int = Field(ge=0)
    """Numbers of A's."""
    compared: int = Field(ge=0)
    """Numbers of B's that stand beside one of A's: those of the rows that both have."""
    equal: int = Field(ge=0)
    """Of these, how many are equal to A's."""
    rows: int = 0
    """Rows that B's has beyond A's; fewer if negative."""
    new: int = Field(default=0, ge=0)
    """Where a rule holds: numbers of the rows that one has beyond the other's, but for rows of one value and those
    that the other has too."""
    rule: Rule | None = None
    """That gives B's from A's."""
    back: Rule | None = None
    """That gives A's from B's."""
    held_in: str | None = None
    """Another tensor of B that holds A's numbers, where no rule gives them from this one."""
    lost_a: int = Field(default=0, ge=0)
    """Where a rule holds, and none gives A's from B's: in a sample, numbers of A that differ from another of A beside
    an equal number of B, so that no rule which gives equal numbers equal values restores them."""
    lost_b: int = Field(default=0, ge=0)
    """The same of B's numbers, where a rule gives A's from B's and none B's from A's."""
    amount: Amount | None = later()
    """How much B's numbers differ from A's beside them. None if all are equal or fewer than 1,024, one is not finite,
    or all of A's or of B's are zero."""

    @model_validator(mode="after")
    def _counts_fit(self) -> TensorFrom:
        if not self.equal <= self.compared <= self.entries:
            raise ValueError(f"counts more numbers of {self.name!r:.80} than it has")
        return self

    @property
    def constant(self) -> bool:
        """Whether one value is all that it holds, which tells nothing."""
        return self.rule is not None and self.rule.name == "constant"

    @property
    def computed(self) -> bool:
        """Whether all of B's tensor is computed from A."""
        return self.rule is not None and self.rule.computes and (self.rows <= 0 or not self.new)

    @property
    def computes_a(self) -> bool:
        """Whether all of A's tensor is computed from B."""
        back = self.back is not None and self.back.computes and (self.rows >= 0 or not self.new)
        return back or self.held_in is not None

    @property
    def moved(self) -> bool:
        """Whether it is compared with a tensor of another layer or place."""
        return numbers_of(self.name) != numbers_of(self.of) or stem(self.name) != stem(self.of)


class TensorAlone(Record):
    """A tensor of one model with none in the other that it could be compared with."""

    name: str
    entries: int = Field(ge=0)
    held_in: str | None = None
    """A tensor of the other model that holds its numbers; None if there is none."""
    constant: bool = False
    table: bool = False
    """Whether it may be a table that a formula fills, which shows nothing if the other model does not store it: it
    has fewer than 8 different values, or a name by which some layout stores one."""

    @property
    def missing(self) -> bool:
        """Whether the other model lacks numbers that no formula is known to give."""
        return self.held_in is None and not self.constant and not self.table


class What(Record):
    """What was done, over all tensors of B of which it is true."""

    rule: Rule | None
    """None where no rule holds; of several values or counts, that of the first."""
    elsewhere: bool
    """Whether the tensors are compared with those of other layers or places."""
    rows: Literal["same", "added", "removed"]
    tensors: int = Field(ge=1)
    entries: int = Field(ge=0)
    """Numbers of them in B."""
    equal: int = Field(ge=0)
    """Of these, numbers that are equal to A's."""
    low: float | None = None
    """Smallest value or count among them."""
    high: float | None = None
    example: str
    """The first of them, in B."""


class Changed(Record):
    """How much tensors of one name, but for the numbers in it, were changed, whether a rule holds or not."""

    stem: str
    """The name, with # for its numbers."""
    tensors: int = Field(ge=1)
    """Those of B that stand beside one of A."""
    equal: int = Field(ge=0)
    """Of these, tensors that are equal throughout."""
    in_place: int = Field(ge=0)
    """Others whose numbers are at their places; distances are of these."""
    numbers: int = Field(ge=0)
    """Numbers of theirs that stand side by side."""
    distance: float | None = None
    """At the median number: half of the numbers are of tensors changed by this or less. None without any."""
    low: float | None = None
    high: float | None = None
    """Of one tensor, the smallest and the largest."""
    cosine: float | None = None
    """At the median number."""
    elsewhere: float | None = None
    """The same at the nearest places further on."""


class DerivationReport(Tabular, Sealed):
    """The result of :func:`verify.derivation`."""

    kind: Literal["derivation"] = "derivation"
    schema_version: Literal[1] = 1
    wording: int = Field(default=LATEST, ge=1)
    """Version of the catalogue of sentences at the time the report was made."""
    a: DerivationModel
    b: DerivationModel
    third: DerivationModel | None = None
    """A model that B may hold numbers of, or be merged with."""
    tensors: tuple[TensorFrom, ...]
    """Of B, in the order of their names."""
    alone_a: tuple[TensorAlone, ...] = ()
    """Tensors of A that stand beside none of B."""
    alone_b: tuple[TensorAlone, ...] = ()
    not_read: tuple[str, ...] = ()
    """Tensors that are not stored as numbers of a floating type, and not the same byte for byte in both, each after
    the label of its model, such as ``A: x``; nothing is said to follow where one is."""
    software: dict[str, str]
    """Versions of the software that computed the report."""
    created: str
    """Time at which the report was made, ISO 8601, UTC."""
    digest: str = ""
    """``sha256:`` over the canonical JSON of everything else."""

    @model_validator(mode="after")
    def _each_tensor_once(self) -> DerivationReport:
        names = [*(one.name for one in self.tensors), *(one.name for one in self.alone_b)]
        if len({*names}) != len(names):
            raise ValueError("holds a tensor of B twice")
        if self.third is None and any(one.rule is not None and one.rule.of_third for one in self.tensors):
            raise ValueError("has numbers of a third model, and none is given")
        return self

    @property
    def b_from_a(self) -> bool:
        """Whether every tensor of B is computed from A, and one of them tells something."""
        return (
            all(one.computed for one in self.tensors)
            and not any(name.startswith("B: ") for name in self.not_read)
            and all(one.held_in is not None or one.constant for one in self.alone_b)
            and any(one.computed and not one.constant and one.entries >= FEWEST for one in self.tensors)
        )

    @property
    def a_from_b(self) -> bool:
        """Whether every tensor of A is computed from B, and one of them tells something."""
        told = [one for one in self.tensors if one.computes_a]
        names = {one.of for one in told}
        return (
            {one.of for one in self.tensors} <= names
            and not any(name.startswith("A: ") for name in self.not_read)
            and all(one.held_in is not None or one.constant for one in self.alone_a)
            and any(one.entries_a >= FEWEST and (one.back is None or one.back.name != "constant") for one in told)
        )

    @property
    def lost_a(self) -> int:
        """Numbers of A, in samples, that no rule which gives equal numbers equal values computes from B."""
        computed = {one.of for one in self.tensors if one.computes_a}
        return sum(one.lost_a for one in self.tensors if one.rule is not None and one.of not in computed)

    @property
    def lost_b(self) -> int:
        """The same of B's numbers from A's."""
        return sum(one.lost_b for one in self.tensors if one.back is not None and not one.computed)

    @property
    def missing_b(self) -> int:
        """Numbers of A that stand beside none of B, and that no tensor of B holds."""
        computed = {one.of for one in self.tensors if one.computes_a}
        beyond = {one.of: one.new for one in self.tensors if one.of not in computed and one.rows < 0}
        alone = sum(one.entries for one in self.alone_a if one.missing)
        return alone + sum(beyond.values())

    @property
    def missing_a(self) -> int:
        """Numbers of B that stand beside none of A, and that no tensor of A holds."""
        alone = sum(one.entries for one in self.alone_b if one.missing)
        return alone + sum(one.new for one in self.tensors if not one.computed and one.rows > 0)

    @property
    def outcome(self) -> Outcome:
        """Which file can be computed from the other."""
        forth, back = self.b_from_a, self.a_from_b
        if forth and back:
            same = all(one.rule is not None and one.rule.name in ("equal", "constant") and not one.moved
                       and one.equal == one.entries and not one.rows for one in self.tensors)  # fmt: skip
            return "equal" if same and not self.alone_a and not self.alone_b else "either"
        if forth and self.lost_a + self.missing_b:
            return "b_from_a"
        if back and self.lost_b + self.missing_a:
            return "a_from_b"
        told = any(
            (one.rule is not None and not one.constant)
            or (one.back is not None and one.back.name not in ("constant", "equal"))
            for one in self.tensors
        )
        return "unresolved" if told else "no_rule"

    @property
    def with_third(self) -> bool:
        """Whether every tensor of B is computed from A and the third model, and some from the latter."""
        third = [one.rule is not None and one.rule.of_third for one in self.tensors]
        return (
            any(third)
            and all(of or one.computed for of, one in zip(third, self.tensors, strict=True))
            and not any(name.startswith("B: ") for name in self.not_read)
            and all(one.held_in is not None or one.constant for one in self.alone_b)
        )

    @property
    def layers(self) -> dict[int, int]:
        """Layer of A that each layer of B has its numbers from, where all of its tensors agree on one."""
        found: dict[int, set[int]] = {}
        for one in self.tensors:
            mine, other = numbers_of(one.name)[:1], numbers_of(one.of)[:1]
            if mine and other and one.rule is not None and not one.constant and stem(one.name) == stem(one.of):
                found.setdefault(mine[0], set()).add(other[0])
        return {layer: of.pop() for layer, of in sorted(found.items()) if len(of) == 1}

    @property
    def done(self) -> tuple[What, ...]:
        """What was done, that of the most numbers first; constant tensors are left out."""
        groups: dict[tuple[Any, ...], list[TensorFrom]] = {}
        for one in self.tensors:
            if not one.constant:
                rule = one.rule
                rows = (one.rows > 0) - (one.rows < 0)
                steps = () if rule is None else tuple((each.name, each.setting, each.by_size) for each in rule.each)
                key = (steps, one.moved, rows)
                groups.setdefault(key, []).append(one)
        found = [_what(members) for members in groups.values()]
        return tuple(sorted(found, key=lambda what: (-what.entries, what.example)))

    @property
    def changes(self) -> tuple[Changed, ...]:
        """How much was changed by kind of tensor, in the order of their names; constant tensors are left out."""
        groups: dict[str, list[TensorFrom]] = {}
        for one in self.tensors:
            if not one.constant:
                groups.setdefault(stem(one.name), []).append(one)
        return tuple(changed(name, members) for name, members in sorted(groups.items()))

    @property
    def answer(self) -> Answer:
        """The first lines of the report, in words."""
        from .said import answer

        return answer(self)

    @property
    def names(self) -> tuple[str, str]:
        """Names of A and B."""
        return self.a.name, self.b.name

    @property
    def labelled(self) -> tuple[tuple[str, str], ...]:
        """A, B and, if there is a third model, that as C."""
        third = () if self.third is None else (("C", self.third.name),)
        return (("A", self.a.name), ("B", self.b.name), *third)

    @property
    def checked(self) -> str:
        """What a replay of the record alone checks."""
        return "that its outcome follows from its tensors"

    @property
    def limitations(self) -> tuple[str, ...]:
        """What the report does not show."""
        from .said import limitations

        return tuple(said(limitations(self), version=self.wording))

    @staticmethod
    def from_json(source: str | os.PathLike[str]) -> DerivationReport:
        """Read a report from a path or from JSON text.

        Raises
        ------
        ReportError
            If there is no such file, it is no report of this kind, or its digest does not fit its content.
        """
        from .reading import KIND

        return KIND.intact(source)

    def __repr__(self) -> str:
        return f"DerivationReport({self.a.name!r:.100}, {self.b.name!r:.100}: {self.outcome}, {self.digest[:23]})"

    def _card(self) -> Card:
        found = self.answer
        tones: dict[Outcome, Tone] = {"equal": "violet", "b_from_a": "red", "a_from_b": "red", "either": "red"}
        report = "A {!r:.100}, B {!r:.100}, {}".format(*self.names, self.digest)
        facts = (*found.lines, ("Report", report))
        return Card(f"{found.word}: {found.sentence}", facts, tuple(self.to_dicts()), tones.get(self.outcome, "grey"))

    def to_dicts(self) -> list[dict[str, Any]]:
        """One row for each thing that was done: in words, with tensors, numbers and their share of B's."""
        from .said import words

        return [
            {
                "what": words(one, self.wording),
                "tensors": one.tensors,
                "numbers": one.entries,
                "share": round(one.entries / max(1, self.b.entries), 6),
                "equal": one.equal,
                "example": one.example,
            }
            for one in self.done
        ]

    def to_tensor_dicts(self) -> list[dict[str, Any]]:
        """One row for each tensor of B that stands beside one of A."""
        return [
            one.model_dump() | {"rule": None if one.rule is None else one.rule.name,
                                "setting": None if one.rule is None else one.rule.setting,
                                "back": None if one.back is None else one.back.name}
            | {name: None if one.amount is None else getattr(one.amount, name) for name in Amount.model_fields}
            for one in self.tensors
        ]  # fmt: skip


def stem(name: str) -> str:
    """A tensor's name without the numbers in it.

    Examples
    --------
    >>> stem("model.layers.3.mlp.up_proj.weight")
    'model.layers.#.mlp.up_proj.weight'
    """
    return _LAYER.sub("#", name)


def numbers_of(name: str) -> tuple[int, ...]:
    """The numbers in a tensor's name, of which the first is usually the layer's."""
    return tuple(int(one) for one in _LAYER.findall(name))


def changed(name: str, tensors: Iterable[TensorFrom]) -> Changed:
    """How much some tensors were changed, all together.

    Parameters
    ----------
    name : what they are.
    tensors : at least one.
    """
    tensors = [*tensors]
    kept = [(one.amount, one.compared) for one in tensors if one.amount is not None and one.amount.in_place]
    distances = [(amount.distance, weight) for amount, weight in kept]
    return Changed(
        stem=name,
        tensors=len(tensors),
        equal=sum(one.equal == one.compared and not one.rows for one in tensors),
        in_place=len(kept),
        numbers=sum(weight for _, weight in kept),
        distance=_median(distances),
        low=min((value for value, _ in distances), default=None),
        high=max((value for value, _ in distances), default=None),
        cosine=_median([(amount.cosine, weight) for amount, weight in kept]),
        elsewhere=_median([(amount.elsewhere, weight) for amount, weight in kept]),
    )


def _median(weighted: Sequence[tuple[float, int]]) -> float | None:
    """The smallest value at or below which lies half of the weight; None without any."""
    half, below = sum(weight for _, weight in weighted) / 2, 0
    for value, weight in sorted(weighted):
        below += weight
        if below >= half:
            return value
    return None


def _what(members: Iterable[TensorFrom]) -> What:
    members = [*members]
    first = members[0]
    rules = [rule for one in members if one.rule is not None for rule in one.rule.each]
    values = [value for rule in rules if (value := rule.count if rule.value is None else rule.value) is not None]
    return What(
        rule=first.rule,
        elsewhere=first.moved,
        rows="added" if first.rows > 0 else "removed" if first.rows < 0 else "same",
        tensors=len(members),
        entries=sum(one.entries for one in members),
        equal=sum(one.equal for one in members),
        low=float(min(values)) if values else None,
        high=float(max(values)) if values else None,
        example=first.name,
    )
