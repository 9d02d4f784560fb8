"""screen: many models in, pairs and families out; two stages, both resumable.

1. Every model is fingerprinted or its fingerprint read, once, and cut down to the first stage's part.
2. Every pair goes through the first stage, in tiles of models (``screen.first_stage``).
3. The pairs that pass are given all exact tests, as :func:`verify.test_lineage` does.
4. Error rates are kept over *all* pairs, those that did not pass included (``screen.conclude``).
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from hashlib import sha256
from itertools import combinations_with_replacement, count
from math import log10
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from ..base import (
    Cache,
    FingerprintError,
    InputError,
    Progress,
    VerifyError,
    Workers,
    digest,
    run_in_order,
    sha256_of_file,
    silent,
    software,
    write_atomically,
)
from ..checkpoint import Location
from ..claim.conclude import nothing_differs
from ..claim.verdict import combine
from ..fingerprint import (
    Effort,
    Fingerprint,
    FingerprintRecord,
    difference,
    fingerprint,
    is_fingerprint,
    with_file_digests,
)
from ..lineage import Model, at_one_effort, exact_results
from . import sketches
from .conclude import Compared, Tested, conclude, level_of_pair
from .first_stage import TileResult, tile
from .result import ScreenResult

TILE = 64
"""Models on each side of a tile."""
LARGEST_LEVEL = 0.01
"""Of a first-stage statistic, unadjusted."""
STRANGERS_A_MODEL = 0.02
"""Strangers that pass by chance, at most, for each model and statistic: the second stage then grows like the
number of models and not of pairs."""
WORK = ".work"
"""Folder of what is kept to resume; may be deleted once a screen is done."""

_BATCH = 8  # pairs of one second-stage task
_VERSION = 2  # of the stages: a change makes kept work void

Made = TypeVar("Made")


def screen(
    models: Sequence[Model],
    *,
    against: Model | None = None,
    effort: Effort = "screen",
    alpha: float = 1e-3,
    fdr: float = 0.01,
    workers: Workers = None,
    folder: str | os.PathLike[str] | None = None,
    progress: Progress = silent,
) -> ScreenResult:
    """Test every pair of many models for shared initial weights or derivation, with the exact tests alone.

    Parameters
    ----------
    models : paths or addresses of weights (folder or file), paths of fingerprints, Locations, or Fingerprints; the
        order does not matter.
    against : compare all models with this one only, and not with itself where it is among them; the price is then one
        test a model.
    effort : how much is read of weights; two models compare at the smaller of their efforts.
    alpha : family-wise level over all pairs; the chance of any false ``dependent`` is at most this.
    fdr : level of the false discovery rate; the expected share of false ones among pairs called ``dependent`` or
        ``suspected`` is at most ``alpha + fdr``.
    workers : None for this process, a number of processes, or any executor, such as that of a dask cluster
        (``Client.get_executor()``), whose workers must see the folder under the same path.
    folder : where unfinished work is kept, so that an interrupted screen goes on where it was.
    progress : called while models are read and tiles and pairs compared.

    Returns
    -------
    ScreenResult
        The same for the same models and options, whatever the workers.

    Raises
    ------
    InputError
        If fewer than two models can be read, or an option cannot be used.

    Examples
    --------
    >>> from verify.data import model
    >>> found = screen([model(name) for name in ("reference", "fine-tuned", "stranger-1")])
    >>> [family.members for family in found.families]
    [('fine-tuned', 'reference')]
    """
    if isinstance(models, str | os.PathLike | Location | Fingerprint):
        raise InputError(f"models is {models!r:.80}; give a list of models.")
    for name, value in (("alpha", alpha), ("fdr", fdr)):
        if not 0 < value < 1:
            raise InputError(f"{name} is {value}; give a number between 0 and 1, such as 0.001.")
    if folder is not None:
        return _screen(models, against, effort, alpha, fdr, workers, Path(folder) / WORK, progress)
    with TemporaryDirectory(prefix="verify-screen-") as place:
        return _screen(models, against, effort, alpha, fdr, workers, Path(place), progress)


def _screen(
    sources: Sequence[Model],
    against: Model | None,
    effort: Effort,
    alpha: float,
    fdr: float,
    workers: Workers,
    work: Path,
    progress: Progress,
) -> ScreenResult:
    work = work.resolve()
    given = _once([_located(source, work) for source in ([] if against is None else [against]) + [*sources]])
    prepared: list[Prepared | Unreadable] = []
    for n, outcome in enumerate(run_in_order(partial(_prepare, work=work, effort=effort), given, workers), start=1):
        prepared.append(outcome)
        progress("reading models", n, len(given))
    unreadable = [outcome for outcome in prepared if isinstance(outcome, Unreadable)]
    if against is not None and isinstance(prepared[0], Unreadable):
        raise InputError(prepared[0].reason)
    ready = [outcome for outcome in prepared if isinstance(outcome, Prepared)]
    if against is not None:
        ready = [ready[0], *(one for one in ready[1:] if not _is_one(one, ready[0]))]
    if len(ready) < 2:
        because = f": {unreadable[0].reason}" if unreadable else "; a model that is given twice counts once."
        raise InputError(f"{len(ready)} of {len(given)} models can be compared; give at least two{because}")
    ready = _with_digests(ready, work, workers)
    models = _labelled(ready)
    one = None if against is None else next(m for m in models if m.prepared is ready[0])

    order = sorted(models, key=lambda m: (m is not one, m.prepared.signature, m.label))
    pairs = len(models) - 1 if one else len(models) * (len(models) - 1) // 2
    level = log10(min(LARGEST_LEVEL, STRANGERS_A_MODEL * len(models) / pairs))
    kept = _Kept(work, [m.prepared.sha256 for m in order], one is not None, level)
    tiles = kept.through(
        "tile",
        partial(_tile, level=level),
        list(_tiles(order, alone=one is not None)),
        workers,
        vars,
        _tile_from_json,
        partial(progress, "first stage"),
    )
    passing = sorted(_oriented(order, at, found) for result in tiles for *at, found in result.passing)
    batches = [passing[i : i + _BATCH] for i in range(0, len(passing), _BATCH)]
    files = {m.label: m.prepared.file for m in models}
    level_of_one = level_of_pair(alpha, pairs)
    tested = kept.through(
        f"pairs-{level_of_one!r}",
        partial(_second_stage, alpha=level_of_one),
        [[(str(files[a]), str(files[b])) for a, b, _ in batch] for batch in batches],
        workers,
        lambda result: [list(vars(t).values()) for t in result],
        lambda stored: [Tested(*entry) for entry in stored],
        partial(progress, "second stage"),
    )
    return conclude(
        [Compared(m.label, m.prepared.sha256, m.prepared.record) for m in models],
        unreadable=[(outcome.name, outcome.reason) for outcome in unreadable],
        against=one.label if one else None,
        alpha=alpha,
        fdr=fdr,
        pairs=pairs,
        level=level,
        tiles=tiles,
        identical=sorted(_oriented(order, at, {})[:2] for result in tiles for at in result.identical),
        refused=_refused(order, tiles),
        tested=[(*pair, t) for pair, t in zip(passing, (t for batch in tested for t in batch), strict=True)],
    )


# ---- models


@dataclass(frozen=True)
class Prepared:
    """A model that can be compared."""

    file: Path
    """Its fingerprint."""
    sha256: str
    first: Path
    """The first stage's part of it."""
    signature: str
    record: FingerprintRecord
    location: Location
    """What was given: of weights, or of the fingerprint itself."""
    likeness: str
    """Digest of all by which exact copies are alike, at any effort: what is compared of them, but for tokens."""

    @property
    def stated(self) -> bool:
        """Whether the fingerprint itself was given, and not weights."""
        return Path(self.location.address) == self.file


