"""Forgeries: what someone who holds a reference can do to an unrelated model so that it looks related.

Each function changes the matrices of a stranger by role, given those of the reference, and a strength. Those marked
``free`` keep the stranger's function: they choose, of all models that compute the same, the one most like the
reference. Nothing here needs training. :func:`match_units` reads of the reference its fingerprint alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import orthogonal_procrustes
from scipy.optimize import linear_sum_assignment

from verify.statistics.alignment import Pair, align
from verify.statistics.applicability import on_shared_anchors
from verify.statistics.blocks import BlockReader, score, unit_pairs, unit_responses, units, values
from verify.statistics.matching import best_matches
from verify.statistics.planes import plane_groups, planes_of
from verify.statistics.ties import TiedSets

from ..zoo.changes import stream
from ..zoo.changes.roles import Arrays, Roles, key_heads, roles, stored
from ..zoo.changes.tokens import UNUSED
from ..zoo.config import Config
from .prints import print_of
from .spreads import set_spreads, spreads_of

Matrix = NDArray[np.float64]
Step = Callable[[Roles, Roles, Config], None]
"""Changes the first model towards the second."""
Change = Callable[[Roles, Roles, Config, float | str], None]
"""The same, with a strength."""
ONCE = ("",)
"""The strengths of what has one only."""

_USED = np.setdiff1d(np.arange(256), UNUSED)


@dataclass(frozen=True)
class Forgery:
    """One way to make a stranger look related."""

    title: str
    change: Change
    aims: tuple[str, ...] = ()
    """Tests that it is made for."""
    strengths: tuple[float | str, ...] = ONCE
    free: bool = True
    """Whether the stranger's function is kept."""
    repaired: tuple[float | str, ...] = ()
    """Strengths after which a short training repairs the model, in cells of their own."""

    def do(self, w: Arrays, c: Config, strength: float | str, reference: Arrays) -> Arrays:
        """The forged weights.

        Parameters
        ----------
        w, c : weights of a stranger and its network.
        strength : one of ``strengths``.
        reference : weights of the model to look like.
        """
        found = roles(w, c)
        self.change(found, roles(reference, c), c, strength)
        return stored(found, c)


def match_stream(found: Roles, ref: Roles, c: Config) -> None:
    """Fold the gains, and rotate the stream so that token tables are as near those of the reference as can be."""
    stream.folded_gains(found, c, np.random.default_rng(0))
    pairs = [(_centred(found[key][_USED]), _centred(ref[key][_USED])) for key in ("embed", "unembed")]
    x, y = (np.concatenate([side / np.linalg.norm(side) for side in sides]) for sides in zip(*pairs, strict=True))
    stream.multiply(found, c, orthogonal_procrustes(x, y)[0].T)


def match_dimensions(found: Roles, ref: Roles, c: Config) -> None:
    """Order and flip the dimensions of the stream to match; no gain is folded."""
    alike = sum(_unit(_centred(found[k][_USED]).T) @ _unit(_centred(ref[k][_USED]).T).T for k in ("embed", "unembed"))
    best = best_matches(np.abs(alike))[:, None] == np.arange(c.width)
    rows, columns = linear_sum_assignment(-(np.abs(alike) + 4.0 * best).T)
    matrix = np.zeros_like(alike)
    matrix[rows, columns] = np.sign(alike[columns, rows])
    stream.multiply(found, c, matrix)


def match_units(found: Roles, ref: Roles, c: Config, *readers: BlockReader) -> None:
    """Put units whose best match is unit j of the reference at index j, for as many j as the tests look at.

    The tests keep the same few indices of every model, and any unit may be put there; what the tests will read of it
    is known from fingerprints of the forged model in other orders.

    Parameters
    ----------
    found, ref, c : as everywhere.
    readers : how units are read, of each of the tests to forge.
    """
    theirs = [reader(print_of(stored(ref, c), c)) for reader in readers]
    kept = theirs[0][0]["mlp"].indices
    for _ in range(2):  # layers may be aligned otherwise after the first time
        layers = [dict(_aligned(reader, found, ref, c)) for reader in readers]
        scores = np.full((len(readers), c.layers, c.hidden, len(kept)), -np.inf)
        for start in range(0, c.hidden, len(kept)):
            chosen = np.arange(start, start + len(kept)) % c.hidden
            tried = {key: x.copy() for key, x in found.items()}
            for i in range(c.layers):
                _order(tried, i, _with(kept, chosen, c.hidden))
            mine = print_of(stored(tried, c), c)
            for r, reader in enumerate(readers):
                for i, row in reader(mine).items():
                    scores[r, i, chosen] = score(row["mlp"], theirs[r][layers[r][i, "mlp"][0]]["mlp"])
        best = best_matches(scores)[..., None] == np.arange(len(kept))
        rewarded = (scores + 4.0 * best).sum(0)
        for i in range(c.layers):
            chosen, columns = linear_sum_assignment(-rewarded[i])
            _order(found, i, _with(kept[columns], chosen, c.hidden))


