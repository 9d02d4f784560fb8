"""The page of a screen: families as trees, every model by name, tables that sort, and nothing that a name can do."""

from __future__ import annotations

import csv
import re
from base64 import b64encode
from hashlib import sha256
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.claims import HOSTILE
from tests.renderings import Page
from tests.screens import edge, record_of
from verify.screen import Edge, ScreenRecord, ScreenResult
from verify.screen.answer import answer
from verify.screen.declarations import declarations, not_declared
from verify.screen.families import families
from verify.screen.page import page
from verify.screen.summary import summary
from verify.screen.tree import WEAK, nearest, tree

FORMULAE = (
    "=1+1",
    "+1",
    "-1+2",
    "@SUM(A1)",
    "\t=1",
    " =1",
    "\ufeff\u200b =1",
    "\xa0@A1",
    '=HYPERLINK("http://x","y")',
)
LONG = "x" * 300
DIGEST = "sha256:" + "0" * 64


def shown(record: ScreenRecord) -> str:
    return page(record, DIGEST)


# ---- trees


@st.composite
def related(draw: st.DrawFn) -> list[Edge]:
    """Pairs of one family, exact copies among them."""
    n = draw(st.integers(2, 9))
    names = [f"m{i}" for i in range(n)]
    value = st.one_of(st.none(), st.sampled_from([0.1, 0.3, 0.5, 0.7, 0.9]))
    chosen = draw(st.dictionaries(st.sampled_from(list(combinations(names, 2))), value, min_size=1))
    return [edge(a, b, closeness) for (a, b), closeness in chosen.items()]


@settings(deadline=None, max_examples=100)
@given(related())
def test_a_tree_joins_every_model_of_a_family_once_through_its_closest_pairs(found: list[Edge]) -> None:
    """Exact copies are one row; every pair outside is at most as close as each on the way between its two models."""
    for family in families(found, all_pairs=True):
        branches = tree(family)
        names = [name for branch in branches for name in branch.names]
        assert sorted(names) == list(family.members)
        at = {name: n for n, branch in enumerate(branches) for name in branch.names}
        for n, branch in enumerate(branches):
            assert (branch.above is None) == (branch.edge is None) == (n == 0) == (branch.depth == 0)
            if branch.above is not None and branch.edge is not None:
                assert branch.above < n
                assert branch.depth == branches[branch.above].depth + 1
                assert {at[branch.edge.a], at[branch.edge.b]} == {n, branch.above}
        for one in family.edges:
            if one.verdict == "identical":
                assert at[one.a] == at[one.b]
                continue
            way_a, way_b = way(branches, at[one.a]), way(branches, at[one.b])
            between = (way_a ^ way_b) - {0}
            joined = [branches[n].edge for n in between]
            assert all(e is not None and (e.closeness or 0) >= (one.closeness or 0) for e in joined)


def way(branches: tuple, at: int) -> set[int]:  # type: ignore[type-arg]
    """The branches from one up to the top."""
    found = set()
    here: int | None = at
    while here is not None:
        found.add(here)
        here = branches[here].above
    return found


@given(related(), st.integers(1, 9))
def test_a_tree_that_is_cut_has_no_loose_branch(found: list[Edge], most: int) -> None:
    """Of a large family, the models nearest to the top."""
    branches = tree(families(found, all_pairs=True)[0])
    cut = nearest(branches, most)
    assert len(cut) == min(most, len(branches))
    assert all(b.above is None or cut[b.above].depth == b.depth - 1 for b in cut)
    assert max(b.depth for b in cut) <= sorted(b.depth for b in branches)[len(cut) - 1]


def test_the_tree_is_drawn_and_in_words() -> None:
    """Weak, undeclared and sole links are said in words; a drawing has a title and a text."""
    found = [
        edge("base", "child", 0.97, declared=True),
        edge("base", "merge", WEAK - 0.1),
        edge("merge", "other", 0.8),
        edge("base", "copy", None, declared=True),
    ]
    content = shown(record_of(["base", "child", "merge", "other", "copy", "alone"], found))
    drawing = content[content.index("<svg") : content.index("</svg>")]
    for words in ("97% of hidden units · declared<", "40% of hidden units · weak · not declared<", "(the only link)<",
                  "base (+ 1 copy, the only link)<", "80% of hidden units · not declared<"):  # fmt: skip
        assert words in drawing, words
    assert drawing.count("stroke-dasharray") == 1
    assert 'role="img"' in drawing
    listed = content[content.index("The same tree in words") :].split("</details>")[0]
    assert re.findall(r"<code>(\w+)</code>", listed)[:2] == ["base", "copy"]
    assert listed.count("<ul>") == listed.count("</ul>") == 3
    assert listed.count("<li>") == listed.count("</li>") == 4
    beside = content[content.index('id="strangers"') :].split("</div>")[0]
    assert re.findall("<code>(.*?)</code>", beside) == ["alone"]


def test_a_chain_of_declared_pairs_is_declared() -> None:
    """A grandchild whose parent is declared hides nothing; a pair that no chain joins is not declared."""
    found = [
        edge("a", "b", 0.5, declared=True),
        edge("b", "c", 0.6, declared=True),
        edge("a", "c", 0.7),
        edge("c", "d", 0.9),
        edge("x", "y").model_copy(update={"declared": None}),
    ]
    record = record_of(list("abcdxy"), found)
    assert declarations(record) == {
        ("a", "b"): "declared",
        ("b", "c"): "declared",
        ("a", "c"): "declared via others",
        ("c", "d"): "not declared",
        ("x", "y"): "not examined",
    }
    assert [(e.a, e.b) for e in not_declared(record)] == [("c", "d")]


# ---- every model, and every number of models