@dataclass(frozen=True)
class Unreadable:
    """A model that cannot."""

    name: str
    reason: str


@dataclass(frozen=True)
class _Labelled:
    label: str
    prepared: Prepared


def _located(source: Model, work: Path) -> Location:
    """Where every worker finds a model: fingerprints at hand are written, paths are made absolute."""
    if isinstance(source, Fingerprint):
        return Location(str(_kept_fingerprint(source, work)))
    location = Location.of(source)
    path = Path(location.address)
    return replace(location, address=str(path.absolute())) if location.address and path.exists() else location


def _once(locations: Sequence[Location]) -> list[Location]:
    """Each model once, by its address: the first of those that lead to one place."""
    return list({_address(location): location for location in reversed(locations)}.values())[::-1]


def _address(location: Location) -> tuple[str | None, ...]:
    places = (location.address, location.base, location.layout)
    return (*(None if text is None else _place(text) for text in places), location.revision)


def _place(text: str) -> str:
    """A path behind its links; an address as it is."""
    try:
        return str(Path(text).resolve()) if Path(text).exists() else text.removeprefix("hf://")
    except OSError:  # a name too long for the file system
        return text


def _is_one(a: Prepared, b: Prepared) -> bool:
    """Whether two fingerprints are of one model: of the same bytes, but for weights in two places of this machine."""
    return a.sha256 == b.sha256 and (a.stated or b.stated or a.record.origin is not None)


