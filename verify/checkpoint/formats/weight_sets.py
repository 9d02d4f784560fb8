"""Group the files of a folder into sets of weights, and choose among several sets.

Loaders disagree: transformers takes what ``transformers_weights`` of config.json names, then ``model.safetensors``,
then an index with shards; diffusers takes the index first. So no set is preferred silently: unless all hold the same
numbers, the user must choose.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from ...base import CheckpointError, DamagedError, NotFoundError, OptionError, UnsupportedError
from ..places.place import INDEX, File, Storage
from .safetensors_file import contents
from .tensor import Tensor, in_blocks

SINGLE = "model.safetensors"
PICKLES = (".pkl", ".pickle", ".joblib")
"""Suffixes of pickles outside the zip archive of torch.save, which are never read."""
FOREIGN = {
    ".distcp": "a distributed checkpoint of PyTorch",
    ".h5": "Keras or TensorFlow weights",
    ".hdf5": "Keras or TensorFlow weights",
    ".keras": "Keras weights",
    ".msgpack": "Flax weights",
    ".nemo": "a NeMo archive",
    ".npz": "NumPy arrays",
    ".ot": "Rust weights",
    ".pdparams": "Paddle weights",
    ".tflite": "a TensorFlow Lite model",
    ".zarr": "Zarr arrays",
}
"""Suffixes of weights that are not read, and what the files are."""

_WITH_TRANSFORMERS = (
    "if transformers wrote it, a version before 5 reads it (from_pretrained with {}=True), and save_pretrained "
    "writes safetensors; else convert it to safetensors"
)
_WAYS_OUT = {
    ".h5": _WITH_TRANSFORMERS.format("from_tf"),
    ".hdf5": _WITH_TRANSFORMERS.format("from_tf"),
    ".msgpack": _WITH_TRANSFORMERS.format("from_flax"),
}
_INDEX = re.compile(r".+(?P<suffix>\.safetensors|\.bin)\.index(\.[\w-]+)?\.json")
_SHARD = re.compile(r"(?P<stem>.+)-(?P<number>[0-9]{2,6})-of-(?P<total>[0-9]{2,6})(?P<end>.*)\.\w+")
_SLICE = re.compile(
    r"consolidated\.[0-9]{2}\.\w+|model[0-9]+-mp[0-9]+\.\w+|layer_[0-9]+-model_[0-9]+.*"
    r"|model-rank-[0-9]+-part-[0-9]+\.\w+"
    r"|.*(mp|tp|pp|tensor|pipeline)_?rank_?[0-9]+.*|.*_model_states\.\w+|rank[_-]?[0-9]+.*"
)
_RANK = re.compile(r"model-rank-(?P<rank>[0-9]{1,5})-part-[0-9]{1,5}\.safetensors")
"""Files of vLLM and SGLang: what one rank of tensor parallelism holds, in parts."""
_STAGES = re.compile(r"mp_rank_[0-9]+\w*|global_step[0-9]+|iter_[0-9]+|pp_rank_[0-9]+|pipeline_[0-9]+")
_NO_WEIGHTS = re.compile(r"(optimizer|scheduler|rng_state|training_args|scaler|sampler|random_states).*")
_NO_MODEL = re.compile(r"(mmproj|imatrix)[._-].*\.gguf|.*[._-](mmproj|imatrix)\.gguf")
_MAYBE_WHOLE = (
    "consolidated."  # beginning of the names of slices, of which a single one is the model, and several may be joined
)
_SMALL = 10  # a file this many times smaller than the model beside it is no second copy
_SHOWN = 6  # sets in a message

Index = dict[str, str]
"""Tensor name to file name."""


@dataclass(frozen=True)
class WeightSet:
    """Files that together hold one model."""

    files: tuple[str, ...]
    """Ordered."""
    index: str | None = None
    """Name of the index that lists them."""
    total: int | None = None
    """Number of files expected, if their names tell it."""
    slices: bool = False
    """Whether each file holds a slice of every tensor, or a pipeline stage, or may."""

    @property
    def key(self) -> str:
        """The file whose path selects this set."""
        return self.index or self.files[0]

    def __str__(self) -> str:
        rest = len(self.files) - 1
        if self.index is not None:
            return f"{self.index!r:.60} with {rest + 1} shards"
        return f"{self.files[0]!r:.60}" + (f" and {rest} more of its kind" if rest else "")


def is_index(name: str) -> bool:
    """Whether a file lists the shards of a model."""
    return suffix_of_shards(name) is not None


def suffix_of_shards(index: str) -> str | None:
    """Suffix of the shards that an index lists; None for any other file."""
    match = _INDEX.fullmatch(index)
    return None if match is None else match["suffix"]


def is_no_model(name: str) -> bool:
    """Whether a file of torch.save by that name is no model: state of training, or a slice or stage of one."""
    stage = _SLICE.fullmatch(name) is not None and not name.startswith(_MAYBE_WHOLE)
    return stage or _NO_WEIGHTS.match(name) is not None


def rank_of(name: str) -> int | None:
    """The rank whose share of every tensor a file of an inference engine holds; None for any other file."""
    match = _RANK.fullmatch(name)
    return None if match is None else int(match["rank"])


def is_stage(folder: str) -> bool:
    """Whether a folder of that name holds slices or stages of a model."""
    return _STAGES.fullmatch(folder) is not None


def foreign(name: str) -> str | None:
    """Say what a file in another format is, and the way out; None where the suffix is not recognised."""
    suffix = PurePosixPath(name).suffix.lower()
    if suffix not in FOREIGN:
        return None
    way_out = _WAYS_OUT.get(suffix, "convert it to safetensors")
    return f"{name!r:.120}, {FOREIGN[suffix]}, which is not read; {way_out}"


def weight_sets(
    present: Sequence[str], formats: Sequence[str], read_index: Callable[[str], Index]
) -> list[WeightSet]:
    """Group the weight files of a folder into sets, by names and indices.

    Parameters
    ----------
    present : names of the files in the folder.
    formats : suffixes of weights that can be read.
    read_index : reads an index file by name: tensor name to file name.

    Returns
    -------
    list of WeightSet
        Each file of weights is in one of them.

    Raises
    ------
    CheckpointError
        If an index is damaged, or omits shards of its own numbering.
    """
    found: list[WeightSet] = []
    free = [name for name in present if PurePosixPath(name).suffix.lower() in formats]
    for index in (name for name in present if suffix_of_shards(name) in formats):
        try:
            files = tuple(sorted(set(read_index(index).values())))
        except NotFoundError:  # a dangling link counts as absent
            continue
        listed = set(files)
        free = [name for name in free if name not in listed]
        _check_listed(index, files, free)
        found.append(WeightSet(files, index))
    groups: dict[str, list[str]] = {}
    for name in free:
        shard, piece = _SHARD.fullmatch(name), _SLICE.fullmatch(name)
        suffix = PurePosixPath(name).suffix
        kind = f"{_numbering(name)}{suffix}" if shard else re.sub("[0-9]+", "#", name) if piece else name
        groups.setdefault(kind, []).append(name)
    for files in (tuple(sorted(group)) for group in groups.values()):
        match = _SHARD.fullmatch(files[0])
        slices = match is None and (len(files) > 1 or rank_of(files[0]) is not None)
        found.append(WeightSet(files, total=int(match["total"]) if match else None, slices=slices))
    return found


def chosen(place: Storage, sets: Sequence[WeightSet], present: Sequence[str], config: Mapping[str, Any]) -> WeightSet:
    """Choose a set: the only readable one, or the first of several equal ones.

    Parameters
    ----------
    place : the folder.
    sets : sets of weights in it.
    present : names of the files in it.
    config : content of ``config.json``.

    Returns
    -------
    WeightSet
        The set to read.

    Raises
    ------
    CheckpointError
        If none is complete, or several differ.
    """
    whole = [one for one in sets if _lacking(one, present) is None]
    if not whole:
        raise DamagedError(str(_lacking(sets[0], present)))
    named = config.get("transformers_weights")
    if len(whole) > 1:
        whole = _rivals(place, whole, named) or whole[:1]
    ordered = sorted(whole, key=lambda one: (one.key != named, one.files != (SINGLE,), one.index is None, one.key))
    first = ordered[0]
    different = [one for one in ordered[1:] if not _same(place, first, one)]
    if different:
        raise OptionError(_question(place.name, ordered, named))
    if first.slices and not all(name.startswith(_MAYBE_WHOLE) or rank_of(name) is not None for name in first.files):
        raise slices_refused(place.name, first.files)
    return first


def slices_refused(name: str, files: Sequence[str], tensor: str = "") -> CheckpointError:
    """The error for files that each hold a slice of every tensor.

    Parameters
    ----------
    name : name of the folder.
    files : names of the files.
    tensor : name of a tensor of which it is not known how it was split, if that is the reason.
    """
    of_it = f"; how {tensor!r:.120} was split is not certain" if tensor else ""
    return UnsupportedError(
        f"{name} holds {len(files)} slices of one model ({files[0]!r:.60} and {len(files) - 1} more of its kind: "
        f"ranks of tensor or pipeline parallelism), which only the tool that wrote them can join{of_it}; convert "
        "them and give the whole model."
    )


def unread_weights(present: Sequence[str], formats: Sequence[str], read: Sequence[str]) -> tuple[str, ...]:
    """Files of weights that were not read, indices included, ordered.

    Parameters
    ----------
    present : names of the files in the folder.
    formats : suffixes of weights that can be read.
    read : names of the files that are read.

    Returns
    -------
    tuple of str
        Names, ordered.
    """
    suffixes = (*formats, *PICKLES, *FOREIGN)
    return tuple(
        name
        for name in sorted(present)
        if name not in read
        and name.isprintable()
        and (is_index(name) or PurePosixPath(name).suffix.lower() in suffixes)
        and not _NO_WEIGHTS.match(name)
    )


def instead_of_weights(name: str, present: Sequence[str], folders: Sequence[str]) -> str | None:
    """Say what a folder without readable weights holds instead.

    Parameters
    ----------
    name : name of the folder, for the sentence.
    present : names of the files in it.
    folders : names of the folders in it.

    Returns
    -------
    str or None
        A sentence; None where nothing is recognised.
    """
    pieces = [name for name in present if _SLICE.fullmatch(name) and not _NO_WEIGHTS.match(name)]
    pieces += [name for name in folders if _STAGES.fullmatch(name)]
    if pieces:
        return (
            f"{name} holds {pieces[0]!r:.120}{f' and {len(pieces) - 1} more' if pieces[1:] else ''}: ranks or "
            "pipeline stages as Megatron and DeepSpeed save them, which only those tools can join; convert them to "
            "safetensors (zero_to_fp32.py, or the converter of the training code) and give the result."
        )
    said = next(filter(None, map(foreign, (*present, *folders))), None)
    return None if said is None else f"{name} holds {said}."


def _numbering(name: str) -> str:
    """The part that the names of one model's shards share."""
    match = _SHARD.fullmatch(name)
    return "" if match is None else f"{match['stem']}-of-{match['total']}{match['end']}"


