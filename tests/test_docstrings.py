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


@pytest.mark.parametrize("name", sorted(_FOUND))
def test_parameters_are_described(name: str) -> None:
    function = _FOUND[name]
    described = _section(inspect.getdoc(function) or "", "Parameters")
    entries = {
        word.strip()
        for line in described
        if " : " in line or line.isidentifier() or ", " in line
        for word in line.split(" : ")[0].split(",")
    }
    undescribed = [parameter for parameter in _parameters(function) if parameter not in entries]
    assert described, "has no section Parameters"
    assert not undescribed, f"does not describe {undescribed}"


def test_a_function_that_describes_one_of_three_is_caught() -> None:
    def of_three(a: int, b: int, c: int) -> None:
        """Do nothing.

        Parameters
        ----------
        a : a number.
        """

    with pytest.raises(AssertionError, match=r"\['b', 'c'\]"):
        _FOUND["of_three"] = of_three  # type: ignore[assignment]
        try:
            test_parameters_are_described("of_three")
        finally:
            del _FOUND["of_three"]


def _section(text: str, title: str) -> list[str]:
    """The lines of a numpy-style section that are not indented."""
    lines = text.splitlines()
    if title not in lines:
        return []
    rest = lines[lines.index(title) + 2 :]
    stop = next((n for n, line in enumerate(rest) if line and set(line) == {"-"}), len(rest) + 1) - 1
    return [line for line in rest[:stop] if line and not line.startswith(" ")]
