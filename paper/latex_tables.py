"""The paper's tables."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.pages.cost import summary
from benchmarks.pages.peers import summary as peers_summary
from benchmarks.pages.power import log10_p as power_log10_p
from benchmarks.pages.size import LEVELS, Samples, rate
from benchmarks.pages.size import error as size_error
from benchmarks.pages.truth import log10_p
from benchmarks.pages.twins import GRADES, RUNGS

from .sources import Found
from .tex import bold, escape, name, number, spaced, stacked, table

HEADS = {"recipe": "one_recipe", "corpus": "one_corpus", "nothing": "no_corpus", "student": "students"}
"""What the strangers of a grade share, as the words at the head of a column."""
ROUNDED = 1e-6
"""What rounding in the results adds to a p-value."""


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


def truth_table(truth: Found) -> str:
    """Every model of the zoo against its reference, by exact tests."""
    tests = [test for test in truth["tests"] if any(row["log10_p"][test] is not None for row in truth["models"])]
    rows = []
    for row in truth["models"]:
        of = row["reference"]
        label = row["model"] if of == truth["reference"] else f"{row['model']} (against {of})"
        cells = [bold(number(log10_p(row["log10_p"][test])), test in row["detects"]) for test in tests]
        rows.append([escape(label), *cells, name(row["verdict"])])
    return table(
        "truth",
        r"$\log_{10}p$ of each exact test against the reference of the zoo, and the verdict from these; bold: a test "
        "that survives this derivation and must find it; n/a: does not apply; tests that apply to none are left out.",
        "l" + "r" * len(tests) + "l",
        ["model", *map(stacked, tests), "verdict"],
        rows,
        size="tiny",
        place="p",
    )


def panel_size_table(twins: Found) -> str:
    """Pairs of strangers called related, by grade, statistic and rung."""
    levels = twins["levels"]
    found = {(row["kind"], row["statistic"], row["rung"], row["grade"]): row for row in twins["rows"] if row["pairs"]}
    rows: list[Sequence[str] | None] = []
    for kind in dict.fromkeys(key[0] for key in found):
        of_kind = {key[1:]: row for key, row in found.items() if key[0] == kind}
        most = {
            grade: max((row["pairs"] for key, row in of_kind.items() if key[2] == grade), default="")
            for grade in HEADS
        }
        recipes = next(row["recipes"] for key, row in of_kind.items() if key[2] == "recipe")
        pairs = [rf"\multicolumn{{{len(levels)}}}{{r}}{{{count}}}" for count in most.values()]
        rows.append([rf"\emph{{{kind}}}, {recipes} recipes", "pairs:", *pairs])
        for statistic, rung in dict.fromkeys(key[:2] for key in of_kind):
            cells: list[str] = []
            for grade in HEADS:
                row = of_kind.get((statistic, rung, grade), {"called": [""] * len(levels), "pairs": most[grade]})
                of = "" if row["pairs"] == most[grade] else f"/{row['pairs']}"
                cells += [f"{count}{of}" for count in row["called"]]
            rows.append([name(statistic), bold(RUNGS[rung], rung == "verdict"), *cells])
        rows.append(None)
    return table(
        "panel-size",
        "Pairs of strangers called related: how many have a p-value at most the level, of recipes that are in no "
        "panel (of two recipes: with a corpus in common, or none). No model is in two pairs of a grade; a recipe has "
        "two of the first. $n/m$: $n$ of $m$, where others have no rank. The verdict takes the larger p-value of the "
        "twins and of all pairs, and a score above every stranger's in the panel. Another trainer's models are "
        "ranked by earlier fingerprints of fewer units.",
        "ll" + "r" * len(levels) * len(HEADS),
        ["statistic", "by", *(stacked(f"{head}_{level:g}") for head in HEADS.values() for level in levels)],
        rows,
        size="scriptsize",
    )


def levels_table(twins: Found) -> str:
    """How far above their levels are the panel's twins, and strangers by grade."""
    rows: list[Sequence[str] | None] = []
    for kind in dict.fromkeys(row["kind"] for row in twins["above_levels"]):
        of_panel = [("the panel's twins", row) for row in twins["panel_twins"] if row["kind"] == kind]
        strangers = [(GRADES[row["grade"]], row) for row in twins["above_levels"] if row["kind"] == kind]
        rows += [
            [kind, pairs, str(row["pairs"]), *(number(f"{value:.2f}") for value in row["quantiles"])]
            for pairs, row in (*of_panel, *strangers)
        ]
        rows.append(None)
    return table(
        "levels",
        r"The score above both models' levels, $T$ of~\eqref{eq:levels}, of the panel's own twins and of the pairs "
        r"of Table~\ref{tab:panel-size}: quantiles, and the largest. Another trainer's are scored on fewer units.",
        "llrrrrr",
        ["kind", "pairs of", "pairs", r"10\%", "median", r"90\%", "largest"],
        rows,
        size="small",
    )


