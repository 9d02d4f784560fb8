"""Libraries: folders of fingerprints of known models, and which of them a model is related to.

A library is a folder, here or elsewhere, that holds ``*.safetensors`` files of fingerprints; whatever else lies in it
is passed over, but for such files that are too damaged to tell what they are, which are reported and left out. A
model is compared with each by :func:`verify.screen` against it alone: the correction is for as many pairs as the
library has fingerprints, so a large library costs power, never validity.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from ..base import (
    Cache,
    FingerprintError,
    InputError,
    MissingPackageError,
    Progress,
    Workers,
    exists,
    in_notebook,
    options,
    passed_over,
    sha256_of_file,
    write_atomically,
)
from ..base.envelope import LONGEST_ENVELOPE
from ..checkpoint import Location
from ..checkpoint.places.place import File
from ..checkpoint.places.retry import fetching
from ..checkpoint.source import find
from ..fingerprint import (
    EFFORTS,
    Effort,
    Fingerprint,
    check_target,
    fingerprint,
    is_fingerprint,
    may_be_fingerprint,
    with_file_digests,
)
from ..fingerprint.file import HEADER, LARGEST_FILE, LARGEST_HEADER
from ..fingerprint.given import Model, check_model
from ..fingerprint.signature import envelope_of, key_of
from .result import ScreenResult
from .stages import screened, work_of

_AT_A_TIME = 8  # files of a library that are fetched together
_SUFFIX = ".safetensors"
_SCHEME = re.compile(r"\A[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_LONGEST_NAME = 200  # bytes of the name of a file, without its suffix
_LONGEST_FETCHED = 240  # bytes of the name of a file; a signature beside it has some more
_BLOCK = 1 << 24  # bytes


def identify(
    model: Model,
    library: str | os.PathLike[str] | Location,
    *,
    effort: Effort = "screen",
    alpha: float = 1e-3,
    fdr: float = 0.01,
    workers: Workers = None,
    folder: str | os.PathLike[str] | None = None,
    progress: Progress = in_notebook,
) -> ScreenResult:
    """Which models of a library a model is related to: the screen of the library against it.

    Parameters
    ----------
    model : path or address of weights, path of a fingerprint, Location, or Fingerprint.
    library : folder of fingerprints: a path, an address such as ``hf://datasets/org/library``, or a Location of
        either, whose ``signer`` must have signed each; one that it did not sign is left out.
    effort : how much of the weights to read; each pair is compared at the smaller of both efforts.
    alpha : family-wise error rate over all pairs, of which there is one for each fingerprint of the library.
    fdr : false discovery rate, as in :func:`verify.screen`.
    workers : as in :func:`verify.screen`.
    folder : folder for unfinished work, from which an interrupted run resumes.
    progress : called while the library is fetched, models are read and pairs compared.

    Returns
    -------
    ScreenResult
        With ``record.against`` the model. That no relative is found says nothing of models that the library lacks.

    Raises
    ------
    InputError
        If the model or the library cannot be read, or the library holds no fingerprint of another model. A file that
        a server does not give ends the run: a library that was read in part would seem to lack models.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from verify.data import model
    >>> from verify.screen import build_library, identify
    >>> with TemporaryDirectory() as folder:
    ...     made = build_library([model("reference"), model("stranger-1")], folder)
    ...     found = identify(model("fine-tuned"), folder)
    >>> [(edge.a, edge.b) for family in found.families for edge in family.edges]
    [('fine-tuned', 'reference')]
    """
    check_model("model", model)
    where = Location.of(library, "library")
    progress = options.function("progress", progress)
    effort = options.one_of("effort", effort, EFFORTS)
    alpha, fdr = options.fraction("alpha", alpha), options.fraction("fdr", fdr)
    workers = options.processes("workers", workers)
    if where.signer is not None:
        key_of(Path(where.signer))  # before anything is fetched
    with work_of(folder) as work:
        found = fingerprints_of(where, work / "library", progress)
        members = [Location(str(path), signer=where.signer) for path in found]
        return screened(members, model, effort, alpha, fdr, workers, work, progress, copies=True)


def fingerprints_of(library: Location, work: Path, progress: Progress) -> list[Path]:
    """The fingerprints of a library as files of this machine, ordered by name; with files too damaged to tell.

    Parameters
    ----------
    library : the folder; if it has a signer, the signatures beside the fingerprints are fetched too.
    work : folder that files from elsewhere are written to; those that are there already are not fetched again if
        the place tells their sha256.
    progress : called after each file.

    Raises
    ------
    InputError
        If it is no folder, or holds no fingerprint.
    CheckpointError
        If a file cannot be fetched.
    """
    text = library.address
    here = exists(Path(text)) if text else True
    place, file = find(library)
    if file is not None:
        raise InputError(
            f"The library {text!r:.200} is one file; give the folder of fingerprints that it lies in, or compare the "
            "two models with `verify lineage`."
        )
    if here:
        found = sorted(path for path in Path(text).glob(f"*{_SUFFIX}") if may_be_fingerprint(path))
    else:
        names = place.list_files()
        wanted = [_plain(name) for name in names if name.endswith(_SUFFIX)]
        found = []
        with fetching(_AT_A_TIME) as threads:
            for n, path in enumerate(threads.map(lambda name: _fetched(place.file(name), work), wanted), start=1):
                found += [] if path is None else [path]
                progress("fetching the library", n, len(wanted))
        for path in found if library.signer is not None else []:
            beside = envelope_of(path)
            beside.unlink(missing_ok=True)
            if beside.name in names:
                write_atomically(beside, place.read_bytes(beside.name, LONGEST_ENVELOPE))
    if not any(map(is_fingerprint, found)):
        raise InputError(
            f"The library {text!r:.200} holds no fingerprint; give a folder of files that `verify library` or "
            "`verify fingerprint` wrote."
        )
    return found


def _is_cut(beginning: bytes, size: int) -> bool:
    """Whether a file, by its first 8 bytes, is shorter than its own header: a download that ended, or a pointer."""
    return size < 8 or 8 + int.from_bytes(beginning, "little") > size


def _plain(name: str) -> str:
    """A name that a server gives to a file, which names one file inside a folder on every system.

    Raises
    ------
    InputError
        If it does not.
    """
    if not name.isprintable() or re.search(r"[/\\:]", name) or len(os.fsencode(name)) > _LONGEST_FETCHED:
        raise InputError(
            f"The library lists a file named {name!r:.120}, which no file of this machine can be named; rename it "
            f"there, to at most {_LONGEST_FETCHED} bytes without a slash, backslash or colon."
        )
    return name


def _fetched(file: File, work: Path) -> Path | None:
    """A file from elsewhere, written to the folder; None if it is no fingerprint: then only its header is read.

    One that is shorter than its header is written too, so that it is reported as damaged. None also if it is larger
    than any fingerprint.
    """
    written = work / file.name
    stated = file.sha256(read=False)
    if stated is not None and written.is_file() and sha256_of_file(written) == stated:
        return written
    if file.size > LARGEST_FILE:
        return None
    beginning = file.read([(0, min(8, file.size))])[0].tobytes() if file.size else b""
    length = 8 + int.from_bytes(beginning, "little")
    if not _is_cut(beginning, file.size) and not (length <= LARGEST_HEADER and _holds(file, length, HEADER.encode())):
        return None
    write_atomically(written, _blocks(file, 0, file.size))
    file.evict()
    return written


def _blocks(file: File, start: int, stop: int) -> Iterator[bytes]:
    """The bytes of a range, in blocks: what a server says of a file's size must not decide how much is held."""
    for at in range(start, stop, _BLOCK):
        yield file.read([(at, min(at + _BLOCK, stop))])[0].tobytes()


