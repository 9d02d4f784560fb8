"""``shares.md``: coverage of the intervals of shares, and merges by mergekit."""

from __future__ import annotations

from typing import Any

from .interval import counted
from .markdown import page, table


def shares(found: dict[str, Any]) -> str:
    """The page."""
    levels = found["levels"]
    rows = [
        [source, kind, row["cases"], *(_held(row, f"{what} {level}") for what in _WHAT for level in levels),
         f"{row['median_width']:.2g}", row["strangers"]]
        for source in ("simulated", "trained")
        for kind, row in found[source].items()
    ]  # fmt: skip
    return page(
        "# Shares",
        "Cases in which every interval holds the share that the child was made with: of whole models, of all their "
        "parts, and of all their layers. Simulated children are sums of one to three models of random weights and "
        f"something of their own; trained ones are sums of {', '.join(found['models'])}; a stranger is among the "
        "candidates each time (last column: strangers given a share at the higher level). A share may be missed by "
        "the rounding of float32, 1e-6. `python -m benchmarks.shares`.",
        table(
            "llr" + "r" * (len(_WHAT) * len(levels)) + "rr",
            ["children", "of", "cases", *(f"{what}, {level}" for what in _WHAT for level in levels), "median width",
             "strangers"],
            rows,
        ),
        "## Merges by mergekit",
        "Of zoo models of one shape. `tuned-1` and `tuned-2` are fine-tunes of one base, so nothing is said of "
        "either alone; the best fit and what it leaves unexplained are descriptions. `modeldna decompose` (0.1.0), "
        "given the same candidates in the same order, fits weights that sum to one, and names no error: in the row "
        "`stranger`, a stranger of all candidates is given a third of each, though its summary says that they do "
        "not explain it.",
        table("llllll", ["merge", "truth", "shares", "best fit", "layers with a share", "unexplained", "modelDNA"],
              [_merge(row) for row in found["merges"]]),
        *_changes(found["changes"]),
    )  # fmt: skip


def _changes(rows: list[dict[str, Any]]) -> list[str]:
    """Merges of fine-tunes of one base, compared with the base."""
    merges = [row for row in rows if row["recipe"]["of"]]
    held = [row["held"][name] for row in merges for name in row["recipe"]["of"]]
    most = max(count for row in rows for name, count in row["held"].items() if name not in row["recipe"]["of"])
    most = max(most, *(row["others_alone"]["held"] for row in rows))
    shares = max(max(row["others"], row["others_alone"]["only"]) for row in rows)
    return [
        "## Changes of a base, by mergekit",
        "Fine-tunes of one base, with the base given: candidates are the parents and fine-tunes that are in no "
        "merge, among them one of the text and recipe of `prose` with another seed (`prose-again`), one of the text "
        "of `science`, and one of that of `prose` for longer. Weights are medians over the tensors that hold a "
        "change, with least and most where they differ by more than a thousandth; *alone* where a number holds one "
        "change, *all* where it holds those of all parents; in brackets what the recipe gives. mergekit rescales "
        "what DARE and DELLA keep by its sum of sizes, tensor by tensor: by 1 over the density only about, and by "
        "less where DELLA keeps large numbers. The weights of model_stock and slerp differ by tensor. *Changed* is "
        "the share of all numbers, *tell* that of the changed ones in judged tensors, "
        f"*agree* what is such a sum. In {len(merges)} merges parents are held in {min(held)} to {max(held)} of the "
        f"judged tensors. Others are held in {most} tensors at most, and at most {shares:.2%} of the telling numbers "
        "count for one, whether parents are among the candidates or not (last column: outcome without them). The "
        "last rows are fine-tunes that are no merges.",
        table(
            "lrrrrllllll",
            [
                "merge",
                "changed",
                "tell",
                "agree",
                "judged",
                "held",
                "alone",
                "all",
                "least squares",
                "outcome",
                "others alone",
            ],
            [_change(row) for row in rows],
        ),
    ]


def _change(row: dict[str, Any]) -> list[Any]:
    recipe = row["recipe"]
    held = ", ".join(f"{name} {count}" for name, count in row["held"].items() if count) or "none"
    columns = []
    for which in ("alone", "all"):
        truth = recipe[which] or {}
        told = (f"{name} {_over(at)}{_of(truth.get(name))}" for name, at in row[which].items() if at)
        columns.append("; ".join(told))
    without = row["others_alone"]
    numbers = (f"{row['changed']:.3f}", f"{row['told']:.3f}", f"{row['explained']:.4f}")
    fit = ", ".join(f"{name} {value:z.3f}" for name, value in row["fit"].items())
    return [row["merge"], *numbers, row["judged"], held, *columns, fit, row["outcome"], without["outcome"]]


def _over(at: list[float]) -> str:
    middle, low, high = at
    near = max(abs(high - middle), abs(middle - low)) <= 1e-3 * abs(middle)
    return f"{middle:.3f}" if near else f"{middle:.3f} ({low:.3f} to {high:.3f})"


def _of(truth: float | None) -> str:
    return "" if truth is None else f" [{truth:.3f}]"


_WHAT = ("whole", "parts", "layers")


def _held(row: dict[str, Any], key: str) -> str:
    return counted(row["held"].get(key, 0), row["cases"])


def _merge(row: dict[str, Any]) -> list[Any]:
    shares, fits, layers = [], [], []
    for one in row["candidates"]:
        found = one["share"]
        shares.append(f"{one['name']}: {'relative' if one['relative'] else _interval(found)}")
        fits.append("–" if one["fit"] is None else f"{one['fit']:.3f}")
        if one["layers"]:
            told = (f"{at} from {of} ({share:.2f})" for at, of, share in one["layers"])
            layers.append(f"{one['name']}: {', '.join(told)}")
    truth = ", ".join(f"{name} {share:g}" for name, share in (row["truth"] or {}).items())
    truth = truth or ("no sum of whole models" if row["truth"] is None else "nothing of any")
    peer = "; ".join(filter(None, [", ".join(f"{w:.3f}" for w in row["peer"]["weights"]), row["peer"]["summary"]]))
    told = [row["merge"], truth, "; ".join(shares), ", ".join(fits), "; ".join(layers)]
    return [*told, f"{row['unexplained']:.2g}", peer]


def _interval(found: dict[str, Any] | None) -> str:
    if found is None or found["low"] is None:
        return "–"
    return f"{found['estimate']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"