def simulation_table(twins: Found) -> str:
    """Size of the residual rung and of the verdict on simulated strangers of one recipe."""
    found, levels = twins["simulated"], twins["levels"]
    claims = found["claims"]
    rows = [[RUNGS[rung], *(f"{count / claims:.4f}" for count in found[rung])] for rung in ("pair_larger", "verdict")]
    return table(
        "simulation",
        "Share of simulated claims on strangers of one recipe rejected; in brackets two standard errors of a rate "
        "equal to the level.",
        "lrr",
        ["by", *(rf"$p\le{p:g}$ ({2 * (p * (1 - p) / claims) ** 0.5:.4f})" for p in levels)],
        rows,
        size="small",
    )


def derived_table(twins: Found) -> str:
    """Every derivation of the zoo, ranked with its reference."""
    level = min(twins["levels"])

    def p(value: float | None, most: float = 0.0) -> str:
        return "--" if value is None else bold(f"{value:.4f}", value <= most + ROUNDED)

    rows = [
        [
            escape(row["model"]),
            "yes" if row["survives"] else "",
            f"{row['score']:.3f}",
            "--" if row["ratio"] is None else f"{row['ratio']:.1f}",
            p(row["rungs"]["twins"]),
            p(row["rungs"]["pair_larger"]),
            p(row["verdict"], level),
            p(row["others"].get("spread_correlation")),
        ]
        for row in twins["derived"]
    ]
    return table(
        "derived",
        r"What the zoo derives, against its reference by \test{response\_match}: whether the statistic survives by "
        "construction, the score, its ratio to the largest among strangers of the panel, p-values among twins and "
        f"among all pairs, and that of the verdict (bold: at most ${level:g}$; 1 where a stranger scores as high). "
        r"Models are at scale \emph{standard}, by earlier fingerprints of fewer units; \emph{all units}: the models "
        "that ship. Last, for comparison, the p-value of the disputed score among all pairs.",
        "llrrrrrr",
        ["model", "survives", "score", "ratio", "twins", "all pairs", "verdict", "disputed score"],
        rows,
        size="scriptsize",
        place="p",
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


def peers_table(peers: Found) -> str:
    """Every tool on the same pairs."""
    header, rows = peers_summary(peers)
    marked = [[escape(cell).replace("†", r"$^\dagger$") for cell in row] for row in rows]
    short = ["tool", "found", "one recipe", "other shapes", "distilled", "shared seed", "CPU", "MiB"]
    if len(short) != len(header):
        raise ValueError(f"the table has {len(header)} columns and {len(short)} heads")
    return table(
        "peers",
        f"Every tool on the same {len(peers['pairs'])} pairs of small trained models of known lineage, each by its "
        "own command and its own published rule: derivations found; strangers of one recipe and of other shapes "
        r"called related, with 95\% Clopper--Pearson intervals; what it says of a model distilled from outputs and "
        "of one trained from the same seed on other data; processor time and memory of a whole process. "
        r"$^\dagger$No rule is published: derivations that score above every stranger of one recipe.",
        "l" + "r" * (len(header) - 1),
        short,
        marked,
        size="scriptsize",
    )
