"""Every public function of three or more parameters describes them."""

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator
from types import FunctionType
from typing import Any

import pytest

import verify

_MANY = 3


def _modules() -> Iterator[Any]:
    for found in pkgutil.walk_packages(verify.__path__, "verify."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
            yield sys.modules[found.name]


def _functions() -> Iterator[tuple[str, FunctionType]]:
    """Functions and methods without a leading underscore, in classes without one, where they are defined."""
    for module in _modules():
        for name, value in vars(module).items():
            if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
                continue
            if inspect.isfunction(value):
                yield f"{module.__name__}.{name}", value
            elif inspect.isclass(value):
                for method, member in vars(value).items():
                    function = member.__func__ if isinstance(member, (classmethod, staticmethod)) else member
                    if inspect.isfunction(function) and not method.startswith("_"):
                        yield f"{module.__name__}.{name}.{method}", function


def _parameters(function: FunctionType) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name not in ("self", "cls")]


_FOUND = {name: function for name, function in _functions() if len(_parameters(function)) >= _MANY}


def undescribed(function: FunctionType) -> list[str]:
    """Parameters without an entry in the section Parameters."""
    described = {
        name.strip()
        for line in _section(inspect.getdoc(function) or "", "Parameters")
        for name in line.partition(" : ")[0].split(",")
    }
    return [name for name in _parameters(function) if name not in described]


@pytest.mark.parametrize("name", sorted(_FOUND))
def test_every_parameter_is_described(name: str) -> None:
    assert undescribed(_FOUND[name]) == []


def test_a_parameter_without_an_entry_is_caught() -> None:
    def of_three(a: int, b: int, c: int) -> None:
        """Do nothing.

        Parameters
        ----------
        a, b : two numbers.

        Raises
        ------
        c : not described here.
        """

    assert undescribed(of_three) == ["c"]  # type: ignore[arg-type]


def _section(text: str, title: str) -> list[str]:
    """The lines of a numpy-style section that are not indented."""
    lines = text.splitlines()
    if title not in lines:
        return []
    rest = lines[lines.index(title) + 2 :]
    stop = next((n for n, line in enumerate(rest) if line and set(line) == {"-"}), len(rest) + 1) - 1
    return [line for line in rest[:stop] if line and not line.startswith(" ")]
