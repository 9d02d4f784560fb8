"""``python -m benchmarks.efforts --before FOLDER``: CPU seconds of each effort beside another version, and growth.

``FOLDER`` is a checkout of the version to compare with. Both versions do the same work in processes of their own, in
turn, on one thread, with the files in the page cache; bytes read, p-values, and the numbers of fingerprints must be
equal. Growth is that of this version alone: sizes in turn, several rounds, a line through all of them on logarithms
with its 95% interval, beside the same line through the bytes read.

``--whole`` compares two models of 7B with all their 32 layers at full effort without a panel, as a whole process,
once; beside it, in a process of its own, sha256 hashes the same bytes as often. They are written to a temporary
folder, 27 GB, or are ``a`` and ``b`` in the folder given, as :mod:`benchmarks.shapes` writes a model and its child.
What is measured replaces its part of ``tables/efforts.json``, and the page is written from all of it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import ml_dtypes
import numpy as np
from safetensors.numpy import save_file
from scipy import stats

from verify.fingerprint.build import made_for

from .kernels.machine import machine
from .pages import publish
from .process import measured, warm
from .shapes import SHAPES, Shape, write, write_empty

ROOT = Path(__file__).parent.parent
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
WORK = """
import hashlib, json, sys, time
sys.path.insert(0, sys.argv[1])
kind, effort, *models = sys.argv[2:]
import verify
from verify.fingerprint import Fingerprint
if kind == "tests":
    models = [Fingerprint.load(model) for model in models]
start = time.process_time()
if kind == "fingerprint":
    made = verify.fingerprint(models[0], effort=effort)
    said = {name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in made.arrays.items()}
    read = made.record.bytes_read
else:
    report = verify.test_lineage(*models, effort=effort, created="2026-01-01T00:00:00Z")
    said = {name: None if one.log10_p is None else round(one.log10_p, 8) for name, one in report.tests.items()}
    read = report.a.bytes_read + report.b.bytes_read
seconds = time.process_time() - start
print(json.dumps([seconds, read, hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()]))
"""
HASHING = """
import hashlib, json, sys, time
from pathlib import Path
import numpy as np
seconds, hashed = 0.0, 0
for path in (path for folder in sys.argv[1:] for path in sorted(Path(folder).glob("*.safetensors"))):
    of_file, of_numbers = hashlib.sha256(), hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while block := file.read(1 << 19):
            numbers = np.left_shift(np.frombuffer(block, np.uint16), 16, dtype=np.uint32)
            start = time.process_time()
            of_file.update(block)
            of_numbers.update(numbers)
            seconds += time.process_time() - start
            hashed += len(block) + numbers.nbytes
print(json.dumps([seconds, hashed]))
"""
"""Hashes what full effort hashes of files of bfloat16: their bytes, and their numbers as float32."""
LAYER = replace(SHAPES["7B"].at(1), vocab=1000)


def main() -> None:
    """Measure, and write the results and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.efforts", description=__doc__)
    parser.add_argument("--before", type=Path, help="checkout of the version to compare with")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--whole", nargs="?", const="", metavar="FOLDER", help="also two whole models; see above")
    options = parser.parse_args()
    found = json.loads((ROOT / "benchmarks/tables/efforts.json").read_text("utf-8"))
    with tempfile.TemporaryDirectory(prefix="verify-efforts-") as folder:
        if options.before is not None:
            found |= {
                "machine": machine(),
                "rounds": options.rounds,
                "sides": _sides(Path(folder), options.before.resolve(), options.rounds),
                "growth": _growth(Path(folder), 3),
                "load": os.getloadavg()[2],
            }
        if options.whole is not None:
            found["whole"] = _whole(Path(options.whole) if options.whole else _pair(Path(folder)))
    publish("efforts", found)


def _pair(folder: Path) -> Path:
    """A folder with a whole model of 7B and its child."""
    write(SHAPES["7B"], folder / "a", seed=1)
    write(SHAPES["7B"], folder / "b", seed=1, child=2)
    return folder


