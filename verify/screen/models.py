"""Prepare the models of a screen: each once, with its fingerprint and first-stage sketch on disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from itertools import count
from pathlib import Path, PurePosixPath

from ..base import (
    Cache,
    FingerprintError,
    InputError,
    MissingPackageError,
    VerifyError,
    Workers,
    digest,
    exists,
    passed_over,
    run_in_order,
    sha256_of_file,
    write_atomically,
)
from ..base.plain import plain
from ..checkpoint import Location
from ..fingerprint import (
    Effort,
    Fingerprint,
    FingerprintRecord,
    Signed,
    fingerprint,
    is_fingerprint,
    with_file_digests,
)
from ..fingerprint.given import Model
from ..fingerprint.same import StatedWeights, stated_weights
from ..fingerprint.signature import key_of
from ..statistics import EXACT_TESTS
from . import sketches
from .kept import VERSION
from .stacks import blocks_file, save_blocks

_LONGEST_NAME = 255  # characters of the name of a model that is left out


@dataclass(frozen=True)
class Prepared:
    """A model ready for comparison."""

    file: Path
    """File of its fingerprint."""
    sha256: str
    first: Path
    """File of its first-stage sketch."""
    signature: str
    record: FingerprintRecord
    location: Location
    """Location given, of weights or of a fingerprint."""
    likeness: str
    """Digest of everything that exact copies share at any effort, except numbers on tokens."""
    weights: StatedWeights
    """The identity of its weights, as stated."""
    signed: Signed | None
    """Who stands for the fingerprint given; None for weights."""

    @property
    def stated(self) -> bool:
        """Whether a fingerprint was given, not weights."""
        return Path(self.location.address) == self.file


@dataclass(frozen=True)
class Unreadable:
    """A model that cannot be read."""

    name: str
    reason: str


class UnwritableError(InputError):
    """The folder of the screen's work cannot be written, which concerns no one model."""


@dataclass(frozen=True)
class Labelled:
    """A model under a unique name."""

    label: str
    prepared: Prepared


def located(source: Model, work: Path) -> Location:
    """A location valid in every worker: fingerprints in memory are written to files, paths are made absolute."""
    if isinstance(source, Fingerprint):
        return Location(str(_kept_fingerprint(source, work)))
    location = Location.of(source)
    if location.signer is not None:
        key_of(Path(location.signer))  # without it no model given can be read
    path = Path(location.address)
    return replace(location, address=str(path.absolute())) if location.address and exists(path) else location


def once(locations: Sequence[Location]) -> list[Location]:
    """Each model once, at its first place among them."""
    found: dict[tuple[str | None, ...], Location] = {}
    for location in locations:
        found.setdefault(_address(location), location)
    return list(found.values())


def _address(location: Location) -> tuple[str | None, ...]:
    places = (location.address, location.base, location.layout)
    return (*(None if text is None else _place(text) for text in places), location.declare, location.revision)


def _place(text: str) -> str:
    """A path with links resolved; an address unchanged."""
    try:
        return str(Path(text).resolve()) if exists(Path(text)) else text.removeprefix("hf://")
    except OSError:  # a name too long for the file system
        return text


def is_one(a: Prepared, b: Prepared) -> bool:
    """Whether two fingerprints are one model: equal bytes, unless both are of weights in two local places."""
    return a.sha256 == b.sha256 and (a.stated or b.stated or a.record.origin is not None)


def prepare(location: Location, work: Path, effort: Effort) -> Prepared | Unreadable:
    """Read or make one fingerprint, and save its first-stage sketch; a failure affects this model alone.

    Parameters
    ----------
    location : where the model lies.
    work : folder of the screen's work.
    effort : how much of weights to read.

    Returns
    -------
    Prepared or Unreadable
        The model, or why it was left out.

    Raises
    ------
    UnwritableError
        If the folder cannot be written.
    MissingPackageError
        If a package is missing that reads the model, and others like it.
    """
    name = plain(PurePosixPath(location.address).name, _LONGEST_NAME)
    try:
        file = Path(location.address)
        if is_fingerprint(file):
            return _given(file, location, work)
        return _prepared(
            _kept_fingerprint(fingerprint(location, effort=effort, cache=Cache(work)), work), location, work
        )
    except (UnwritableError, MissingPackageError):
        raise
    except InputError as error:
        return Unreadable(name, str(error))
    except OSError as error:
        return Unreadable(name, f"{name!r:.120} cannot be read ({error.strerror or error}).")
    except Exception as error:  # one model must not end a screen of others
        return Unreadable(name, passed_over(error, f"{name!r:.120}"))


