"""Measured numbers as macros: name, and what stands for it in the text."""

from __future__ import annotations

import inspect
from collections.abc import Iterable

import verify
from benchmarks.pages.evasion import least
from benchmarks.pages.interval import CONFIDENCE, upper
from benchmarks.pages.peers import times
from benchmarks.pages.size import Samples, rate
from benchmarks.pages.truth import log10_p
from benchmarks.pages.twins import GRADES
from examples.dispute.page import log10_p as dispute_log10_p
from examples.dispute.page import p_of, short
from examples.dispute.page import percent as dispute_percent
from verify.fingerprint import SketchSpec
from verify.panel.likeness import like_needed, pairs_needed
from verify.statistics import PRIMARY

from .build import PaperError
from .latex_tables import ROUNDED
from .sources import Found, Sources, one
from .tex import escape, listed, minus, percent, word
from .tex import name as tex_name

Macros = dict[str, str]


def macros(sources: Sources) -> Macros:
    """Every macro."""
    return (
        _size(sources.size)
        | _truth(sources.truth)
        | _twins(sources.twins, sources.truth)
        | _first_rule(sources.first_rule)
        | _cost(sources.panel_cost)
        | _tracing(sources.model_tracing)
        | _screen(sources.screen)
        | _evasion(sources.evasion)
        | _forgery(sources.forgery)
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


def _twins(twins: Found, truth: Found) -> Macros:
    """Of strangers of recipes that are in no panel, of simulated ones, and of derivations."""
    rows, (middle, low) = twins["rows"], twins["levels"]
    made = {"PanelMidLevel": f"{middle:g}", "PanelLowLevel": f"{low:g}", "LargestRatio": f"{twins['largest']:.2f}"}
    for kind, recipes in twins["panel"]["recipes"].items():
        fresh = one(rows, kind=kind, grade="recipe", rung="verdict", statistic=PRIMARY.id)["recipes"]
        made |= {f"Twins{kind.title()}Recipes": str(recipes), f"Fresh{kind.title()}Recipes": str(fresh)}
    for strangers, kinds, grades, rungs in (
        ("Recipe", ("gated", "plain"), ("recipe",), ("pair_residual", "pair_larger", "twins", "verdict")),
        ("Other", ("gated", "plain"), ("corpus", "nothing"), ("twins", "verdict")),
        ("Student", ("gated", "plain"), ("student",), ("twins", "verdict")),
        ("Trainer", ("gated, another trainer",), ("recipe",), ("pair_larger", "verdict")),
    ):
        counts = {rung: _called(rows, kinds, grades, rung) for rung in rungs}
        pairs, _, at_low = counts["verdict"]
        if any(of_rung[0] != pairs for of_rung in counts.values()):
            raise PaperError(
                f"Not all pairs of {strangers.lower()} have every rank: {counts}; adapt the paper's text."
            )
        made[f"{strangers}Pairs"] = str(pairs)
        for rung, (_, *called) in counts.items():
            name = strangers + rung.title().replace("_", "")
            made |= {f"{name}Mid": str(called[0]), f"{name}Low": str(called[1])}
        if strangers == "Recipe":
            made |= {"RecipeVerdictMost": percent(upper(at_low, pairs)), "Confidence": percent(CONFIDENCE)}
    worst = max(
        (row for row in rows if row["statistic"] != PRIMARY.id and row["pairs"]),
        key=lambda row: row["called"][1] / row["pairs"],
    )
    made |= {
        "WorstStatistic": tex_name(worst["statistic"]),
        "WorstCalled": str(worst["called"][1]),
        "WorstPairs": str(worst["pairs"]),
        "WorstStrangers": f"{worst['kind']}; {GRADES[worst['grade']]}",
    }
    made |= _above_levels(twins) | _simulated(twins["simulated"])
    return made | _derived(twins["derived"], truth["models"], low)


def _called(rows: list[Found], kinds: Iterable[str], grades: Iterable[str], rung: str) -> list[int]:
    """Pairs of strangers, and how many have a p-value at most each level, by one rung of the primary statistic."""
    chosen = [
        [row["pairs"], *row["called"]]
        for row in rows
        if (row["statistic"], row["rung"]) == (PRIMARY.id, rung) and row["kind"] in kinds and row["grade"] in grades
    ]
    return [sum(column) for column in zip(*chosen, strict=True)]


def _above_levels(twins: Found) -> Macros:
    """Of the panel's twins, and of pairs of two recipes that share no corpus."""
    made: Macros = {}
    for kind in ("gated", "plain"):
        rows = {
            "Twins": one(twins["panel_twins"], kind=kind),
            "Nothing": one(twins["above_levels"], kind=kind, grade="nothing"),
        }
        for pairs, row in rows.items():
            _, median, _, largest = row["quantiles"]
            made |= {f"{kind.title()}{pairs}Median": f"{median:.2f}", f"{kind.title()}{pairs}Most": f"{largest:.2f}"}
    return made


def _simulated(found: Found) -> Macros:
    claims = found["claims"]
    return {
        "SimClaims": f"{claims:,}",
        "SimLargerLow": percent(found["pair_larger"][1] / claims),
        "SimVerdictMid": percent(found["verdict"][0] / claims),
        "SimVerdictLow": percent(found["verdict"][1] / claims),
    }


def _derived(rows: list[Found], models: list[Found], level: float) -> Macros:
    """Of the zoo's descendants, how many the verdict finds: by earlier fingerprints, and by all units."""
    descendants = {model["model"] for model in models if model["relation"] == "derived"}
    made: Macros = {}
    for units, ending in (("Few", ""), ("All", ", all units")):
        names = {f"{name}{ending}" for name in descendants}
        ranked = [row for row in rows if row["model"] in names and row["verdict"] is not None]
        missed = [row for row in ranked if row["verdict"] > level + ROUNDED]
        listing = listed([rf"\emph{{{row['model'].removesuffix(ending)}}}" for row in missed])
        made |= {
            f"{units}Ranked": str(len(ranked)),
            f"{units}Found": str(len(ranked) - len(missed)),
            f"{units}Missed": listing or "none of them",
        }
        if units == "Few":
            made["MissedLeading"] = word(sum(row["rungs"]["twins"] <= level + ROUNDED for row in missed))
    evaded = one(rows, model="obfuscated-all, all units")
    return made | {"EvadedRatio": f"{evaded['ratio']:.1f}", "EvadedVerdict": f"{evaded['verdict']:.4f}"}


def _first_rule(found: Found) -> Macros:
    """Of another maker's strangers."""
    made: Macros = {}
    for name, rows in (("", found["rows"]), ("Same", found["rows"][:1]), ("Other", found["rows"][1:])):
        pairs, rejected = (sum(column) for column in zip(*((r["pairs"], r["called"][1]) for r in rows), strict=True))
        made |= {f"Elsewhere{name}Pairs": str(pairs), f"Elsewhere{name}Rejected": str(rejected)}
        if name != "Other":
            made[f"Elsewhere{name}Share"] = rf"{100 * rejected / pairs:.1f}\%"
    return made


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


def _evasion(evasion: Found) -> Macros:
    """What hides a copy; damage is said to hide nothing, so an attack without training that hides is named apart."""
    attacks = evasion["attacks"]
    merging, distillation = (one(attacks, title=title) for title in ("merged with a stranger", "distillation"))
    damage = [a for a in attacks if not a["free"] and not a["training"] and a is not merging]
    if any(row["related"] < row["pairs"] for attack in damage for row in attack["rows"]):
        raise PaperError("An attack that damages hides a copy; adapt the paper's text on evasion.")
    everything = one([row for a in attacks for row in a["rows"]], strength="all changes")
    merged, student = least(merging["rows"], repaired=False), distillation["rows"][-1]
    if merged is None:
        raise PaperError("No merge with a stranger hides; adapt the paper's text on evasion.")
    return {
        "EvasionPairs": str(evasion["pairs"]),
        "EvasionUntrained": str(everything["pairs"]),
        "EvasionDamages": word(len(damage)),
        "EvasionMost": f"{max(row['cost'][0] for attack in damage for row in attack['rows']):.0f}",
        "EvasionAllFound": str(everything["related"]),
        "EvasionAllAlike": str(everything["alike"]),
        "EvasionMergeShare": percent(float(merged["strength"])),
        "EvasionMergeCost": minus(f"{merged['cost'][0]:.3f}"),
        "EvasionStudentFound": str(student["related"]),
        "EvasionStudentCost": minus(f"{student['cost'][0]:.3f}"),
        "EvasionSpreads": minus(f"{one(attacks, title='spreads of attention reversed')['rows'][0]['spreads']:.2f}"),
    }


def _forgery(forgery: Found) -> Macros:
    """What makes strangers look related."""
    rows, units = forgery["rows"], "unit_identity"

    def p(title: str, test: str, field: str = "log10_p") -> str:
        return minus(log10_p(one(rows, title=title)[field][test]))

    by_weights, phases = "units ordered to match, by weights", "rotary planes turned to match"
    sketches, (forged, relatives) = (
        forgery["sketches"][units],
        (forgery["lifts"][units][kind] for kind in ("forged", "relatives")),
    )
    return {
        "ForgeryUnits": p(by_weights, units),
        "ForgeryUnitsAgain": p(by_weights, units, "again"),
        "ForgeryWhole": p("units ordered to match, by whole rows", units),
        "ForgeryWholeAgain": p("units ordered to match, by whole rows", units, "again"),
        "ForgeryValues": p("value channels rotated to match", "value_identity"),
        "ForgeryStream": p("stream rotated to match", "stream_identity"),
        "ForgeryPhases": p(phases, "rotary_phase"),
        "ForgeryPhasesAgain": p(phases, "rotary_phase", "again"),
        "ForgeryResponsesAgain": p("units ordered to match, by responses", "response_identity", "again"),
        "ForgeryAllPhasesAgain": p("all that keeps the function", "rotary_phase", "again"),
        "ForgeryRelatives": str(sketches["relatives"][0]),
        "ForgeryRelativesAgain": str(sketches["relatives"][1]),
        "ForgeryLiftLeast": f"{forged[1]:.2f}",
        "ForgeryLiftMost": f"{forged[3]:.2f}",
        "ForgeryRelativeLift": f"{relatives[2]:.2f}",
        "ForgerySpreads": f"{one(rows, title='spreads of attention copied')['spreads']:.2f}",
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
        "RecipesNeeded": str(pairs_needed(panel_alpha) - 1),
        "MatchUnits": str(SketchSpec().match_units),
    }
