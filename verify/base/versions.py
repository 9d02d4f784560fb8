"""Versions of the software that computed a record, and the floating-point kernels that ran.

One version of numpy rounds differently on two processors, since its BLAS (matrix products, decompositions) and its
own loops (exponentials, logarithms) choose kernels by processor. Sums, counts and the data read are the same
everywhere; scores and other results of matrix products differ in the last digits. Compare these versions before
comparing two records bit by bit.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import PurePath


def software(*packages: str) -> dict[str, str]:
    """Versions of verify, of numpy and of ``packages``, and the kernels that numpy runs on this machine.

    Returns
    -------
    dict
        By package; ``"blas"`` is numpy's BLAS with its version and kernels, ``"simd"`` the widest of numpy's own
        loops. Ordered by name, as canonical JSON is.

    Examples
    --------
    >>> sorted(software("scipy"))
    ['blas', 'numpy', 'scipy', 'simd', 'verify-lineage']
    """
    versions = {name: version_of(name) for name in ("numpy", "verify-lineage", *packages)}
    return dict(sorted((versions | {"blas": blas(), "simd": _simd()}).items()))


@cache
def version_of(name: str) -> str:
    """The version of an installed distribution, as the folder of its metadata is named: to read them takes long.

    Raises
    ------
    importlib.metadata.PackageNotFoundError
        If it is not installed.
    """
    start, end = name.replace("-", "_") + "-", ".dist-info"
    for folder in sys.path:
        if found := [one for one in _inside(folder) if one.startswith(start) and one.endswith(end)]:
            if len(found) == 1:
                return found[0].removeprefix(start).removesuffix(end)
            break
    from importlib.metadata import version

    return version(name)


@cache
def _inside(folder: str) -> list[str]:
    try:
        return os.listdir(folder or ".")  # noqa: PTH208
    except OSError:
        return []


@cache
def blas() -> str:
    """The BLAS that numpy calls, and the kernels it chose, such as ``openblas 0.3.31 (Haswell kernels)``.

    The kernels named are those that run, not those asked for; if the BLAS does not tell, its name in numpy's build is
    given.
    """
    import numpy as np
    from threadpoolctl import threadpool_info

    loaded = [
        (PurePath(found["filepath"]).parts, found) for found in threadpool_info() if found["user_api"] == "blas"
    ]
    with_numpy = [found for parts, found in loaded if {"numpy.libs", "numpy"} & {*parts}]
    for_all = [found for parts, found in loaded if "site-packages" not in parts]  # not another package's
    for found in (*with_numpy, *for_all):
        kernels = found.get("architecture")
        return f"{found['internal_api']} {found['version']}" + (f" ({kernels} kernels)" if kernels else "")
    built = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{built['name']} {built['version']}" if "version" in built else "none"


@cache
def _simd() -> str:
    import numpy as np

    extensions = np.show_config(mode="dicts").get("SIMD Extensions", {})  # WebAssembly has none
    return ["none", *extensions.get("baseline", ()), *extensions.get("found", ())][-1]
