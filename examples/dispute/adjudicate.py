"""The dispute over r = 0.927, adjudicated: its base rate, a re-enactment, and the test that would decide.

``python examples/dispute/adjudicate.py`` writes ``README.md`` beside itself from ``README.md.jinja``, and the reports
it links to, from ``correlations.csv`` and ``fingerprints/``. With ``--data`` (default: ``../shared/data`` beside the
repository, if there is one) the correlations are computed anew from the published statistics; with ``--models`` the
fingerprints are, from models that ``python -m benchmarks.zoo --recipe dispute --scale deep`` trains.
"""

from __future__ import annotations

import argparse
import csv
import json
import tomllib
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations
from math import log10
from pathlib import Path
from statistics import mean, median
from typing import Any, NamedTuple

import jinja2
import numpy as np

import verify
from verify.fingerprint import SketchSpec
from verify.inference import (
    OrbitRank,
    critical_count,
    detectable_share,
    disjoint_pairs,
    false_match_bound,
    log10_p_fixed_points,
    orbit_rank,
    pair_design,
    rank,
)
from verify.inference.blind import blind_order
from verify.panel import ALL_PAIRS, load_panel
from verify.statistics import EXACT_TESTS, PRIMARY, SPREAD_CORRELATION, curve_correlation

HERE = Path(__file__).parent
TEMPLATE = HERE / "README.md.jinja"
DATA = HERE.parents[1] / ".." / "shared" / "data"
CREATED = "2026-01-01T00:00:00+00:00"
PANEL = "default"  # of the re-enactment

CLAIMED = 0.927
DEPTH = 12  # layers of the published stacks that are compared across families
Curves = dict[str, list[float]]


# ---------------------------------------------------------------- the published statistics, and what is known of them


class Group(NamedTuple):
    """Models whose relation is documented: the names that belong, and the rule that puts them together."""

    label: str
    rule: str
    names: tuple[str, ...]


SAME_RECIPE = (
    Group(
        "BERT miniatures",
        "separately pre-trained grid of widths and depths (arXiv 1908.08962); pairs of one depth",
        tuple(
            f"google/bert_uncased_L-{n}_H-{h}_A-{h // 64}|encoder.layer"
            for n in (6, 8, 10, 12)
            for h in (128, 256, 512, 768)
        ),
    ),
    Group(
        "T5-Efficient, base",
        "separately pre-trained variants of head count and size (arXiv 2109.10686)",
        tuple(
            f"google/t5-efficient-base-{x}|block"
            for x in ("kv16", "kv32", "kv128", "kv256", "nh8", "nh16", "nh24", "nh32")
        ),
    ),
    Group(
        "T5-Efficient, large",
        "separately pre-trained variants of head count and size (arXiv 2109.10686)",
        tuple(
            f"google/t5-efficient-large-{x}|block"
            for x in ("dl12", "kv16", "kv32", "kv128", "kv256", "nh2", "nh4", "nh8", "nh24", "nh32")
        ),
    ),
    Group(
        "ViT",
        "pre-trained separately for each patch size (arXiv 2010.11929); pairs of one depth",
        (
            "google/vit-base-patch16-224-in21k|encoder.layer",
            "google_vit_base_patch32_224_in21k|vit.encoder.layer",
            "google/vit-large-patch16-224-in21k|encoder.layer",
            "google_vit_large_patch32_224_in21k|vit.encoder.layer",
        ),
    ),
    Group(
        "OWL-ViT, text towers",
        "each from its own contrastive pre-training (arXiv 2205.06230)",
        tuple(
            f"google/owlvit-{x}|owlvit.text_model.encoder.layers"
            for x in ("base-patch16", "base-patch32", "large-patch14")
        ),
    ),
    Group(
        "OWL-ViT, image towers",
        "each from its own contrastive pre-training (arXiv 2205.06230)",
        tuple(f"google/owlvit-{x}|owlvit.vision_model.encoder.layers" for x in ("base-patch16", "base-patch32")),
    ),
    Group(
        "T5 encoders of GTR",
        "T5 of three sizes, pre-trained separately (arXiv 1910.10683), each tuned for retrieval (arXiv 2112.07899)",
        tuple(f"sentence-transformers/gtr-t5-{x}|block" for x in ("large", "xl", "xxl")),
    ),
)

