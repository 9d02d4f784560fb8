"""MLX: W = scale[g] * code + bias[g], g the group of neighbours in a row; codes are packed along the row.

The modes ``mxfp4``, ``nvfp4`` and ``mxfp8`` hold floats instead, which other files decode.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .float4 import Float4
from .matrix import Array, Parts, Quantised, as_bytes, matrix_shape, unpacked
from .scaled import Scaled

_FLOATS = {"mxfp4": "F8_E8M0", "nvfp4": "F8_E4M3", "mxfp8": "F8_E8M0"}
"""Type of the scales in each mode without biases."""
_LONGEST = 1000  # characters of the name of a module


@dataclass(frozen=True)
class Affine(Quantised):
    """MLX: a scale and a bias for each group of a row."""

    bits: int = 4
    group: int = 64

    @classmethod
    def of(cls, name: str, parts: Parts, settings: dict[str, Any]) -> Quantised:
        """Read bits and group from the settings, which may state them for this matrix alone.

        Parameters
        ----------
        name : name of the matrix; its module may have settings of its own.
        parts : its stored tensors, by the last part of their names.
        settings : ``quantization`` of ``config.json``.

        Returns
        -------
        Quantised
            The matrix [out, in].

        Raises
        ------
        CheckpointError
            If the parts do not fit the convention.
        """
        parts = {part.replace("qbiases", "biases"): tensor for part, tensor in parts.items()}
        said = _own(name.removesuffix(".weight"), settings)
        made = cls(name, (0, 0), "MLX", parts, said)
        mode, bits, group = said.get("mode") or "affine", said.get("bits"), said.get("group_size")
        made.check("weight", matrix_shape(parts["weight"].shape), dtypes=("U32",))
        if ("biases" in parts) != (mode == "affine"):
            raise made.refuse(f"mode {mode!r:.60} and {', '.join(sorted(parts))}", "biases in mode affine alone")
        if str(mode) in _FLOATS:
            parts = parts | {"scales": as_bytes(parts["scales"], _FLOATS[mode])}
            return (_mxfp8 if mode == "mxfp8" else Float4.of)(name, parts, said)
        if mode != "affine" or bits not in (1, 2, 3, 4, 5, 6, 8) or type(group) is not int or group < 1:
            raise made.refuse(
                f"mode {mode!r:.60}, {bits!r:.60} bits and group_size {group!r:.60}",
                "a mode, bits and group_size in config.json that are known",
            )
        (out, words), (_, groups) = matrix_shape(parts["weight"].shape), matrix_shape(parts["scales"].shape)
        made = replace(made, shape=(out, groups * group), dtype=f"MLX {bits}-bit", bits=bits, group=group)
        if 32 * words != bits * groups * group or not words:
            raise made.refuse(
                f"{words} words and {groups} groups in a row", f"{bits} bits each in groups of {group} numbers"
            )
        for part in ("scales", "biases"):
            made.check(part, (out, groups), dtypes=("F32", "F16", "BF16"))
        return made

    def decode(self, rows: NDArray[np.intp]) -> Array:
        """Some rows of the matrix."""
        codes = unpacked(self.parts["weight"].values(np.dtype("<u4"), rows), self.bits, self.shape[1])
        scale, bias = (self.parts[part].read(rows).astype(np.float32)[:, :, None] for part in ("scales", "biases"))
        return (codes.reshape(*scale.shape[:2], self.group) * scale + bias).reshape(codes.shape)


def _own(module: str, settings: dict[str, Any]) -> dict[str, Any]:
    """The settings of one module, its own instead of those of all; names there may have another prefix."""
    names = tuple(settings)
    exact, longer = _places(names)
    found = [exact[end] for end in _ends(module) if end in exact] + longer.get(module, [])
    return next((said for place in sorted(found) if isinstance(said := settings[names[place]], dict)), settings)


@lru_cache(maxsize=1)
def _places(names: tuple[str, ...]) -> tuple[dict[str, int], dict[str, list[int]]]:
    """Place of each name, and of those with each end: the same for all modules of a model."""
    longer: defaultdict[str, list[int]] = defaultdict(list)
    for place, name in enumerate(names):
        for end in _ends(name) if len(name) <= _LONGEST else ():
            longer[end].append(place)
    return {name: place for place, name in enumerate(names)}, dict(longer)


def _ends(name: str) -> list[str]:
    """A name and what is left of it after each dot."""
    words = name.split(".")
    return [".".join(words[k:]) for k in range(len(words))]


def _mxfp8(name: str, parts: Parts, settings: dict[str, Any]) -> Quantised:
    return Scaled.of(
        name, {"weight": as_bytes(parts["weight"], "F8_E4M3"), "weight_scale": parts["scales"]}, settings
    )
