"""What an algorithm of adapters is: the tensors that it stores of a module, and the changes that they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..formats.tensor import Tensor
from .names import Names
from .settings import Settings, Tensors

Change = Callable[[Tensor], Tensor]
"""From a tensor of the base to the changed one."""


@dataclass(frozen=True)
class Kind:
    """One algorithm."""

    parts: tuple[str, ...]
    """Names of the tensors that it stores of a module."""
    changes: Callable[[Settings, str, Tensors, Names], Mapping[str, Change]]
    """From the settings, a module and its parts to the changes, by name of the changed tensor."""
    refused: tuple[str, ...] = ()
    """Settings under which its formula does not hold, if they are true."""