DERIVED = (
    Group(
        "RoBERTa-base",
        "fine-tuned or initialised from it; LUKE: arXiv 2010.01057",
        (
            "roberta-base|encoder.layer",
            "nli-roberta-base|roberta.encoder.layer",
            "sentence-transformers/msmarco-roberta-base-ance-firstp|encoder.layer",
            "studio-ousia_luke-base|encoder.layer",
        ),
    ),
    Group(
        "ViT-B/16",
        "fine-tuned from the in21k model",
        ("google/vit-base-patch16-224-in21k|encoder.layer", "google_vit-base-patch16-224|vit.encoder.layer"),
    ),
    Group(
        "ViT-L/16",
        "fine-tuned from the in21k model",
        ("google/vit-large-patch16-224-in21k|encoder.layer", "google_vit_large_patch16_224|vit.encoder.layer"),
    ),
    Group(
        "ELECTRA-base",
        "fine-tuned from it",
        ("google_electra-base-discriminator|encoder.layer", "ms-marco-electra-base|electra.encoder.layer"),
    ),
    Group(
        "MPNet-base",
        "two fine-tunes of one base",
        ("all-mpnet-base-v2|encoder.layer", "sentence-transformers/all-mpnet-base-v1|encoder.layer"),
    ),
    Group(
        "BERT-base",
        "LayoutLM starts from BERT-base (arXiv 1912.13318)",
        ("bert-base-uncased|encoder.layer", "microsoft_layoutlm-base-uncased|encoder.layer"),
    ),
    Group(
        "MiniLM-L12",
        "two fine-tunes of one base",
        ("ms-marco-MiniLM-L12-v2|bert.encoder.layer", "sentence-transformers/all-MiniLM-L12-v1|encoder.layer"),
    ),
    Group(
        "MiniLM-L6",
        "fine-tuned from the first",
        (
            "nreimers_MiniLM-L6-H384-uncased|encoder.layer",
            "all-MiniLM-L6-v2|encoder.layer",
            "sentence-transformers/all-MiniLM-L6-v1|encoder.layer",
        ),
    ),
    Group(
        "DistilRoBERTa",
        "two fine-tunes of one base",
        (
            "sentence-transformers/all-distilroberta-v1|encoder.layer",
            "sentence-transformers/paraphrase-distilroberta-base-v1|encoder.layer",
        ),
    ),
    Group(
        "BERT-large",
        "fine-tuned from it",
        (
            "google-bert_bert-large-uncased|encoder.layer",
            "sentence-transformers/bert-large-nli-cls-token|encoder.layer",
        ),
    ),
    Group(
        "RoBERTa-large",
        "two fine-tunes of one base",
        ("quora-roberta-large|roberta.encoder.layer", "sentence-transformers/all-roberta-large-v1|encoder.layer"),
    ),
    Group(
        "XLM-R-large",
        "two fine-tunes of one base",
        ("bge-reranker-large|0.auto_model.encoder.layer", "multilingual-e5-large|0.auto_model.encoder.layer"),
    ),
    *(
        Group(
            f"SigLIP 2 {size}, {part}",
            "resolutions resumed from one training run (arXiv 2502.14786)",
            tuple(f"google/siglip2-{size}-patch16-{n}|{part}_model.encoder.layers" for n in resolutions),
        )
        for size, resolutions in (("base", (224, 256, 384, 512)), ("large", (256, 384, 512)))
        for part in ("text", "vision")
    ),
)

FAMILIES = (  # of the stacks of DEPTH layers, by the first prefix that fits
    ("google/bert_uncased", "BERT miniatures"),
    ("bert-base-uncased", "BERT-base"),
    ("microsoft_layoutlm", "BERT-base"),
    ("nghuyong_ernie-2.0", "BERT-base"),
    ("bge-base", "BERT-base"),
    ("bge-small", "BGE-small"),
    ("nlptown_bert_base_multilingual", "BERT-multilingual"),
    ("uer_roberta-base-finetuned-cluener2020-chinese", "BERT-Chinese"),
    ("sentence-transformers/LaBSE", "LaBSE"),
    ("google_electra", "ELECTRA"),
    ("ms-marco-electra", "ELECTRA"),
    ("mmarco-mMiniLM", "MiniLM"),
    ("ms-marco-MiniLM", "MiniLM"),
    ("msmarco-MiniLM", "MiniLM"),
    ("sentence-transformers/all-MiniLM", "MiniLM"),
    ("nli-deberta-v3", "DeBERTa v3"),
    ("all-mpnet", "MPNet"),
    ("sentence-transformers/all-mpnet", "MPNet"),
    ("roberta-base", "RoBERTa-base"),
    ("nli-roberta-base", "RoBERTa-base"),
    ("sentence-transformers/msmarco-roberta-base", "RoBERTa-base"),
    ("studio-ousia_luke", "RoBERTa-base"),
    ("microsoft_xlm-align", "XLM-R"),
    ("YituTech_conv-bert", "ConvBERT"),
    ("google/t5", "T5"),
    ("google_flan_t5", "T5"),
    ("sentence-transformers/gtr-t5", "T5"),
    ("google/vit-", "ViT"),
    ("google_vit", "ViT"),
    ("google/owlvit", "OWL-ViT"),
    ("google/siglip", "SigLIP"),
    ("facebook_bart", "BART"),
)