@contextmanager
def _written(work: Path) -> Iterator[None]:
    """Failures to write are of the folder, not of the model that is being prepared."""
    try:
        yield
    except OSError as error:
        raise UnwritableError(
            f"{str(work)!r:.200} cannot be written ({error.strerror or error}); what was done is kept: make room, or "
            "give another folder with -o."
        ) from error


def _kept_fingerprint(made: Fingerprint, work: Path) -> Path:
    content = made.to_bytes()
    file = work / "fingerprints" / f"{sha256(content).hexdigest()}.safetensors"
    with _written(work):
        write_atomically(file, content)
    return file


def _given(file: Path, location: Location, work: Path) -> Prepared:
    """A fingerprint that was given, once its signature is known to hold if its signer is given."""
    signed, found = Signed.beside(file), None
    if location.signer is not None:
        found = Fingerprint.load(file, signer=location.signer)
        signed = found.signed or signed
    prepared = _prepared(file, location, work, signed)
    if found is not None and found.digest != f"sha256:{prepared.sha256}":
        raise FingerprintError(f"The fingerprint {file.name!r:.120} changed while it was read; try again.")
    return prepared


def _prepared(file: Path, location: Location, work: Path, signed: Signed | None = None) -> Prepared:
    content = sha256_of_file(file)
    tests = {test.id: test.version for test in EXACT_TESTS}
    of = digest({"constants": sketches.constants(), "version": VERSION, "tests": tests})[-16:]
    first = work / "first" / f"{content}-{of}.safetensors"
    try:
        sketch = sketches.load_sketch(first)
    except FingerprintError:
        sketch = sketches.first_sketch(Fingerprint.load(file))
        with _written(work):
            sketches.save_sketch(sketch, first)
    if not (blocks := blocks_file(first)).exists():
        with _written(work):
            save_blocks(sketch, blocks)
    weights = stated_weights(sketch.record, whole=sketch.whole)
    return Prepared(file, content, first, sketch.signature, sketch.record, location, sketch.likeness, weights, signed)


def with_digests(ready: Sequence[Prepared], work: Path, workers: Workers) -> list[Prepared]:
    """The models, with file digests for those that may be exact copies of another.

    Parameters
    ----------
    ready : models of the screen.
    work : folder of the screen's work.
    workers : as in :func:`verify.base.run_in_order`.

    Returns
    -------
    list of Prepared
        In the same order.
    """
    alike = Counter(one.likeness for one in ready)
    wanted = [one for one in ready if alike[one.likeness] > 1 and not one.stated]
    made = run_in_order(partial(_with_digest, work=work), wanted, workers)
    new = {id(one): better for one, better in zip(wanted, made, strict=True)}
    return [new.get(id(one), one) for one in ready]


def _with_digest(one: Prepared, work: Path) -> Prepared:
    """The model with file digests; unchanged if a file cannot be read any more."""
    try:
        model = with_file_digests(Fingerprint.load(one.file), one.location)
        return _prepared(_kept_fingerprint(model, work), one.location, work)
    except (VerifyError, OSError):
        return one


def labelled(prepared: Sequence[Prepared], given: Prepared | None = None) -> list[Labelled]:
    """Give models unique names, by adding numbers to equal ones.

    Parameters
    ----------
    prepared : the models.
    given : the one of them that is asked about, if the others are files of a library. Where one of these has its
        name, it is called so and ``(given)``; and those of one name are called by their files.

    Returns
    -------
    list of Labelled
        Ordered by these names.
    """
    others = Counter(one.record.name for one in prepared if one is not given)

    def wanted(one: Prepared) -> str:
        name = one.record.name
        if one is given:
            return f"{name} (given)" if others[name] else name
        if given is None or others[name] == 1:
            return name
        return PurePosixPath(one.location.address).name.removesuffix(".safetensors")

    taken = set(map(wanted, prepared))
    models: list[Labelled] = []
    numbers, before = count(2), None
    for one in sorted(prepared, key=lambda p: (wanted(p), p.sha256)):
        label = name = wanted(one)
        if name == before:
            label = next(numbered for n in numbers if (numbered := f"{name} ({n})") not in taken)
        else:
            numbers, before = count(2), name
        taken.add(label)
        models.append(Labelled(label, one))
    return models
