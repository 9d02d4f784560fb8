"""Frozen dataclasses that share their methods.

The decorator of the standard library writes and compiles six functions for each class. A process that compares two
small models makes many classes and few objects, and a third of the time to import them would be that. Here the
standard library finds the fields, and the methods are functions that read them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    import dataclasses
    from dataclasses import MISSING, FrozenInstanceError, fields, is_dataclass

    def dataclass(cls=None, /, *, frozen=False, eq=True, kw_only=False, **others):
        """As of the standard library, which makes those that are not frozen, or have slots or an order."""
        if not frozen or others:
            return dataclasses.dataclass(cls, frozen=frozen, eq=eq, kw_only=kw_only, **others)
        if cls is None:
            return lambda cls: dataclass(cls, frozen=frozen, eq=eq, kw_only=kw_only)
        own, inherits = {*vars(cls)}, any(map(is_dataclass, cls.__bases__))
        made = dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=kw_only, frozen=inherits)(cls)
        made.__dataclass_params__.frozen = True
        methods = {"__init__": _init, "__repr__": _repr, "__setattr__": _set, "__delattr__": _delete}
        methods |= {"__eq__": _equal} if eq else {}
        for name in methods.keys() - own:
            setattr(made, name, methods[name])
        if eq and vars(made).get("__hash__") is None:  # Python puts None beside an __eq__
            made.__hash__ = _hash
        made.__signature__ = _Signature()
        made._plan = _Plan(made)
        return made

    class _Plan:
        """What a class is made from."""

        def __init__(self, cls):
            wanted = [field for field in fields(cls) if field.init]
            self.names = {field.name for field in wanted}
            self.ordered = tuple(field.name for field in wanted if not field.kw_only)
            self.defaults = {field.name: field.default for field in wanted if field.default is not MISSING}
            self.factories = {f.name: f.default_factory for f in wanted if f.default_factory is not MISSING}

    def _init(self, /, *given, **named):
        plan = self._plan
        values = dict(zip(plan.ordered, given, strict=False))
        if len(given) > len(plan.ordered) or not named.keys().isdisjoint(values):
            raise TypeError(f"{type(self).__name__}{type(self).__signature__} is given too many values")
        values |= named
        if len(values) < len(plan.names):
            values = plan.defaults | values
            for name in plan.factories.keys() - values.keys():
                values[name] = plan.factories[name]()
        if values.keys() != plan.names:
            amiss = ", ".join(sorted(values.keys() ^ plan.names))
            raise TypeError(f"{type(self).__name__}{type(self).__signature__} is given too much or little: {amiss}")
        self.__dict__.update(values)
        if hasattr(self, "__post_init__"):
            self.__post_init__()

    def _repr(self):
        shown = ", ".join(f"{field.name}={getattr(self, field.name)!r}" for field in fields(self) if field.repr)
        return f"{type(self).__qualname__}({shown})"

    def _compared(self):
        return tuple(getattr(self, field.name) for field in fields(self) if field.compare)

    def _equal(self, other):
        return _compared(self) == _compared(other) if other.__class__ is self.__class__ else NotImplemented

    def _hash(self):
        return hash(_compared(self))

    def _set(self, name, value):
        _check(self, name, "assign to")
        object.__setattr__(self, name, value)

    def _delete(self, name):
        _check(self, name, "delete")
        object.__delattr__(self, name)

    def _check(self, name, what):
        if "_plan" in vars(type(self)) or name in self.__dataclass_fields__:  # others are of a class that adds them
            raise FrozenInstanceError(f"cannot {what} field {name!r}")

    class _Signature:
        """The signature of a class, made when it is asked for."""

        def __get__(self, _, cls):
            from inspect import Parameter, Signature

            places = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
            wanted = sorted((field for field in fields(cls) if field.init), key=lambda field: field.kw_only)
            return Signature(
                [
                    Parameter(f.name, places[f.kw_only], default=_default(f, Parameter.empty), annotation=f.type)
                    for f in wanted
                ],
                return_annotation=None,
            )

    class _Factory:
        def __repr__(self):
            return "<factory>"

    def _default(field, none):
        if field.default_factory is not MISSING:
            return _Factory()
        return none if field.default is MISSING else field.default
