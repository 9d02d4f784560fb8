"""Frozen dataclasses of this library are those of the standard library in all but how they are made."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, asdict, astuple, field, fields, replace
from functools import cached_property
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.base.classes import dataclass

Decorator = Callable[..., Any]


def made(decorator: Decorator) -> tuple[type, type]:
    """A class with fields of every kind, and one that inherits from it."""

    @decorator(frozen=True)
    class Base:
        """A base."""

        a: int
        b: str = "x"
        hidden: list[int] = field(default_factory=list, repr=False)
        aside: int = field(default=3, compare=False)
        named: int = field(default=1, kw_only=True)
        later: int = field(default=7, init=False)

        @cached_property
        def twice(self) -> int:
            return 2 * self.a

    @decorator(frozen=True)
    class Child(Base):
        """A child with a method of its own for what is otherwise made."""

        more: tuple[int, ...] = ()

        def __post_init__(self) -> None:
            if self.a < 0:
                raise ValueError("a is negative")

        def __repr__(self) -> str:
            return f"child of {self.a}"

    for one in (Base, Child):
        one.__qualname__ = one.__name__
    return Base, Child


OURS, THEIRS = made(dataclass), made(dataclasses.dataclass)


@dataclass(frozen=True)
class Kept:
    """One at the top of a module, as pickle needs it."""

    a: int
    b: tuple[int, ...] = ()


VALUES = {"a": st.integers(-1, 2), "b": st.sampled_from("xy"), "hidden": st.lists(st.integers(0, 1), max_size=1)}
VALUES |= {"aside": st.integers(2, 4), "named": st.integers(0, 2), "more": st.just((1,)), "strange": st.none()}
CALLS = st.tuples(st.lists(st.integers(0, 2), max_size=7), st.fixed_dictionaries({}, optional=VALUES))


def outcome(cls: type, call: tuple[list[int], dict[str, Any]]) -> Any:
    """What a call gives: fields, texts and a hash, or the kind of error."""
    try:
        one = cls(*call[0], **call[1])
    except (TypeError, ValueError) as error:
        return type(error)
    try:
        of = hash(one)
    except TypeError:
        of = None
    changed = replace(one, a=1)
    return asdict(one), astuple(one), repr(one), of, asdict(changed), one == changed, vars(copy.copy(one)), one.twice


@given(CALLS, st.integers(0, 1))
def test_every_call_gives_what_the_standard_library_gives(call: tuple[list[int], dict[str, Any]], which: int) -> None:
    assert outcome(OURS[which], call) == outcome(THEIRS[which], call)


@given(CALLS, CALLS)
def test_they_are_equal_where_those_of_the_standard_library_are(call: Any, other: Any) -> None:
    def equal(pair: tuple[type, type]) -> Any:
        try:
            found = [cls(*given, **named) for cls in pair for given, named in (call, other)]
        except (TypeError, ValueError):
            return None
        return [[one == another for another in found] for one in found]

    assert equal(OURS) == equal(THEIRS)


@pytest.mark.parametrize("which", [0, 1])
def test_they_look_alike_from_outside(which: int) -> None:
    """To `inspect`, `match` and `dataclasses`; a class of the standard library may inherit from one."""
    ours, theirs = OURS[which], THEIRS[which]
    assert str(inspect.signature(ours)) == str(inspect.signature(theirs))
    assert ours.__match_args__ == theirs.__match_args__  # type: ignore[attr-defined]
    assert [one.name for one in fields(ours)] == [one.name for one in fields(theirs)]
    assert dataclasses.is_dataclass(ours)

    @dataclasses.dataclass(frozen=True)
    class Inherits(ours):  # type: ignore[misc, valid-type]
        new: int = 0

    assert Inherits(1, new=2) == Inherits(1, new=2) != Inherits(1, new=3)


def test_they_cannot_be_changed() -> None:
    one = OURS[0](1)
    for change in (lambda: setattr(one, "a", 2), lambda: setattr(one, "new", 2), lambda: delattr(one, "a")):
        with pytest.raises(FrozenInstanceError):
            change()
    assert one.twice == 2
    for base in (OURS[0], THEIRS[0]):
        free = type("Free", (base,), {})(1)
        free.new = 2
        with pytest.raises(FrozenInstanceError, match="cannot assign to field 'a'"):
            free.a = 2
    assert pickle.loads(pickle.dumps(Kept(1, (2,)))) == Kept(1, (2,))


def test_what_is_not_frozen_is_made_by_the_standard_library() -> None:
    @dataclass
    class Open:
        a: int = 0

    Open().a = 3
    with pytest.raises(TypeError, match="cannot inherit frozen dataclass from a non-frozen one"):

        @dataclass(frozen=True)
        class Closed(Open):
            b: int = 0

    @dataclass(frozen=True, slots=True, order=True)
    class Slotted:
        a: int = 0

    assert Slotted(1) < Slotted(2)
    assert not hasattr(Slotted(1), "__dict__")


def test_equality_may_be_left_out_or_ones_own() -> None:
    @dataclass(frozen=True, eq=False)
    class Same:
        a: int = 0

    @dataclass(frozen=True)
    class Own:
        a: int = 0

        def __eq__(self, other: object) -> bool:
            return True

    assert Same() != Same()
    assert len({Same(), Same()}) == 2
    assert Own(1) == Own(2)
    assert hash(Own(1)) != hash(Own(2)), "made, as the standard library makes one"