KNOWN_CLAIMS = (  # pairs of known truth, ranked in the cross-family panel as if they were the claim
    ("google/vit-base-patch16-224-in21k|encoder.layer", "google_vit_base_patch32_224_in21k|vit.encoder.layer"),
    (
        "google/owlvit-base-patch16|owlvit.text_model.encoder.layers",
        "google/owlvit-base-patch32|owlvit.text_model.encoder.layers",
    ),
    ("bert-base-uncased|encoder.layer", "microsoft_layoutlm-base-uncased|encoder.layer"),
    ("roberta-base|encoder.layer", "studio-ousia_luke-base|encoder.layer"),
)

SNR_DERIVED = (  # names of the Spectrum files: an instruct version, or the next point release, of the first
    ("Qwen-Qwen2.5-1.5B", "Qwen-Qwen2.5-1.5B-Instruct"),
    ("Qwen-Qwen2.5-3B", "Qwen-Qwen2.5-3B-Instruct"),
    ("Qwen-Qwen2.5-7B", "Qwen-Qwen2.5-7B-Instruct"),
    ("meta-llama-Llama-3.2-1B", "meta-llama-Llama-3.2-1B-Instruct"),
    ("meta-llama-Llama-3.2-3B", "meta-llama-Llama-3.2-3B-Instruct"),
    ("meta-llama-Meta-Llama-3-8B", "meta-llama-Meta-Llama-3.1-8B"),
    ("meta-llama-Meta-Llama-3-70B", "meta-llama-Meta-Llama-3.1-70B"),
    ("mistralai-Mistral-7B-v0.1", "mistralai-Mistral-7B-v0.2"),
)

GRAPHNET, SPECTRUM, WW, ATLAS = "GraphNet", "Spectrum", "ww-trends-2020", "modelDNA"
TRANSLATORS = (
    ("base encoder", 512, "encoder"),
    ("base decoder", 512, "decoder"),
    ("big encoder", 1024, "encoder"),
    ("big decoder", 1024, "decoder"),
)


class Row(NamedTuple):
    """One pair of ``correlations.csv``."""

    a: str
    b: str
    layers: str
    widths: str
    kind: str
    """``same_recipe``, ``derived``, ``unrelated`` (other families), ``kin`` (one family, relation not documented)."""
    group: str
    r: str
    rank_r: str
    statistic: str
    """What the curves are: ``sd``, ``snr``, ``rms``."""
    source: str
    rule: str

    @property
    def low(self) -> float:
        """The correlation, or the lower end of the interval in which it is known to lie."""
        return float(self.r.split("..")[0])

    @property
    def high(self) -> float:
        """The correlation, or the upper end."""
        return float(self.r.split("..")[-1])

    @property
    def one_depth(self) -> bool:
        """Whether it is one of the published stacks of DEPTH layers."""
        return self.source == GRAPHNET and self.layers == f"{DEPTH}/{DEPTH}"

    @property
    def other_width(self) -> bool:
        """Whether the widths differ."""
        first, second = self.widths.split("/")
        return first != second


def published(data: Path) -> list[Row]:
    """Every correlation that the page rests on, from the published statistics."""
    stacks = json.loads((data / "graphnet_qkvo_std.json").read_text("utf-8"))
    rows = [*_graphnet(stacks), *_translators(stacks)]
    rows += _gpt2(json.loads((data / "gpt2_rms_from_weightwatcher.json").read_text("utf-8")))
    rows += _spectrum(data / "spectrum")
    rows += _atlas(json.loads((data / "modeldna_atlas_pairs.json").read_text("utf-8")))
    return rows


def family(name: str) -> str:
    """Family of a published stack of DEPTH layers, by its name."""
    return next(label for prefix, label in FAMILIES if name.startswith(prefix))


def representatives(names: Iterable[str]) -> list[str]:
    """One stack for each family, chosen by the sha256 of names: blind to every score."""
    chosen: dict[str, str] = {}
    ordered = sorted(set(names))
    for i in blind_order(ordered):
        chosen.setdefault(family(ordered[i]), ordered[i])
    return sorted(chosen.values())


