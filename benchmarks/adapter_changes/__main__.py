"""``python -m benchmarks.adapter_changes``: changes of adapters, looked for in models that hold them, and in others.

Trains adapters of one base by PEFT, merges them in several ways and tunes the base, in an environment of its own
(``train.py``, which never imports ``verify``); then looks for each adapter in each model. It also permutes the rows
of changes of strangers, as a test that took units for exchangeable would, to show that they are not. Writes
``tables/adapter_changes.json`` and its page.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np

from verify import Location
from verify.checkpoint import compare_change
from verify.checkpoint.opening import adapter_and_base
from verify.claim.change import AdapterChange, change_of

from ..formats.__main__ import ran
from ..pages import publish
from ..zoo.__main__ import CACHE

TRAIN = Path(__file__).with_name("train.py")
PERMUTATIONS, LEVEL = 199, 0.01
SEEN = ("merged in float32", "merged in bfloat16")
"""How adapters are merged that are strangers to the one that is looked for."""
OTHERS = ("LoRA-0", "IA3-0", "OFT-0")
"""Those of other kinds."""


def main() -> None:
    """Make what is not there yet, compare, and write the results and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.adapter_changes", description=__doc__)
    parser.add_argument("--folder", type=Path, default=CACHE.parent / "adapter_changes", help="(%(default)s)")
    folder = parser.parse_args().folder
    ran(TRAIN, folder / "environment", folder / "made")
    made = folder / "made"
    known = [json.loads(path.read_text("utf-8")) for path in sorted(made.glob("*/made.json"))]
    adapters = {one["name"]: one for one in known if one["what"] == "adapter"}
    models = [one for one in known if one["what"] == "model"]
    found: dict[tuple[str, str], list[AdapterChange]] = defaultdict(list)
    for adapter in (one for one in adapters.values() if one["seed"] == 0):
        at = Location(str(made / adapter["name"]), base=str(made / "base"))
        for model in models:
            if (relation := _relation(adapter, model, adapters)) is not None:
                compared = compare_change(at, Location(str(made / model["name"])))
                found[relation].append(change_of("a", compared))
        print(adapter["name"], flush=True)
    rows = [{"relation": relation, "kind": kind, **_row(of)} for (relation, kind), of in sorted(found.items())]
    content = {"adapters": len(adapters), "models": len(models), "rows": rows, "permuted": _permuted(made, adapters)}
    publish("adapter_changes", content)


def _relation(adapter: dict[str, Any], model: dict[str, Any], adapters: dict[str, Any]) -> tuple[str, str] | None:
    """What a model is to an adapter, and the kind of the adapter; None if they are not compared."""
    kind, how, of = adapter["kind"], model["how"], [adapters[name] for name in model["of"]]
    if adapter["name"] in model["of"]:
        return f"own: {how}", kind
    if not of:
        return f"stranger: {how.partition(', bfloat16')[0].partition(', float32')[0]}", kind
    if len(of) > 1 or how not in SEEN:
        return None
    if of[0]["kind"] == kind:
        text = "text" if of[0]["text"] == adapter["text"] else "other text"
        return f"stranger: of its kind, {'one' if of[0]['seed'] == adapter['seed'] else 'other'} seed, {text}", kind
    return ("stranger: of another kind", kind) if of[0]["name"] in OTHERS and how == SEEN[1] else None


def _row(found: list[AdapterChange]) -> dict[str, Any]:
    """How often it was found, and the shares that agree: of all modules, and of the one that agrees most."""
    counts = [one.once for one in found]
    shares = [one.agree / one.moved for one in counts if one.moved]
    best = [
        one.agree / one.moved
        for change in found
        for module in change.modules
        for one in (module.once, module.weighted)
        if one is not None and one.judged
    ]
    return {
        "pairs": len(found),
        **Counter(one.status for one in found),
        "least": round(min(shares, default=0.0), 4),
        "most": round(max(shares, default=0.0), 4),
        "best": round(max(best, default=0.0), 4),
        "equal": round(sum(one.equal for one in counts) / max(1, sum(one.agree for one in counts)), 4),
    }


def _permuted(made: Path, adapters: dict[str, Any]) -> dict[str, Any]:
    """Modules of LoRAs of strangers whose changes correlate more than after permuting the rows of one of them."""
    names = [name for name in adapters if name in ("LoRA-0", "LoRA-1", "LoRA-2")]
    changes = {name: _changes(made, name) for name in names}
    rng, small, modules = np.random.default_rng(0), 0, 0
    for a, b in permutations(names, 2):
        for module, x in changes[a].items():
            y = changes[b][module]
            gram = x @ y.T  # of rows of x with rows of y
            order = np.arange(len(x))
            score = gram[order, order].sum()
            beyond = sum(gram[order, rng.permutation(order)].sum() >= score for _ in range(PERMUTATIONS))
            modules += 1
            small += (1 + beyond) / (1 + PERMUTATIONS) <= LEVEL
    return {"modules": modules, "small": int(small), "level": LEVEL, "permutations": PERMUTATIONS}


def _changes(made: Path, name: str) -> dict[str, np.ndarray[Any, Any]]:
    """The change of each module."""
    base, merged, _ = adapter_and_base(Location(str(made / name), base=str(made / "base")))
    return {
        module: np.asarray(merged[module].read(), np.float64) - np.asarray(base[module].read(), np.float64)
        for module in base
        if merged[module] is not base[module]
    }


if __name__ == "__main__":
    main()
