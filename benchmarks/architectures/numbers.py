"""The numbers of a file as one vector, where each role's lie in it, and signed permutations of it.

A table reads the places of a role from a copy of the file that holds, in place of each number, its own place. So
whatever a table does to a stored tensor (cut, transpose, divide by experts) is undone for it.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

WEIGHTS = "model.safetensors"
COUNTED = 2**24
"""Number of numbers that float32 can count."""
Places = NDArray[np.intp]


class Numbers:
    """The numbers of the file of weights in a folder.

    Parameters
    ----------
    folder : holds ``model.safetensors`` and ``config.json``.

    Raises
    ------
    ValueError
        If there are more numbers than float32 can count.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        stored = load_file(folder / WEIGHTS)
        self._constants = {name: x for name, x in stored.items() if not np.issubdtype(x.dtype, np.floating)}
        self._shapes = {name: x.shape for name, x in stored.items() if name not in self._constants}
        parts = [stored[name].ravel() for name in self._shapes]
        self.values: NDArray[Any] = np.concatenate([np.zeros(0, np.float32), *parts])
        if len(self.values) > COUNTED:
            raise ValueError(f"{len(self.values)} numbers are more than {COUNTED}; make the model smaller.")
        self.at: dict[str, Places] = self.cut(np.arange(len(self.values)))

    def write(self, values: NDArray[Any], folder: Path) -> Path:
        """Write a copy of the folder with other numbers.

        Parameters
        ----------
        values : numbers, in the order of ``values``.
        folder : where to.
        """
        if folder != self._folder:
            shutil.copytree(self._folder, folder, dirs_exist_ok=True)
        tensors = {name: np.ascontiguousarray(x).reshape(x.shape) for name, x in self.cut(values).items()}
        save_file(self._constants | tensors, folder / WEIGHTS, {"format": "pt"})
        return folder

    def write_places(self, folder: Path) -> Path:
        """Write a copy of the folder in which each number is its own place."""
        return self.write(np.arange(len(self.values), dtype=np.float32), folder)

    def cut(self, values: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Numbers in the order of ``values``, as tensors by name."""
        ends = np.cumsum([int(np.prod(shape)) for shape in self._shapes.values()])
        parts = np.split(values, ends[:-1]) if self._shapes else []
        return {name: part.reshape(shape) for (name, shape), part in zip(self._shapes.items(), parts, strict=True)}


class Element:
    """A signed permutation of all numbers, made of steps on rows or columns of matrices.

    Steps ``there`` move what a symmetry moves, and steps ``back`` what it moves along, so that the function stays.
    A broken element leaves out the latter.

    Parameters
    ----------
    count : of numbers.
    broken : whether to leave out the steps back.
    """

    def __init__(self, count: int, *, broken: bool = False) -> None:
        self._source = np.arange(count, dtype=np.int32)
        self._sign = np.ones(count, np.int8)
        self._broken = broken

    def there(self, places: Places, order: Places, sign: NDArray[Any] | None = None) -> None:
        """Put row ``order[i]``, times ``sign[i]``, in the place of row i.

        Parameters
        ----------
        places : of the rows, shape [n, ...].
        order : permutation of n.
        sign : one for each row; None for none.
        """
        taken = places[order]
        signs = self._sign[taken]
        if sign is not None:
            signs *= sign.astype(np.int8).reshape(-1, *[1] * (places.ndim - 1))
        self._source[places], self._sign[places] = self._source[taken], signs

    def back(self, places: Places, order: Places, sign: NDArray[Any] | None = None) -> None:
        """As ``there``, of what is moved along."""
        if not self._broken:
            self.there(places, order, sign)

    @property
    def moves(self) -> bool:
        """Whether anything is moved."""
        return bool((self._sign != 1).any() or (np.diff(self._source) != 1).any())

    @property
    def key(self) -> bytes:
        """Equal for equal elements, and for no others."""
        return hashlib.blake2b(self._source.tobytes() + self._sign.tobytes()).digest()

    def __call__(self, values: NDArray[Any]) -> NDArray[Any]:
        """The numbers, moved."""
        moved: NDArray[Any] = values[self._source] * self._sign.astype(values.dtype)
        return moved
