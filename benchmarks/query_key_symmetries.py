"""``python -m benchmarks.query_key_symmetries``: what the family tables declare of q, k and v, held against models.

Each model type that the installed Transformers builds (needs ``pip install -e ".[families]"``) is stored at toy width
with random weights in double precision. Random elements of the group that its table declares are applied to the
stored tensors, and its answers compared with those before: they must stay. What is not declared must change them,
else the comparison shows nothing. Writes ``tables/query_key.json`` and its page.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from transformers import __version__

from verify.checkpoint import FAMILIES, Architecture, open_checkpoint

from .architectures.groups import Roles, planes
from .architectures.numbers import Numbers, Places
from .pages import publish
from .query_key_models import MODELS, Model, answers, build

Matrix = NDArray[np.float64]
ELEMENTS = 3
"""Random elements of each group."""
SAME, MOVED = 1e-5, 1e-3
"""The largest change of an answer under a symmetry, and the least under anything else, over the spread of answers."""


def main() -> None:
    """Turn what may be turned and what may not, and write the results and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.query_key_symmetries", description=__doc__)
    parser.add_argument("names", nargs="*", help="models to try; default: all, which are written to the tables")
    names = parser.parse_args().names
    rows = []
    for name in names or MODELS:
        rows.append(_row(name, MODELS[name]))
        print(rows[-1], flush=True)
    if wrong := [row["model"] for row in rows if not _as_declared(row)]:
        raise SystemExit(f"Not as declared: {', '.join(wrong)}.")
    if not names:
        absent = sorted({family.name for family in FAMILIES} - {row["family"] for row in rows})
        about = {"transformers": __version__, "elements": ELEMENTS, "same": SAME, "moved": MOVED}
        publish("query_key", about | {"rows": rows, "absent": absent})


def _row(name: str, model: Model) -> dict[str, Any]:
    """What is declared of a model, and by how much its answers change."""
    with tempfile.TemporaryDirectory() as at, contextlib.redirect_stderr(io.StringIO()):
        folder = Path(at) / "model"
        build(model, folder, seed=0)
        stored, before, rng = Stored(folder), answers(model, folder), np.random.default_rng(0)

        def change(roles: Iterable[str], matrix: Callable[[], Matrix]) -> float:
            """The largest change of an answer, over the spread of all."""
            stored.write(roles, matrix)
            return float(f"{np.abs(answers(model, folder) - before).max() / before.std():.0e}")

        shape = stored.architecture
        same = {what: max(change(what, one) for _ in range(ELEMENTS)) for what, one in _declared(shape, rng).items()}
        moved = {what: change(roles, one) for what, roles, one in _others(shape, rng, model.clipped)}
    return {
        "model": name,
        "family": shape.family,
        "rotary": shape.rotary,
        "turned": shape.rotary_size,
        "channels": shape.head_size,
        "norm": shape.query_key_norm,
        "same": same,
        "moved": moved,
    }


def _as_declared(row: dict[str, Any]) -> bool:
    return all(x < SAME for x in row["same"].values()) and all(x > MOVED for x in row["moved"].values())


