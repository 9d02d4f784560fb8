"""``python -m benchmarks.shipped_panel``: the panel that ships with the library, from training to the folder.

Trains the zoo's strangers (``zoo/panel.toml``), converts the published models (:mod:`benchmarks.published`),
fingerprints both and puts what panel statistics read into ``verify/data/panel``. What exists is kept, so an
interrupted run resumes. Needs ``pip install "verify-lineage[zoo]" gguf``. With ``--keep-fingerprints`` nothing is
trained, converted or read: only what the recipe declares and the scores among members are made anew.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from verify.panel import Panel, Recipe, build_panel, comparable_groups, kept_scores, slim, with_scores
from verify.panel.audit import audit
from verify.statistics import PRIMARY

from . import published
from .zoo import build as zoo
from .zoo.__main__ import CACHE as ZOO

SCALE = "small"
STRANGERS = Path(zoo.__file__).with_name("panel.toml")
SHIPPED = Path(__file__).parents[1] / "verify" / "data" / "panel"
CACHE = Path.home() / ".cache" / "verify" / "shipped-panel"
CORPUS = "zoo-{}"
"""Name in the panel of a corpus of ``zoo/corpus.py``."""
LARGEST = 15_000_000  # bytes
SOURCES = """# Sources of the shipped panel

Each file holds a fingerprint: projections and summaries computed by this library, far too few numbers to restore
a model from. No weights are included. Models named `panel-*` were trained by this project; the others are their
makers', published under these licences:

{table}
"""


def main() -> None:
    """Train, convert, fingerprint, ship, and say what came of it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shipped_panel", description=__doc__)
    parser.add_argument("--zoo", type=Path, default=ZOO, help="folder of trained models (%(default)s)")
    parser.add_argument("--published", type=Path, default=published.CACHE, help="of published ones (%(default)s)")
    parser.add_argument("--cache", type=Path, default=CACHE, help="of whole fingerprints (%(default)s)")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="of the panel (%(default)s)")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--keep-fingerprints", action="store_true", help="of the panel in --out")
    options = parser.parse_args()
    if options.keep_fingerprints:
        ship(anew(Panel.load(options.out), recipe(options.zoo / SCALE, options.published)), options.out)
        return
    zoo.build(zoo.Recipe.read(STRANGERS), options.zoo / SCALE, SCALE, workers=options.workers)
    published.prepare(options.published)
    panel = build_panel(
        recipe(options.zoo / SCALE, options.published), options.cache, workers=options.workers, report=print
    )
    print(table(panel))
    for title, section in (
        ("Related pairs found", related(panel)),
        ("Audit of the primary statistic", audits(panel)),
    ):
        print(f"\n{title}:", *(section or ["none"]), sep="\n")
    ship(slim(panel), options.out)


def recipe(strangers: Path, others: Path) -> Recipe:
    """The panel's recipe: every stranger is a family of its own."""
    trained = [
        {
            "model": str(strangers / name),
            "family": name,
            "corpus": CORPUS.format(spec["train"]["data"]),
            "source": f"benchmarks/zoo/panel.toml, scale {SCALE}",
            "licence": "Apache-2.0",
        }
        for name, spec in zoo.Recipe.read(STRANGERS).models.items()
    ]
    converted = [
        {
            "model": str(others / model.name),
            "family": model.family,
            "stratum": model.stratum,
            "corpus": model.corpus,
            "source": model.source,
            "licence": model.licence,
        }
        for model in published.MODELS
    ]
    return Recipe.model_validate(
        {
            "name": "shipped",
            "version": "2",
            "description": (
                "Byte-level models trained for this panel alone, and published models of permissive licence. "
                "Small and few: enough to show the method and to support weak words."
            ),
            "member": trained + converted,
        }
    )


def anew(panel: Panel, declared: Recipe) -> Panel:
    """A panel's fingerprints under what a recipe declares of them now, with scores by the statistics of now."""
    entries = {entry.member: entry for entry in declared.members}
    members = tuple(
        member.model_copy(update={"corpus": entries[member.name].corpus}) for member in panel.record.members
    )
    said = {"version": declared.version, "description": declared.description, "members": members, "scores": ()}
    return with_scores(Panel(panel.record.model_copy(update=said), panel.fingerprints))


def ship(panel: Panel, folder: Path) -> None:
    """Save a panel in place of the one there, unless it has become too large."""
    size = sum(len(found.to_bytes()) for found in panel.fingerprints.values())
    print(f"\n{len(panel.fingerprints)} members, {size / 1e6:.1f} MB, {panel.digest}")
    if size > LARGEST:
        raise SystemExit(f"Too large to ship: {size} bytes, of at most {LARGEST}.")
    for old in folder.glob("*/*.safetensors"):
        old.unlink()
    panel.save(folder)
    (folder / "SOURCES.md").write_text(SOURCES.format(table=published.sources()), "utf-8")


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
