"""Forgeries of what a report says of twins: each is found from the record, or named as what only the panel tells."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.models import config, weights, write
from tests.panels import recipe
from tests.replays import caught
from tests.reports import CREATED, changed, sealed
from verify import ClaimReport, InputError, fingerprint, replay, test_lineage
from verify.panel import build_panel
from verify.replay.agreement import leaves
from verify.replay.check import check
from verify.replay.unchecked import inputs, unchecked

RECIPES, REFERENCES = 9, 4
"""As many as reach .1."""
PRIMARY = "$.evidence[panel].results[response_match]"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root, c = tmp_path_factory.mktemp("twins"), config(layers=2)
    names = [f"toy-{i}" for i in range(REFERENCES + 2 * RECIPES + 2)]
    for i, name in enumerate(names):
        write(root / name, weights(i, c), c)
    of = {name: {"recipe": f"r{i // 2}"} for i, name in enumerate(names[REFERENCES:-2])}
    build_panel(recipe(*names[:-2], **of), root / "panel", base=root)
    return root


@pytest.fixture(scope="module")
def models(folder):
    last = REFERENCES + 2 * RECIPES
    return tuple(fingerprint(folder / f"toy-{i}") for i in (last, last + 1))


@pytest.fixture(scope="module")
def report(folder, models) -> ClaimReport:
    return test_lineage(*models, panel=folder / "panel", panel_alpha=0.1, created=CREATED)


@pytest.fixture(scope="module")
def content(report) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(report.to_json())
    return found


def found(content: dict[str, Any]) -> set[str]:
    return {item.field for item in check(sealed(content)).disagreements}


def test_what_was_not_changed_agrees(report, content, folder, models):
    assert found(content) == set()
    assert replay(report, *models, folder / "panel").disagreements == ()
    assert replay(report, panel=folder / "panel").disagreements == ()


def test_whatever_of_twins_is_changed_is_found_or_listed(report, content):
    """Every kind of number, text and truth value of the panel's part."""
    kinds, seen, missed = (*inputs(report), *unchecked(report)), set(), []
    for field, value in leaves(content):
        kind = re.sub(r"\d+", "0", field)
        if "panel" not in field or kind in seen or field.endswith(".order") or value is None or value in ([], {}):
            continue
        seen.add(kind)
        other = (
            not value if isinstance(value, bool) else value + "x" if isinstance(value, str) else value * 0.75 - 0.7
        )
        if isinstance(value, int) and not isinstance(value, bool) and "log10" not in field:
            other = value + 1
        if not caught(sealed(changed(content, field, other))) and not any(kind.covers(field) for kind in kinds):
            missed.append(field)
    assert missed == []
    assert len(seen) > 60


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (f"{PRIMARY}.scores[3]", -1),
        (f"{PRIMARY}.scores[3]", 1e308),
        (f"{PRIMARY}.scores[0]", 1.5),
        (f"{PRIMARY}.twins[0].score", -5),
        (f"{PRIMARY}.twins[0].above_levels[0]", -1e300),
        (f"{PRIMARY}.twins[0].above_levels[1]", 40),
        (f"{PRIMARY}.twins[0].recipe", "another"),
        ("$.panel.recipes[0].group", "another"),
        ("$.panel.recipes_in_panel", 3),
    ],
)
def test_what_cannot_be_is_named(content, field, value):
    assert any(
        field.startswith(item) or item.startswith(field.rpartition(".")[0])
        for item in found(changed(content, field, value))
    )


def test_a_recipe_listed_twice_is_found(content):
    more = changed(content, f"{PRIMARY}.twins", [*content["evidence"][1]["results"][0]["twins"]] * 2)
    more["panel"] |= {"recipes": content["panel"]["recipes"] * 2, "recipes_in_panel": 2 * RECIPES}
    assert f"{PRIMARY}.twins" in found(more)


@pytest.mark.parametrize(("version", "design"), [(1, "pair_residual"), (2, "own_kind")])
def test_a_rule_that_was_given_up_gives_no_verdict_to_fingerprints_of_today(content, version, design):
    """Scores of today, recorded as those of an earlier version, by which strangers were called related."""
    forged = json.loads(json.dumps(content))
    primary = forged["evidence"][1]["results"][0]
    primary |= {"version": version}
    primary.pop("twins")
    for name in ("recipes", "recipes_in_panel", "largest_stranger", "effect_ratio"):
        del forged["panel"][name]
    forged["panel"] |= {"primary_design": design}
    assert "$.panel.primary_design" in found(forged)


def test_the_panel_alone_tells_which_recipes_it_has(content, folder):
    """Groups split to count as more, and recipes left out."""
    fewer = json.loads(json.dumps(content))
    fewer["panel"]["recipes"].pop()
    fewer["evidence"][1]["results"][0]["twins"].pop()
    grouped = json.loads(json.dumps(content))
    for one in grouped["panel"]["recipes"][:2]:
        one["group"] = "r2"
    for forged, field in ((fewer, "$.panel.recipes[8]"), (grouped, "$.panel.recipes[0].group")):
        told = replay(sealed(forged).decode(), panel=folder / "panel").disagreements
        assert any(item.field.startswith(field) for item in told)


def test_an_earlier_panel_test_is_not_made_again(content, folder, models):
    forged = json.loads(json.dumps(content))
    forged["evidence"][1]["results"][0]["version"] = 2
    with pytest.raises(InputError, match="version 2 of response_match"):
        replay(sealed(forged).decode(), *models, folder / "panel")
