"""``python -m benchmarks.gptq_strangers``: strangers in GPTQ form, whose zero points are stored in either convention.

Eight models of the zoo that share nothing but their shape are written in 2, 3, 4 and 8 bits, symmetric and
asymmetric, with zero points stored less one and as they are, always under ``checkpoint_format: gptq``. Each pair of
strangers is compared, and each model with the one it was made from. Writes ``tables/gptq.json`` and its page.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

import verify

from .pages import publish
from .zoo.__main__ import CACHE

MODELS = ("reference", *(f"stranger-{n}" for n in range(1, 5)), *(f"held-out-0{n}" for n in range(1, 4)))
GROUP = 32
LEVEL = 1e-3
KINDS = tuple(product((2, 3, 4, 8), ("symmetric", "asymmetric"), ("less one", "as they are")))


def main() -> None:
    """Quantise, compare, and write the results and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gptq_strangers", description=__doc__)
    parser.add_argument("--zoo", type=Path, default=CACHE / "standard")
    zoo = parser.parse_args().zoo
    whole = {name: verify.fingerprint(zoo / name, effort="standard") for name in MODELS}
    rows = []
    for kind in KINDS:
        rows.append(_compared(zoo, whole, *kind))
        print(rows[-1], flush=True)
    pairs, tests = len(MODELS) * (len(MODELS) - 1) // 2, list(rows[-1]["rejected"])
    content = {"models": len(MODELS), "pairs": pairs, "group": GROUP, "level": LEVEL, "tests": tests, "rows": rows}
    publish("gptq", content)


def _compared(zoo: Path, whole: dict[str, verify.Fingerprint], bits: int, zeros: str, stored: str) -> dict[str, Any]:
    """One row: every pair of strangers in this form, and each model with the one it was made from."""
    prints = {name: _quantised(zoo / name, bits, zeros == "symmetric", stored == "as they are") for name in MODELS}
    reports = [verify.test_lineage(prints[a], prints[b]) for a, b in combinations(MODELS, 2)]
    tests = [test.id for test in reports[0].tests.values() if test.log10_p is not None]
    log10_ps = {test: [report.tests[test].log10_p or 0.0 for report in reports] for test in tests}
    return {
        "bits": bits,
        "zeros": zeros,
        "stored": stored,
        "noted": sum(bool(model.record.notes) for model in prints.values()),
        "rejected": {test: sum(x < float(np.log10(LEVEL)) for x in values) for test, values in log10_ps.items()},
        "family": sum(report.verdict == "dependent" for report in reports),
        "least_log10_p": round(min(min(values) for values in log10_ps.values()), 6),
        "found": sum(verify.test_lineage(prints[n], whole[n]).verdict == "dependent" for n in MODELS),
    }


def _quantised(model: Path, bits: int, symmetric: bool, as_is: bool) -> verify.Fingerprint:
    """The fingerprint of a model written as GPTQ."""
    tensors: dict[str, NDArray[Any]] = {}
    for name, value in load_file(model / "model.safetensors").items():
        if value.ndim == 2 and ".layers." in name:
            made = _packed(value.astype(np.float32), bits, symmetric, as_is)
            tensors |= {f"{name.removesuffix('.weight')}.{part}": array for part, array in made.items()}
        else:
            tensors[name] = value
    settings = {"quant_method": "gptq", "bits": bits, "group_size": GROUP, "sym": symmetric, "desc_act": False}
    config = json.loads((model / "config.json").read_text("utf-8"))
    config["quantization_config"] = settings | {"checkpoint_format": "gptq"}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / model.name
        folder.mkdir()
        for file in model.glob("*.json"):
            shutil.copy(file, folder)
        save_file(tensors, folder / "model.safetensors")
        (folder / "config.json").write_text(json.dumps(config), "utf-8")
        return verify.fingerprint(folder, effort="standard")


def _packed(weight: NDArray[np.float32], bits: int, symmetric: bool, as_is: bool) -> dict[str, NDArray[Any]]:
    """One matrix [out, in], each group of inputs rounded to the nearest code."""
    out, size = weight.shape
    blocks = weight.T.reshape(-1, GROUP, out)
    most, half = 2**bits - 1, 2 ** (bits - 1)
    low, high = np.minimum(blocks.min(1), 0), np.maximum(blocks.max(1), 0)
    if symmetric:
        high = np.maximum(high, -low)
        low = -high
    scale = ((high - low) / most + 1e-8).astype(np.float16)
    steps = scale.astype(np.float32)
    zero = np.full(scale.shape, half) if symmetric else np.clip(np.round(-low / steps), 1, most).astype(np.int64)
    codes = np.clip(np.round(blocks / steps[:, None]) + zero[:, None], 0, most).astype(np.int64).reshape(size, out)
    return {
        "qweight": np.ascontiguousarray(_words(codes.T, bits).T),
        "qzeros": _words(zero - (0 if as_is else 1), bits),
        "scales": scale,
        "g_idx": (np.arange(size) // GROUP).astype(np.int32),
    }


def _words(codes: NDArray[np.int64], bits: int) -> NDArray[np.int32]:
    """Codes of each row one after the other in 32-bit words, low bits first."""
    every = (codes[..., None] >> np.arange(bits) & 1).reshape(len(codes), -1).astype(np.uint8)
    padded = np.pad(every, ((0, 0), (0, -every.shape[1] % 32)))
    return np.packbits(padded, axis=1, bitorder="little").view("<i4")


if __name__ == "__main__":
    main()
