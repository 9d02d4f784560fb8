"""The models of a screen: each once, with its fingerprint and the first stage's part of it kept on disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from itertools import count
from pathlib import Path, PurePosixPath

from ..base import (
    Cache,
    FingerprintError,
    InputError,
    VerifyError,
    Workers,
    digest,
    run_in_order,
    sha256_of_file,
    write_atomically,
)
from ..checkpoint import Location
from ..fingerprint import (
    Effort,
    Fingerprint,
    FingerprintRecord,
    fingerprint,
    is_fingerprint,
    with_file_digests,
)
from ..lineage import Model
from . import sketches
from .kept import VERSION


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
class Labelled:
    """A model under a name that no other of the screen has."""

    label: str
    prepared: Prepared


def located(source: Model, work: Path) -> Location:
    """Where every worker finds a model: fingerprints at hand are written, paths are made absolute."""
    if isinstance(source, Fingerprint):
        return Location(str(_kept_fingerprint(source, work)))
    location = Location.of(source)
    path = Path(location.address)
    return replace(location, address=str(path.absolute())) if location.address and path.exists() else location


def once(locations: Sequence[Location]) -> list[Location]:
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


def is_one(a: Prepared, b: Prepared) -> bool:
    """Whether two fingerprints are of one model: of the same bytes, but for weights in two places of this machine."""
    return a.sha256 == b.sha256 and (a.stated or b.stated or a.record.origin is not None)


def prepare(location: Location, work: Path, effort: Effort) -> Prepared | Unreadable:
    """Read or make one fingerprint, and keep the first stage's part of it; what goes wrong costs this model alone.

    Parameters
    ----------
    location : where the model lies.
    work : folder of the screen's work.
    effort : how much of weights to read.

    Returns
    -------
    Prepared or Unreadable
        The model, or why it was left out.
    """
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
    first = work / "first" / f"{content}-{digest({'constants': constants, 'version': VERSION})[-16:]}.safetensors"
    try:
        sketch = sketches.load_sketch(first)
    except FingerprintError:
        sketch = sketches.first_sketch(Fingerprint.load(file))
        sketches.save_sketch(sketch, first)
    return Prepared(file, content, first, sketch.signature, sketch.record, location, sketch.likeness)


def with_digests(ready: Sequence[Prepared], work: Path, workers: Workers) -> list[Prepared]:
    """The models, and of those that may be exact copies of another the digests of their files.

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
    """A file that cannot be read any more leaves it as it was."""
    try:
        model = with_file_digests(Fingerprint.load(one.file), one.location)
        return _prepared(_kept_fingerprint(model, work), one.location, work)
    except (VerifyError, OSError):
        return one


def labelled(prepared: Sequence[Prepared]) -> list[Labelled]:
    """Models by name; a number that makes no other model's name tells those of one name apart."""
    taken = {one.record.name for one in prepared}
    models: list[Labelled] = []
    numbers = count(2)
    for one in sorted(prepared, key=lambda p: (p.record.name, p.sha256)):
        label = name = one.record.name
        if models and models[-1].prepared.record.name == name:
            label = next(numbered for n in numbers if (numbered := f"{name} ({n})") not in taken)
        else:
            numbers = count(2)
        taken.add(label)
        models.append(Labelled(label, one))
    return models
