"""``python -m benchmarks.shares``: coverage of the intervals of shares, simulated and trained, and mergekit.

Simulated children are sums of models of random weights of many kinds and of something of their own. Trained ones are
sums of models of the zoo, of one shape and other seeds and texts. Merges are made by mergekit in an environment of
its own, and decomposed by modelDNA beside; those of fine-tunes of one base (``--only changes``) need torch, to train
these. Writes ``tables/shares.json`` and its page.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

import verify
from tests.models import config, weights, write
from verify.shares import ShareReport
from verify.shares.of_base import Weights
from verify.shares.record import Estimate

from .. import results
from ..beyond.models import BASE, train
from ..formats.__main__ import ran
from ..pages import publish
from ..peers import environments
from ..zoo.__main__ import CACHE
from ..zoo.build import DTYPES

MERGES, CHANGES = (Path(__file__).with_name(f"{name}.py") for name in ("merges", "changes"))
PARTS = ("simulated", "trained", "merges", "changes")
CHILDREN = {"prose": "pair-prose-00", "science": "pair-science-00", "headers": "pair-headers-00"}
"""Fine-tunes that are merged, of `benchmarks.beyond.models`."""
OTHERS = {"prose-again": "sibling-prose-01", "science-again": "pair-science-01", "longer": "twin-longer-0a"}
"""Fine-tunes that are in no merge: of the same text and recipe as `prose` with another seed, of the text of
`science`, and of that of `prose` for longer."""
LEVELS = (0.9, 0.99)
KINDS = ("normal", "heavy tails", "hubs", "common mean", "copied units")
ROUNDING = 1e-6
"""Of numbers stored as float32, by which a share may be missed."""
CREATED = "2026-01-01T00:00:00Z"
Tensors = dict[str, Any]


def main() -> None:
    """Measure, and write the results and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shares", description=__doc__)
    parser.add_argument("--simulated", type=int, default=400, help="cases (%(default)s)")
    parser.add_argument("--trained", type=int, default=150, help="cases (%(default)s)")
    parser.add_argument("--zoo", type=Path, default=CACHE / "small", help="trained models (%(default)s)")
    parser.add_argument("--folder", type=Path, default=CACHE.parent / "shares", help="of merges (%(default)s)")
    parser.add_argument("--only", choices=PARTS, action="append", help="measure these alone, and keep the others")
    options = parser.parse_args()
    parents, parts = _parents(options.zoo), options.only or PARTS
    found = {"levels": LEVELS} if options.only is None else results.read("shares")
    if "simulated" in parts:
        found["simulated"] = {kind: covered(simulated(options.simulated // len(KINDS), kind)) for kind in KINDS}
    if "trained" in parts:
        found["models"] = [path.name for path in parents]
        found["trained"] = {
            f"{dtype}, {missing or 'no'} parent missing": covered(
                trained(options.trained // 3, parents, dtype, missing)
            )
            for dtype, missing in (("F32", 0), ("BF16", 0), ("F32", 1))
        }
    if "merges" in parts:
        found["merges"] = merged(parents, options.folder)
    if "changes" in parts:
        found["changes"] = of_changes(options.folder)
    publish("shares", found)


def covered(cases: Iterator[tuple[list[ShareReport], list[float]]]) -> dict[str, Any]:
    """Cases in which all intervals hold the shares, by level, for whole models, parts and layers; and widths."""
    held: Counter[str] = Counter()
    widths, number, strangers = [], 0, 0
    for reports, shares in cases:
        number += 1
        for level, report in zip(LEVELS, reports, strict=True):
            rows = [
                (
                    share,
                    {
                        "whole": [one.whole],
                        "parts": [part.share for part in one.parts],
                        "layers": [at.share for at in one.layers],
                    },
                )
                for one, share in zip(report.candidates, shares, strict=True)
            ]
            for what in ("whole", "parts", "layers"):
                held[f"{what} {level}"] += all(_holds(one, share) for share, found in rows for one in found[what])
        last = reports[-1].candidates
        ends = [one.whole.interval for one in last if one.whole is not None and one.whole.low is not None]
        widths += [high - low for low, high in ends]
        strangers += last[-1].whole is not None and last[-1].whole.excludes_zero
    width = float(np.median(widths))
    return {"cases": number, "held": dict(held), "median_width": width, "strangers": strangers}


def _holds(found: Estimate | None, share: float) -> bool:
    if found is None:
        return True
    low, high = found.interval
    return low - ROUNDING <= share <= high + ROUNDING


def simulated(cases: int, kind: str) -> Iterator[tuple[list[ShareReport], list[float]]]:
    """Children of random models, with the shares of the candidates: some parents, and a stranger."""
    rng = np.random.default_rng(KINDS.index(kind))
    for _ in range(cases):
        c = config(
            layers=int(rng.integers(2, 5)),
            width=int(rng.choice([24, 32, 48])),
            hidden=int(rng.choice([24, 64, 112])),
            heads=4,
            kv_heads=int(rng.choice([1, 2, 4])),
        )
        models = [_of_kind(weights(int(rng.integers(1 << 31)), c), kind, rng) for _ in range(5)]
        given = int(rng.integers(1, 4))
        shares = [*rng.uniform(-0.3, 1.2, given), 0.0]
        own = float(rng.choice([0.05, 0.5, 1.0]))
        made_of = [*zip(shares[:-1], models[:given], strict=True), (own, models[4])]
        child = {name: np.sum([share * model[name] for share, model in made_of], axis=0) for name in models[0]}
        with TemporaryDirectory() as folder:
            place = Path(folder)
            write(place / "child", {name: x.astype(np.float32) for name, x in child.items()}, c)
            candidates = [*models[:given], models[3]]
            for n, tensors in enumerate(candidates):
                write(place / str(n), tensors, c)
            yield _reports(place / "child", [place / str(n) for n in range(len(candidates))]), shares


def _of_kind(tensors: Tensors, kind: str, rng: np.random.Generator) -> Tensors:
    """A model whose units are of some kind; each model's order stays its own."""
    found = {}
    for name, x in tensors.items():
        if x.ndim == 2 and ".layers." in name:
            units = x.T if name.endswith(("down_proj.weight", "o_proj.weight")) else x
            if kind == "heavy tails":
                units = units * np.exp(rng.standard_normal((len(units), 1)))
            if kind == "hubs":
                units = units * np.where(rng.uniform(size=(len(units), 1)) < 0.05, 20.0, 1.0)
            if kind == "common mean":
                units = units + 2 * rng.standard_normal(units.shape[1])
            if kind == "copied units":
                units = units[rng.integers(len(units) // 2, size=len(units))]
            x = units.T if units.shape != x.shape or name.endswith(("down_proj.weight", "o_proj.weight")) else units
        found[name] = np.ascontiguousarray(x, dtype=np.float32)
    return found


def trained(
    cases: int, parents: list[Path], dtype: str, missing: int
) -> Iterator[tuple[list[ShareReport], list[float]]]:
    """Children that are sums of trained models, with the shares of the candidates: parents and a stranger.

    ``missing`` parents are no candidates.
    """
    rng = np.random.default_rng([len(dtype), missing])
    for _ in range(cases):
        chosen = [parents[i] for i in rng.permutation(len(parents))[: int(rng.integers(3, 5))]]
        shares = [*rng.dirichlet(np.ones(len(chosen) - 1)), 0.0]
        made_of = [
            (share, load_file(path / "model.safetensors")) for share, path in zip(shares, chosen[:-1], strict=False)
        ]
        child = {
            name: np.sum([share * model[name].astype(np.float64) for share, model in made_of], axis=0)
            for name in made_of[0][1]
        }
        with TemporaryDirectory() as folder:
            place = Path(folder) / "child"
            shutil.copytree(chosen[0], place)
            save_file({name: x.astype(DTYPES[dtype]) for name, x in child.items()}, place / "model.safetensors")
            yield _reports(place, chosen[missing:]), shares[missing:]


def _reports(child: Path, candidates: list[Path]) -> list[ShareReport]:
    return [verify.share(child, candidates, level=level, created=CREATED) for level in LEVELS]


def _parents(zoo: Path) -> list[Path]:
    """Trained models of the zoo that are strangers of one shape."""
    shapes = Counter[str]()
    found = {}
    for path in sorted(zoo.glob("*/config.json")):
        told = json.loads(path.read_text("utf-8"))
        shape = json.dumps([told[key] for key in ("hidden_size", "intermediate_size", "num_hidden_layers")])
        if path.parent.name == "reference" or path.parent.name.startswith(("stranger-", "held-out")):
            found[path.parent] = shape
            shapes[shape] += 1
    most = shapes.most_common(1)[0][0]
    return [path for path, shape in found.items() if shape == most]


def merged(parents: list[Path], folder: Path) -> list[dict[str, Any]]:
    """What is said of merges by mergekit: of the parents, and of a stranger."""
    sources = folder / "sources"
    zoo, tuned = parents[0].parent, {"tuned-1": "fine-tuned", "tuned-2": "continued-3x"}
    strangers = [zoo / "reference", *(path for path in parents if path.name != "reference")]
    named = dict(zip(("one", "two", "three", "stranger"), strangers, strict=False))
    for name, path in (named | {name: zoo / of for name, of in tuned.items()}).items():
        if not (sources / name).exists():
            shutil.copytree(path, sources / name)
    ran(MERGES, folder / "environment", folder / "made")
    peer = environments.made("modeldna", folder) / "modeldna"
    rows = []
    made = [(file.parent, json.loads(file.read_text("utf-8"))) for file in (folder / "made").glob("*/recipe.json")]
    made.append((sources / "stranger", {"method": "none", "shares": {}, "of_one": False}))
    for child, recipe in sorted(made):
        candidates = ["tuned-1", "tuned-2"] if recipe["of_one"] else ["one", "two", "three"]
        candidates += ["stranger"] * (child.name != "stranger")
        report = verify.share(child, [sources / name for name in candidates], created=CREATED)
        rows.append(
            {
                "merge": child.name,
                "method": recipe["method"],
                "truth": recipe["shares"],
                "of_one": recipe["of_one"],
                "unexplained": report.unexplained,
                "peer": decomposed(peer, child, [sources / name for name in candidates]),
                "candidates": [
                    {
                        "name": one.model.name,
                        "relative": bool(one.relatives),
                        "share": None
                        if one.whole is None
                        else one.whole.model_dump(include={"estimate", "low", "high"}),
                        "fit": one.fit,
                        "layers": [
                            [at.layer, at.of, at.share.estimate]
                            for at in one.layers
                            if at.share and at.share.excludes_zero
                        ],
                    }
                    for one in report.candidates
                ],
            }
        )
    return rows


def of_changes(folder: Path) -> list[dict[str, Any]]:
    """What is said of merges of fine-tunes of one base by mergekit: of parents and others, and of others alone."""
    children = folder / "children"
    train(children.parent / "tuned", [*CHILDREN.values(), *OTHERS.values()])
    for name, of in ({"base": BASE} | CHILDREN | OTHERS).items():
        if not (children / name).exists():
            shutil.copytree(children.parent / "tuned" / of, children / name)
    ran(CHANGES, folder / "environment", folder / "of_changes")
    merges = sorted((folder / "of_changes").glob("*/recipe.json"))
    made = [(file.parent, json.loads(file.read_text("utf-8"))) for file in merges]
    strangers = {"method": "none", "dtype": "float32", "of": [], "alone": None, "all": None}
    made += [(children / name, strangers) for name in (CHILDREN | OTHERS)]
    return [_of_change(child, recipe, children) for child, recipe in made]


def _of_change(child: Path, recipe: dict[str, Any], children: Path) -> dict[str, Any]:
    """One child: held by tensor, weights alone and in the sum of all, telling numbers of others, by candidates."""
    names = [name for name in (CHILDREN | OTHERS) if name != child.name]
    report = verify.share(child, [children / n for n in names], base=children / "base", created=CREATED)
    found = report.changes
    assert found is not None
    others = [name for name in names if name not in recipe["of"]]
    alone = verify.share(child, [children / n for n in others], base=children / "base", created=CREATED)
    without = alone.changes
    assert without is not None
    numbers = {name: names.index(name) + 1 for name in names}
    rest = {name: [numbers[other] for other in recipe["of"] if other != name] for name in recipe["of"]}
    return {
        "merge": child.name,
        "recipe": {name: recipe[name] for name in ("of", "alone", "all")},
        "outcome": report.outcome,
        "judged": sum(one.judged for one in found.tensors),
        "changed": sum(one.changed for one in found.tensors) / sum(one.entries for one in found.tensors),
        "told": found.told / max(1, sum(one.changed for one in found.tensors if one.judged)),
        "explained": found.explained,
        "held": {name: len(found.holding(number)) for name, number in numbers.items()},
        "alone": {name: _spread(found.weights(numbers[name])) for name in recipe["of"]},
        "all": {name: _spread(found.weights(numbers[name], rest[name])) for name in recipe["of"]},
        "fit": dict(zip(names, found.coefficients, strict=True)),
        "others": max((found.own(numbers[name]).only for name in others), default=0) / max(1, found.told),
        "others_alone": {
            "outcome": alone.outcome,
            "held": max(len(without.holding(n)) for n in range(1, len(others) + 1)),
            "only": max(without.own(n).only for n in range(1, len(others) + 1)) / max(1, without.told),
        },
    }


def _spread(found: Weights | None) -> list[float] | None:
    """Median, least and most."""
    return None if found is None else [found.median, found.low, found.high]


def decomposed(program: Path, child: Path, candidates: list[Path]) -> dict[str, Any]:
    """What modelDNA says of the same: its weights, which sum to one, and its summary."""
    command = [program, "decompose", child, *candidates, "--json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=os.environ | environments.CALM)
    if done.returncode:
        return {"weights": [], "summary": "refused"}
    said = json.loads(done.stdout[done.stdout.index("{") :])
    weights = list(said["alphas"].values())  # by the names that it gives them, in the order given
    assert len(weights) == len(candidates), said["alphas"]
    return {"weights": weights, "summary": said["summary"]}


if __name__ == "__main__":
    main()
