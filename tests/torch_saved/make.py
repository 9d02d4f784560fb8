"""``python tests/torch_saved/make.py``: write the files in this folder by torch.save, from seeded numbers.

Needs torch and safetensors. ``NAME.safetensors`` beside a file holds what must be read of it, written by torch.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

HERE = Path(__file__).parent
Tensors = dict[str, torch.Tensor]


class Attributed(torch.nn.Parameter):
    """A parameter of a class of its own, which torch.save does not keep."""


def views() -> Tensors:
    """Every type and every way to look at a storage."""
    numbers, fused = torch.randn(6, 4), torch.randn(5, 9)
    marked = torch.randn(3)
    marked.partition = 1  # pickled as attributes of the tensor
    kinds = {
        "float64": torch.randn(3, dtype=torch.float64),
        "float16": torch.randn(3).half(),
        "bfloat16": torch.randn(3).bfloat16(),
        "int64": torch.tensor([-1, 2**40]),
        "int32": torch.tensor([-1, 2**20], dtype=torch.int32),
        "int16": torch.tensor([-1, 2**10], dtype=torch.int16),
        "int8": torch.tensor([-1, 100], dtype=torch.int8),
        "uint8": torch.tensor([1, 200], dtype=torch.uint8),
        "uint16": torch.tensor([1, 2**15], dtype=torch.uint16),
        "uint32": torch.tensor([1, 2**31], dtype=torch.uint32),
        "uint64": torch.tensor([1, 2**40], dtype=torch.uint64),
        "bool": torch.tensor([True, False]),
        "complex64": torch.randn(2, dtype=torch.complex64),
        "float8_e4m3fn": torch.randn(6).to(torch.float8_e4m3fn)[2:],
        "float8_e5m2": torch.randn(6).to(torch.float8_e5m2),
        "scalar": torch.tensor(3.5),
        "empty": torch.zeros(0, 4),
    }
    looks = {
        "whole": numbers,
        "tied": numbers,
        "transposed": numbers.t(),
        "rows": numbers[2:5],
        "column": numbers[:, 1],
        "columns": fused[:, 3:7],
        "every_second": fused[::2, ::3],
        "channels_last": torch.randn(2, 3, 2, 2).contiguous(memory_format=torch.channels_last),
        "permuted": torch.randn(2, 3, 4).permute(2, 0, 1),
        "expanded": torch.randn(1, 3).expand(4, 3),
        "windows": torch.randn(6).as_strided((3, 4), (1, 1)),
        "positions": torch.arange(5).expand((1, -1)),
        "parameter": torch.nn.Parameter(torch.randn(2, 2)),
        "attributed": Attributed(torch.randn(2)),
        "marked": marked,
        "bfloat16_transposed": torch.randn(3, 5).bfloat16().t(),
        "float8_transposed": torch.randn(3, 5).to(torch.float8_e5m2).t(),
    }
    return kinds | looks


def training() -> tuple[dict[str, object], Tensors]:
    """A checkpoint of a run: weights, and all that commonly lies beside them."""
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3))
    optimiser = torch.optim.AdamW(model.parameters())
    model(torch.randn(5, 4)).sum().backward()
    optimiser.step()
    beside = {
        "epoch": 3,
        "global_step": torch.tensor(12),
        "best": np.float64(0.5),
        "seen": np.arange(3),
        "args": argparse.Namespace(lr=1e-3, path=Path("run"), dtype=torch.bfloat16, device=torch.device("cpu")),
        "hyper_parameters": {"sizes": [1, 2], "betas": (0.9, 0.95), "names": {"a", "b"}},
        "optimizer_states": [optimiser.state_dict()],
        "optimizer": optimiser.state_dict(),
        "lr_schedulers": [{"last_epoch": 3, "_last_lr": [0.1]}],
        "callbacks": {"ModelCheckpoint{'mode': 'min'}": {"best_model_score": torch.tensor(0.3)}},
        "rng_state": torch.arange(16, dtype=torch.uint8),
        "version": torch.torch_version.TorchVersion("2.0"),
        "bytes": b"\0\1",
        "large": 2**70,
    }
    return {**beside, "state_dict": model.state_dict()}, model.state_dict()


class Doubled(torch.Tensor):
    """A subclass that wraps another tensor."""

    @staticmethod
    def __new__(cls, inner: torch.Tensor) -> Doubled:
        return torch.Tensor._make_wrapper_subclass(cls, inner.shape)

    def __init__(self, inner: torch.Tensor) -> None:
        self.inner = inner

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        """Unwrap."""
        inner = [one.inner if isinstance(one, Doubled) else one for one in args]
        return function(*inner, **(kwargs or {}))


def refused() -> dict[str, object]:
    """What is not read, by the name of its file."""
    conjugate = torch.randn(2, dtype=torch.complex64).conj()
    return {
        "negated": {"a": conjugate.imag},
        "conjugated": {"a": conjugate},
        "sparse": {"a": torch.eye(3).to_sparse()},
        "quantised": {"a": torch.quantize_per_tensor(torch.randn(4), 0.1, 0, torch.qint8)},
        "meta": {"a": torch.empty(2, device="meta")},
        "module": torch.nn.Linear(2, 2),
        "wrapper": {"a": Doubled(torch.randn(2))},
        "list": [torch.randn(2)],
        "array": {"a": torch.randn(2), "b": np.arange(3.0)},
        "complex128": {"a": torch.randn(2, dtype=torch.complex128)},
    }


def main() -> None:
    """Write every file."""
    torch.manual_seed(0)
    found = views()
    torch.save(found, HERE / "views.pt")
    torch.save(found, HERE / "views_protocol_5.pt", pickle_protocol=5)
    plain = {name: x.detach().clone(memory_format=torch.contiguous_format) for name, x in found.items()}
    save_file(plain, HERE / "views.safetensors")
    whole, weights = training()
    torch.save(whole, HERE / "training.ckpt")
    save_file(weights, HERE / "training.safetensors")
    for name, root in refused().items():
        torch.save(root, HERE / f"{name}.refused.pt")
    typed = {name: x for name, x in found.items() if "float8" not in str(x.dtype)}
    torch.save(typed, HERE / "views_before_1_6.pt", _use_new_zipfile_serialization=False)
    torch.save(whole, HERE / "training_before_1_6.ckpt", _use_new_zipfile_serialization=False)
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), HERE / "script.refused.pt")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
