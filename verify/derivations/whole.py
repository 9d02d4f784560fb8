"""Two checkpoints, tensor by tensor: each is read once, and those that no rule joined are looked for elsewhere.

Tensors of one name, whose rows have one shape, stand side by side, and rules are tried in both directions. Of every
tensor a digest of its numbers is kept, and of A's and B's also that of their numbers rounded to the types that the
other file has. A tensor of B for which no rule was found is looked for among these: so layers that were removed,
copied or renamed, and MLPs that became experts, are met to the bit. What is still open is read again: rows of B that
are rows of A in another selection, a difference of low rank, and stacks whose parts are all one tensor of A.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from math import prod

import numpy as np

from ..base import Progress
from ..checkpoint import FAMILIES, Names, Opened, Tensor
from .casts import Array, same
from .check import VALUES
from .low_rank import low_rank
from .of_tensor import of_tensor
from .pair import (
    Reading,
    Seen,
    Sides,
    blocks,
    canonical,
    dtype_of,
    first_numbers,
    is_open,
    lost_at_first,
    numbers,
    side_by_side,
)  # fmt: skip
from .record import FEWEST, Rule, TensorAlone, TensorFrom, stem

Tensors = Mapping[str, Tensor]
_ALIKE = 0.8
"""Cosine of first numbers from which tensors of two layers are compared: as of a grid of two bits, or half pruned."""
_MOST_LAYERS = 512
"""Tensors of one name and shape among which it is looked for."""


@dataclass
class Model:
    """A model's tensors, and what was seen of them."""

    label: str
    tensors: dict[str, Tensor]
    others: dict[str, Tensor]
    """Tensors that are not numbers of a floating type, or are stored in a way that is not known."""
    seen: dict[str, Seen] = field(default_factory=dict)

    @staticmethod
    def of(label: str, model: Opened) -> Model:
        """A model, of which nothing was seen yet."""
        found = dict(sorted(model.content.found.items()))
        readable = {name: tensor for name, tensor in found.items() if dtype_of(tensor) is not None}
        return Model(label, readable, {name: found[name] for name in found if name not in readable})

    @property
    def types(self) -> frozenset[str]:
        """Types of the numbers."""
        return frozenset(dtype_of(one) or "" for one in self.tensors.values())

    @property
    def sha256(self) -> str:
        """Over names, shapes and numbers."""
        lines = (f"{name}\0{one.shape}\0{one.digest}\n" for name, one in sorted(self.seen.items()))
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    @property
    def entries(self) -> int:
        """Numbers that were read."""
        return sum(one.entries for one in self.seen.values())


@dataclass
class Compared:
    """What was found of two models."""

    a: Model
    b: Model
    third: Model | None
    tensors: list[TensorFrom] = field(default_factory=list)
    alone_a: list[TensorAlone] = field(default_factory=list)
    alone_b: list[TensorAlone] = field(default_factory=list)
    not_read: list[str] = field(default_factory=list)
    """Tensors that are no numbers and not byte for byte the same in both, each after the label of its model."""


def compare(a: Opened, b: Opened, third: Opened | None, progress: Progress) -> Compared:
    """Compare two checkpoints.

    Parameters
    ----------
    a, b : the checkpoints.
    third : a checkpoint that B may hold numbers of; None if none is given.
    progress : called after each tensor.
    """
    found = Compared(Model.of("A", a), Model.of("B", b), None if third is None else Model.of("C", third))
    of = _partners(found.a.tensors, found.b.tensors)
    beside = {} if found.third is None else _partners(found.third.tensors, found.b.tensors, whole=True)
    steps, total = count(1), len(found.a.tensors) + len(found.b.tensors) - len(of)
    sides: dict[str, Sides] = {}
    for name, tensor in found.b.tensors.items():
        reading = Reading(tensor, found.a.types)
        if (other := of.get(name)) is None:
            reading.alone()
        else:
            before = Reading(found.a.tensors[other], found.b.types)
            c = None if found.third is None or name not in beside else found.third.tensors[beside[name]]
            sides[name] = side_by_side(before, reading, c)
            found.a.seen[other] = before.seen()
        found.b.seen[name] = reading.seen()
        progress("compare", next(steps), total)
    for name, tensor in found.a.tensors.items():
        if name not in found.a.seen:
            reading = Reading(tensor, found.b.types)
            reading.alone()
            found.a.seen[name] = reading.seen()
            progress("compare", next(steps), total)
    both = {name for name, one in found.a.others.items() if _same_bytes(one, found.b.others.get(name))}
    found.not_read = [f"{model.label}: {name}" for model in (found.a, found.b) for name in model.others
                      if name not in both]  # fmt: skip
    if found.third is not None:
        _read_third(found.third, {*beside.values()})
    _joined(found, of, sides)
    return found