def _graphnet(stacks: dict[str, Any]) -> Iterator[Row]:
    """Pairs of documented relation, and all pairs of stacks of DEPTH layers."""
    relation: dict[frozenset[str], tuple[str, Group]] = {}
    for kind, groups in (("same_recipe", SAME_RECIPE), ("derived", DERIVED)):
        for group in groups:
            for pair in combinations([name for name in group.names if name in stacks], 2):
                if stacks[pair[0]]["L"] == stacks[pair[1]]["L"]:
                    relation[frozenset(pair)] = (kind, group)
    deep = sorted(name for name, stack in stacks.items() if stack["L"] == DEPTH)
    wanted = {tuple(sorted(pair)) for pair in relation}
    wanted |= set(combinations(deep, 2))
    for a, b in sorted(wanted):
        kind, group = relation.get(frozenset((a, b)), ("", None))
        label, rule = (group.label, group.rule) if group else ("", "")
        if not group:
            kind = "kin" if family(a) == family(b) else "unrelated"
            rule = " / ".join(sorted({family(a), family(b)}))
        first, second = stacks[a], stacks[b]
        yield _row(
            a,
            b,
            first["curves"],
            second["curves"],
            "qkvo",
            (first["H"], second["H"]),
            kind,
            label,
            "sd",
            GRAPHNET,
            rule,
        )


def _translators(stacks: dict[str, Any]) -> Iterator[Row]:
    """Translators of one recipe and many languages, paired off by the sha256 of their names: no model twice."""
    for label, width, part in TRANSLATORS:
        distinct: dict[str, str] = {}
        for name, stack in sorted(stacks.items()):
            if "opus-mt" in name and stack["H"] == width and f"model.{part}." in name:
                distinct.setdefault(json.dumps([stack["curves"][role] for role in "qkvo"]), name)
        names = sorted(distinct.values())
        for i, j in disjoint_pairs(names):
            a, b = sorted((names[i], names[j]))
            yield _row(
                a, b, stacks[a]["curves"], stacks[b]["curves"], "qkvo", (width, width), "same_recipe",
                f"OPUS-MT, {label}", "sd", GRAPHNET,
                "translators of other languages, trained separately by one recipe; disjoint pairs, blind",
            )  # fmt: skip


def _gpt2(sizes: dict[str, Curves]) -> Iterator[Row]:
    """The four GPT-2: fused q, k, v, so the two attention curves only; and the one MLP curve that is most alike."""
    for a, b in combinations(sizes, 2):
        for label, roles in (
            ("GPT-2, attention", ("c_attn", "attn.c_proj")),
            ("GPT-2, mlp.c_proj alone", ("mlp.c_proj",)),
        ):
            yield _row(
                a, b, sizes[a], sizes[b], roles, ("", ""), "same_recipe", label, "rms", WW,
                "four sizes, trained separately by one recipe; depths differ, so the shorter is interpolated",
            )  # fmt: skip


def _spectrum(folder: Path) -> Iterator[Row]:
    """Signal-to-noise curves of large language models of one depth: a relative of the statistic, not itself."""
    models: dict[str, dict[str, dict[int, float]]] = {}
    for path in sorted(folder.glob("*.json")):
        curves: dict[str, dict[int, float]] = {role: {} for role in "qkvo"}
        for name, value in json.loads(path.read_text("utf-8")).items():
            parts = name.split(".")
            if parts[-1] in {f"{role}_proj" for role in "qkvo"} and isinstance(value, dict) and "snr" in value:
                curves[parts[-1][0]][next(int(part) for part in parts if part.isdigit())] = float(value["snr"])
        if all(curves.values()):
            models[path.stem.removeprefix("snr_results_")] = curves
    for a, b in combinations(models, 2):
        depths = {len(models[name][role]) for name in (a, b) for role in "qkvo"}
        if len(depths) > 1:
            continue
        finite = {
            role: [
                i
                for i in sorted(models[a][role])
                if np.isfinite([models[a][role][i], models[b][role].get(i, np.inf)]).all()
            ]
            for role in "qkvo"
        }
        if min(map(len, finite.values())) < 3:
            continue
        first, second = ({role: [models[name][role][i] for i in finite[role]] for role in "qkvo"} for name in (a, b))
        maker = [name.split("-")[0] for name in (a, b)]
        if tuple(sorted((a, b))) in SNR_DERIVED:
            kind, rule = "derived", "an instruct version, or the next point release, by name"
        elif maker[0] == maker[1]:
            kind, rule = "kin", "one maker; relation not documented"
        else:
            kind, rule = "unrelated", "other makers"
        row = _row(a, b, first, second, "qkvo", ("", ""), kind, "", "snr", SPECTRUM, rule)
        yield row._replace(layers=f"{max(depths)}/{max(depths)}")


def _atlas(atlas: dict[str, Any]) -> Iterator[Row]:
    """Correlations that modelDNA published; of its unrelated pairs only an interval can be told."""
    for edge in atlas["edges"]:
        rule = "edge of its atlas of documented lineage"
        yield Row(edge["a"], edge["b"], "", "", "derived", "", f"{edge['sigma_r']:.4f}", "", "sd", ATLAS, rule)
    for edge in atlas["non_edges_p_only"]:
        interval = f"{edge['sigma_r_lo']:.4f}..{edge['sigma_r_hi']:.4f}"
        rule = "not an edge of its atlas; the interval follows from its published score"
        yield Row(edge["a"], edge["b"], "", "", "unrelated", "", interval, "", "sd", ATLAS, rule)


