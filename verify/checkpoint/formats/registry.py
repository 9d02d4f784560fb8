"""File formats that hold weights, by suffix.

The reader of a format is imported when it is first needed.
"""

from __future__ import annotations

from collections.abc import Callable

from ..places.place import File, Storage
from .safetensors_file import contents as safetensors
from .tensor import Contents


def _gguf(file: File, place: Storage) -> Contents:
    from .gguf_models import contents

    return contents(file, place)


def _onnx(file: File, place: Storage) -> Contents:
    from .onnx_models import contents

    return contents(file, place)


def _torch(file: File, _: Storage) -> Contents:
    from .torch_file import contents

    return contents(file)


PICKLED = (".bin", ".pt", ".pth", ".ckpt")
"""Suffixes of files of torch.save, of which a folder's is read only if it holds no weights of another format."""
FORMATS: dict[str, Callable[[File, Storage], Contents]] = {
    ".safetensors": lambda file, _: safetensors(file),
    ".gguf": _gguf,
    ".onnx": _onnx,
    **dict.fromkeys(PICKLED, _torch),
}
"""Reads a file; its folder is where an ONNX file has further data files, and a GGUF file further parts."""