def _partners(under: Tensors, tensors: Tensors, *, whole: bool = False) -> dict[str, str]:
    """The tensor of one model for each of the other of the same name, whose rows have the same shape."""
    names, found = Names(dict(under)), dict[str, str]()
    for name in tensors:
        other = names.find(name)
        if other is not None and other not in found.values() and _alike(under[other], tensors[name], whole):
            found[name] = other
    return found


def _alike(a: Tensor, b: Tensor, whole: bool) -> bool:
    if whole or len(a.shape) > 2:
        return a.shape == b.shape
    return len(a.shape) == len(b.shape) and a.shape[1:] == b.shape[1:]


def _same_bytes(a: Tensor, b: Tensor | None) -> bool:
    if b is None or (a.dtype, a.shape) != (b.dtype, b.shape):
        return False
    first, second = hashlib.sha256(), hashlib.sha256()
    for digest, tensor in ((first, a), (second, b)):
        for piece in tensor.iter_bytes():
            digest.update(piece)
    return first.digest() == second.digest()


def _read_third(third: Model, names: set[str]) -> None:
    for name in sorted(names):
        reading = Reading(third.tensors[name])
        reading.alone()
        third.seen[name] = reading.seen()


def _joined(found: Compared, of: Mapping[str, str], sides: Mapping[str, Sides]) -> None:
    """Give each tensor of B its place: beside that of its name, elsewhere, or alone."""
    places_a, places_b = _places(found.a), _places(found.b)
    used, first = set[str](), dict[str, Array]()
    for name, seen in found.b.seen.items():
        side = sides.get(name)
        line = None if side is None else _line(name, of[name], found, side)
        if line is None or line.rule is None:
            line = _elsewhere(name, seen, found, places_a) or line
        line = None if line is None else _of_tensor(line, found)
        if line is None or is_open(line.rule):
            line = _resembling(name, line, found, first) or line
        if line is None or (line.rule is None and line.back is None):
            line = _again(name, found, line) or line
        if line is None:
            found.alone_b.append(_alone(name, seen))
        else:
            found.tensors.append(_completed(line, found, places_b))
            used.add(line.of)
    for name, seen in found.a.seen.items():
        if name not in used:
            held = _held(seen, places_b)
            held_in = held[0] if held else _copied(found.a.tensors[name], found.b)
            found.alone_a.append(_alone(name, seen, held_in))


def _alone(name: str, seen: Seen, held_in: str | None = None) -> TensorAlone:
    table = seen.few or any(pattern.search(name) for pattern in _constants())
    return TensorAlone(name=name, entries=seen.entries, held_in=held_in, constant=seen.constant, table=table)


@cache
def _constants() -> tuple[re.Pattern[str], ...]:
    """Names by which the layouts of all families store what is not learned."""
    return tuple(re.compile(one) for one in sorted({one for family in FAMILIES for one in family.constants}))


def _completed(line: TensorFrom, found: Compared, places: Places) -> TensorFrom:
    """With the numbers of further rows, and the other tensor of B that holds A's numbers if this one does not."""
    if line.rule is None and line.back is None:
        return line
    a, b = found.a.tensors[line.of], found.b.tensors[line.name]
    if line.rows:
        fewer, more = (b, a) if line.rows < 0 else (a, b)
        chosen = "rows_chosen" in {one.name for one in (line.rule, line.back) if one is not None}
        line = line.model_copy(update={"new": _new(more, fewer, 0 if chosen else fewer.shape[0])})
    held = None if line.computes_a else _held(found.a.seen[line.of], places)
    return line if held is None else line.model_copy(update={"held_in": held[0], "lost_a": 0})