def _row(
    a: str, b: str, first: Curves, second: Curves, roles: Iterable[str], widths: tuple[Any, Any],
    kind: str, group: str, statistic: str, source: str, rule: str,
) -> Row:  # fmt: skip
    r, ranked = (mean(curve_correlation(first[x], second[x], ranks=ranks) for x in roles) for ranks in (False, True))
    layers = "/".join(str(len(next(iter(curves.values())))) for curves in (first, second))
    return Row(
        a, b, layers, "/".join(map(str, widths)), kind, group, f"{r:.4f}", f"{ranked:.4f}", statistic, source, rule
    )


def write_rows(rows: list[Row], path: Path) -> None:
    """Write ``correlations.csv``."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Row._fields)
        writer.writerows(rows)


def read_rows(path: Path) -> list[Row]:
    """Read ``correlations.csv``."""
    with path.open(encoding="utf-8", newline="") as file:
        return [Row(**row) for row in csv.DictReader(file)]


# ---------------------------------------------------------------------------------------------- (a) the base rate


class Share(NamedTuple):
    """How many pairs of a class reach the claimed correlation."""

    label: str
    layers: str
    pairs: int
    least: float
    middle: float
    largest: float
    reach: int
    low: float
    high: float
    """Clopper-Pearson, 95%."""
    rank: OrbitRank
    """Of the claim among these pairs and itself; a p-value where no two pairs share a model."""
    bound: float
    """95% upper bound on the share; proved where no two pairs share a model."""
    ranked: float | None
    """Median rank correlation."""


def share(label: str, rows: list[Row]) -> Share:
    """Count the pairs at or above the claim."""
    values = [row.low for row in rows]
    reach = sum(value >= CLAIMED for value in values)
    ranks = [float(row.rank_r) for row in rows if row.rank_r]
    return Share(
        label, _depths(rows), len(rows), min(values), median(values), max(values), reach,
        1 - false_match_bound(len(rows) - reach, len(rows), 0.975), false_match_bound(reach, len(rows), 0.975),
        orbit_rank([CLAIMED, *values], claim=0), false_match_bound(reach, len(rows)),
        median(ranks) if ranks else None,
    )  # fmt: skip


def _depths(rows: list[Row]) -> str:
    """Depths of the models, as a range."""
    depths = [int(depth) for row in rows for depth in row.layers.split("/") if depth]
    if not depths:
        return "n/a"
    return str(min(depths)) if min(depths) == max(depths) else f"{min(depths)} to {max(depths)}"


class CrossFamily(NamedTuple):
    """The cross-family panel: one published stack of DEPTH layers for each family."""

    names: list[str]
    score: Callable[[str, str], float]

    def rows_of(self, names: list[str]) -> np.ndarray:
        """Score matrix over names."""
        matrix = np.ones((len(names), len(names)))
        for i, j in combinations(range(len(names)), 2):
            matrix[i, j] = matrix[j, i] = self.score(names[i], names[j])
        return matrix


def cross_family(rows: list[Row]) -> CrossFamily:
    """The panel, from the rows of one depth."""
    table = {frozenset((row.a, row.b)): row.low for row in rows if row.one_depth}
    names = representatives(name for pair in table for name in pair)
    return CrossFamily(names, lambda a, b: table[frozenset((a, b))])


def trained() -> list[Row]:
    """The library's panel: small models that we trained by one recipe from different seeds; pairs of one shape."""
    panel = load_panel(PANEL)
    prints = panel.fingerprints
    rows = []
    for a, b in combinations([m for m in panel.record.members if m.name.startswith("panel-")], 2):
        if a.stratum == b.stratum and prints[a.name].record.architecture == prints[b.name].record.architecture:
            r = SPREAD_CORRELATION.score(prints[a.name], prints[b.name])
            depth = prints[a.name].record.architecture.layers
            rows.append(Row(a.name, b.name, f"{depth}/{depth}", "", "same_recipe", "", f"{r:.4f}", "", "sd", "", ""))
    return rows


PLAINEST = ("RoBERTa-base", "ViT-B/16", "ELECTRA-base", "MPNet-base")