def _holds(file: File, stop: int, word: bytes) -> bool:
    """Whether a header, which ends at ``stop``, has a word in it."""
    before = b""
    for block in _blocks(file, 8, stop):
        before = before[-len(word) :] + block
        if word in before:
            return True
    return False


def build_library(
    models: Sequence[str | os.PathLike[str] | Location],
    folder: str | os.PathLike[str],
    *,
    effort: Effort = "screen",
    workers: Workers = None,
    progress: Progress = in_notebook,
    report: Callable[[str], None] | None = None,
) -> list[Path]:
    """Write a library: the fingerprint of each model, with the sha256 of its files, as a file of its own.

    The digests tell exact copies from models that differ where nothing was read. The Hub states them; files here are
    read for them as a whole.

    An interrupted build goes on: the fingerprints of models at a commit of the Hub, and of files here that did not
    change, are in the cache. A model that cannot be read costs no other.

    Parameters
    ----------
    models : paths or addresses of weights, or Locations; the file of ``org/model`` is
        ``org--model.safetensors``, of a folder here that folder's name.
    folder : folder to write to, made if absent; fingerprints of the same names in it are replaced.
    effort : how much of each model to read.
    workers : processes that read layers, or an executor.
    progress : called while models are read.
    report : called with one line for every model that is left out.

    Returns
    -------
    list of Path
        The files, in the order of the models.

    Raises
    ------
    InputError
        If an argument is invalid, two models would be written to one file, a file there is no fingerprint or one of
        greater effort, a package is missing that reads a model, or no model can be read.
    """
    if isinstance(models, str | bytes | os.PathLike | Mapping) or not isinstance(models, Iterable):
        options.refuse("models", models, "a list of models")
    where = options.path("folder", folder)
    effort = options.one_of("effort", effort, EFFORTS)
    workers, progress = options.processes("workers", workers), options.function("progress", progress)
    asked = {where / name: location for name, location in _named([Location.of(model) for model in models]).items()}
    if not asked:
        raise InputError("No model is given for the library; give at least one.")
    for file in asked:
        check_target(file)
        _check_effort(file, effort)
    made: list[Path] = []
    reasons: list[str] = []
    for n, (file, location) in enumerate(asked.items(), start=1):
        try:
            found = fingerprint(location, effort=effort, workers=workers, cache=Cache.default(), progress=progress)
            found = with_file_digests(found, location)
        except MissingPackageError:
            raise  # the others would fail alike
        except Exception as error:  # one model must not end the library of the others
            name = str(location)
            reasons.append(str(error) if isinstance(error, InputError) else passed_over(error, f"{name!r:.120}"))
            if report is not None:
                report(f"{name}: left out: {reasons[-1]}")
        else:
            found.save(file)
            made.append(file)
        progress("library", n, len(asked))
    if not made:
        raise InputError(f"None of {len(asked)} models could be read; the first: {reasons[0]}")
    return made