def test_every_model_is_on_the_page() -> None:
    """In order: trees, undeclared pairs, copies, models alone, models left out with the reason."""
    found = [edge("a", "b"), edge("a", "c", None), edge("b", "d", declared=True)]
    content = shown(record_of(["a", "b", "c", "d", "lonely"], found, {"broken": "It is a pickle."}))
    titles = re.findall('<h2 id="[^"]+">(.*?)</h2>', content)
    wanted = ["Families", "Related, and not declared", "Exact copies", "No relative found", "Left out"]
    wanted += ["Related, and declared", "All models", "How to read this", "First stage", "How to check it"]
    assert titles == wanted
    assert re.findall('<a href="#([^"]+)">', content) == re.findall('<h2 id="([^"]+)">', content)
    sections = dict(zip(titles, content.split("<h2 id=")[1:], strict=True))
    assert "<code>lonely</code>" in sections["No relative found"]
    assert "It is a pickle." in sections["Left out"]
    assert DIGEST in sections["How to check it"].replace("<wbr>", "")


@pytest.mark.parametrize("n", [2, 30])
def test_models_that_are_all_the_same_are_one_row(n: int) -> None:
    names = [f"m{i:02}" for i in range(n)]
    record = record_of(names, [edge(a, b, None) for a, b in combinations(names, 2)])
    content = shown(record)
    assert f"m00 (+ {n - 1} {'copy' if n == 2 else 'copies'})" in content
    assert "1 set of models with the same weights" in content
    assert "No relative found" not in content
    assert answer(record).word == "1 FAMILY OF RELATED MODELS"


def test_where_nothing_is_related_no_tree_is_shown() -> None:
    """And it is said that this is no proof."""
    content = shown(record_of(["a", "b", "c"], []))
    assert "NO RELATED MODELS FOUND" in content
    assert "<svg" not in content
    assert "no proof of independence" in content


def test_a_large_family_is_folded_and_no_table_is_endless() -> None:
    """200 related models of 1,999 pairs: the tree opens on request, the tables stop, and say so."""
    names = [f"model-{i:03}" for i in range(200)]
    found = [edge(a, b, 0.5 + (i % 50) / 100) for i, (a, b) in enumerate(combinations(names, 2)) if i % 10 == 0]
    found += [edge(a, b) for a, b in pairwise(names) if (a, b) not in {(e.a, e.b) for e in found}]
    content = shown(record_of(names, found))
    assert content.index("<details>") < content.index("<svg")
    rows = content.count("<tr>")
    assert rows < 1300
    assert f"And {len(found) - 1000:,} more pairs" in content
    assert len(content) < 2_000_000


def test_a_chain_deeper_than_any_stack_is_drawn() -> None:
    """The tree shows 300 models and says how many more there are."""
    names = [f"m{i:04}" for i in range(1200)]
    content = shown(record_of(names, [edge(a, b) for a, b in pairwise(names)]))
    assert "900 more are in the tables" in content


# ---- hostile names


@pytest.mark.parametrize("text", [*HOSTILE, *FORMULAE, LONG, "</script><script>alert(1)</script>", "\u202eevil"])
def test_a_hostile_name_is_inert_in_every_file(text: str, tmp_path: Path) -> None:
    """The elements of the page are those with harmless names; no cell begins like a formula."""
    result, plain = (
        ScreenResult(
            record_of(
                [f"{name}1", f"{name}2", f"{name}3"],
                [edge(f"{name}1", f"{name}2")],
                {f"{name}4": f"{name} cannot be read"},
            ),
            (),
        )
        for name in (text, "model")
    )
    content, expected = result.to_html(), plain.to_html()
    assert Page(content).elements == Page(expected).elements
    assert re.findall("<script", content) == ["<script"]
    assert not re.search(r'(?:src|href|action)="(?!#)', content)
    assert all(c == "\n" or c.isprintable() for c in content)
    result.save(tmp_path)
    with (tmp_path / "models.csv").open(newline="", encoding="utf-8") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    shown = [cell.strip("\ufeff\u200b \xa0") for cell in cells]
    assert not [cell for cell in shown if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]
    assert sum(text in cell for cell in cells) >= 5
    kinds = [token.type for token in MarkdownIt().parse(summary(result.record)) if token.level < 2]
    assert kinds == [token.type for token in MarkdownIt().parse(summary(plain.record)) if token.level < 2]


def test_names_that_differ_only_in_the_middle_stay_apart_in_words() -> None:
    """However long; the drawing shortens them, the list and the tables as far as names are shown anywhere."""
    a, b = LONG[:50] + "-left", LONG[:50] + "-right"
    content = shown(record_of([a, b], [edge(a, b)]))
    assert "xxx-left" in content[content.index("<svg") : content.index("</svg>")]
    assert "xxx-right" in content[content.index("<svg") : content.index("</svg>")]


def test_the_policy_allows_the_script_of_the_page_and_no_other() -> None:
    """By its hash, computed here from the page as it is; nothing is loaded, and no element has a handler."""
    content = shown(record_of(["a", "b"], [edge("a", "b")]))
    (script,) = re.findall("<script>(.*?)</script>", content, re.DOTALL)
    wanted = b64encode(sha256(script.encode()).digest()).decode()
    policy = re.findall('Content-Security-Policy" content="(.*?)"', content)[0]
    assert policy.split("; ") == [
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        f"script-src 'sha256-{wanted}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert " on" not in "".join(f" {name}" for _, names in Page(content).elements for name in names)
    assert "<button" not in re.sub("<script>.*?</script>", "", content, flags=re.DOTALL)


def test_the_same_record_gives_the_same_page() -> None:
    record = record_of(["a", "b", "c"], [edge("a", "b"), edge("b", "c")])
    assert shown(record) == shown(ScreenRecord.model_validate_json(record.model_dump_json()))
