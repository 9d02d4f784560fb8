"""Open a checkpoint: from an address to its parts, one of which is chosen."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from ..base import CheckpointError, DamagedError, NotFoundError, OptionError
from . import adapters, dialects, layouts
from .adapters.alone import alone
from .adapters.recognise import is_adapter
from .checkpoint import Checkpoint, Held
from .formats.quantised import dequantised
from .formats.registry import FORMATS
from .formats.stand_ins import check_tensors
from .formats.tensor import Tensor
from .formats.weight_sets import rank_of
from .fused import fitting
from .layouts.config import numbers
from .layouts.divide import divide
from .layouts.fit import Fit
from .layouts.naming import unwrapped
from .layouts.understand import understood
from .places.place import Location
from .source import Source, below, find, is_weights, locate
from .vocabulary import LOOKED_FOR, Vocabulary, read_vocabulary, vocabulary

_log = logging.getLogger(__name__)


def open_checkpoint(model: str | os.PathLike[str] | Location) -> Checkpoint:
    """Open a model in place, local or remote; only headers and small files are read.

    An adapter is merged with its base as it is read; a LoRA without its base is a model of its own, of which only
    the order of its rank channels can be compared (``adapters.alone``).

    Raises
    ------
    CheckpointError
        If it is missing, damaged, hostile, or of an architecture that is not understood.
    """
    location = Location.of(model)
    given = _held(location)
    if location.base is None and (adapter := _alone(location, *given[:2])) is not None:
        return adapter
    held = _with_base(location, *given)
    source, found = held.source, held.found
    asked = None if location.layout is None else layouts.layout_of(location.layout)
    stated = None if location.declare is None else layouts.declarations(location.declare)
    shapes = {name: tensor.shape for name, tensor in found.items()}
    main, *further = (fitting(fit, found) for fit in understood(source.name, shapes, source.config, asked))
    main = main if stated is None else layouts.with_declarations(source.name, main, stated)
    division = divide([main, *(sound for fit in further if (sound := _sound(held, fit)) is not None)], shapes)
    for territory in division.territories:
        if location.part in (None, territory.part.name):
            checkpoint = Checkpoint(held, territory, division)
            break
    else:
        names = ", ".join(repr(territory.part.name)[:80] for territory in division.territories)
        raise OptionError(f"{source.name} has no part {location.part!r:.80} that is understood; it has {names}.")
    _log.info("%s: %s, %d tensors in %d files", checkpoint.name, main.family.name, len(found), len(source.weights))
    for name in (name for names in checkpoint.strange.values() for name in names):
        _log.debug("%s: tensor %r is not understood and left out", checkpoint.name, name)
    return checkpoint


def contents(model: str | os.PathLike[str] | Location) -> Held:
    """The tensors of a model as its files are decoded, before any has a role; an adapter is merged with its base.

    Raises
    ------
    CheckpointError
        If its files are missing, damaged, hostile, or of a format that is not read.
    """
    location = Location.of(model)
    return _with_base(location, *_held(location))


def contents_on(model: str | os.PathLike[str] | Location, base: Location | None) -> Held:
    """The tensors of a model as its files are decoded; an adapter for which no base is given is merged with ``base``.

    Raises
    ------
    CheckpointError
        As :func:`contents` does.
    """
    location = Location.of(model)
    source, found, tokens = _held(location)
    if base is not None and location.base is None and is_adapter(source, found):
        location = on_base(location, base)
    return _with_base(location, source, found, tokens)


def on_base(adapter: Location, base: Location) -> Location:
    """An adapter with its base.

    Parameters
    ----------
    adapter : the adapter.
    base : a whole model.
    """
    commit = "" if base.revision is None else f"@{base.revision}"
    return replace(adapter, base=base.address + commit)


def adapter_and_base(location: Location) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, Any]]:
    """The tensors of an adapter's base, the same as it changes them, and its settings.

    A tensor that the adapter leaves as it is is the same object in both.

    Raises
    ------
    CheckpointError
        If it is no adapter that can be merged, or its base cannot be read.
    """
    source, found, _ = _held(location)
    base = adapters.base_of(location, source, found)
    if base is None:
        raise OptionError(f"{source.name} is a whole model; expected an adapter with its base.")
    under, weights, _ = _held(base)
    return weights, adapters.merge(source, found, under, weights)[1], adapters.settings_of(source)


def _with_base(location: Location, source: Source, found: dict[str, Tensor], tokens: Vocabulary | None) -> Held:
    """The content of a model; of an adapter, merged with its base."""
    base = adapters.base_of(location, source, found) if location.base or is_adapter(source, found) else None
    if base is not None:
        under, weights, tokens = _held(base)
        source, found = adapters.merge(source, found, under, weights)
    if (given := location.of_tokenizer) is not None:
        tokens = tokenizer_at(given)
    return Held(source, found, tokens)


def _alone(location: Location, source: Source, found: dict[str, Tensor]) -> Checkpoint | None:
    """A LoRA without its base; None for anything else."""
    fit = alone(source.name, adapters.settings_of(source), found) if is_adapter(source, found) else None
    if fit is None:
        return None
    for what in ("declare", "layout", "part", "tokenizer"):
        if getattr(location, what) is not None:
            raise OptionError(f"{source.name} is an adapter without its base, and a {what} is given; leave it out.")
    division = divide([fit], {name: tensor.shape for name, tensor in found.items()})
    return Checkpoint(Held(replace(source, config=fit.config), found, None), division.territories[0], division)


def _sound(held: Held, fit: Fit) -> Fit | None:
    """A further part, if it can be read: with its settings in ``config.json``, else without them."""
    for one in (fit, replace(fit, config=numbers(fit.family, {}))):
        alone = divide([one], {name: held.found[name].shape for name in one.keys})
        try:
            Checkpoint(held, alone.territories[0], alone)
        except CheckpointError:
            continue
        return one
    return None


def tokenizer_at(location: Location) -> Vocabulary:
    """The tokenizer at an address: a tokenizer file, or the tokenizer of a folder or model.

    Raises
    ------
    CheckpointError
        If there is none, or it is damaged.
    """
    place, file = find(location)
    found = None
    if file is None:
        found = vocabulary(place)
    elif not is_weights(file):
        found = read_vocabulary(place, file)
    if found is None and (file is not None or any(map(is_weights, below(place).list_files()))):
        source, _, found = _held(location)
        found = found or vocabulary(source.place)
    if found is None:
        raise NotFoundError(
            f"No tokenizer was found in {place.name} (looked for {', '.join(LOOKED_FOR)}); give the path of one."
        )
    return replace(found, file=f"{place.name}/{found.file}")


def drafted_layout(model: str | os.PathLike[str] | Location) -> str:
    """A layout file to start from, for a model of unknown architecture; see docs/layouts.md.

    Raises
    ------
    CheckpointError
        If its files cannot be read.
    """
    _, found, _ = _held(Location.of(model), names=False)
    return layouts.draft_layout({name: tensor.shape for name, tensor in found.items()})


def _held(location: Location, *, names: bool = True) -> tuple[Source, dict[str, Tensor], Vocabulary | None]:
    """The source at a location, its tensors by name, and the vocabulary in a file of weights.

    Names of other tools become those of the Hub, unless ``names`` is false or a layout says what is meant by them.
    """
    source, found, tokens = _contents(locate(location))
    found = unwrapped(found, whole=not is_adapter(source, found))
    found = dequantised(found, source.config)
    if names and location.layout is None:
        source, found = dialects.translated(source, found)
    return source, found, tokens


def _contents(source: Source) -> tuple[Source, dict[str, Tensor], Vocabulary | None]:
    """The tensors of all files, and the source with the files' own settings, which override config.json."""
    tokens: Vocabulary | None = None
    tensors: list[dict[str, Tensor]] = []
    further = set[str]()
    for file in source.weights:
        if file.name in further:  # read as part of a file before it
            continue
        held = FORMATS[PurePosixPath(file.name).suffix.lower()](file, source.place)
        if tokens is None and held.vocabulary is not None:
            tokens = replace(held.vocabulary, file=file.name)
        further |= {one.name for one in held.beside}
        weights = {one.name: one for one in (*source.weights, *held.beside)}
        ordered = tuple(weights[name] for name in sorted(weights))
        source = replace(source, config=held.config or source.config, weights=ordered)
        tensors.append(held.tensors)
    found = _joined(source, tensors) if source.sliced else _together(tensors)
    check_tensors(source.name, found)
    for name, where in (source.index or {}).items():
        if name not in found or found[name].file != where:
            raise DamagedError(
                f"The index says tensor {name!r:.200} is in {where!r:.120}, where it is not; download it again."
            )
    return replace(source, index=None), found, tokens  # as large as the headers, and all checked


def _joined(source: Source, files: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The tensors of which every file holds a slice."""
    if all(rank_of(file.name) is not None for file in source.weights):
        return dialects.put_together(source.name, files, source.config)
    return dialects.joined(source.name, files)


def _together(files: Iterable[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The tensors of all files by name, each of which is in one of them."""
    found: dict[str, Tensor] = {}
    for name, tensor in (entry for tensors in files for entry in tensors.items()):
        if name in found:
            raise DamagedError(
                f"Tensor {name!r:.200} is in both {found[name].file} and {tensor.file}; expected it once."
            )
        found[name] = tensor
    return found
