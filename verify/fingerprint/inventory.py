"""Tensors that no layout table knows: their digests, and whether their equality would be informative."""

from __future__ import annotations

import hashlib
import re
from math import prod

from ..checkpoint import Checkpoint
from .record import StrangeTensor

LEAST_TELLING = 256
"""Smallest number of entries for which equality of two tensors is informative."""

_INTEGERS = re.compile(r"[IU][0-9]|BOOL")


def digest_of_group(checkpoint: Checkpoint, group: str, digests: dict[str, bytes]) -> str | None:
    """Digest of a group of unknown tensors, as stored; None if they were not read.

    Parameters
    ----------
    checkpoint : the model.
    group : name of the group.
    digests : sha256 of each tensor read, as :class:`Scan` keeps them.

    Returns
    -------
    str or None
        Hexadecimal sha256.
    """
    whole, start = hashlib.sha256(), checkpoint.starts[group]
    for name in checkpoint.strange.get(group, ()):
        if (found := digests.get(f"rest {name}")) is None:
            return None
        whole.update(hashlib.sha256(name.removeprefix(start).encode()).digest() + found)
    return whole.hexdigest()


def strange_tensors(checkpoint: Checkpoint, digests: dict[str, bytes], varied: set[str]) -> list[StrangeTensor]:
    """The tensors that no table knows.

    Parameters
    ----------
    checkpoint : the model.
    digests : sha256 of each tensor read, as :class:`Scan` keeps them.
    varied : names of the tensors whose bytes take more than a few values.

    Returns
    -------
    list of StrangeTensor
        One for each tensor that no table understands.
    """
    found = []
    for part, names in checkpoint.strange.items():
        for name in names:
            (dtype, shape), digest = checkpoint.stored_as(name), digests.get(f"rest {name}")
            matrix = sum(size > 1 for size in shape) > 1 and prod(shape) >= LEAST_TELLING
            telling = name in varied and matrix and not _INTEGERS.match(dtype)
            sha256 = None if digest is None else digest.hex()
            found.append(
                StrangeTensor(name=name, part=part, dtype=dtype, shape=shape, sha256=sha256, telling=telling)
            )
    return found