def _check_effort(file: Path, effort: Effort) -> None:
    """Refuse to replace a fingerprint by one that holds less.

    Raises
    ------
    InputError
        If that in the file was made at a greater effort.
    """
    if not is_fingerprint(file):
        return
    try:
        made = Fingerprint.load(file).record.effort
    except FingerprintError:
        return  # damaged: made again
    if EFFORTS.index(made) > EFFORTS.index(effort):
        raise InputError(
            f"{file.name!r:.120} is a fingerprint made at {made} effort, and would be replaced by one at {effort}; "
            f"give --effort {made}, or another folder."
        )


def _named(locations: Sequence[Location]) -> dict[str, Location]:
    """The models by the name of their file.

    Raises
    ------
    InputError
        If two have one name.
    """
    found: dict[str, Location] = {}
    for location in locations:
        name = file_name(location)
        if found.setdefault(name, location) != location:
            raise InputError(
                f"{str(found[name])!r:.120} and {str(location)!r:.120} would both be written to {name!r:.120}; build "
                "two libraries, or rename one."
            )
    return found


def file_name(location: Location) -> str:
    """The name of the file of a model's fingerprint.

    Examples
    --------
    >>> file_name(Location("hf://org/model", revision="v2"))
    'org--model@v2.safetensors'
    """
    text = location.address
    if text and exists(Path(text)):
        stem = Path(text).resolve().name.removesuffix(_SUFFIX)
    else:
        stem = _SCHEME.sub("", str(location)).partition("?")[0].strip("/")
    plain = re.sub(r"[^\w.@+-]+", "--", PurePosixPath(stem).as_posix()).encode()[-_LONGEST_NAME:]
    return plain.decode("utf-8", "ignore") + _SUFFIX
