"""A package that can be called: ``verify.screen(...)`` is a function, and ``verify.screen.result`` a module of it.

Otherwise the function would hide the package of its name, and ``import verify.screen.result as result`` would fail.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, get_type_hints

if TYPE_CHECKING:
    from inspect import Signature


class CallableModule(ModuleType):
    """A package that is called as the function of the same name in it; it is pickled by name.

    Examples
    --------
    >>> import verify
    >>> verify.fingerprint
    <package and function 'verify.fingerprint'>
    """

    @property
    def __wrapped__(self) -> Callable[..., Any]:
        """The function."""
        function: Callable[..., Any] = getattr(self, self.__name__.rpartition(".")[2])
        return function

    @property
    def __doc__(self) -> str:  # type: ignore[override]
        """The docstring of the package, then that of the function."""
        return f"{vars(self)['__doc__']}\n\n{self.__wrapped__.__doc__}"

    @property
    def __signature__(self) -> Signature:
        """The signature of the function."""
        from inspect import signature  # loaded when it is asked for

        return signature(self.__wrapped__)

    @property
    def __annotations__(self) -> dict[str, Any]:  # type: ignore[override]
        """Annotations of the function, resolved to classes, since their names may not exist in the package."""
        return get_type_hints(self.__wrapped__)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: D102
        return self.__wrapped__(*args, **kwargs)

    def __reduce__(self) -> tuple[Callable[[str], ModuleType], tuple[str]]:
        return import_module, (self.__name__,)

    def __repr__(self) -> str:
        return f"<package and function {self.__name__!r}>"


def make_callable(package: str) -> None:
    """Make a package callable while it is imported; it must hold a function of its own name."""
    sys.modules[package].__class__ = CallableModule
