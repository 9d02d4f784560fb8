"""``python -m benchmarks.shipped_panel``: the panel that ships with the library, from training to the folder.

Trains references and twins (``zoo/twins.toml``), converts the published models (:mod:`benchmarks.published`),
fingerprints all of them and puts what claims read into ``verify/data/panel``: the references' arrays of panel
statistics, and scores of twins. What exists is kept, so an interrupted run resumes. Needs
``pip install "verify-lineage[zoo]"``.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import verify
from verify.panel import Panel, Recipe, build_panel, comparable_groups, kept_scores, slim
from verify.panel.audit import audit
from verify.statistics import PRIMARY

from . import published
from .zoo.__main__ import CACHE as ZOO
from .zoo.twins import build as zoo
from .zoo.twins import design
from .zoo.twins.folder import location

SETS = (*zoo.SETS[0], *zoo.SETS[1])
"""References and twins of both kinds; the sets after these are in no panel."""
SHIPPED = Path(__file__).parents[1] / "verify" / "data" / "panel"
CACHE = Path.home() / ".cache" / "verify" / "shipped-panel"
CORPUS = "zoo-{}"
"""Name in the panel of a corpus of ``zoo/corpus.py`` and ``zoo/texts.py``; of a mixture, both names with a plus."""
LEFT_OUT = {"SmolLM2-135M-Instruct", "all-mpnet-base-v2"}
"""Published models with the largest fingerprints, too large for the library's own distribution."""
LARGEST = 20_000_000  # bytes
SOURCES = """# Sources of the shipped panel

Each file in `fingerprints` holds a fingerprint: projections and summaries computed by this library, far too few
numbers to restore a model from. Of twins, only scores are kept, and sha256 of weights and fingerprints. No weights
are included. Models named `gated-*` and `plain-*` were trained by this project; the others are their makers',
published under these licences:

{table}
"""


def main() -> None:
    """Train, convert, fingerprint, ship, and say what came of it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shipped_panel", description=__doc__)
    parser.add_argument("--zoo", type=Path, default=ZOO / "twins", help="folder of trained models (%(default)s)")
    parser.add_argument("--published", type=Path, default=published.CACHE, help="of published ones (%(default)s)")
    parser.add_argument("--cache", type=Path, default=CACHE, help="of whole fingerprints (%(default)s)")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="of the panel (%(default)s)")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    chosen = zoo.ordered(SETS)
    zoo.build(chosen, options.zoo, workers=options.workers)
    published.prepare(options.published)
    fingerprinted(chosen, options.zoo, options.cache / "models", workers=options.workers)
    panel = build_panel(
        recipe(chosen, options.cache / "models", options.published),
        options.cache / "panel",
        workers=options.workers,
        report=print,
    )
    print(table(panel))
    for title, section in (
        ("Related pairs found", related(panel)),
        ("Audit of the primary statistic", audits(panel)),
    ):
        print(f"\n{title}:", *(section or ["none"]), sep="\n")
    ship(slim(panel), options.out)


def fingerprinted(recipes: list[design.Recipe], models: Path, out: Path, *, workers: int = 2) -> None:
    """Fingerprints of trained models in a folder, each made once, since only they know their layouts."""
    out.mkdir(parents=True, exist_ok=True)
    names = [name for recipe in recipes for name in recipe.models]
    waiting = [name for name in names if not (out / f"{name}.safetensors").exists()]
    with ProcessPoolExecutor(workers) as pool:
        list(pool.map(_fingerprint, [models / name for name in waiting], [out] * len(waiting), chunksize=4))


def _fingerprint(folder: Path, out: Path) -> None:
    verify.fingerprint(location(folder)).save(out / f"{folder.name}.safetensors")


def recipe(recipes: list[design.Recipe], prints: Path, others: Path) -> Recipe:
    """The panel's recipe: every reference is a family of its own, and the twins of a recipe are one."""
    trained = [
        {
            "model": str(prints / f"{name}.safetensors"),
            "name": name,
            "family": one.name,
            "recipe": one.name if len(one.models) > 1 else "",
            "corpus": "+".join(CORPUS.format(corpus) for corpus in one.corpora),
            "source": "benchmarks/zoo/twins.toml",
            "licence": "Apache-2.0",
        }
        for one in recipes
        for name in one.models
    ]
    return Recipe.model_validate(
        {
            "name": "shipped",
            "version": "3",
            "description": (
                "Byte-level models of recipes drawn by design, two of each from different seeds, with references of "
                "further recipes and published models of permissive licence. All but these are small: what is said "
                "of large models by them rests on recipes being exchangeable across scales."
            ),
            "member": trained + [_published(model, others) for model in shipped()],
        }
    )


def shipped() -> list[published.Published]:
    """Published models in the panel."""
    return [model for model in published.MODELS if model.name not in LEFT_OUT]


def _published(model: published.Published, folder: Path) -> dict[str, Any]:
    return {
        "model": str(folder / model.name),
        "family": model.family,
        "stratum": model.stratum,
        "corpus": model.corpus,
        "source": model.source,
        "licence": model.licence,
    }


def ship(panel: Panel, folder: Path) -> None:
    """Save a panel in place of the one there, unless it has become too large."""
    size = sum(len(found.to_bytes()) for found in panel.fingerprints.values())
    print(
        f"\n{len(panel.fingerprints)} members, {len(panel.record.twins)} recipes, {size / 1e6:.1f} MB, {panel.digest}"
    )
    if size > LARGEST:
        raise SystemExit(f"Too large to ship: {size} bytes, of at most {LARGEST}.")
    for old in folder.glob("*/*.safetensors"):
        old.unlink()
    panel.save(folder)
    (folder / "SOURCES.md").write_text(SOURCES.format(table=published.sources(shipped())), "utf-8")


def table(panel: Panel) -> str:
    """Members, what decides which claims they serve, and those left out."""
    lines = [
        "| member | family | stratum | MLP | norm | anchors | kB | licence |",
        "|---|---|---|---|---|---:|---:|---|",
    ]
    small = slim(panel)
    for member in panel.record.members:
        found = panel.fingerprints[member.name].record
        gated = "gated" if found.architecture.gated else "plain"
        size = len(small.fingerprints[member.name].to_bytes()) / 1e3
        lines.append(
            f"| {member.name} | {member.family} | {member.stratum} | {gated} | {found.architecture.norm} | "
            f"{len(found.anchors)} | {size:.0f} | {member.licence} |"
        )
    lines += [f"| {left.name} | excluded: {left.reason} |||||||" for left in panel.record.excluded]
    return "\n".join(lines)


def related(panel: Panel) -> list[str]:
    """Suspected relatives among the members."""
    return [f"{pair.a}, {pair.b}: log10 p = {pair.log10_p:.1f}" for pair in panel.record.kinship]


def audits(panel: Panel) -> list[str]:
    """The audit of the primary statistic over every set of members that can be ranked together."""
    lines = []
    for members, anchors in comparable_groups(panel):
        what = f"{len(members)} members such as {members[0].name}, {len(anchors)} anchors"
        scores = kept_scores(panel, PRIMARY, [member.name for member in members], anchors)
        found = scores and audit(
            scores.matrix, [member.stratum for member in members], [member.family for member in members]
        )
        if not found:
            lines.append(f"{what}: too few to audit")
            continue
        lines.append(f"{what}, {found.pairs_within_strata} pairs inside strata")
        lines += [f"  {size!r}" for size in found.sizes]
    return lines


if __name__ == "__main__":
    main()