def _whole(folder: Path) -> dict[str, Any]:
    """Two whole models compared, and sha256 alone."""
    environment, models = dict(os.environ) | ONE_THREAD, [str(folder / side) for side in "ab"]
    command = [sys.executable, "-m", "verify", "lineage", *models, "--effort", "full", "--panel", "none"]
    run = measured([*command, "--json", "--quiet"], environment=environment, cwd=ROOT)
    report = json.loads(run.output)
    assert report["verdict"] == "dependent", report["verdict"]
    seconds, hashed = json.loads(
        measured([sys.executable, "-c", HASHING, *models], environment=environment, cwd=ROOT).output
    )
    row = {
        "machine": machine(),
        "load": os.getloadavg()[2],
        "bytes": report["a"]["bytes_read"] + report["b"]["bytes_read"],
        "seconds": run.cpu,
        "wall": run.wall,
        "anonymous": run.anonymous,
        "sha256": seconds,
        "hashed": hashed,
        "kernels": os.environ.get("OPENBLAS_CORETYPE", ""),
    }
    print(row, flush=True)
    return row


def _sides(folder: Path, before: Path, rounds: int) -> list[dict[str, Any]]:
    """Each work by both versions, in turn."""
    rows = []
    for what, kind, effort, models in _works(folder):
        runs: dict[str, list[tuple[float, int, str, int]]] = {"before": [], "now": []}
        for _ in range(rounds):
            for side, tree in (("before", before), ("now", ROOT)):
                command = [sys.executable, "-c", WORK, str(tree), kind, effort, *map(str, models)]
                run = measured(command, environment=dict(os.environ) | ONE_THREAD, cwd=tree)
                runs[side].append((*json.loads(run.output), run.anonymous))
        ((size, _),) = {(size, said) for side in runs.values() for _, size, said, _ in side}
        ratios = [b[0] / n[0] for b, n in zip(runs["before"], runs["now"], strict=True)]
        rows.append(
            {
                "work": what,
                "effort": effort,
                "bytes": size,
                **{side: [min(x[0] for x in of), median(x[0] for x in of)] for side, of in runs.items()},
                "ratio": [min(ratios), median(ratios), max(ratios)],
                "anonymous": {side: max(x[3] for x in of) for side, of in runs.items()},
            }
        )
        print(rows[-1], flush=True)
    return rows


def _works(folder: Path) -> list[tuple[str, str, str, list[Path]]]:
    """What is done: its name, kind, effort and models."""
    from tests.strategies import random_fingerprint
    from verify.fingerprint import SketchSpec

    layer = [write(LAYER, folder / "layer", seed=1), write(LAYER, folder / "child", seed=1, child=2)]
    deep = [write_empty(SHAPES["7B"].at(32), folder / "deep")]
    wide = [write_empty(SHAPES["14B"].at(48), folder / "wide")]
    for model in layer:
        warm(model)
    rng = np.random.default_rng(0)
    prints: dict[str, list[Path]] = {}
    for name, layers in (("7B", 8), ("14B", 48)):
        for side in "ab":
            path = folder / f"{name}-{side}.safetensors"
            random_fingerprint(
                rng, SHAPES[name].at(layers).architecture(), SketchSpec(), effort="standard", name=side
            ).save(path)
            prints.setdefault(name, []).append(path)
    return [
        ("two models of one layer of 7B, compared without a panel", "lineage", "full", layer),
        ("one layer of 7B, fingerprint for panels too", "fingerprint", "full", layer[:1]),
        ("32 layers of 7B, zeros, fingerprint", "fingerprint", "standard", deep),
        ("48 layers of 14B, zeros, fingerprint", "fingerprint", "screen", wide),
        ("8 layers of 7B, tests alone", "tests", "standard", prints["7B"]),
        ("48 layers of 14B, tests alone", "tests", "standard", prints["14B"]),
    ]