def base_rate(rows: list[Row]) -> dict[str, Any]:
    """Everything that the page says of the statistic."""
    panel = cross_family(rows)
    one_depth = [row for row in rows if row.one_depth]
    unrelated = [row for row in one_depth if row.kind == "unrelated"]
    widths = [row for row in one_depth if row.other_width]
    related = [row for row in widths if row.kind == "same_recipe"]
    reaching = [row for row in widths if row.low >= CLAIMED]
    recipe = [row for row in rows if row.kind == "same_recipe"]
    grids = [row for row in recipe if row.source == GRAPHNET and not row.group.startswith("OPUS-MT")]
    derived = [row for row in rows if row.kind == "derived"]
    between = [row for row in one_depth if {row.a, row.b} <= set(panel.names)]
    paired = [panel.score(panel.names[i], panel.names[j]) for i, j in disjoint_pairs(panel.names)]
    atlas = [row for row in rows if row.source == ATLAS and row.kind == "unrelated"]
    opus = [
        share(label.split(", ")[1], [r for r in recipe if r.group == label]) for label in _labels(recipe, "OPUS-MT")
    ]
    M = len(panel.names)
    inside = panel.rows_of(panel.names)[np.triu_indices(M, 1)]
    exceed = int((inside >= CLAIMED).sum())
    orbit = (M + 2) * (M + 1) // 2
    return {
        "claimed": CLAIMED,
        "widths": share(f"{DEPTH} layers, different widths, all", widths),
        "widths_mean": mean(row.low for row in widths),
        "widths_95": float(np.quantile([row.low for row in widths], 0.95)),
        "reaching": reaching,
        "reaching_related": all(row in related for row in reaching),
        "without": len(widths) - len(reaching),
        "without_mean": mean(row.low for row in widths if row not in reaching),
        "without_95": float(np.quantile([row.low for row in widths if row not in reaching], 0.95)),
        "tables": {
            "Other families": [
                share(f"{DEPTH} layers, other families, all", unrelated),
                share(f"{DEPTH} layers, other families, different widths", [r for r in unrelated if r.other_width]),
                share(f"{DEPTH} layers, one model for each of {M} families", between),
            ],
            "One recipe, separate trainings": [
                *(share(group.label, [r for r in grids if r.group == group.label]) for group in SAME_RECIPE),
                share("all of the above", grids),
                *(share(label, [r for r in recipe if r.group == label]) for label in _labels(recipe, "OPUS-MT")),
                *(share(label, [r for r in recipe if r.group == label]) for label in _labels(recipe, "GPT-2")),
                share("trained by us (this library's panel)", trained()),
            ],
            "Known derivations": [
                share("GraphNet, by name", [r for r in derived if r.source == GRAPHNET]),
                share("modelDNA's documented edges", [r for r in derived if r.source == ATLAS]),
            ],
        },
        "between": share("", between),
        "grids": share("", grids),
        "opus": opus,
        "opus_p": [s.rank.rank / s.rank.size for s in opus],
        "opus_all": share("", [r for r in recipe if r.group.startswith("OPUS-MT")]),
        "shallow": share("", [r for r in grids if int(r.layers.split("/")[0]) <= DEPTH]),
        "deep": share("", [r for r in grids if int(r.layers.split("/")[0]) > DEPTH]),
        "gpt2_curve": max(r.low for r in recipe if r.group == "GPT-2, mlp.c_proj alone"),
        "gpt2_attention": max(r.low for r in recipe if r.group == "GPT-2, attention"),
        "big": share("", [r for r in recipe if r.group == "OPUS-MT, big encoder"]),
        "derived_sd": sum(r.statistic == "sd" for r in derived),
        "nine": PLAINEST,
        "one_depth_derived": share("", [r for r in derived if r.one_depth and r.group in PLAINEST]),
        "derived_below": sorted((r for r in derived if r.statistic == "sd" and r.low < CLAIMED), key=lambda r: r.low),
        "atlas": len(atlas),
        "atlas_surely": sum(row.low >= CLAIMED for row in atlas),
        "atlas_maybe": [row for row in atlas if row.low < CLAIMED <= row.high],
        "snr_derived": share("", [r for r in derived if r.source == SPECTRUM]),
        "snr_unrelated": share("", [r for r in rows if r.source == SPECTRUM and r.kind == "unrelated"]),
        "snr_qwen": _find(rows, "Qwen-Qwen2-7B", "Qwen-Qwen2.5-7B"),
        "M": M,
        "stacks": len({name for row in widths for name in (row.a, row.b)}),
        "orbit": orbit,
        "raw_low": (exceed + 1) / orbit,
        "raw_high": (exceed + 1 + 2 * M) / orbit,
        "imagined": _imagined(panel),
        "disjoint": len(paired),
        "disjoint_rank": orbit_rank([CLAIMED, *paired], claim=0),
        "false_match_families": false_match_bound(sum(r >= CLAIMED for r in paired), len(paired)),
        "known": [_known(panel, a, b, rows) for a, b in KNOWN_CLAIMS],
        "panel": [(family(name), name) for name in panel.names],
        "groups": {
            "One recipe, separate trainings": _present(SAME_RECIPE, rows),
            "Known derivations": _present(DERIVED, rows),
        },
        "vit": _find(rows, *KNOWN_CLAIMS[0]),
        "owl": _find(rows, *KNOWN_CLAIMS[1]),
        "layoutlm": _find(rows, *KNOWN_CLAIMS[2]),
        "unrelated": share("", unrelated),
        "unrelated_families": sorted({row.rule for row in unrelated if row.low >= CLAIMED}),
        "unrelated_top": max(unrelated, key=lambda r: r.low),
        "widths_top": max((r for r in unrelated if r.other_width), key=lambda r: r.low),
    }