def _prepare(location: Location, work: Path, effort: Effort) -> Prepared | Unreadable:
    """Read or make one fingerprint, and keep the first stage's part of it; what goes wrong costs this model alone."""
    name = PurePosixPath(location.address).name
    try:
        file = Path(location.address)
        if not is_fingerprint(file):
            file = _kept_fingerprint(fingerprint(location, effort=effort, cache=Cache(work)), work)
        return _prepared(file, location, work)
    except InputError as error:
        return Unreadable(name, str(error))
    except OSError as error:
        return Unreadable(name, f"{name!r:.120} cannot be read ({error.strerror or error}).")


def _kept_fingerprint(made: Fingerprint, work: Path) -> Path:
    content = made.to_bytes()
    file = work / "fingerprints" / f"{sha256(content).hexdigest()}.safetensors"
    write_atomically(file, content)
    return file


def _prepared(file: Path, location: Location, work: Path) -> Prepared:
    content = sha256_of_file(file)
    constants = [v for k, v in sorted(vars(sketches).items()) if k.isupper() and isinstance(v, int)]
    first = work / "first" / f"{content}-{digest({'constants': constants, 'version': _VERSION})[-16:]}.safetensors"
    try:
        sketch = sketches.load_sketch(first)
    except FingerprintError:
        sketch = sketches.first_sketch(Fingerprint.load(file))
        sketches.save_sketch(sketch, first)
    return Prepared(file, content, first, sketch.signature, sketch.record, location, sketch.likeness)


def _with_digests(ready: Sequence[Prepared], work: Path, workers: Workers) -> list[Prepared]:
    """The models, and of those that may be exact copies of another the digests of their files."""
    alike = Counter(one.likeness for one in ready)
    wanted = [one for one in ready if alike[one.likeness] > 1 and not one.stated]
    made = run_in_order(partial(_with_digest, work=work), wanted, workers)
    new = {id(one): better for one, better in zip(wanted, made, strict=True)}
    return [new.get(id(one), one) for one in ready]


def _with_digest(one: Prepared, work: Path) -> Prepared:
    """A file that cannot be read any more leaves it as it was."""
    try:
        model = with_file_digests(Fingerprint.load(one.file), one.location)
        return _prepared(_kept_fingerprint(model, work), one.location, work)
    except (VerifyError, OSError):
        return one


def _labelled(prepared: Sequence[Prepared]) -> list[_Labelled]:
    """Models by name; a number that makes no other model's name tells those of one name apart."""
    taken = {one.record.name for one in prepared}
    models: list[_Labelled] = []
    numbers = count(2)
    for one in sorted(prepared, key=lambda p: (p.record.name, p.sha256)):
        label = name = one.record.name
        if models and models[-1].prepared.record.name == name:
            label = next(numbered for n in numbers if (numbered := f"{name} ({n})") not in taken)
        else:
            numbers = count(2)
        taken.add(label)
        models.append(_Labelled(label, one))
    return models


# ---- tasks

TileTask = tuple[tuple[Path, ...], tuple[Path, ...], tuple[int, int]]


def _tiles(order: Sequence[_Labelled], *, alone: bool) -> Iterator[TileTask]:
    """Stretches of models to compare, each with the positions of its first."""
    files = [m.prepared.first for m in order]
    first = 1 if alone else 0
    chunks = [(at, tuple(files[at : at + TILE])) for at in range(first, len(files), TILE)]
    both = (((0, (files[0],)), c) for c in chunks) if alone else combinations_with_replacement(chunks, 2)
    for (i, a), (j, b) in both:
        yield a, b, (i, j)


