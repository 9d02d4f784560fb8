"""``verify panel`` and the panel of ``verify lineage``: what goes where, and one sentence for bad input."""

import json
import shutil

import numpy as np
import pytest
from matplotlib.image import imread

from tests import commands
from tests.models import child, config, weights, write
from tests.reports import words
from tests.test_figures import STARTS
from verify import ClaimReport
from verify.data import model
from verify.panel import Member, Panel, PanelRecord, build_panel, load_panel
from verify.panel.record import DEFAULT
from verify.statistics import PANEL_STATISTICS, PRIMARY

run, check_refused = commands.run, commands.check_refused
CREATED = ("--created", "2026-01-31T12:00:00+00:00")
LARGEST = 17
"""Members of the panel that ships that can be compared with one another, at most."""
NAMES = [f"toy-{i}" for i in range(6)]
RECIPE = 'name = "toys"\nversion = "2"\n' + "".join(
    f'[[member]]\nmodel = "{name}"\nfamily = "{name}"\nlicence = "MIT"\n' for name in NAMES
)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Six toy checkpoints of two depths and their recipe."""
    root = tmp_path_factory.mktemp("toys")
    for i, name in enumerate(NAMES):
        c = config(layers=3 + i // 3)
        write(root / name, weights(i, c), c)
    (root / "toys.toml").write_text(RECIPE)
    return root


@pytest.fixture(scope="module")
def panel(root):
    """The panel of the toys."""
    build_panel(root / "toys.toml", root / "panel")
    return root / "panel"


# ---- build


@pytest.mark.slow
def test_build_writes_a_panel_that_loads(run, root, tmp_path):
    result = run("panel", "build", root / "toys.toml", "-o", tmp_path / "deep" / "p")
    assert (result.status, result.err) == (0, "")
    assert "6 members, 0 recipes of twins" in result.out
    assert "0 skipped" in result.out
    assert str(tmp_path / "deep" / "p") in result.out
    loaded = load_panel(tmp_path / "deep" / "p")
    assert [member.name for member in loaded.record.members] == NAMES
    again = run("panel", "build", root / "toys.toml", "-o", tmp_path / "deep" / "p", "-q")
    assert (again.status, again.out) == (0, result.out)
    assert load_panel(tmp_path / "deep" / "p").digest == loaded.digest


def test_a_bad_model_is_one_line_and_the_rest_are_built(run, root, tmp_path):
    (root / "more.toml").write_text(RECIPE + '[[member]]\nmodel = "nothing-here"\nfamily = "x"\nlicence = "x"\n')
    result = run("panel", "build", root / "more.toml", "-o", tmp_path / "p")
    assert result.status == 0
    assert result.err.count("\n") == 1
    assert result.err.startswith("nothing-here: skipped: 'nothing-here' does not exist")
    assert "6 members, 0 recipes of twins, 1 skipped" in result.out
    assert "excluded: nothing-here: " in run("panel", "show", tmp_path / "p").out


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read"),
        ("name = 1", "is not a panel recipe"),
        ("name", "not TOML"),
        (RECIPE.replace("toy-5", "toy-4"), "two members are named"),
        (RECIPE.replace('"toy-1"', '"../../../x y"'), "needs a `name`"),
    ],
)
def test_a_bad_recipe_is_one_line_and_leaves_nothing(run, tmp_path, content, says):
    if content is not None:
        (tmp_path / "r.toml").write_text(content)
    check_refused(run("panel", "build", tmp_path / "r.toml", "-o", tmp_path / "p"), says, tmp_path / "p")


def test_a_recipe_without_a_usable_model_leaves_nothing(run, tmp_path):
    (tmp_path / "r.toml").write_text(RECIPE)
    result = run("panel", "build", tmp_path / "r.toml", "-o", tmp_path / "p")
    assert (result.status, result.out) == (2, "")
    assert result.err.count("\n") == len(NAMES) + 1
    assert "could be fingerprinted" in result.err.splitlines()[-1]
    assert not (tmp_path / "p").exists()


def test_an_output_that_cannot_be_written_is_noticed_first(run, root, tmp_path):
    (tmp_path / "file").write_text("mine")
    check_refused(run("panel", "build", root / "toys.toml", "-o", tmp_path / "file"), "cannot be written")
    check_refused(run("panel", "show", "default", "--heatmap", tmp_path / "file" / "x.svg"), "cannot be written")
    check_refused(run("panel", "audit", "default", "--qq", tmp_path), "cannot be written")
    assert (tmp_path / "file").read_text() == "mine"


# ---- show


@pytest.mark.parametrize("which", ["toys", "default"])
def test_show_prints_members_a_map_and_suspicions(run, panel, which):
    arguments = [panel] if which == "toys" else []
    result = run("panel", "show", *arguments)
    record = load_panel(panel if which == "toys" else "default").record
    assert (result.status, result.err) == (0, "")
    assert record.digest in result.out
    rows = [line for line in result.out.splitlines() if line.startswith("| ") and "licence" not in line]
    assert len(rows) == len(record.members)
    for member, row in zip(record.members, rows, strict=True):
        assert row.count(" | ") == 6
        assert f"| {member.name} |" in row
    assert f"{PRIMARY.id} of {6 if which == 'toys' else LARGEST} members" in result.out
    assert result.out.count("·") == (6 if which == "toys" else LARGEST)
    assert "No pair of members looks related" in result.out
    assert f"\n{len(record.twins)} recipes of twins" in result.out
    kinds = [line for line in result.out.splitlines() if " norm: " in line]
    if which == "default":
        assert [line.split(":")[0] for line in kinds] == ["gated MLPs and rms norm", "plain MLPs and layer norm"]
        assert all("the smallest p of a claim is 0.008" in line for line in kinds)
    else:
        assert kinds[0].endswith("6 families of references: no verdict, which takes twins and at least 3 references.")


def test_show_prints_relatives(run, root, tmp_path):
    c = config(layers=3)
    write(root / "kin", child(weights(0, c), 11), c)
    (root / "kin.toml").write_text(RECIPE + '[[member]]\nmodel = "kin"\nfamily = "x"\nlicence = "x"\n')
    run("panel", "build", root / "kin.toml", "-o", tmp_path / "p")
    assert "suspected relatives: toy-0 and kin (log10 p = -" in run("panel", "show", tmp_path / "p").out


def test_show_prints_the_record_as_json(run, panel, tmp_path):
    """And the heat map is written all the same."""
    result = run("panel", "show", panel, "--json", "--heatmap", tmp_path / "h.svg")
    assert PanelRecord.model_validate(json.loads(result.out)) == load_panel(panel).record
    assert (tmp_path / "h.svg").exists()
    assert result.err == f"{tmp_path / 'h.svg'}\n"


@pytest.mark.parametrize("statistic", [statistic.id for statistic in PANEL_STATISTICS])
def test_any_statistic_can_be_shown_and_audited(run, panel, statistic):
    for command in ("show", "audit"):
        result = run("panel", command, panel, "--statistic", statistic)
        assert (result.status, result.err) == (0, "")
        assert statistic in result.out


def hostile(folder):
    """A panel whose every text n_searched to escape."""
    text = "\x1b[31m|\u202e<b>\n# no"
    loaded = load_panel(folder)
    members = tuple(
        Member(**member.model_dump() | {"family": text, "stratum": text, "source": text, "licence": text})
        for member in loaded.record.members
    )
    changes = {"name": text, "version": text, "description": text, "members": members}
    return Panel(loaded.record.model_copy(update=changes), loaded.fingerprints, loaded.scores)


def test_what_strangers_wrote_is_inert_in_the_terminal(run, panel, tmp_path):
    """In tables, in lines, and in a report that was made with the panel."""
    hostile(panel).save(tmp_path / "p")
    arguments = ("lineage", model("obfuscated-all"), model("reference"), "--panel", tmp_path / "p", *CREATED)
    for result in (run("panel", "show", tmp_path / "p"), run("panel", "audit", tmp_path / "p"), run(*arguments)):
        assert result.status == 0
        assert all(line.isprintable() for line in result.out.splitlines())
        assert "\n# no" not in result.out
        assert "\u202e" not in result.out
    table = [line for line in run("panel", "show", tmp_path / "p").out.splitlines() if line.startswith("| toy")]
    assert all(line.replace("\\|", "").count("|") == 8 for line in table)


def test_a_panel_of_one_member_is_shown(run, root, tmp_path):
    (root / "one.toml").write_text(RECIPE[: RECIPE.index('[[member]]\nmodel = "toy-1"')])
    assert run("panel", "build", root / "one.toml", "-o", tmp_path / "p").status == 0
    assert "No two members can be compared" in run("panel", "show", tmp_path / "p").out
    check_refused(run("panel", "show", tmp_path / "p", "--heatmap", tmp_path / "h.svg"), "no heat map")
    check_refused(run("panel", "audit", tmp_path / "p"), "1 member of one kind; an audit needs at least 6")


# ---- audit


@pytest.mark.parametrize("which", ["toys", "default"])
def test_audit_prints_sizes_and_bounds(run, panel, which):
    arguments = [panel] if which == "toys" else []
    text = run("panel", "audit", *arguments)
    assert (text.status, text.err) == (0, "")
    found = json.loads(run("panel", "audit", *arguments, "--json").out)
    assert found["statistic"] == PRIMARY.id
    assert [size["level"] for size in found["sizes"]] == [0.01, 0.05, 0.1]
    assert len(found["false_match"]) == 21
    assert found["members"] == (6 if which == "toys" else LARGEST)
    for size in found["sizes"]:
        assert f"| {size['level']:g} | {size['within_strata']:.3f} | {size['excess_p']:.3f} |" in text.out
    for threshold, exceeding, pairs, bound in found["false_match"]:
        assert f"| {threshold:.4f} | {exceeding} | {pairs} | {bound:.3f} |" in text.out
    worst = found["sizes"][0]["worst_family"]
    assert (worst is None) == (which == "toys") or worst in text.out


def test_a_panel_of_one_stratum_has_no_calibration_to_draw(run, panel, tmp_path):
    """Its ranks are uniform by construction, and a diagonal would look like a proof."""
    loaded = load_panel(panel)
    members = tuple(member.model_copy(update={"stratum": "one"}) for member in loaded.record.members)
    Panel(loaded.record.model_copy(update={"members": members}), loaded.fingerprints, loaded.scores).save(
        tmp_path / "p"
    )
    assert "| 0.05 | – | – |" in run("panel", "audit", tmp_path / "p").out
    check_refused(run("panel", "audit", tmp_path / "p", "--qq", tmp_path / "q.svg"), "no QQ plot", tmp_path / "q.svg")


# ---- figures


@pytest.mark.parametrize(("command", "option"), [("show", "--heatmap"), ("audit", "--qq")])
@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf"])
def test_figures_are_files_that_open(run, tmp_path, command, option, suffix):
    """That their bytes do not change is shown where they are drawn, in ``test_figures``."""
    file = tmp_path / f"drawn{suffix}"
    result = run("panel", command, "default", option, file)
    assert (result.status, result.err) == (0, f"{file}\n")
    assert file.read_bytes().startswith(STARTS[suffix])
    if suffix == ".png":
        assert np.ptp(imread(file)[..., :3]) == 1


@pytest.mark.parametrize(("command", "option"), [("show", "--heatmap"), ("audit", "--qq")])
def test_a_figure_that_cannot_be_drawn_is_noticed_first(run, tmp_path, monkeypatch, command, option):
    monkeypatch.setattr("verify.panel.load_panel", None)
    file = tmp_path / "new" / "x.jpeg"
    check_refused(run("panel", command, "default", option, file), "end it in .svg, .pdf, .png", file.parent)


# ---- bad panels


@pytest.mark.parametrize("command", ["show", "audit"])
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nothing-here"], "is not a panel"),
        (["default", "--statistic", "guess"], "'guess'"),
        (["default", "--statistic", "unit_identity"], "'unit_identity'"),
        (["default", "--colour"], "No such option"),
        (["a", "b"], "unexpected extra argument"),
    ],
)
def test_bad_input_is_one_line(run, command, arguments, says):
    check_refused(run("panel", command, *arguments), says)


def test_a_statistic_that_members_do_not_have_is_one_line(run, root, tmp_path):
    """Two layers have no correlation."""
    c = config(layers=2)
    write(root / "shallow", weights(70, c), c)
    (root / "shallow.toml").write_text(RECIPE + '[[member]]\nmodel = "shallow"\nfamily = "x"\nlicence = "x"\n')
    assert run("panel", "build", root / "shallow.toml", "-o", tmp_path / "p", "-q").status == 0
    for command in ("show", "audit"):
        result = run("panel", command, tmp_path / "p", "--statistic", "spread_correlation")
        check_refused(result, "shallow has 2 layers")


def test_an_altered_panel_is_one_line(run, panel, tmp_path):
    shutil.copytree(panel, tmp_path / "p")
    path = tmp_path / "p" / "panel.json"
    path.write_text(path.read_text().replace('"MIT"', '"GPL"', 1))
    for arguments in (
        ("panel", "show", tmp_path / "p"),
        ("panel", "audit", tmp_path / "p"),
        ("lineage", model("obfuscated-all"), model("reference"), "--panel", tmp_path / "p", "-o", tmp_path / "out"),
    ):
        check_refused(run(*arguments), "was altered", tmp_path / "out")


def test_help_is_no_error(run):
    for arguments in (("panel", "-h"), ("panel", "build", "-h"), ("panel", "show", "-h"), ("panel", "audit", "-h")):
        assert run(*arguments).status == 0


# ---- lineage


CODE = ("--corpus", "zoo-code")


def lineage(run, *options, a="obfuscated-all"):
    result = run("lineage", model(a), model("reference"), "--json", *CREATED, *options)
    assert (result.status, result.err) == (0, "")
    return ClaimReport.from_json(result.out)


@pytest.mark.slow
def test_lineage_takes_the_panel_that_ships_another_or_none(run, panel):
    by_name, by_path = (lineage(run, "--panel", which, *CODE) for which in ("default", DEFAULT))
    assert (by_name.evidence, by_name.panel) == (by_path.evidence, by_path.panel)
    assert [x.provenance.options["panel"] for x in (by_name, by_path)] == ["default", "given"]
    assert by_name.verdict == "similar_beyond_panel"
    assert by_name.panel.digest == load_panel("default").digest
    assert lineage(run, "--panel", "none") == lineage(run)
    assert lineage(run).panel is None
    assert lineage(run).verdict == "no_evidence"
    small = lineage(run, "--panel", panel)
    assert (small.panel.name, small.panel_log10_p) == ("toys", None)
    assert "6 members" in words(small.tests[PRIMARY.id].reason)


def test_the_page_of_a_claim_has_the_panel(run, tmp_path):
    pair = model("obfuscated-all"), model("reference")
    result = run("lineage", *pair, "--panel", "default", "-o", tmp_path, *CREATED)
    assert result.status == 0
    page = (tmp_path / "report.md").read_text()
    assert "## Against the panel" in page
    assert load_panel("default").digest in page
    assert str(DEFAULT) not in page + (tmp_path / "report.json").read_text()


def test_declared_families_are_left_out_and_searches_paid_for(run):
    """Of references and of twins."""
    families = ("gated-references-003", "gated-007")
    declared = (option for family in families for option in ("--family", family))
    report = lineage(run, "--panel", "default", *declared, "--searched", "2", "--panel-alpha", "0.05")
    assert report.panel.families == tuple(sorted(families))
    assert "gated-references-003-a" in {out.name for out in report.panel.dropped}
    assert {out.name for out in report.panel.recipes_dropped} == {"gated-007"}
    assert (len(report.panel.members), len(report.panel.recipes)) == (15, 122)
    assert report.searched == 2
    assert report.panel_log10_p == pytest.approx(np.log10(2 / 123))
    assert report.verdict == "similar_beyond_panel"


def test_the_panel_level_is_kept(run):
    report = lineage(run, "--panel", "default", "--panel-alpha", "0.002")
    assert (report.panel_alpha, report.verdict) == (0.002, "no_evidence")
    assert "level 0.002 needs 31" in words(report.tests[PRIMARY.id].reason)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--panel", "nothing-here"], "is not a panel"),
        (["--panel", ""], "panel is ''; give"),
        (["--panel", "default", "--panel-alpha", "0"], "panel_alpha"),
        (["--panel", "default", "--panel-alpha", "nan"], "panel_alpha"),
        (["--panel", "default", *("--corpus", "x") * 3], "--corpus is given 3 times"),
        (["--searched", "0"], "searched is 0; give an integer from 1"),
        (["--searched", "-1"], "searched is -1"),
        (["--searched", "1000000000"], "searched is 1000000000"),
        (["--searched", "best of 5"], "'best of 5' is not a valid integer"),
    ],
)
def test_wrong_values_are_one_line(run, tmp_path, options, says):
    pair = (model("obfuscated-all"), model("reference"))
    check_refused(run("lineage", *pair, "-o", tmp_path / "out", *options), says, tmp_path / "out")


@pytest.mark.slow
def test_a_verdict_by_the_panel_can_fail_a_build(run, panel):
    """And a panel without twins gives none, whatever it ranks."""
    pair = ("lineage", model("obfuscated-all"), model("reference"))
    options = ("--fail-on", "similar_beyond_panel")
    assert run(*pair, "--panel", "default", *options).status == 3
    untwinned = run(*pair, "--panel", panel, "--panel-alpha", "0.2", *options)
    assert untwinned.status == 0
    assert "the panel has no twins" in " ".join(untwinned.out.replace("\\", "").split())


@pytest.mark.slow
def test_the_corpora_of_both_models_or_of_each_are_declared(run):
    for options, corpora in (
        (CODE, ("zoo-code", "zoo-code")),
        ((*CODE, "--corpus", "mine"), ("zoo-code", "mine")),
        ((), ("", "")),
    ):
        use = lineage(run, "--panel", "default", *options).panel
        assert (use.corpus_a, use.corpus_b) == corpora