class Stored:
    """A stored model, and where the channels of each role lie among its numbers."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._numbers = folder, Numbers(folder)
        places = open_checkpoint(self._numbers.write_places(folder.with_name("places")))
        self.architecture: Architecture = places.architecture
        self._roles = Roles(places, places.architecture, self._numbers.at)

    def write(self, roles: Iterable[str], matrix: Callable[[], Matrix]) -> None:
        """Write the file with each kv head's channels changed, and those of all query heads that read it.

        Parameters
        ----------
        roles : of q, k, v, o: whose channels.
        matrix : makes the matrix of a kv head, the same for all roles.
        """
        shape, numbers = self.architecture, self._numbers.values.copy()
        for layer in self._roles.layers():
            for head in range(shape.kv_heads):
                change, sharing = matrix(), shape.heads // shape.kv_heads
                for role in roles:
                    heads = [head] if role in "kv" else range(head * sharing, (head + 1) * sharing)
                    for places in self._channels(role, layer):
                        for one in heads:
                            rows = places[one * shape.head_size : (one + 1) * shape.head_size]
                            numbers[rows] = change @ numbers[rows]
        if np.array_equal(numbers, self._numbers.values):
            raise SystemExit(f"Nothing changed in {', '.join(roles)}; the comparison would show nothing.")
        self._numbers.write(numbers, self._folder)

    def _channels(self, role: str, layer: int) -> list[Places]:
        """Places of a matrix and its bias, channels first; the bias of o is of the stream."""
        return [self._roles.at(role, layer).T] if role == "o" else list(self._roles.matrix_and_bias(role, layer))


def _declared(shape: Architecture, rng: np.random.Generator) -> dict[str, Callable[[], Matrix]]:
    """Elements of the groups that an architecture declares, by the roles whose channels they change."""
    found: dict[str, Callable[[], Matrix]] = {}
    if shape.query_key_norm in ("none", "gain"):
        found["qk"] = partial(_of_queries, shape, rng)
    if shape.linear_values:
        found["vo"] = partial(_signed, shape.head_size, rng)
    return found


def _of_queries(shape: Architecture, rng: np.random.Generator) -> Matrix:
    """Planes turned by quarters and the rest permuted, with signs; under gains half turns, and signs alone."""
    size, turned, free = shape.head_size, shape.rotary_size, shape.query_key_norm == "none"
    made = np.eye(size)
    quarters = rng.integers(0, 4, turned // 2) if free else 2 * rng.integers(0, 2, turned // 2)
    made[:turned, :turned] = _turn(planes(turned, shape.rotary), quarters / 4)
    made[turned:, turned:] = _signed(size - turned, rng, permuted=free)
    return made


def _others(
    shape: Architecture, rng: np.random.Generator, clipped: bool
) -> list[tuple[str, str, Callable[[], Matrix]]]:
    """What is no symmetry: what is done, to which roles."""
    size, turned = shape.head_size, shape.rotary_size
    found: list[tuple[str, str, Callable[[], Matrix]]] = []
    if shape.linear_values:
        found.append(("v alone", "v", partial(_signed, size, rng)))
    if shape.query_key_norm in ("none", "gain") and not shape.rotary:
        found.append(("q alone", "q", partial(_signed, size, rng)))
    if shape.rotary:
        pairs = planes(turned, shape.rotary)
        other = planes(turned, "interleaved" if shape.rotary == "half" else "half")
        step = 1 / 4 if shape.query_key_norm == "none" else 1 / 2
        one = np.arange(turned // 2) == 0
        found += [
            ("q alone", "q", partial(_of_some, size, _turn(pairs, np.full(len(pairs), 1 / 8)))),
            ("other pairs", "qk", partial(_of_some, size, _turn(other, step * one))),
            ("planes permuted", "qk", partial(_of_some, size, _cycle(pairs))),
        ]
        if shape.query_key_norm == "gain":
            found.append(("quarters", "qk", partial(_of_some, size, _turn(pairs, 1 / 4 * one))))
    if clipped:
        eighth = _turn(planes(size, "half"), np.full(size // 2, 1 / 8))
        found += [("eighths", "qk", lambda: eighth), ("eighths of v", "vo", lambda: eighth)]
    return found


def _turn(planes: NDArray[np.intp], turns: NDArray[np.float64]) -> Matrix:
    """The matrix that turns each plane by a share of a full turn."""
    made = np.eye(2 * len(planes))
    for (x, y), turn in zip(planes, turns, strict=True):
        cos, sin = np.cos(2 * np.pi * turn), np.sin(2 * np.pi * turn)
        made[np.ix_((x, y), (x, y))] = [[cos, -sin], [sin, cos]]
    return made


def _cycle(planes: NDArray[np.intp]) -> Matrix:
    """The matrix that puts each plane in the place of the next."""
    made = np.zeros((2 * len(planes),) * 2)
    made[np.roll(planes, 1, axis=0), planes] = 1
    return made


def _signed(size: int, rng: np.random.Generator, permuted: bool = True) -> Matrix:
    """A random signed permutation, or signs alone."""
    order = rng.permutation(size) if permuted else np.arange(size)
    return np.eye(size)[order] * rng.choice([-1.0, 1.0], size)


def _of_some(size: int, first: Matrix) -> Matrix:
    """The matrix on the first channels, and the rest as it is."""
    made = np.eye(size)
    made[: len(first), : len(first)] = first
    return made


if __name__ == "__main__":
    main()
