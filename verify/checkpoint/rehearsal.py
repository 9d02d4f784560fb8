"""A rehearsal of reading: everything is counted, and no weight is read.

The code that reads a checkpoint runs on zeros, and what it asks for is counted by the same code that counts real
reading, down to the requests to a server.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .adapters.overlay import BaseFile
from .checkpoint import Checkpoint
from .formats.safetensors_file import StoredTensor
from .formats.tensor import Indexer
from .layouts.naming import Key
from .places.place import File
from .places.ranges import Meter, RemoteFile


class Rehearsal(Checkpoint):
    """A checkpoint whose numbers are zeros, and whose bytes are counted as if they had been read.

    Attributes
    ----------
    asked : tensors and rows, in the order of reading.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        vars(self).update(vars(checkpoint.again()))
        self.asked: list[tuple[Key, Indexer]] = []

    def read(
        self, role: str, layer: int | None = None, expert: int | None = None, rows: Indexer = None
    ) -> NDArray[np.float32]:
        """Zeros of the shape that is asked for.

        Parameters
        ----------
        role : canonical role.
        layer : number of the layer, from 0; None outside layers.
        expert : number of the routed expert, if any.
        rows : slice, or ascending indices, of rows; None for all.
        """
        shape = self.shape(role, layer, expert)
        self._count((role, layer, expert), rows)
        self.asked.append(((role, layer, expert), rows))
        return np.array(np.broadcast_to(np.float32(0), shape)[... if rows is None else rows])

    def kind_of_layer(self, layer: int) -> tuple[object, ...]:
        """What decides which bytes of a layer are read: its tensors, their shapes and sizes, and its norms."""
        norms = (self.norm_before(sublayer, layer) for sublayer in ("attn", "mlp"))
        return (
            *(
                (role, expert, self.shape(role, layer, expert), self.nbytes((role, layer, expert)))
                for role, _, expert in self.keys(layer)
            ),
            *((norm[0], norm[1] is not None and norm[1] - layer) if norm else None for norm in norms),
        )

    def nbytes(self, key: Key) -> int:
        """Bytes of a tensor in the file."""
        return self._stored[key].nbytes(None)

    def nbytes_as_stored(self, name: str) -> int:
        """Bytes of a tensor that has no role."""
        return self._held.found[name].nbytes()

    @property
    def stored_plainly(self) -> bool:
        """Whether numbers are stored one by one, so that reading them takes no further tensor."""
        return all(isinstance(stored.tensor, StoredTensor) for stored in self._stored.values())

    def fetch_nothing(self) -> list[Meter]:
        """From now on let remote files count what they would fetch, and give zeros; for good."""
        return [file.rehearse() for file in map(_bare, self._source.weights) if isinstance(file, RemoteFile)]

    def ask(self, key: Key, rows: Indexer) -> None:
        """Ask the files for rows of a tensor."""
        self._stored[key].read(rows)

    def ask_all_of_files(self) -> None:
        """Ask for all bytes of the files whose sha256 is not given."""
        for file in map(_bare, self._source.weights):
            if isinstance(file, RemoteFile) and file.digest is None:
                for _ in file.blocks():
                    pass

    def bytes_without_digest(self) -> int:
        """Bytes of the files whose sha256 is not given, which are read whole for it at full effort."""
        return sum(file.size for file in self._source.weights if file.sha256(read=False) is None)


def _bare(file: File) -> File:
    """The file itself, where it is one of a base."""
    return file.file if isinstance(file, BaseFile) else file
