"""Measured numbers as macros: name, and what stands for it in the text."""

from __future__ import annotations

import inspect
from collections.abc import Iterable

import verify
from benchmarks.pages.peers import times
from benchmarks.pages.size import Samples, rate
from benchmarks.pages.truth import log10_p
from examples.dispute.page import log10_p as dispute_log10_p
from examples.dispute.page import p_of, short
from examples.dispute.page import percent as dispute_percent
from verify.panel import like_needed

from .build import PaperError
from .sources import Found, Sources, one
from .tex import escape, listed, minus, percent, word

Macros = dict[str, str]


def macros(sources: Sources) -> Macros:
    """Every macro."""
    return (
        _size(sources.size)
        | _truth(sources.truth)
        | _panel_size(sources.panel)
        | _panel_power(sources.panel)
        | _strangers(sources.panel_strangers)
        | _cost(sources.panel_cost)
        | _tracing(sources.model_tracing)
        | _screen(sources.screen)
        | _base_rate(sources.dispute)
        | _nulls(sources.dispute)
        | _reenactment(sources.dispute)
        | _defaults()
    )


def _size(size: Samples) -> Macros:
    samples = [values for tests in size.values() for values in tests.values() if values]
    counts = {len(values) for values in samples}
    middle, low, tiny = 0.05, 0.01, 0.001
    return {
        "SizeArchitectures": str(len(size)),
        "SizePairs": str(min(counts)) if len(counts) == 1 else f"{min(counts)} to {max(counts)}",
        "SizeRows": str(len(samples)),
        "SizeValues": str(sum(map(len, samples))),
        "SizeMidLevel": f"{middle:g}",
        "SizeMidMax": f"{max(rate(values, middle) for values in samples):.3f}",
        "SizeLowLevel": f"{low:g}",
        "SizeLowMax": f"{max(rate(values, low) for values in samples):.3f}",
        "SizeTinyLevel": f"{tiny:g}",
        "SizeTinyCount": str(sum(round(rate(values, tiny) * len(values)) for values in samples)),
    }


def _truth(truth: Found) -> Macros:
    models = truth["models"]
    strangers = [row for row in models if row["relation"] == "none"]

    def least(rows: Iterable[Found]) -> str:
        return minus(f"{min(p for row in rows for p in row['log10_p'].values() if p is not None):.1f}")

    def of(model: str, test: str) -> str:
        return minus(log10_p(one(models, model=model)["log10_p"][test]))

    return {
        "TruthModels": str(len(models)),
        "TruthStrangers": str(len(strangers)),
        "TruthStrangerLeast": least(strangers),
        "TruthLongUnit": of("continued-3x", "unit_identity"),
        "TruthLongSigns": of("continued-3x", "sign_agreement"),
        "TruthMergeUnit": of("merged-stranger", "unit_identity"),
        "TruthMoeValue": of("moe-fine", "value_identity"),
        "TruthRotatedResponse": of("fine-tuned-rotated", "response_identity"),
        "TruthHiddenRotary": of("obfuscated", "rotary_phase"),
        "TruthHiddenTokens": of("obfuscated", "unused_tokens"),
        "TruthEvadedLeast": least([one(models, model="obfuscated-all")]),
    }


def _panel_size(panel: Found) -> Macros:
    own, lacking = (one(panel["strangers"], id=key) for key in ("own", "lacking"))
    threshold = min(row["line"] for row in own["rows"] if row["by"] == "score")

    def share(population: Found, statistic: str, by: str, line: float) -> str:
        row = one(population["rows"], statistic=statistic, by=by, line=line)
        return percent(row["called"] / population["pairs"])

    return {
        "OwnStrangers": str(own["strangers"]),
        "LackStrangers": str(lacking["strangers"]),
        "OwnStrangerPairs": str(own["pairs"]),
        "LackStrangerPairs": str(lacking["pairs"]),
        "DisputedThreshold": f"{threshold:g}",
        "DisputedOwnShare": share(own, "spread_correlation", "score", threshold),
        "DisputedLackShare": share(lacking, "spread_correlation", "score", threshold),
        "RotationLackShare": share(lacking, "stream_rotation", "p", 0.05),
        "PrimaryLackShare": share(lacking, "response_match", "p", 0.05),
        "PanelMidLevel": "0.05",
    }


def _panel_power(panel: Found) -> Macros:
    found, simulation = panel["derivations"], panel["simulation"]
    derived = [row for row in found["models"] if row["relation"] == "derived"]
    missed = [row["model"] for row in derived if row["ranks"]["response_match"] / found["comparisons"] > 0.01]
    planted = {
        row["rung"]: percent(row["rejected"][0] / simulation["arrays"])
        for row in simulation["rows"]
        if row["hubs"] == "planted"
    }
    return {
        "PanelLeast": f"{1 / found['comparisons']:.4f}",
        "PrimaryDerived": str(len(derived)),
        "PrimaryFound": str(len(derived) - len(missed)),
        "PrimaryMissed": " and ".join(rf"\emph{{{model}}}" for model in missed) or "none of them",
        "SimRawPlanted": planted["raw"],
        "SimResidualPlanted": planted["residual"],
    }


