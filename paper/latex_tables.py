"""The paper's tables."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.pages.cost import summary
from benchmarks.pages.interval import interval
from benchmarks.pages.panel import error, hubs, p_text
from benchmarks.pages.power import log10_p as power_log10_p
from benchmarks.pages.size import LEVELS, Samples, rate
from benchmarks.pages.size import error as size_error
from benchmarks.pages.truth import log10_p

from .build import PaperError
from .sources import Found, one
from .tex import bold, escape, name, number, spaced, stacked, table


def size_table(size: Samples) -> str:
    """Size of the exact tests on trained strangers."""
    rows: list[Sequence[str] | None] = []
    for architecture, tests in size.items():
        for test, values in tests.items():
            rates = [f"{rate(values, level):.3f}" for level in LEVELS] if values else [""] * len(LEVELS)
            rows.append([escape(architecture), name(test), str(len(values)) if values else "n/a", *rates])
        rows.append(None)
    fewest = min((values for tests in size.values() for values in tests.values() if values), key=len)
    errors = [f"{size_error(fewest, level):.3f}" for level in LEVELS]
    rows.append(["", "two standard errors at the level", str(len(fewest)), *errors])
    return table(
        "size",
        "Share of pairs of trained strangers rejected by the exact tests at each level. A valid test rejects at most "
        "the level, up to sampling error (last row).",
        "llr" + "r" * len(LEVELS),
        ["architecture", "test", "pairs", *(f"{level:g}" for level in LEVELS)],
        rows,
        size="small",
    )


def truth_table(truth: Found, panel: Found) -> str:
    """Every model of the zoo against its reference, by exact tests and by two panel statistics."""
    derived = panel["derivations"]
    tests = [test for test in truth["tests"] if any(row["log10_p"][test] is not None for row in truth["models"])]
    ranked = {row["model"]: _panel_cells(row, derived["comparisons"]) for row in derived["models"]}
    rows = []
    for row in truth["models"]:
        of = row["reference"]
        label = row["model"] if of == truth["reference"] else f"{row['model']} (against {of})"
        cells = [bold(number(log10_p(row["log10_p"][test])), test in row["detects"]) for test in tests]
        rows.append([escape(label), *cells, name(row["verdict"]), *ranked.get(row["model"], ["", ""])])
    return table(
        "truth",
        r"$\log_{10}p$ of each exact test against the reference of the zoo, and the verdict from these; bold: a test "
        "that survives this derivation and must find it; n/a: does not apply; tests that apply to none are left out. "
        "Then the panel p-value of the primary "
        r"panel test (bold: at most $0.01$) and, for comparison, the disputed score.",
        "l" + "r" * len(tests) + "lrr",
        ["model", *map(stacked, tests), "verdict", stacked("response_match"), stacked("disputed_score")],
        rows,
        size="tiny",
        place="p",
    )


def panel_size_table(panel: Found) -> str:
    """Size of the panel statistics on two populations of strangers."""
    own, lacking = (one(panel["strangers"], id=key) for key in ("own", "lacking"))
    rows = []
    for first, second in zip(own["rows"], lacking["rows"], strict=True):
        if any(first[key] != second[key] for key in ("statistic", "by", "line")):
            raise PaperError("The two populations of strangers in panel.json differ in their rules.")
        rule = rf"score $\ge$ {first['line']:g}" if first["by"] == "score" else rf"p $\le$ {first['line']:g}"
        cells = [
            interval(row[called], population[pairs])
            for row, population in ((first, own), (second, lacking))
            for called, pairs in (("called", "pairs"), ("called_disjoint", "disjoint"))
        ]
        rows.append([name(first["statistic"]), rule, *cells])
    header = [
        text
        for population in (own, lacking)
        for text in (f"all {population['pairs']} pairs", f"{population['disjoint']} disjoint pairs")
    ]
    return table(
        "panel-size",
        r"Share of pairs of strangers called related, with 95\% Clopper--Pearson intervals, over all pairs and over "
        "disjoint ones: strangers of the panel's own strata (left) and of a configuration that the panel lacks "
        "(right). $p$: the larger of the ranks by raw score and by residual, over all pairs; score: published "
        "threshold.",
        "ll" + "r" * 4,
        ["statistic", "rule", *header],
        spaced(rows, 0),
        size="scriptsize",
    )


def simulation_table(panel: Found) -> str:
    """Size of the panel's two rungs under simulated hub effects."""
    found = panel["simulation"]
    arrays = found["arrays"]
    rows = [
        [
            rf"of every model, sd ${row['size']:g}$" if row["hubs"] == "every" else hubs(row),
            row["rung"],
            *(f"{count / arrays:.4f}" for count in row["rejected"]),
        ]
        for row in found["rows"]
    ]
    return table(
        "simulation",
        "Share of simulated unrelated claims rejected, for additive hub effects; in brackets two standard errors of "
        "a rate equal to the level.",
        "llrr",
        ["hub effects", "rung", *(rf"$p\le{a:g}$ ({error(a, arrays):.4f})" for a in found["levels"])],
        rows,
        size="small",
    )


def power_table(power: Found) -> str:
    """Power by the size of the sketch."""
    models = power["models"]
    rows = [
        [
            bold(f"{row['size']} = {row['value']}", row["default"]),
            name(row["test"]),
            f"{row['megabytes']:.1f}",
            *(number(power_log10_p(row["log10_p"][model])) for model in models),
        ]
        for row in power["rows"]
    ]
    return table(
        "power",
        r"$\log_{10}p$ against the reference, one size of the sketch changed at a time (the default in bold), and "
        "the size of the fingerprint of a model of the shape of Qwen2.5-14B.",
        "ll" + "r" * (len(models) + 1),
        ["size", "test", "MB", *(stacked(model.replace("-", "_")) for model in models)],
        spaced(rows, 1),
        size="scriptsize",
    )


def cost_table(cost: Found) -> str:
    """Seconds of a claim on panels of growing size."""
    rows = [
        [str(row["members"]), f"{row['seconds']:.1f}", "--" if row["times"] is None else f"{row['times']:.2f}"]
        for row in cost["rows"]
    ]
    return table(
        "cost",
        "Seconds for one claim on a panel: all statistics, the ladder, localisation and audit.",
        "rrr",
        ["members", "seconds", "times the row above"],
        rows,
        size="small",
        place="!htb",
    )


def whole_table(cost: Found) -> str:
    """Cost of a whole process at full depth."""
    header, rows = summary(cost)
    return table(
        "whole",
        "Cost of comparing two bfloat16 models as a whole process on two cores: the share of their bytes that is "
        "decoded, the share that the system reads from a cold disk, processor time, and memory of the process's own. "
        "Reading was measured at the widths of Llama-2-7B and Qwen2.5-14B with few layers and is carried to full "
        "depth by a line; the tests were measured at this depth.",
        "ll" + "r" * (len(header) - 2),
        header,
        [[escape(cell) for cell in row] for row in rows],
        size="small",
    )


def _panel_cells(row: Found, comparisons: int) -> list[str]:
    p = row["ranks"]["response_match"] / comparisons
    text = p_text(p).strip("*")
    return [bold(text, p <= 0.01), f"{row['disputed_score']:.3f}"]