Places = dict[tuple[tuple[int, ...], str], list[tuple[str, Rule]]]
"""Tensors by their shape and a digest of their numbers, or of these rounded, with the rule."""


def _places(model: Model) -> Places:
    found: Places = {}
    for name, seen in model.seen.items():
        if not seen.constant:
            found.setdefault((seen.shape, seen.digest), []).append((name, Rule(name="equal")))
    for name, seen in model.seen.items():
        for dtype, digest in () if seen.constant else seen.rounded.items():
            found.setdefault((seen.shape, digest), []).append((name, Rule(name="rounded", setting=dtype)))
    return found


def _held(seen: Seen, places: Places) -> tuple[str, Rule] | None:
    """A tensor whose numbers, or their rounding, these are."""
    return None if seen.constant else next(iter(places.get((seen.shape, seen.digest), ())), None)


def _line(name: str, of: str, found: Compared, side: Sides) -> TensorFrom:
    a, b = found.a.seen[of], found.b.seen[name]
    return TensorFrom(
        name=name,
        of=of,
        entries=b.entries,
        entries_a=a.entries,
        compared=side.compared,
        equal=side.equal,
        rows=b.shape[0] - a.shape[0],
        rule=side.rule,
        back=side.back,
        lost_a=side.lost_a,
        lost_b=side.lost_b,
        amount=side.amount,
    )


def _elsewhere(name: str, seen: Seen, found: Compared, a: Places) -> TensorFrom | None:
    """Beside a tensor of another name in A that holds its numbers, or one of the two holds the other's rounded."""
    if seen.constant:
        return None
    there = [of for of, _ in a.get((seen.shape, seen.digest), ())]
    if not there:
        rounded = {*seen.rounded.values()}
        there = [of for of, one in found.a.seen.items() if one.digest in rounded and one.shape == seen.shape]
    if not there:
        return None
    of = next((one for one in there if stem(one) == stem(name)), there[0])
    side = side_by_side(Reading(found.a.tensors[of]), Reading(found.b.tensors[name]))
    return _line(name, of, found, side)


def _of_tensor(line: TensorFrom, found: Compared) -> TensorFrom:
    """With the grids that need the whole tensor, in the directions in which no rule was found."""
    a, b = found.a.tensors[line.of], found.b.tensors[line.name]
    if line.rows:
        return line
    rule = (of_tensor(a, b) if is_open(line.rule) else None) or line.rule
    back = (of_tensor(b, a) if is_open(line.back) else None) or line.back
    if (rule, back) == (line.rule, line.back):
        return line
    lost_a = lost_at_first(a, b) if is_open(back) else 0
    lost_b = lost_at_first(b, a) if is_open(rule) else 0
    return line.model_copy(update={"rule": rule, "back": back, "lost_a": lost_a, "lost_b": lost_b})


def _resembling(name: str, line: TensorFrom | None, found: Compared, first: dict[str, Array]) -> TensorFrom | None:
    """Beside the tensor of another layer whose first numbers are most like these, if a rule holds there.

    Digests find what is equal or rounded elsewhere; this finds what was changed otherwise too, as where layers were
    removed and the rest quantised.

    Parameters
    ----------
    name : tensor of B.
    line : what was found beside the tensor of its name.
    found : the models.
    first : the first numbers of A's tensors, which are kept here.
    """
    b, kept = found.b.tensors[name], _end(name)
    there = [of for of, one in found.a.tensors.items() if one.shape == b.shape and _end(of) == kept]
    if len(b.shape) != 2 or not 1 < len(there) <= _MOST_LAYERS or found.b.seen[name].constant:
        return None
    y = _unit(b)
    with np.errstate(all="ignore"):
        alike = {of: float(first.setdefault(of, _unit(found.a.tensors[of])) @ y) for of in there}
    of = max(alike, key=lambda one: (alike[one], one))
    if alike[of] < _ALIKE or (line is not None and line.of == of):
        return None
    side = side_by_side(Reading(found.a.tensors[of]), Reading(b))
    moved = _of_tensor(_line(name, of, found, side), found)
    return None if is_open(moved.rule) and is_open(moved.back) else moved


