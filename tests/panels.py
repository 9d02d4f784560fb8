"""The shipped models against the shipped panel, and panels of models that never existed."""

import hashlib
import json
from functools import cache

import numpy as np
import pytest

import verify
from tests.models import config, weights, write
from tests.strategies import architecture, fingerprint_of, random_arrays
from verify import Fingerprint, test_lineage
from verify.data import model
from verify.panel import Member, Panel, PanelRecord, Recipe, Twins, load_panel, stratum_of, with_scores

SHIPPED = ("reference", "obfuscated-all", "moe-fine", "distilled", "stranger-1", "stranger-2", "depth-pruned-healed")


@cache
def shipped_panel():
    return load_panel("default")


@cache
def shipped_models():
    names = (*SHIPPED, "gpt2-reference", "gpt2-stranger")
    return {name: verify.fingerprint(model(name)) for name in names}


@cache
def shipped_reports():
    found, panel = shipped_models(), shipped_panel()
    return {name: test_lineage(found[name], found["reference"], panel=panel) for name in SHIPPED[1:]}


@pytest.fixture(scope="module")
def shipped():
    return shipped_panel()


@pytest.fixture(scope="module")
def models():
    return shipped_models()


@pytest.fixture(scope="module")
def reports():
    """Of the shipped models against the reference, with the shipped panel."""
    return shipped_reports()


def synthetic(rng, shape=None, *, name="x", dead=0.0, distinct=None):
    """What the primary statistic reads of a model: ``match`` vectors, some units dead, some copies of others."""
    shape, alive, chosen = shape or architecture(layers=2), {}, {}
    arrays = random_arrays(rng, shape, components=("match",))
    for key, rows in arrays.items():
        (bundle, _), (copies, units) = key.rsplit(".", 1), rows.shape[:2]
        if bundle not in alive:
            alive[bundle] = rng.random((copies, units, 1)) >= dead
            alive[bundle][0, 0] = True
            chosen[bundle] = np.arange(units) if distinct is None else rng.integers(0, distinct, units)
        arrays[key] = rows[:, chosen[bundle]] * alive[bundle]
    return fingerprint_of(arrays, shape, name=name)


def panel_of(models, *, families=None, strata=None, corpora=None, twins=(), scored=False):
    """A panel of fingerprints that were never saved: references, and the models of each recipe."""
    members = tuple(
        _member(
            f"m{i}",
            found,
            family=families[i] if families else f"f{i}",
            stratum=strata[i] if strata else stratum_of(found.record.architecture),
            corpus=corpora[i] if corpora else "",
        )
        for i, found in enumerate(models)
    )
    prints = {f"m{i}": found for i, found in enumerate(models)}
    recipes = []
    for n, trained in enumerate(twins):
        shape, named = trained[0].record.architecture, {f"r{n}-{i}": found for i, found in enumerate(trained)}
        made = tuple(_member(name, found, family=f"r{n}", stratum=stratum_of(shape)) for name, found in named.items())
        recipes.append(Twins(recipe=f"r{n}", gated=shape.gated, norm=shape.norm, models=made))
        prints |= named
    sketch = models[0].record.sketch
    record = PanelRecord(
        name="toy", version="1", description="", sketch=sketch, members=members, twins=tuple(recipes)
    )
    panel = Panel(record, prints)
    return with_scores(panel) if scored else panel


def _member(name, found, **declared):
    return Member(
        name=name,
        source="synthetic",
        licence="none",
        content_sha256=found.record.content_sha256,
        fingerprint_sha256=hashlib.sha256(found.to_bytes()).hexdigest(),
        **declared,
    )


def relative(found, rng):
    """Another model with the same units, as a descendant has, not known to be one."""
    content = hashlib.sha256(rng.bytes(8)).hexdigest()
    return Fingerprint(found.record.model_copy(update={"content_sha256": content}), found.arrays)


def rungs_of(result):
    return {rung.design: rung.log10_p for rung in result.ranks}


def write_toys(root, n=3, layers=1):
    c = config(layers=layers)
    for i in range(n):
        write(root / f"toy-{i}", weights(i, c), c)


def recipe(*names, **changes):
    entries = [{"model": name, "family": name, "licence": "MIT"} | changes.get(name, {}) for name in names]
    return Recipe.model_validate({"name": "toys", "version": "1", "member": entries})


TOYS = ("toy-0", "toy-1", "toy-2")
RECIPE = {
    "name": "toys",
    "version": "1",
    "member": [{"model": name, "family": name, "licence": "MIT"} for name in TOYS],
    "positive": [{"model": "toy-1", "reference": "toy-0"}],
}


def toml(content):
    lines = [f"{key} = {json.dumps(value)}" for key, value in content.items() if not isinstance(value, list)]
    for key, rows in content.items():
        if isinstance(rows, list):
            for row in rows:
                lines += [f"[[{key}]]", *(f"{name} = {json.dumps(value)}" for name, value in row.items())]
    return "\n".join(lines) + "\n"
