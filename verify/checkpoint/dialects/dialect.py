"""A dialect: how a tool other than transformers names, fuses and orders tensors, and says the sizes of a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from ..layouts.layout import Family, Slot

Settings = Mapping[str, Any]
"""What a tool's own file of settings says."""
Names = dict[str, str | Slot]
"""Places by names of the Hub."""


def modules(places: Mapping[str, str]) -> Names:
    """Places of weights and biases of whole modules, by the module's name on the Hub.

    Examples
    --------
    >>> modules({"model.norm": "norm"})
    {'model.norm.weight': 'norm.weight', 'model.norm.bias': 'norm.bias'}
    """
    return {f"{hub}.{kind}": f"{place}.{kind}" for hub, place in places.items() for kind in ("weight", "bias")}


def fused(place: str, *parts: str, order: Literal["equal", "heads", "groups", "each head"] = "equal") -> Names:
    """Places of the weights and biases of several modules in one.

    Parameters
    ----------
    place : name of the module that holds them.
    parts : names of the modules on the Hub, in the order in which they lie.
    order : how they lie, as in :class:`verify.checkpoint.layouts.layout.Slot`.

    Returns
    -------
    dict
        Places by names of the Hub.
    """
    return {
        f"{hub}.{kind}": Slot(f"{place}.{kind}", part=(n, len(parts)), fused=order)
        for n, hub in enumerate(parts)
        for kind in ("weight", "bias")
    }


@dataclass(frozen=True)
class Dialect:
    """The tensors of one tool by their names on the Hub; to add a tool, write one of these.

    A dialect applies where the tensors named in ``telling`` are there, under any prefix, and ``config.json`` or the
    tool's own settings say which architecture it is: names alone do not tell in which order rows lie.
    """

    name: str
    model_types: tuple[str, ...]
    """Types in ``config.json`` of models that the tool keeps under these names."""
    names: Mapping[str, str | Slot]
    """Place of each tensor by its name on the Hub, both with ``{i}`` for the layer and ``{e}`` for the expert."""
    telling: tuple[str, ...]
    """Those that must be there, by their names on the Hub."""
    others: Mapping[str, tuple[str | Slot, ...]] = field(default_factory=dict)
    """Alternative places, such as those of older versions."""
    pairs: bool = False
    """Whether rows of q and k that positions turn together are adjacent, and half a head apart on the Hub."""
    out_in: bool = False
    """Whether matrices are stored [out, in] that the files of the Hub store [in, out]."""
    tall: tuple[str, ...] = ()
    """Names on the Hub of matrices that must have more rows than columns, where names alone do not tell the tool."""
    in_one: bool = False
    """Whether all layers may lie in one tensor, along its first axis, under the name without the layer's number."""
    constants: tuple[str, ...] = ()
    """Regular expressions of what the tool keeps besides parameters."""
    settings: tuple[str, ...] = ()
    """Names of the tool's own file of settings; those of a tool without one are empty."""
    said: Callable[[Settings], dict[str, Any] | None] | None = None
    """These settings in the terms of ``config.json``, or None for what this dialect does not cover; without it, only
    ``config.json`` tells."""

    @cached_property
    def table(self) -> Family:
        """The places as a table whose roles are the names on the Hub."""
        return Family(
            name=self.name,
            model_types=(),
            prefixes=("",),
            globals={name: place for name, place in self.names.items() if "{i}" not in name},
            layer={name: place for name, place in self.names.items() if "{i}" in name},
            required=self.telling,
            others=self.others,
        )


def renamed(said: Settings, names: Mapping[str, str]) -> dict[str, Any] | None:
    """Counts under the names of ``config.json``; None if one is no positive whole number.

    Parameters
    ----------
    said : a tool's settings.
    names : the tool's name by that of ``config.json``; what the tool leaves out is left out.

    Returns
    -------
    dict or None
        The counts.
    """
    found = {hub: said[own] for hub, own in names.items() if said.get(own) is not None}
    return found if all(type(value) is int and 0 < value < 2**31 for value in found.values()) else None
