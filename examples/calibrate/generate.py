"""``python -m examples.calibrate.generate``: CSV tables from committed correlations, and the page of what they give.

The correlations are those of ``examples/dispute/correlations.csv``, computed from statistics of weights that GraphNet
(PaddlePaddle/GraphNet, MIT) published.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path
from shlex import quote

import verify
from examples.dispute.correlations import Row, read_rows
from examples.dispute.cross_family import CrossFamily
from examples.dispute.populations import CLAIMED, KNOWN_CLAIMS, family
from verify.wording.forms import at_most, probability

HERE = Path(__file__).parent
TEMPLATE = HERE / "README.md.template"
CORRELATIONS = HERE.parent / "dispute" / "correlations.csv"
CREATED = "2026-01-01T00:00:00+00:00"
QUESTIONED, REFERENCE = "Pangu Pro MoE", "Qwen2.5-14B"
TRUTHS = {"vit": "separate trainings", "owl": "separate trainings", "layoutlm": "derived", "luke": "derived"}
NAME = "correlation of standard deviations"


def generate(folder: Path = HERE) -> None:
    """Write the tables and the page."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = read_rows(CORRELATIONS)
    _families(rows, folder)
    for label in populations(rows):
        _translators(rows, label, folder)
    (folder / "README.md").write_text(_page(rows, folder), "utf-8")


def populations(rows: Iterable[Row]) -> list[str]:
    """The populations of translators."""
    return list(dict.fromkeys(row.group for row in rows if row.group.startswith("OPUS-MT")))


def stem(label: str) -> str:
    """The beginning of the names of a population's files."""
    return label.lower().replace(", ", "-").replace(" ", "-")


def known(claim: str, folder: Path = HERE) -> verify.CalibrationReport:
    """A pair of known truth among one model for each family."""
    return verify.calibrate(
        folder / "families-scores.csv",
        KNOWN_CLAIMS[claim],
        strata=folder / "families.csv",
        one_per_family=True,
        score_name=NAME,
        created=CREATED,
    )


def among_translators(label: str, folder: Path = HERE) -> verify.CalibrationReport:
    """The claim in dispute among translators of one recipe."""
    return verify.calibrate(
        folder / f"{stem(label)}-scores.csv",
        (QUESTIONED, REFERENCE),
        recipes=folder / f"{stem(label)}-recipes.csv",
        alpha=level(label, folder),
        score_name=NAME,
        created=CREATED,
    )


def level(label: str, folder: Path = HERE) -> float:
    """The default level where so many pairs can reach it, else .05."""
    recipes = (folder / f"{stem(label)}-recipes.csv").read_text("utf-8").count("\n") // 2
    return 0.01 if recipes >= 99 else 0.05


def _families(rows: list[Row], folder: Path) -> None:
    """All correlations of one model for each of the families, and of the models of known truth."""
    panel = CrossFamily.of(rows)
    names = sorted({*panel.names, *(name for pair in KNOWN_CLAIMS.values() for name in pair)})
    _write(folder / "families-scores.csv", ("a", "b", "score"), _scores(panel, names))
    _write(folder / "families.csv", ("name", "family"), ((name, family(name)) for name in names))


def _scores(panel: CrossFamily, names: Sequence[str]) -> Iterable[tuple[str, str, str]]:
    return ((a, b, f"{panel.score(a, b):.4f}") for a, b in combinations(names, 2))


def _translators(rows: list[Row], label: str, folder: Path) -> None:
    """The claim, and pairs of translators that share no model, each as a recipe of two."""
    pairs = [row for row in rows if row.group == label]
    claim = (QUESTIONED, REFERENCE, f"{CLAIMED}")
    _write(
        folder / f"{stem(label)}-scores.csv", ("a", "b", "score"), [claim, *((row.a, row.b, row.r) for row in pairs)]
    )
    recipes = ((name, f"pair {i:03}") for i, row in enumerate(pairs, 1) for name in (row.a, row.b))
    _write(folder / f"{stem(label)}-recipes.csv", ("name", "recipe"), recipes)


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def command_of_known(claim: str) -> list[str]:
    """Arguments of the command."""
    return ["families-scores.csv", "--claim", *KNOWN_CLAIMS[claim], "--strata", "families.csv", "--one-per-family"]


def command_among_translators(label: str) -> list[str]:
    """Arguments of the command."""
    files = [f"{stem(label)}-{what}.csv" for what in ("scores", "recipes")]
    return [files[0], "--claim", QUESTIONED, REFERENCE, "--recipes", files[1], "--alpha", f"{level(label)}"]


def _shown(arguments: list[str]) -> str:
    return "verify calibrate " + " ".join(map(quote, arguments))


def _page(rows: list[Row], folder: Path) -> str:
    of_known = []
    for claim in KNOWN_CLAIMS:
        found = known(claim, folder)
        raw, residual = (found.ranks[design] for design in ("pair", "pair_residual"))
        a, b = (name.partition("|")[0] for name in (found.a, found.b))
        of_known.append(
            f"| `{a}` and `{b}` | {TRUTHS[claim]} | {found.evidence.score:.4f} | {raw.rank}/{raw.size} | "
            f"{residual.rank}/{residual.size} | {probability(found.log10_p)} | `{found.verdict}` |"
        )
    of_translators = []
    for label in populations(rows):
        found = among_translators(label, folder)
        twins, match = found.ranks["twins"], found.evidence.false_match
        assert match is not None
        of_translators.append(
            f"| {label} | {twins.rank}/{twins.size} | {probability(found.log10_p)} | {at_most(match.bound)} | "
            f"{found.evidence.alpha:g} | `{found.verdict}` |"
        )
    lines = {
        "of_known": "\n".join(of_known),
        "of_translators": "\n".join(of_translators),
        "first": _shown(command_of_known("vit")),
        "second": _shown(command_among_translators(populations(rows)[0])),
        "claimed": f"{CLAIMED}",
        "members": f"{len(CrossFamily.of(rows).names)}",
        "pairs": f"{len(CrossFamily.of(rows).above())}",
    }
    return TEMPLATE.read_text("utf-8").format(**lines)


if __name__ == "__main__":
    generate()