def match_units_whole(found: Roles, ref: Roles, c: Config) -> None:
    """Order all units by their whole rows, so that as many as can be stand where their best match stands."""
    for (i, _), (j, _) in _aligned(units, found, ref, c):
        gate, up = (_unit(found[f"{i}.{role}"]) @ _unit(ref[f"{j}.{role}"]).T for role in ("gate", "up"))
        scores = gate + np.abs(up)
        best = best_matches(scores)[:, None] == np.arange(c.hidden)
        _, order = linear_sum_assignment(-(scores + 4.0 * best).T)
        _order(found, i, order)


def match_unit_signs(found: Roles, ref: Roles, c: Config) -> None:
    """Flip units so that they point where those of the reference at their index do."""
    for (i, _), (j, _) in _aligned(unit_pairs, found, ref, c):
        agree = sum((_unit(_rows(found, i, r)) * _unit(_rows(ref, j, r))).sum(1) for r in ("up", "down"))
        signs = np.where(agree < 0, -1.0, 1.0)
        found[f"{i}.up"] *= signs[:, None]
        found[f"{i}.down"] *= signs


def match_values(found: Roles, ref: Roles, c: Config) -> None:
    """Rotate the value channels of every head so that v and o are as near those of the reference as can be."""
    size, queries = c.head_size, c.heads // key_heads(c)

    def columns(head: int) -> list[slice]:
        return [slice(q * size, (q + 1) * size) for q in range(head * queries, (head + 1) * queries)]

    def vectors(of: Roles, layer: int, head: int) -> Matrix:
        rows = of[f"{layer}.v"][head * size : (head + 1) * size]
        return np.concatenate([_scaled(rows), *(_scaled(of[f"{layer}.o"][:, at].T) for at in columns(head))], axis=1)

    for (i, mine), (j, theirs) in _aligned(values, found, ref, c):
        g, h = (int(slot.removeprefix("head ")) for slot in (mine, theirs))
        turn = orthogonal_procrustes(vectors(found, i, g).T, vectors(ref, j, h).T)[0].T
        rows = slice(g * size, (g + 1) * size)
        found[f"{i}.v"][rows] = turn @ found[f"{i}.v"][rows]
        for at in columns(g):
            found[f"{i}.o"][:, at] = found[f"{i}.o"][:, at] @ turn.T


def match_phases(found: Roles, ref: Roles, c: Config) -> None:
    """Turn every rotary plane so that it points where the plane that it is compared with does."""
    size, queries, half = c.head_size, c.heads // c.kv_heads, c.head_size // 2
    prints = on_shared_anchors(*(print_of(stored(one, c), c) for one in (found, ref)))
    x, y = (planes_of(one, "keys", "key_responses") for one in prints)
    for group in plane_groups(x, y, (TiedSets(), TiedSets())).separate:
        (i, slot), _ = group.pairs[0]
        h = int(slot.removeprefix("head "))
        spin = np.ones(half, complex)
        spin[x.indices] = np.exp(-1j * np.angle(group.products))
        for key, at in ((f"{i}.k", h), *((f"{i}.q", h * queries + q) for q in range(queries))):
            rows = found[key][at * size : (at + 1) * size]
            planes = spin[:, None] * (rows[:half] + 1j * rows[half:])
            found[key][at * size : (at + 1) * size] = np.concatenate([planes.real, planes.imag])


def copy_unused(found: Roles, ref: Roles, _c: Config) -> None:
    """Give the rows of unused tokens the inner products with other tokens that those of the reference have."""
    anchors, theirs = _centred(found["embed"][_USED]), _centred(ref["embed"][_USED])
    found["embed"][list(UNUSED)] = ref["embed"][list(UNUSED)] @ theirs.T @ np.linalg.pinv(anchors).T


def everything(found: Roles, ref: Roles, c: Config) -> None:
    """All that keeps the function, in the order in which one step helps the next."""
    match_stream(found, ref, c)
    match_values(found, ref, c)
    match_units(found, ref, c, units, unit_responses)
    match_unit_signs(found, ref, c)
    match_phases(found, ref, c)
    copy_unused(found, ref, c)