def _growth(folder: Path, rounds: int) -> list[dict[str, Any]]:
    """Exponents of seconds and of bytes against each size."""
    small = Shape("small", "llama", layers=2, width=512, heads=8, kv_heads=2, hidden=1408, vocab=1000)
    axes: dict[str, tuple[tuple[int, ...], Callable[[int, Path], object]]] = {
        "layers": ((4, 8, 16, 32), lambda n, at: write(small.at(n), at, seed=1)),
        "width": (
            (512, 1024, 2048, 4096),
            lambda n, at: write(
                replace(small, layers=1, width=n, heads=n // 64, kv_heads=n // 256, hidden=n * 11 // 4), at, seed=1
            ),
        ),
        "vocabulary": (
            (32_000, 64_000, 128_000, 256_000),
            lambda n, at: write(replace(small, layers=1, vocab=n, width=256), at, seed=1),
        ),
        "experts": ((32, 64, 128, 256), _experts),
    }
    rows = []
    for axis, (sizes, make) in axes.items():
        for size in sizes:
            make(size, folder / f"{axis}-{size}")
        for effort in ("standard", "full"):
            seconds: list[tuple[int, float]] = []
            read: list[tuple[int, float]] = []
            for _ in range(rounds):
                for size in sizes:
                    start = time.process_time()
                    made = made_for(folder / f"{axis}-{size}", effort, panels=False)
                    seconds.append((size, time.process_time() - start))
                    read.append((size, made.record.bytes_read))
            slope, half = _line(seconds)
            least = [min(s for at, s in seconds if at == size) for size in sizes]
            rows.append(
                {
                    "axis": axis,
                    "effort": effort,
                    "sizes": list(sizes),
                    "seconds": least,
                    "exponent": [slope - half, slope, slope + half],
                    "of_bytes": _line(read)[0],
                }
            )
            print(rows[-1], flush=True)
    return rows


def _line(points: list[tuple[int, float]]) -> tuple[float, float]:
    """Slope of the line through the logarithms, and half of its 95% interval."""
    fit = stats.linregress(*np.log(np.array(points)).T)
    return float(fit.slope), float(fit.stderr * stats.t.ppf(0.975, len(points) - 2))


def _experts(count: int, folder: Path) -> None:
    """A Mixtral of one layer with so many experts."""
    folder.mkdir()
    rng, width, hidden, layer = np.random.default_rng(0), 512, 256, "model.layers.0."
    shapes = {"model.embed_tokens.weight": (1000, width), "lm_head.weight": (1000, width)}
    shapes |= {f"{layer}self_attn.{role}_proj.weight": (width, width) for role in "qkvo"}
    shapes[f"{layer}block_sparse_moe.gate.weight"] = (count, width)
    for e in range(count):
        for name, shape in (("w1", (hidden, width)), ("w2", (width, hidden)), ("w3", (hidden, width))):
            shapes[f"{layer}block_sparse_moe.experts.{e}.{name}.weight"] = shape
    tensors = {
        name: (rng.standard_normal(shape, dtype=np.float32) * np.float32(0.02)).astype(ml_dtypes.bfloat16)
        for name, shape in shapes.items()
    }
    norms = ("model.norm", f"{layer}input_layernorm", f"{layer}post_attention_layernorm")
    tensors |= {f"{name}.weight": np.ones(width, ml_dtypes.bfloat16) for name in norms}
    save_file(tensors, folder / "model.safetensors")
    config = {"model_type": "mixtral", "hidden_size": width, "intermediate_size": hidden, "num_hidden_layers": 1}
    config |= {"num_attention_heads": 8, "num_key_value_heads": 8, "vocab_size": 1000, "num_local_experts": count}
    config |= {"num_experts_per_tok": 2, "hidden_act": "silu", "rms_norm_eps": 1e-5, "tie_word_embeddings": False}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")


if __name__ == "__main__":
    main()