def _end(name: str) -> tuple[str, ...]:
    return tuple(stem(name).split(".")[-3:])


def _unit(tensor: Tensor) -> Array:
    x = first_numbers(tensor).astype(np.float64)
    x = np.where(np.isfinite(x), x, 0)
    return np.asarray((x / (np.sqrt(x @ x) or 1)).astype(np.float32))


def _again(name: str, found: Compared, line: TensorFrom | None) -> TensorFrom | None:
    """By the rules that need a second reading."""
    b = found.b.tensors[name]
    if line is None:
        return _stack(name, b, found)
    a = found.a.tensors[line.of]
    if line.rows == 0:
        rule = low_rank(a, b)
        return None if rule is None else line.model_copy(update={"rule": rule, "back": rule})
    if len(a.shape) != 2:
        return None
    fewer, more = (b, a) if line.rows < 0 else (a, b)
    if not _chosen(fewer, more):
        return None
    rule = Rule(name="rows_chosen", count=fewer.shape[0])
    side = {"rule": rule, "compared": line.entries} if line.rows < 0 else {"back": rule}
    return line.model_copy(update=side)


def _chosen(fewer: Tensor, more: Tensor) -> bool:
    """Whether the rows of a matrix are rows of another, at least ``VALUES`` different ones that are long enough."""
    if fewer.shape[1] < FEWEST:
        return False
    wide = "F64" in (dtype_of(fewer), dtype_of(more))
    rows = _rows(fewer, wide)
    return len(rows) >= VALUES and rows <= _rows(more, wide)


def _new(more: Tensor, fewer: Tensor, start: int) -> int:
    """Numbers of rows from one on that are neither of one value nor rows of the other; short ones count as one."""
    wide, columns = "F64" in (dtype_of(fewer), dtype_of(more)), prod(more.shape[1:])
    if columns < FEWEST:
        rows = numbers(more, slice(start, more.shape[0]), wide)
        return 0 if same(rows, rows.flat[0]).all() else int(rows.size)
    held = _rows(fewer, wide)
    return sum(
        columns
        for at in blocks(more.shape, start, more.shape[0])
        for row in numbers(more, at, wide)
        if not same(row, row[0]).all() and _digest(row, wide) not in held
    )


def _rows(matrix: Tensor, wide: bool) -> set[bytes]:
    return {
        _digest(row, wide) for at in blocks(matrix.shape, 0, matrix.shape[0]) for row in numbers(matrix, at, wide)
    }


def _digest(row: Array, wide: bool) -> bytes:
    return hashlib.sha256(canonical(row, wide)).digest()[:16]


def _stack(name: str, b: Tensor, found: Compared) -> TensorFrom | None:
    """A stack of matrices, each of which is one matrix of A."""
    of = _copied(b, found.a)
    if of is None:
        return None
    entries = found.b.seen[name].entries
    rule, back = Rule(name="repeated", count=b.shape[0]), Rule(name="equal")
    return TensorFrom(
        name=name, of=of, entries=entries, entries_a=prod(b.shape[1:]), compared=entries, equal=entries,
        rule=rule, back=back,
    )  # fmt: skip


def _copied(stack: Tensor, model: Model) -> str | None:
    """The matrix of a model of which all matrices of a stack are copies."""
    if len(stack.shape) != 3:
        return None
    wide = dtype_of(stack) == "F64"
    each = (
        hashlib.sha256(canonical(numbers(stack, slice(at, at + 1), wide), wide)).hexdigest()
        for at in range(stack.shape[0])
    )
    first = next(each)
    here = ((name, one) for name, one in model.seen.items() if not one.constant)
    of = next((name for name, one in here if (one.shape, one.digest) == (stack.shape[1:], first)), None)
    return of if of is not None and all(one == first for one in each) else None