def add_share(found: Roles, ref: Roles, _c: Config, share: float) -> None:
    """Interpolate towards the reference."""
    for key, x in found.items():
        found[key] = (1 - share) * x + share * ref[key]


def copy_tables(found: Roles, ref: Roles, _c: Config) -> None:
    """Take both token tables of the reference, and the gain before the last."""
    for key in ("embed", "unembed", "norm_final"):
        found[key] = ref[key].copy()


def copy_spreads(found: Roles, ref: Roles, c: Config) -> None:
    """Give q, k, v and o the spreads of the reference, up to a factor."""
    set_spreads(found, spreads_of(ref, c), c)


def _with(places: NDArray[np.intp], chosen: NDArray[np.intp], size: int) -> NDArray[np.intp]:
    """An order of all units that has the chosen ones at these places."""
    order = np.empty(size, np.intp)
    order[places] = chosen
    order[np.setdiff1d(np.arange(size), places)] = np.setdiff1d(np.arange(size), chosen)
    return order


def _order(found: Roles, i: int, order: NDArray[np.intp]) -> None:
    for role in ("gate", "up"):
        found[f"{i}.{role}"] = found[f"{i}.{role}"][order]
    found[f"{i}.down"] = found[f"{i}.down"][:, order]


def _aligned(reader: BlockReader, found: Roles, ref: Roles, c: Config) -> list[Pair]:
    """Which blocks the tests would compare."""
    return align(*(reader(print_of(stored(one, c), c)) for one in (found, ref)))


def _rows(found: Roles, i: int, role: str) -> Matrix:
    return found[f"{i}.down"].T if role == "down" else found[f"{i}.{role}"]


def _unit(rows: Matrix) -> Matrix:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _scaled(matrix: Matrix) -> Matrix:
    return matrix / np.linalg.norm(matrix)


def _centred(rows: Matrix) -> Matrix:
    return rows - rows.mean(0)


def _steps(*steps: Step) -> Change:
    def change(found: Roles, ref: Roles, c: Config, _strength: float | str) -> None:
        for step in steps:
            step(found, ref, c)

    return change


def _then_share(*steps: Step) -> Change:
    def change(found: Roles, ref: Roles, c: Config, share: float | str) -> None:
        _steps(*steps)(found, ref, c, share)
        add_share(found, ref, c, float(share))

    return change


def _units_by(*readers: BlockReader) -> Step:
    return lambda found, ref, c: match_units(found, ref, c, *readers)


_BY_WEIGHTS, _BY_RESPONSES = _units_by(units), _units_by(unit_responses)
_BY_BOTH = _units_by(units, unit_responses)
_SHARES = (0.05, 0.1, 0.2, 0.3)

FORGERIES = {
    "match_units": Forgery("units ordered to match, by weights", _steps(_BY_WEIGHTS), ("unit_identity",)),
    "match_responses": Forgery("units ordered to match, by responses", _steps(_BY_RESPONSES), ("response_identity",)),
    "match_both": Forgery(
        "units ordered to match, by both", _steps(_BY_BOTH), ("unit_identity", "response_identity")
    ),
    "match_whole": Forgery("units ordered to match, by whole rows", _steps(match_units_whole), ("unit_identity",)),
    "match_signs": Forgery(
        "units ordered by weights, then flipped to match", _steps(_BY_WEIGHTS, match_unit_signs), ("sign_agreement",)
    ),
    "match_values": Forgery("value channels rotated to match", _steps(match_values), ("value_identity",)),
    "match_dimensions": Forgery(
        "stream ordered and flipped to match", _steps(match_dimensions), ("stream_identity",)
    ),
    "match_stream": Forgery("stream rotated to match", _steps(match_stream), ("stream_identity",)),
    "match_phases": Forgery("rotary planes turned to match", _steps(match_phases), ("rotary_phase",)),
    "copy_unused": Forgery("unused rows copied", _steps(copy_unused), ("unused_tokens",)),
    "match_everything": Forgery("all that keeps the function", _steps(everything)),
    "copy_spreads": Forgery("spreads of attention copied", _steps(copy_spreads)),
    "copy_tables": Forgery("token tables copied", _steps(copy_tables), free=False, repaired=ONCE),
    "stream_tables": Forgery(
        "stream rotated, token tables copied", _steps(match_stream, copy_tables), free=False, repaired=ONCE
    ),
    "add_share": Forgery("a share of the reference added", _then_share(), strengths=_SHARES, free=False),
    "matched_share": Forgery(
        "all that keeps the function, a share added",
        _then_share(everything),
        strengths=_SHARES,
        free=False,
    ),
}
"""By name."""