def _present(groups: Iterable[Group], rows: list[Row]) -> list[Group]:
    """The groups with only the names that the published file has."""
    known = {name for row in rows for name in (row.a, row.b)}
    return [group._replace(names=tuple(name for name in group.names if name in known)) for group in groups]


def _labels(rows: list[Row], prefix: str) -> list[str]:
    return list(dict.fromkeys(row.group for row in rows if row.group.startswith(prefix)))


def _find(rows: list[Row], a: str, b: str) -> Row:
    return next(row for row in rows if {row.a, row.b} == {a, b})


def _imagined(panel: CrossFamily) -> dict[str, Any]:
    """The claim's ranks if its two models resembled every panel model as panel models do on average."""
    inside = panel.rows_of(panel.names)
    n = len(inside) + 2
    matrix = np.full((n, n), inside[np.triu_indices(len(inside), 1)].mean())
    matrix[2:, 2:] = inside
    matrix[0, 1] = matrix[1, 0] = CLAIMED
    design = pair_design(n)
    return {key: rank(matrix, design, residual=residual) for key, residual in (("raw", False), ("residual", True))}


def _known(panel: CrossFamily, a: str, b: str, rows: list[Row]) -> dict[str, Any]:
    """Rank a pair of known truth in the panel, its own families left out."""
    others = [name for name in panel.names if family(name) not in {family(a), family(b)}]
    matrix = panel.rows_of([a, b, *others])
    design = pair_design(len(matrix))
    row = _find(rows, a, b)
    return {
        "row": row,
        "truth": {"same_recipe": "separate trainings", "derived": "derived"}[row.kind],
        "raw": rank(matrix, design, residual=False),
        "residual": rank(matrix, design, residual=True),
    }


# ------------------------------------------------------------------------------------------- (b) the re-enactment

MODELS = ("dense-parent", "dense-stranger", "upcycled-child", "scratch-child")


class Case(NamedTuple):
    """A pair of the re-enactment, and the truth about it."""

    name: str
    a: str
    b: str
    truth: str
    chronology: str


PARENT_FIRST = "B existed first; A was started from it"
FRESH = "both were trained from fresh weights"
CASES = (
    Case(
        "upcycled-child-and-parent",
        "upcycled-child",
        "dense-parent",
        "the mixture was made from the dense model, and trained on, on other data",
        PARENT_FIRST,
    ),
    Case(
        "scratch-child-and-parent",
        "scratch-child",
        "dense-parent",
        "strangers: the same mixture and data, trained from fresh weights",
        FRESH,
    ),
    Case("scratch-child-and-stranger", "scratch-child", "dense-stranger", "strangers likewise", FRESH),
    Case(
        "stranger-and-parent",
        "dense-stranger",
        "dense-parent",
        "strangers: two dense models of one recipe, from other seeds",
        FRESH,
    ),
)


def reenact(prints: dict[str, verify.Fingerprint], output: Path) -> list[dict[str, Any]]:
    """Test every case and write its report; beside it, what the disputed statistic says."""
    results = []
    for case in CASES:
        a, b = prints[case.a], prints[case.b]
        report = verify.test_lineage(a, b, chronology=case.chronology, panel=PANEL, created=CREATED)
        folder = output / case.name
        report.to_json(folder / "report.json")
        report.to_markdown(folder / "report.md")
        disputed = report.tests[SPREAD_CORRELATION.id]
        rungs = {rung.design: rung for rung in disputed.rungs}
        raw, residual = rungs["pair"], rungs["pair_residual"]
        panel = next(rung.log10_p for rung in report.tests[PRIMARY.id].rungs if rung.design == ALL_PAIRS)
        results.append(
            {"case": case, "report": report, "r": disputed.score, "raw": raw, "residual": residual, "panel": panel}
        )
    return results


# ---------------------------------------------------------------------------------------- (c) deciding the real case


class Shape(NamedTuple):
    """What the two public models of the dispute share (arXiv 2505.21411, arXiv 2412.15115)."""

    layers: int = 48
    width: int = 5120
    heads: int = 40
    kv_heads: int = 8
    head_size: int = 128
    dense_hidden: int = 13824
    expert_hidden: int = 1344
    shared_hidden: int = 5376
    experts: int = 64


