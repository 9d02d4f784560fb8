"""Recognise files that only stand in for weights: pointers, failed downloads, archives, placeholders.

A reader that does not find its format's first bytes says what the file is instead, and what to do.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...base import CheckpointError, DamagedError, HostileError
from ..places.place import File
from .tensor import Tensor

LONGEST_NAME = 900
"""Characters allowed in a tensor's name, from which parts are named; the longest published ones have under 200."""
_LOOKED_AT = 512  # bytes
_AGAIN = "obtain the file again"
_LOGIN = "the download was refused or needs a login; log in and download the file again"
_PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04")
_BEGINNINGS: tuple[tuple[bytes, str, str], ...] = (
    (b"version https://git-lfs", "a Git LFS pointer", "fetch the weights that it stands for by `git lfs pull`"),
    (b"# xet version", "a pointer of git-xet", "download the weights that it stands for"),
    (b"<!doctype html", "a web page (HTML)", _LOGIN),
    (b"<html", "a web page (HTML)", _LOGIN),
    (b"<?xml", "an XML document", _LOGIN),
    (b"gguf", "a GGUF file", "let its name end with .gguf"),
    (b"pk\x03\x04", "a zip archive, as torch.save writes", "let its name end with .pt"),
    *(
        (start, "a pickle, which can run code and is never run here", "convert it to safetensors")
        for start in _PICKLES
    ),
    (b"\x1f\x8b", "a gzip archive", "unpack it"),
    (b"(\xb5/\xfd", "a zstd archive", "unpack it"),
    (b"\xfd7zxz", "an xz archive", "unpack it"),
    (b"\x89hdf", "an HDF5 file, as Keras and TensorFlow write", "convert it to safetensors"),
)
"""First bytes of a file, in lower case; what it is; and what to do."""


def stand_in(file: File) -> CheckpointError | None:
    """The error for a file that does not hold weights, by its first bytes; None if it is not recognised."""
    if file.size == 0:
        return DamagedError(f"{file.name} is empty (0 bytes); {_AGAIN}.")
    head = file.read([(0, min(file.size, _LOOKED_AT))])[0].tobytes()
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for beginning, what, way_out in _BEGINNINGS:
        if text.lower().startswith(beginning):
            kind = HostileError if "pickle" in what else DamagedError
            return kind(f"{file.name} is {what} of {file.size} bytes, and no weights; {way_out}.")
    if not head.strip(b"\0"):
        return DamagedError(f"{file.name} begins with zeros, as an unfinished download does; {_AGAIN}.")
    try:
        words = head[:60].decode("ascii").strip()
    except UnicodeDecodeError:
        return None
    if words and all(character.isprintable() or character.isspace() for character in words):
        return DamagedError(f"{file.name} is text ({words!r:.80}), and no weights; {_LOGIN}.")
    return None


def check_tensors(name: str, tensors: Mapping[str, Tensor]) -> None:
    """Refuse files without tensors, overlong names, and placeholders.

    DeepSpeed ZeRO-3 partitions parameters; saved without gathering them, each has shape [0].

    Raises
    ------
    CheckpointError
        With what is missing and how to obtain it.
    """
    if not tensors:
        raise DamagedError(f"{name} holds no tensor, only metadata; obtain the weights.")
    longest = max(tensors, key=len)
    if len(longest) > LONGEST_NAME:
        raise HostileError(
            f"{name} has a tensor whose name has {len(longest)} characters ({longest!r:.60}...); expected at most "
            f"{LONGEST_NAME}."
        )
    empty = [one for one, tensor in tensors.items() if tensor.shape == (0,) and one.endswith("weight")]
    if empty:
        raise DamagedError(
            f"{name} holds placeholders of shape [0] in place of {len(empty)} of {len(tensors)} tensors, such as "
            f"{empty[0]!r:.200}: DeepSpeed ZeRO-3 saved it without gathering the parameters; gather them "
            "(stage3_gather_16bit_weights_on_model_save, or zero_to_fp32.py) and give the result."
        )
