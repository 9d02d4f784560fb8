"""``verify panel``: build, show and audit a reference population of unrelated models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..base import InputError, Progress
from .command import GivenPath, Group, option
from .config import config_option
from .options import OUTPUT, READING, json_option, paths, quiet_option
from .output import check_apart, check_writable, count, echo, echo_json, progress_bar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..fingerprint import Fingerprint
    from ..panel import Member, Panel, PanelRecord, StrangersAudit

_SHADES = " ░▒▓█"
_LEGEND = (
    "First table: the share of pairs of references inside one stratum whose p among all pairs is at most the level "
    "(above the level is bad), the p-value of that share if strata did not matter, and the family whose pairs with "
    "others are called most often. Second table: how many disjoint pairs of references reach a score, and the 95% "
    "upper bound on the share of such pairs that do. Both are of references of one kind; a verdict rests on twins "
    "besides."
)


def _statistics(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    from ..statistics import PANEL_STATISTICS

    return [statistic.id for statistic in PANEL_STATISTICS if statistic.id.startswith(incomplete)]


@click.group(
    cls=Group,
    section="Panels of unrelated models",
    examples=(
        "verify panel show",
        "verify panel build recipe.toml -o my-panel",
        "verify panel audit my-panel --strangers folder-of-unrelated-models",
        "verify lineage A B --panel my-panel",
    ),
    see="docs/panels.md",
)
@click.pass_context
def panel(context: click.Context) -> None:
    """Build, show and audit a panel of unrelated models."""
    if context.invoked_subcommand is None:
        echo(context.get_help())


@panel.command(
    examples=(
        "verify panel build recipe.toml -o my-panel --workers 4",
        "verify panel build hub-7b -o my-panel            a recipe that ships with the library",
    ),
    see="docs/panels.md",
)
@click.argument("recipe", type=GivenPath())
@option("-o", "--output", group=OUTPUT, type=GivenPath(), required=True, help="Folder of the panel.")
@option("--workers", group=READING, type=int, help="Worker processes for reading weights.  [default: 1]")
@quiet_option
@config_option
def build(recipe: Path, output: Path, workers: int | None, quiet: bool) -> None:
    """Fingerprint the models of RECIPE (TOML, YAML or a name: hub-7b, hub-twins); an interrupted build resumes.

    A model that cannot be read is reported, skipped, and listed in the panel as excluded.
    """
    from ..base.plain import plain
    from ..panel import build_panel
    from ..render.escape import SENTENCE

    check_writable(output / "panel.json")
    check_apart(output)
    with progress_bar(quiet) as progress:
        built = build_panel(
            recipe,
            output,
            workers=workers,
            progress=progress,
            report=lambda line: echo(" ".join(line.split()), err=True),
        )
    record = built.record
    echo(
        f"{plain(record.name, SENTENCE)} {plain(record.version, SENTENCE)}: {count(len(record.members), 'member')}, "
        f"{count(len(record.twins), 'recipe')} of twins, {len(record.excluded)} skipped, "
        f"{count(len(record.kinship), 'pair looks', 'pairs look')} related."
    )
    for kind, recipes, references in _kinds(record):
        echo(_reach(kind, recipes, references))
    echo(str(output))


@panel.command(
    examples=("verify panel show", "verify panel show my-panel --heatmap scores.svg"),
    see="docs/panels.md",
)
@click.argument("panel_folder", metavar="PANEL", default="default", shell_complete=paths)
@option(
    "--statistic",
    default="",
    shell_complete=_statistics,
    help="Statistic of the heat map; the primary one by default.",
)
@option(
    "--heatmap",
    group=OUTPUT,
    type=GivenPath(),
    help="Write the heat map to a .svg, .pdf or .png file.",
)
@json_option("Print the record as JSON.")
@quiet_option
def show(panel_folder: str, statistic: str, heatmap: Path | None, as_json: bool, quiet: bool) -> None:
    """Print the members of PANEL, a heat map of their scores, and pairs that look related."""
    if heatmap is not None:
        _check_figure(heatmap)
    chosen, loaded = _statistic(statistic), _load(panel_folder)
    with progress_bar(quiet) as progress:
        members, scores = _scores(loaded, chosen, progress)
    if heatmap is not None:
        from ..render.figures import heat_map

        if len(members) < 2:
            raise InputError("The panel has no two members that can be compared with one another; no heat map.")
        heat_map(heatmap, [member.name for member in members], scores, chosen)
        echo(str(heatmap), err=True)
    if as_json:
        echo_json(loaded.record.model_dump_json())
    else:
        echo(_page(loaded, chosen, members, scores))


@panel.command(
    examples=(
        "verify panel audit",
        "verify panel audit my-panel --strangers folder-of-unrelated-models --qq qq.svg",
    ),
    see="docs/panels.md",
)
@click.argument("panel_folder", metavar="PANEL", default="default", shell_complete=paths)
@option("--statistic", default="", shell_complete=_statistics, help="Statistic to audit; the primary one by default.")
@option(
    "--strangers",
    type=GivenPath(),
    multiple=True,
    metavar="FOLDER",
    help="Unrelated models outside the panel to test it on (repeatable): a folder of models, best of one recipe.",
)
@option(
    "--qq",
    group=OUTPUT,
    type=GivenPath(),
    help="Write the QQ plot with envelope to a .svg, .pdf or .png.",
)
@json_option("Print the audit as JSON.")
@quiet_option
def audit(
    panel_folder: str, statistic: str, strangers: tuple[Path, ...], qq: Path | None, as_json: bool, quiet: bool
) -> None:
    """Audit the calibration of PANEL: rejection rates inside strata and by family, and on strangers outside it."""
    from ..panel.audit import audit as audit_scores
    from ..panel.audit import false_match_curve, quantile_envelope

    if qq is not None:
        _check_figure(qq)
    groups = _models_in(strangers)
    chosen, loaded = _statistic(statistic), _load(panel_folder)
    with progress_bar(quiet) as progress:
        members, scores = _scores(loaded, chosen, progress)
        outside = _outside(loaded, groups, progress) if groups else None
    strata, families = [m.stratum for m in members], [m.family for m in members]
    found = audit_scores(scores, strata, families)
    if found is None:
        raise InputError(f"The panel has {count(len(members), 'member')} of one kind; an audit needs at least 6.")
    curve = false_match_curve(scores, [member.name for member in members])
    if qq is not None:
        from ..render.figures import qq_plot

        if not found.pairs_within_strata:
            raise InputError(
                "No two members share one of several strata, so there is nothing to calibrate; no QQ plot."
            )
        qq_plot(qq, *quantile_envelope(scores, strata), chosen)
        echo(str(qq), err=True)
    if as_json:
        content = found.model_dump() | {"statistic": chosen, "false_match": curve}
        content |= {} if outside is None else {"strangers": outside.model_dump()}
        echo(json.dumps(content))
    else:
        inside = count(found.pairs_within_strata, "pair")
        echo(f"{chosen}, {count(found.members, 'member')} of one kind, {inside} inside strata\n")
        echo("| level | inside strata | excess p | worst family | its share |\n|---:|---:|---:|---|---:|")
        for size in found.sizes:
            cells = (size.within_strata, size.excess_p, size.worst_family, size.worst_family_share)
            texts = ["–" if c is None else c if isinstance(c, str) else f"{c:.3f}" for c in cells]
            echo(f"| {size.level:g} | " + " | ".join(texts) + " |")
        echo("\n| score as fixed threshold | disjoint pairs that reach it | of | 95% bound |\n|---:|---:|---:|---:|")
        for threshold, exceeding, pairs, bound in curve:
            echo(f"| {threshold:.4f} | {exceeding} | {pairs} | {bound:.3f} |")
        echo(f"\n{_LEGEND}")
        echo(f"\n{_calibrated(loaded, outside)}")


def _kinds(record: PanelRecord) -> list[tuple[str, int, int]]:
    """Each kind of MLP and norm in words, with its recipes, those of a group counted once, and its references."""
    from ..panel.twin_groups import independent_groups

    declared = {*(member.kind for member in record.members), *(twins.kind for twins in record.twins)}
    found = []
    for gated, norm in sorted((kind for kind in declared if None not in kind), key=str, reverse=True):
        recipes = [twins for twins in record.twins if twins.kind == (gated, norm)]
        families = {member.family for member in record.members if member.kind == (gated, norm)}
        words = f"{'gated' if gated else 'plain'} MLPs and {norm} norm"
        found.append((words, len(set(independent_groups(recipes, record.kinship))), len(families)))
    return found


def _reach(kind: str, recipes: int, references: int) -> str:
    """How small a p a claim on models of a kind can reach, by declarations alone."""
    from ..panel.evidence import members_needed

    pairs, least = (references + 2) * (references + 1) // 2, members_needed(1.0)
    have = f"{kind}: {count(recipes, 'independent recipe')} of twins, {count(references, 'family', 'families')}"
    if not recipes or references < least:
        return f"{have} of references: no verdict, which takes twins and at least {least} references."
    return f"{have} of references: the smallest p of a claim is {max(1 / (recipes + 1), 1 / pairs):.2g}."


def _models_in(folders: tuple[Path, ...]) -> list[list[Path]]:
    """The models in each folder of strangers."""
    from ..checkpoint.formats.registry import FORMATS

    groups = []
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"--strangers is {str(folder)!r:.200}, which is no folder; give a folder of models.")
        models = (path for path in folder.iterdir() if path.is_dir() or path.suffix in FORMATS)
        groups.append(sorted(path for path in models if path.name[0] != "."))
    if groups and max(map(len, groups)) < 2:
        raise InputError("No folder given by --strangers holds two models; give folders of two or more.")
    return groups


def _outside(loaded: Panel, groups: list[list[Path]], progress: Progress) -> StrangersAudit:
    """The audit on strangers outside the panel."""
    from ..panel import audit_strangers

    seen: dict[str, str] = {}
    found = audit_strangers(loaded, [_read(group, seen) for group in groups], progress)
    if found is None:
        raise InputError("No folder given by --strangers holds two models that could be read; see the reasons.")
    return found


def _read(group: list[Path], seen: dict[str, str]) -> dict[str, Fingerprint]:
    """The models of a folder that can be read, less those with weights seen before; others are reported."""
    from ..fingerprint import fingerprint

    models = {}
    for path in group:
        try:
            model = fingerprint(path, effort="full")
            other = seen.setdefault(model.record.content_sha256, str(path))
            if other != str(path):
                raise InputError(f"holds the same weights as {other}, so the two are no strangers")
            models[path.name] = model
        except InputError as error:
            echo(" ".join(f"{path.name}: skipped: {error}".split()), err=True)
    return models


def _calibrated(loaded: Panel, outside: StrangersAudit | None) -> str:
    """Whether the panel is calibrated, in a sentence."""
    recipes = len(loaded.record.twins)
    if outside is None:
        return (
            f"Is it calibrated? Not shown here: {count(recipes, 'recipe')} of twins give ranks that are right for "
            "recipes like them, by construction; unrelated models from elsewhere would tell (--strangers FOLDER)."
        )
    if outside.calibrated is None:
        return (
            "Is it calibrated? It gives no verdict on these models: it has "
            f"{'too few recipes or references' if recipes else 'no twins'} of their kind."
        )
    said = "; ".join(
        f"{at.called} of {outside.pairs} disjoint pairs of strangers get a verdict at level {at.level:g} "
        f"(95% bounds {at.low:.3f} and {at.high:.3f})"
        for at in outside.levels
        if at.reachable
    )
    if outside.calibrated:
        return f"Is it calibrated? Nothing here contradicts it: {said}."
    return f"Is it calibrated? No, not for models like these: {said}."


def _page(loaded: Panel, statistic: str, members: list[Member], scores: NDArray[np.float64]) -> str:
    """A panel for the terminal, with untrusted text made inert."""
    from ..base.plain import plain
    from ..render.escape import SENTENCE, markdown_text

    record = loaded.record
    lines = [
        f"{plain(record.name, SENTENCE)} {plain(record.version, SENTENCE)}, {count(len(record.members), 'member')}, "
        f"{loaded.digest}",
        plain(record.description, SENTENCE),
        "",
        "| member | family | stratum | model | trained on | licence | source |",
        "|---|---|---|---|---|---|---|",
    ]
    for member in record.members:
        shape = loaded.fingerprints[member.name].record.architecture
        made = f"{shape.family}, {count(shape.layers, 'layer')} of width {shape.width}"
        corpus = member.corpus or "not known"
        cells = (member.name, member.family, member.stratum, made, corpus, member.licence, member.source)
        lines.append("| " + " | ".join(map(markdown_text, cells)) + " |")
    lines += ["", f"{count(len(record.twins), 'recipe')} of twins (`--json` lists them):"]
    lines += [_reach(*kind) for kind in _kinds(record)]
    lines += [plain(f"excluded: {left.name}: {left.reason}", SENTENCE) for left in record.excluded]
    if len(members) > 1:
        title = f"{statistic} of {len(members)} members of one kind, darkest where closest:"
        lines += ["", title, "", _map(members, scores), ""]
    else:
        lines += ["", "No two members can be compared with one another.", ""]
    lines += [
        plain(
            f"suspected relatives: {pair.a} and {pair.b} (log10 p = {pair.log10_p:.1f}); kept as declared", SENTENCE
        )
        for pair in record.kinship
    ]
    return "\n".join(lines if record.kinship else [*lines, "No pair of members looks related to the exact tests."])


def _check_figure(path: Path) -> None:
    """Refuse a figure that cannot be written, before the work."""
    from ..render.figures import check_format

    check_writable(path)
    check_format(path)


def _load(folder: str) -> Panel:
    from ..panel import load_panel

    loaded = load_panel(folder)
    assert loaded is not None  # only None gives None
    return loaded


def _statistic(name: str) -> str:
    from ..statistics import PANEL_STATISTICS, PRIMARY

    names = [statistic.id for statistic in PANEL_STATISTICS]
    if name and name not in names:
        raise InputError(f"--statistic is {name!r:.60}; give one of {', '.join(names)}.")
    return name or PRIMARY.id


def _scores(loaded: Panel, name: str, progress: Progress) -> tuple[list[Member], NDArray[np.float64]]:
    """Scores of the largest set of members that can be compared with one another."""
    from ..panel.largest import largest_group

    return largest_group(loaded, name, progress)


def _map(members: list[Member], scores: NDArray[np.float64]) -> str:
    """A heat map in characters, shaded by rank among all pairs."""
    import numpy as np

    values = np.sort(scores[np.triu_indices(len(scores), 1)])
    width = max(len(member.name) for member in members)
    lines = []
    for i, member in enumerate(members):
        cells = []
        for j in range(len(members)):
            rank = 1.0 if i == j else float(np.searchsorted(values, scores[i, j], "right")) / len(values)
            cells.append("·" if i == j else _SHADES[min(len(_SHADES) - 1, int(rank * len(_SHADES)))])
        lines.append(f"{member.name:>{width}} " + "".join(cells))
    return "\n".join(lines)