def real_case(report: verify.ClaimReport) -> dict[str, Any]:
    """How strong a test of the real pair could be; the tests that apply are those of the re-enactment."""
    shape, sketch = Shape(), SketchSpec()
    applicable = [test.id for test in EXACT_TESTS if report.tests[test.id].applicable]
    groups = shape.layers * shape.kv_heads
    n = groups * sketch.channels
    level = log10(report.alpha) - log10(len(applicable))
    return {
        "shape": shape,
        "sketch": sketch,
        "applicable": applicable,
        "refused": [test.id for test in EXACT_TESTS if test.id not in applicable],
        "groups": groups,
        "channels": n,
        "alpha": report.alpha,
        "attainable": min(0.0, log10_p_fixed_points(n, groups) + log10(len(applicable))),
        "tenth": min(0.0, log10_p_fixed_points(groups + (n - groups) // 10, groups) + log10(len(applicable))),
        "tenth_count": groups + (n - groups) // 10,
        "needed": critical_count(groups, level),
        "detectable": detectable_share(n, groups, level),
        "ratio": shape.dense_hidden / shape.expert_hidden,
    }


# ------------------------------------------------------------------------------------------------------- the page


def page(rows: list[Row], results: list[dict[str, Any]]) -> str:
    """The Markdown page."""
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters |= {"f": lambda x: f"{x:.3f}", "pct": _percent, "p": lambda x: f"{x:.2g}", "log": _log}
    environment.filters |= {
        "plain": _plain,
        "odds": lambda found: f"{found.rank}/{found.size} = {found.rank / found.size:.2g}",
    }
    by_name = {result["case"].name: result for result in results}
    child, *strangers = by_name.values()
    scores = [stranger["r"] for stranger in strangers]
    report = child["report"]
    facts = base_rate(rows) | {
        "results": by_name,
        "child": child,
        "child_share": report.tests["value_identity"].effect.share,
        "strangers": scores,
        "reading": _reading(child["r"], scores),
        "real": real_case(report),
        "test_ids": [test.id for test in EXACT_TESTS],
        "primary": PRIMARY.id,
        "panel_use": report.panel,
        "depth": DEPTH,
        "layers": report.a.architecture.layers,
        "longer": f"{_longer():g}",
    }
    return environment.from_string(TEMPLATE.read_text("utf-8")).render(facts)


def _longer() -> float:
    """How many times as long as the parent the child was trained, by the recipe."""
    recipe = tomllib.loads((HERE.parents[1] / "benchmarks" / "zoo" / "dispute.toml").read_text("utf-8"))
    return float(next(m["train"]["steps"] for m in recipe["model"] if m["name"] == "upcycled-child"))


def _reading(child: float, strangers: list[float]) -> str:
    """What the re-enactment says of the disputed statistic."""
    above, reach = (sum(value >= least for value in strangers) for least in (child, CLAIMED))
    order = f"{above} of the strangers score at least as high" if above else "It puts the child above these strangers"
    does = "does" if child >= CLAIMED else "does not"
    return f"{order}; {reach or 'none'} of them reach {CLAIMED}, and the child {does}."


def _percent(x: float) -> str:
    return f"{100 * x:.1f}%"


def _log(x: float | None) -> str:
    return "n/a" if x is None else f"{round(x, 1) + 0.0:.1f}"  # never a minus before zero


def _plain(name: str) -> str:
    """A stack's name without its tensors' prefix."""
    model, _, prefix = name.partition("|")
    part = next(
        (label for key, label in (("text", " (text)"), ("vision", " (image)")) if f"{key}_model" in prefix), ""
    )
    return f"`{model}`{part}"


def main() -> None:
    """Compute, and write everything."""
    parser = argparse.ArgumentParser(description=f"Adjudicate the dispute over a correlation of {CLAIMED}.")
    parser.add_argument("--data", type=Path, default=DATA if DATA.is_dir() else None, help="published statistics")
    parser.add_argument("--models", type=Path, help="trained models of the re-enactment, to fingerprint them anew")
    parser.add_argument("-o", "--output", type=Path, default=HERE, help="folder to write the page to")
    options = parser.parse_args()
    if options.data is not None:
        write_rows(published(options.data), HERE / "correlations.csv")
    for name in MODELS if options.models else ():
        verify.fingerprint(options.models.expanduser() / name).save(HERE / "fingerprints" / f"{name}.safetensors")
    generate(options.output)


def generate(output: Path) -> None:
    """Write the page and its reports from what is committed beside this script."""
    prints = {name: verify.Fingerprint.load(HERE / "fingerprints" / f"{name}.safetensors") for name in MODELS}
    results = reenact(prints, output / "reports")
    (output / "README.md").write_text(page(read_rows(HERE / "correlations.csv"), results), "utf-8")


if __name__ == "__main__":
    main()