def _check_listed(index: str, files: Sequence[str], others: Sequence[str]) -> None:
    """Refuse an index that omits shards of its own numbering."""
    numberings = {_numbering(name) for name in files} - {""}
    if unlisted := [name for name in others if _numbering(name) in numberings]:
        raise DamagedError(
            f"{index!r:.120} names {len(files)} shards and not {unlisted[0]!r:.120} ({len(unlisted)} such), though "
            "it is of the same numbering, so the index or the shards are stale; obtain them again."
        )


def _lacking(one: WeightSet, present: Sequence[str]) -> str | None:
    """The reason why a set cannot be read, or None."""
    here = set(present)
    missing = [name for name in one.files if name not in here]
    if missing:
        return (
            f"{missing[0]!r:.120} is missing ({len(missing)} of {len(one.files)} shards); download the checkpoint "
            "again."
        )
    if one.total is not None and len(one.files) != one.total:
        return (
            f"{one.files[0]!r:.120} is one of {one.total} shards, of which {len(one.files)} are there; download the "
            "checkpoint again."
        )
    return None


def _rivals(place: Storage, sets: Sequence[WeightSet], named: object) -> list[WeightSet]:
    """The sets that may each be the model: neither dangling links nor much smaller files."""
    sizes = {one: size for one in sets if (size := _size(place, one)) is not None}
    largest = max(sizes.values(), default=0)
    usual = (SINGLE, INDEX, "adapter_model.safetensors", named)

    def beside(one: WeightSet) -> bool:
        small = one.files[0].endswith(".safetensors") and sizes[one] * _SMALL < largest and one.key not in usual
        return small or _NO_MODEL.fullmatch(one.files[0]) is not None

    return [one for one in sizes if not beside(one)]