def _tile(task: TileTask, level: float) -> TileResult:
    first, second, starts = task
    return tile(_sketches(first), _sketches(second), starts, level)


@lru_cache(maxsize=3)
def _sketches(files: tuple[Path, ...]) -> list[sketches.FirstSketch]:
    return [sketches.load_sketch(file) for file in files]


def _second_stage(pairs: list[tuple[str, str]], alpha: float) -> list[Tested]:
    """All exact tests of some pairs of fingerprint files; ``alpha`` is the level that one pair has to itself."""
    return [_tested(_loaded(a), _loaded(b), alpha) for a, b in pairs]


def _tested(a: Fingerprint, b: Fingerprint, alpha: float) -> Tested:
    try:
        results, log10_p = combine(exact_results(*at_one_effort(a, b), alpha=alpha))
    except VerifyError as error:
        return Tested({}, {}, None, str(error))
    by_test = {result.id: result for result in results}
    return Tested(
        {name: result.log10_p for name, result in by_test.items()},
        {name: result.detectable_share for name, result in by_test.items()},
        log10_p,
        None,
        nothing_differs(a.record, b.record) and not difference(a.arrays, b.arrays),
    )


@lru_cache(maxsize=2)
def _loaded(file: str) -> Fingerprint:
    return Fingerprint.load(file)


def _oriented(
    order: Sequence[_Labelled], at: Sequence[int], found: dict[str, float]
) -> tuple[str, str, dict[str, float]]:
    """A pair by its labels in their order, and what the first stage found of it."""
    a, b = sorted(order[i].label for i in at)
    return a, b, found


def _refused(order: Sequence[_Labelled], tiles: Sequence[TileResult]) -> Counter[str]:
    """By model, its pairs that no exact test applies to."""
    refused: Counter[str] = Counter()
    for result in tiles:
        refused.update({order[at].label: pairs for at, pairs in result.refused})
    return refused


# ---- what is kept


class _Kept:
    """Results of finished tasks, one file each, under a digest of everything that they depend on."""

    def __init__(self, work: Path, models: list[str], alone: bool, level: float) -> None:
        content = {
            "models": models,
            "against": alone,
            "level": level,
            "tile": TILE,
            "stages": _VERSION,
            "software": software("scipy"),
        }
        self._place = work / "results" / digest(content)[-32:]
        for other in self._place.parent.glob("*"):
            if other != self._place:
                shutil.rmtree(other, ignore_errors=True)

    def through(
        self,
        name: str,
        function: Callable[[Any], Made],
        tasks: list[Any],
        workers: Workers,
        stored: Callable[[Made], Any],
        restored: Callable[[Any], Made],
        progress: Callable[[int, int], None],
    ) -> list[Made]:
        """Results of all tasks in order: those kept, and the others made and kept one by one."""
        results: dict[int, Made] = {}
        for n in range(len(tasks)):
            try:
                results[n] = restored(json.loads(self._file(name, n).read_bytes()))
            except (OSError, ValueError, TypeError, KeyError):
                continue  # not made yet, or damaged
        missing = [n for n in range(len(tasks)) if n not in results]
        done = len(results)
        progress(done, len(tasks))
        for n, result in zip(missing, run_in_order(function, [tasks[n] for n in missing], workers), strict=True):
            write_atomically(self._file(name, n), json.dumps(stored(result)).encode())
            results[n] = result
            done += 1
            progress(done, len(tasks))
        return [results[n] for n in range(len(tasks))]

    def _file(self, name: str, n: int) -> Path:
        return self._place / f"{name}-{n:06d}.json"


def _tile_from_json(stored: Any) -> TileResult:
    return TileResult(
        passing=[(i, j, found) for i, j, found in stored["passing"]],
        identical=[(i, j) for i, j in stored["identical"]],
        untestable=[(reason, pairs) for reason, pairs in stored["untestable"]],
        sizes=[(statistic, law, n, groups) for statistic, law, n, groups in stored["sizes"]],
        tested=stored["tested"],
        refused=[(at, pairs) for at, pairs in stored["refused"]],
    )