def _strangers(found: Found) -> Macros:
    """Of strangers that the panel knows nothing of: another maker's, and those of other corpora."""
    made: Macros = {}
    for name, row in (("", "all"), ("Same", "one text"), ("Other", "two texts")):
        elsewhere = one(found["elsewhere"]["rows"], strangers=row)
        pairs, (_, rejected) = elsewhere["pairs"], elsewhere["called"]
        made |= {f"Elsewhere{name}Pairs": str(pairs), f"Elsewhere{name}Rejected": str(rejected)}
        if name != "Other":
            made[f"Elsewhere{name}Share"] = rf"{100 * rejected / pairs:.1f}\%"
    fresh = [row for row in found["called"] if row["new_corpora"]]
    return made | {
        "FreshPairs": str(sum(row["pairs"] for row in fresh)),
        "FreshBefore": str(sum(row["version_1"][1] for row in fresh)),
        "FreshNow": str(sum(row["all_pairs"][1] for row in fresh)),
    }


def _cost(cost: Found) -> Macros:
    most = cost["rows"][-1]
    return {"CostMost": str(most["members"]), "CostMostSeconds": f"{most['seconds']:.1f}"}


def _tracing(found: Found) -> Macros:
    one_block, model = found["power"][0], found["power"][-1]
    log10_ps, whole = found["log10_p"], "unit_identity, all units, full width"

    def power(row: Found, method: str) -> str:
        return percent(round(row[method]["power"], 2))

    return {
        "TracingUnits": str(found["hidden"]),
        "TracingSurviving": str(found["survivors"]),
        "TracingTheirs": minus(f"{log10_ps['phi_U']:.1f}"),
        "TracingOurs": minus(f"{log10_ps[whole]:.1f}"),
        "TracingSketchTimes": times(found, "unit_identity, standard sketch"),
        "TracingAllTimes": times(found, "unit_identity, all units, 256 projections"),
        "TracingWholeTimes": times(found, whole),
        "TracingOneTheirs": power(one_block, "phi_U"),
        "TracingOneSketch": power(one_block, "sketch"),
        "TracingOneAll": power(one_block, "all"),
        "TracingBlocks": str(model["blocks"]),
        "TracingModelTheirs": power(model, "phi_U"),
        "TracingModelSketch": power(model, "sketch"),
        "TracingModelAll": power(model, "all"),
    }


def _screen(found: Found) -> Macros:
    most = found["cost"][-1]
    if any(row["found"] != row["pairs"] for row in found["found"]):
        raise PaperError("A planted relative was not found by the screen; the paper says that all were.")
    return {
        "ScreenModels": f"{most['models']:,}",
        "ScreenPairs": f"{most['pairs']:,}",
        "ScreenPlanted": str(found["planted"]),
        "ScreenSeconds": f"{most['core_seconds']['all']:.1f}",
        "ScreenPassed": str(most["passed"]),
        "ScreenPower": f"{found['exponents']['first stage']:.2f}",
    }


def _base_rate(dispute: Found) -> Macros:
    classes, opus = dispute["base_rate"]["classes"], dispute["base_rate"]["opus"]
    grids, derived = classes["grids"], [classes["derived_graphnet"], classes["derived_atlas"]]
    interval = f"{dispute_percent(grids['low'])} to {dispute_percent(grids['high'])}"
    made = {"ClaimedR": str(dispute["claimed"])}
    for name, key in (("Cross", "unrelated"), ("Family", "families"), ("Grid", "grids"), ("Own", "own")):
        made |= {f"{name}Reach": str(classes[key]["reach"]), f"{name}Pairs": str(classes[key]["pairs"])}
    return made | {
        "GridShare": escape(dispute_percent(grids["reach"] / grids["pairs"])),
        "GridLayers": grids["layers"],
        "GridInterval": escape(interval),
        "OpusReach": str(sum(row["reach"] for row in opus)),
        "OpusPairs": str(sum(row["pairs"] for row in opus)),
        "OpusMaxShare": escape(dispute_percent(max(row["reach"] / row["pairs"] for row in opus))),
        "OpusPopulations": word(len(opus)),
        "DerivedBelow": str(sum(row["pairs"] - row["reach"] for row in derived)),
        "DerivedPairs": str(sum(row["pairs"] for row in derived)),
    }


def _nulls(dispute: Found) -> Macros:
    null, real = dispute["base_rate"]["null"], dispute["real"]
    return {
        "NullCrossLow": short(null["raw_low"]),
        "NullCrossHigh": short(null["raw_high"]),
        "NullRecipeList": listed([p_of(row["rank"]) for row in dispute["base_rate"]["opus"]]),
        "RealChannels": str(real["channels"]),
        "RealGroups": str(real["groups"]),
        "RealNeeded": str(real["needed"]),
    }


def _reenactment(dispute: Found) -> Macros:
    found = dispute["reenactment"]
    child = one(found["cases"], name=found["child"])
    strangers = [case for case in found["cases"] if case is not child]
    exact = [dispute_log10_p(case["log10_p"]) for case in strangers]
    least, most = (minus(pick(exact, key=float)) for pick in (min, max))
    return {
        "ChildScore": f"{child['r']:.3f}",
        "ChildRaw": p_of(child["raw"]),
        "ChildResidual": p_of(child["residual"]),
        "ChildExact": minus(dispute_log10_p(child["log10_p"])),
        "StrangerScores": listed([f"{case['r']:.3f}" for case in strangers]),
        "StrangerExact": rf"$\log_{{10}}p$ from {least} to {most}",
        "StrangerCases": word(len(strangers)),
    }


def _defaults() -> Macros:
    """Levels that the library takes unless told otherwise."""
    parameters = inspect.signature(verify.test_lineage).parameters
    alpha, panel_alpha = parameters["alpha"].default, parameters["panel_alpha"].default
    return {
        "AlphaExact": f"{alpha:g}",
        "PanelAlpha": f"{panel_alpha:g}",
        "PanelNeeded": str(like_needed(panel_alpha)),
    }