def _size(place: Storage, one: WeightSet) -> int | None:
    """Bytes; None if a file cannot be found."""
    try:
        return sum(place.file(name).size for name in one.files)
    except NotFoundError:
        return None


def _question(name: str, sets: Sequence[WeightSet], named: object) -> str:
    shown = ", ".join(str(one) for one in sets[:_SHOWN])
    more = f" and {len(sets) - _SHOWN} more" if len(sets) > _SHOWN else ""
    first = sets[0]
    why = ""
    if first.key == named:
        why = f" (transformers takes {first.key!r:.60}, which config.json names)"
    elif first.files == (SINGLE,) and any(one.index for one in sets):
        why = f" (transformers takes {SINGLE}, diffusers the index)"
    return (
        f"{name} holds {len(sets)} sets of weights that differ: {shown}{more}{why}; say which is meant by giving the "
        f"path of that file, such as {f'{name}/{first.key}'!r:.160}."
    )


# ---- comparing two sets


def _same(place: Storage, one: WeightSet, other: WeightSet) -> bool:
    """Whether two sets hold the same tensors, bit by bit; for remote files, by digests alone."""
    files = [[place.file(name) for name in each.files] for each in (one, other)]
    digests = [[file.sha256(read=False) for file in each] for each in files]
    if digests[0] == digests[1] and None not in digests[0]:
        return True
    if place.origin is not None:
        return False
    try:
        x, y = (_tensors(each) for each in files)
    except CheckpointError:
        return False
    if x is None or y is None:
        return len(files[0]) == len(files[1]) and all(map(_same_bytes, *files))
    described = [{name: (t.dtype, t.shape) for name, t in each.items()} for each in (x, y)]
    return described[0] == described[1] and all(
        a == b for name in x for a, b in zip(x[name].iter_bytes(), y[name].iter_bytes(), strict=True)
    )


def _tensors(files: Sequence[File]) -> dict[str, Tensor] | None:
    """Tensors of safetensors files by name; None for other formats."""
    if not all(file.name.endswith(".safetensors") for file in files):
        return None
    return {name: tensor for file in files for name, tensor in contents(file).tensors.items()}


def _same_bytes(one: File, other: File) -> bool:
    return one.size == other.size and all(
        a == b for a, b in zip(in_blocks(one, 0, one.size), in_blocks(other, 0, other.size), strict=True)
    )
