"""Documents for other tools: valid by the tools' own schemas, the same bytes each time, and no direction made up."""

from __future__ import annotations

import json
import re
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from pybtex.exceptions import PybtexError

from tests import calibrations, claims, parts, renderings
from tests.claims import HOSTILE
from tests.documents import (
    DECLARATIONS,
    DIRECTED,
    READERS,
    hashed,
    parentage,
    read_badge,
    read_bibtex,
    read_card,
    read_cff,
    read_cyclonedx,
    read_intoto,
    read_sarif,
    read_spdx,
    restated,
)
from tests.renderings import hostile
from verify import ClaimReport, InputError, ReportError
from verify.claim.declared import FOUND, descent
from verify.render import FORMATS
from verify.render.documents.github import workflow_command

report, reports = renderings.report, renderings.reports
fingerprints, models, toys = claims.fingerprints, claims.models, claims.reports

DOCUMENTS = [name for name, form in FORMATS.items() if form.claims_only]
NAMES = [*HOSTILE, "%0A::error::x", "::error::x", "{0} [x](http://y)", "\\", "}}", "@misc{x,", "' and x", '"\n- x: y',
         "]]>", "<!--", "\ufffe", "模型🙂", "a, b and c", "null", "!!python/object:x", "org/model"]  # fmt: skip


def named(report: ClaimReport, text: str) -> ClaimReport:
    """The report with a hostile text wherever a stranger wrote one, and as an author."""
    return hostile(report, text).model_copy(update={"authors": (text or "-", f"x, {text}")})


# ---- valid, whole, reproducible


def test_every_document_has_a_reader() -> None:
    """But the annotation of GitHub, which is one line, and is taken apart below."""
    assert {*DOCUMENTS} == {*READERS, "github"}


@pytest.mark.parametrize("form", READERS)
def test_a_document_is_valid_by_the_tools_of_its_makers(report: ClaimReport, form: str) -> None:
    """Of every verdict, with and without a panel; with authors and an address, too."""
    READERS[form](report.to(form))
    stated = {"authors": ("Lovelace, Ada", "A Laboratory"), "url": "https://example.org/a(b)_c?d=e&f#g"}
    READERS[form](report.model_copy(update=stated).sealed().to(form))


REFUSALS = (
    jsonschema.ValidationError,
    yaml.YAMLError,
    ET.ParseError,
    PybtexError,
    AssertionError,
    ValueError,
    KeyError,
    TypeError,
)
"""Each tool has its own."""
BROKEN: dict[str, tuple[bytes, bytes]] = {
    "sarif": (b'"level":', b'"levels":'),
    "cyclonedx": (b'"machine-learning-model"', b'"machine-learned-model"'),
    "spdx": (b'"relationshipType":"other"', b'"relationshipType":"relative"'),
    "intoto": (b'"verdict":"dependent"', b'"verdict":"stolen"'),
    "cff": (b"date-released:", b"date-made:"),
    "bibtex": (b"},\n  year", b",\n  year"),
    "card": (b"verify_lineage:\n", b"verify_lineage:\n- x\n"),
    "badge": (b"</svg>", b"</sv>"),
}


@pytest.mark.parametrize("form", READERS)
def test_the_readers_refuse_what_is_not_of_the_format(toys: dict[str, ClaimReport], form: str) -> None:
    """Else the tests above would show nothing."""
    content, (good, bad) = toys["dependent"].to(form), BROKEN[form]
    assert good in content
    with pytest.raises(REFUSALS):
        READERS[form](content.replace(good, bad))


@pytest.mark.parametrize("form", DOCUMENTS)
def test_a_document_has_the_same_bytes_each_time(report: ClaimReport, form: str) -> None:
    """Also when the report was written and read in between: no clock, no random number."""
    again = ClaimReport.from_json(report.to_json())
    assert report.to(form) == report.to(form) == again.to(form)


@pytest.mark.parametrize("form", DOCUMENTS)
def test_a_document_names_its_report(report: ClaimReport, form: str) -> None:
    """By the digest, by which a folder knows whose file it is."""
    content = report.to(form)
    assert report.digest.encode() in content
    assert b"verify-lineage" in content


def test_the_digests_of_files_are_in_the_bills(toys: dict[str, ClaimReport]) -> None:
    """So a scanner finds the models by their bytes, and the report by its own."""
    report = toys["dependent"]
    wanted = hashed(report.a) | hashed(report.b)
    assert len(wanted) == 2
    for form in ("cyclonedx", "spdx"):
        assert all(digest.encode() in report.to(form) for digest in wanted)


def test_a_calibration_has_none_of_them() -> None:
    """It is of scores, and names no models that a bill of materials could hold."""
    made = calibrations.report(calibrations.rows_of(calibrations.alike(12)))
    for form in DOCUMENTS:
        with pytest.raises(InputError, match="of claim reports only"):
            made.to(form)


# ---- no direction is made up


@pytest.mark.parametrize("verdict", claims.VERDICTS)
@pytest.mark.parametrize("case", DECLARATIONS)
def test_descent_is_stated_only_as_declared_and_confirmed(
    toys: dict[str, ClaimReport], case: str, verdict: str
) -> None:
    """By all three documents alike: who made what is their makers' word, and the verdict must agree with it."""
    report = toys[verdict]
    calls = {"a": {"name": "child"}, "b": {"name": "parent"}}
    report = restated(report, **{side: calls[side] | DECLARATIONS[case].get(side, {}) for side in "ab"})
    found = parentage(report)
    if case in DIRECTED and verdict in FOUND:
        child, base, name = DIRECTED[case]
        assert found["cyclonedx"] == found["spdx"] == [(child, base)]
        assert found["card"] == name
        assert found["relation"] == getattr(report, child).declared_relation
    else:
        assert found == {"cyclonedx": [], "spdx": [], "card": None, "relation": None}


@pytest.mark.parametrize("verdict", claims.VERDICTS)
@pytest.mark.parametrize("case", DECLARATIONS)
def test_models_have_a_relationship_only_if_one_was_found(
    toys: dict[str, ClaimReport], case: str, verdict: str
) -> None:
    """What was not found is an annotation, and the report is the evidence of either."""
    report = restated(toys[verdict], **DECLARATIONS[case])
    edges = [e for e in read_spdx(report.to("spdx")) if type(e).__name__ == "Relationship"]
    kinds = sorted(e.relationshipType.rpartition("/")[2] for e in edges)
    between = [kind for kind in kinds if kind in ("other", "descendantOf")]
    assert len(between) == (verdict in FOUND)
    assert kinds.count("hasEvidence") == 1


def test_what_the_card_says_of_the_base_is_said_in_words(toys: dict[str, ClaimReport]) -> None:
    """Why none is stated, or on whose word one is; and bases that were not examined."""
    report = restated(toys["dependent"], a={"name": "child"}, b={"name": "parent"})
    assert "not which came first" in read_card(report.to("card"))[1]
    both = restated(report, **DECLARATIONS["each names the other"])
    assert "each of the two is declared to be made from the other" in read_card(both.to("card"))[1]
    several = restated(report, a={"declared_bases": ("org/parent", "org/x")})
    front, text = read_card(several.to("card"))
    assert front["base_model"] == "org/parent"
    assert "No test shows the direction" in text
    assert "'org/x'" in text
    none = read_card(toys["no_evidence"].to("card"))[1]
    assert "Base model" not in none


@pytest.mark.parametrize("name", ["a b", "x\ny: z", "../x", "a/b/c", "", "é", "-x/y", "org/x # y"])
def test_a_name_that_the_hub_does_not_know_is_no_base_model(toys: dict[str, ClaimReport], name: str) -> None:
    """A fingerprint may declare any text."""
    report = restated(
        toys["dependent"], a={"declared_bases": (name,)}, b={"name": name.rpartition("/")[2], "origin": None}
    )
    assert report.declared.a_names_b == "name"
    assert "base_model" not in read_card(report.to("card"))[0]


def test_a_relation_that_the_hub_does_not_know_is_left_out(toys: dict[str, ClaimReport]) -> None:
    """It would be refused there."""
    report = restated(toys["dependent"], a={"declared_bases": ("o/p",), "declared_relation": "heir"}, b={"name": "p"})
    front, _ = read_card(report.to("card"))
    assert front["base_model"] == "o/p"
    assert "base_model_relation" not in front


_BASES = st.lists(st.sampled_from(["o/a", "o/b", "O/B", "p/a", "b", "o/c"]), max_size=3).map(tuple)


@given(a=_BASES, b=_BASES, hub=st.booleans(), verdict=st.sampled_from(claims.VERDICTS))
def test_descent_follows_from_the_declarations(
    toys: dict[str, ClaimReport], a: tuple[str, ...], b: tuple[str, ...], hub: bool, verdict: str
) -> None:
    """It is one of them, in the child's own words, and turning A and B turns nothing."""
    sides = {
        "a": {"name": "a", "declared_bases": a, "origin": "hf://o/a" if hub else None},
        "b": {"name": "b", "declared_bases": b, "origin": "hf://o/b" if hub else None},
    }
    report = restated(toys[verdict], **sides)
    found = descent(report)
    turned = restated(report.model_copy(update={"a": report.b, "b": report.a}))
    assert descent(turned) == found
    names_b, names_a = report.declared.a_names_b, report.declared.b_names_a
    if found is None:
        by_name_and_common = report.declared.common and "name" in (names_a, names_b)
        assert report.declared.status != "declared_confirmed" or bool(names_a) == bool(names_b) or by_name_and_common
        return
    assert verdict in FOUND
    assert bool(names_a) != bool(names_b)
    assert (found.child is report.a) == bool(names_b)
    assert found.declared_as in found.child.declared_bases
    assert found.declared_as.casefold().rpartition("/")[2] == found.base.name
    assert found.match == "name" or found.declared_as.casefold() == f"o/{found.base.name}"


def test_siblings_are_not_parent_and_child(toys: dict[str, ClaimReport]) -> None:
    """A folder called as the base that both declare is not that base; what is read from its address is."""
    a = {"name": "tuned", "declared_bases": ("meta/reference",)}
    b = {"name": "reference", "declared_bases": ("Meta/Reference",)}
    report = restated(toys["dependent"], a=a, b=b)
    assert (report.declared.status, report.declared.a_names_b) == ("declared_confirmed", "name")
    assert parentage(report) == {"cyclonedx": [], "spdx": [], "card": None, "relation": None}
    for other in ({"declared_bases": ()}, {"declared_bases": ("meta/older",)}):
        assert parentage(restated(toys["dependent"], a=a, b=b | other))["card"] == "meta/reference"


def test_what_a_part_shares_is_no_descent(tmp_path: Path) -> None:
    """Two strangers around one public part, of which one is declared to be made from the other."""
    made = []
    for seed, name in enumerate(("child", "parent")):
        language = {k: w + 1e-3 * seed for k, w in parts.language(0).items()}
        made.append(parts.write(tmp_path / name, language, parts.tower(seed), parts.unknown(seed)))
    (made[0] / "README.md").write_text("---\nbase_model: org/parent\n---\n")
    report = claims.claim(*made)
    assert (report.verdict, report.answer.word) == ("dependent", "RELATED IN PART")
    assert report.declared.a_names_b == "name"
    assert parentage(report) == {"cyclonedx": [], "spdx": [], "card": None, "relation": None}
    assert "(RELATED IN PART) is about a part of them alone" in report.declared_in_words
    assert "agrees" not in report.declared_in_words
    assert "the answer is about a part of the two alone" in read_card(report.to("card"))[1]
    assert "found that these two are related" not in report.to("spdx").decode()
    assert "agrees" in restated(report.model_copy(update={"parts": ()})).declared_in_words


@pytest.mark.parametrize("verdict", ["no_evidence", "untestable"])
def test_a_stated_confirmation_makes_no_descent(toys: dict[str, ClaimReport], verdict: str) -> None:
    """It follows from the verdict and from what the models declare."""
    report = restated(toys[verdict], a={"name": "child", "declared_bases": ("o/parent",)}, b={"name": "parent"})
    forged = report.declared.model_copy(update={"status": "declared_confirmed"})
    report = report.model_copy(update={"declared": forged}).sealed()
    assert parentage(report) == {"cyclonedx": [], "spdx": [], "card": None, "relation": None}
    assert "agrees" not in report.declared_in_words
    related = restated(toys["dependent"], a={"name": "child"}, b={"name": "parent"})
    forged = forged.model_copy(update={"a_names_b": "address"})
    assert descent(related.model_copy(update={"declared": forged})) is None


# ---- the time


@pytest.mark.parametrize("created", ["[x](//e.v)", "", "0001-01-01T00:00:00+14:00"])
def test_what_is_no_time_is_refused_or_inert(toys: dict[str, ClaimReport], created: str) -> None:
    """A bill needs one, and says so; a card shows what the report says, and links nowhere."""
    report = toys["dependent"].model_copy(update={"created": created}).sealed()
    for form in ("spdx", "cyclonedx"):
        with pytest.raises(ReportError, match="a time in ISO 8601 was expected"):
            report.to(form)
    html = MarkdownIt().render(read_card(report.to("card"))[1])
    assert "href" not in html.replace(f'href="{report.url}"', "")


def test_a_time_without_a_zone_is_in_utc(toys: dict[str, ClaimReport], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the zone of the machine; another zone is turned to it."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        for created in ("2026-01-02T03:04:05", "2026-01-02T04:04:05.6+01:00", "2026-01-02T03:04:05Z"):
            report = toys["dependent"].model_copy(update={"created": created}).sealed()
            assert json.loads(report.to("cyclonedx"))["metadata"]["timestamp"] == "2026-01-02T03:04:05Z"
    finally:
        monkeypatch.undo()
        time.tzset()


# ---- code review


@pytest.mark.parametrize("case", DECLARATIONS)
@pytest.mark.parametrize("verdict", claims.VERDICTS)
def test_only_what_is_related_and_undeclared_is_a_warning(
    toys: dict[str, ClaimReport], verdict: str, case: str
) -> None:
    """In code scanning as in annotations; no verdict is a pass, which would clear a model."""
    report = restated(toys[verdict], **DECLARATIONS[case])
    (result,) = read_sarif(report.to("sarif"))["runs"][0]["results"]
    undeclared = report.declared.status == "undeclared_found"
    assert report.outcomes == {verdict} | ({"undeclared"} if undeclared else set())
    assert (result["level"], result["kind"] == "fail") == (("warning", True) if undeclared else ("none", False))
    assert result["kind"] != "pass"
    assert workflow_command(report).startswith("::warning " if undeclared else "::notice ")


def test_rules_are_the_verdicts(report: ClaimReport) -> None:
    """Each with what it says and does not show, and without a number of this report."""
    (run,) = read_sarif(report.to("sarif"))["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [
        "identical", "dependent", "similar_beyond_panel", "no_evidence", "untestable",
    ]  # fmt: skip
    assert rules[run["results"][0]["ruleIndex"]]["id"] == report.verdict
    for rule in rules:
        assert "not known to this version" not in json.dumps(rule)
        assert rule["help"]["text"].startswith("It does not show: ")


def command(text: str) -> tuple[str, dict[str, str], str]:
    """A workflow command as the runner of GitHub Actions reads it."""
    assert text.endswith("\n")
    assert text.count("\n") == 1
    assert "\r" not in text
    match = re.fullmatch(r"::(\w+) ([^:]*?)::(.*)\n", text, re.DOTALL)
    assert match is not None
    properties = dict(one.split("=", 1) for one in match[2].split(","))

    def back(value: str, pairs: dict[str, str]) -> str:
        for sign, escaped in pairs.items():
            value = value.replace(escaped, sign)
        return value.replace("%25", "%")

    data = {"\r": "%0D", "\n": "%0A"}
    more = data | {":": "%3A", ",": "%2C"}
    return match[1], {name: back(value, more) for name, value in properties.items()}, back(match[3], data)


def at(place: dict[str, Any]) -> tuple[str, int]:
    """File and line of a location."""
    where = place["physicalLocation"]
    return where["artifactLocation"]["uri"], where["region"]["startLine"]


def test_a_notice_stands_at_the_line_that_declares(
    toys: dict[str, ClaimReport], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else at the card's first line, the configuration or the model itself; below the working folder."""
    report = toys["dependent"]
    folders = {name: tmp_path / "my models" / name for name in ("declares", "silent", "bare", "empty", "other")}
    for folder in folders.values():
        folder.mkdir(parents=True)
    (folders["declares"] / "README.md").write_text(
        "---\nlicense: mit\nbase_model: # ours\n- o/p\n---\nbase_model: x\n"
    )
    (folders["silent"] / "README.md").write_text("# base_model: x\n")
    (folders["bare"] / "config.json").write_text("{}")
    file = folders["empty"] / "m.safetensors"
    file.touch()
    monkeypatch.chdir(tmp_path)
    for model, expected in (
        (folders["declares"], ("my models/declares/README.md", 3)),
        ("my models/declares", ("my models/declares/README.md", 3)),
        (folders["silent"], ("my models/silent/README.md", 1)),
        (folders["bare"], ("my models/bare/config.json", 1)),
        (folders["empty"], ("my models/empty", 1)),
        (file, ("my models/empty/m.safetensors", 1)),
    ):
        _, where, _ = command(report.to("github", models=(model, None)).decode())
        assert (where["file"], int(where["line"])) == expected
        (result,) = read_sarif(report.to("sarif", models=(model, folders["other"])))["runs"][0]["results"]
        assert at(result["locations"][0]) == (expected[0].replace(" ", "%20"), expected[1])
        assert at(result["relatedLocations"][0]) == ("my%20models/other", 1)
    monkeypatch.chdir(folders["bare"])
    uri = (folders["silent"] / "README.md").as_uri()
    (result,) = read_sarif(report.to("sarif", models=(folders["silent"], None)))["runs"][0]["results"]
    assert at(result["locations"][0]) == (uri, 1)


def test_a_model_that_is_not_here_has_no_file(toys: dict[str, ClaimReport]) -> None:
    """The Hub's address is its place, and its name if it has none."""
    report = restated(toys["dependent"], a={"origin": "hf://org/child", "name": "org/child"})
    _, where, _ = command(report.to("github", models=("org/child", "gone")).decode())
    assert where.keys() == {"title"}
    (result,) = read_sarif(report.to("sarif", models=("org/child", "gone")))["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "hf://org/child"
    assert "physicalLocation" not in result["relatedLocations"][0]


def test_a_declared_child_is_where_the_notice_stands(toys: dict[str, ClaimReport], tmp_path: Any) -> None:
    """Whichever of the two is A."""
    for name in "ab":
        (tmp_path / name).mkdir()
    for case, side in (("a names b", "a"), ("b names a", "b")):
        calls = {"a": {"name": "child"}, "b": {"name": "parent"}}
        report = restated(toys["dependent"], **{s: calls[s] | DECLARATIONS[case].get(s, {}) for s in "ab"})
        _, where, _ = command(report.to("github", models=(tmp_path / "a", tmp_path / "b")).decode())
        assert where["file"] == (tmp_path / side).as_posix()


# ---- the badge


@pytest.mark.parametrize("verdict", claims.VERDICTS)
def test_a_badge_reads_without_its_colour_and_without_its_letters(toys: dict[str, ClaimReport], verdict: str) -> None:
    """The words of the answer, a title that names both models, and white on a colour of enough contrast."""
    report = toys[verdict]
    root = read_badge(report.to("badge"))
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["lineage", report.answer.word]
    (title,) = root.iter("{http://www.w3.org/2000/svg}title")
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == title.get("id")
    assert title.text == f"Lineage report on {report.a.name} and {report.b.name}: {report.answer.word}"
    for box in root.iter("{http://www.w3.org/2000/svg}rect"):
        assert contrast(box.get("fill") or "") > 5


def contrast(colour: str) -> float:
    """Of white text on it, by WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


# ---- citations


def test_a_citation_names_authors_models_answer_and_address(toys: dict[str, ClaimReport]) -> None:
    """In all three forms; a person by family and given name, and a body whole."""
    stated = {"authors": ("Lovelace, Ada", "Smith and Sons"), "url": "https://example.org/r"}
    report = toys["dependent"].model_copy(update=stated)
    title = f"Lineage report on {report.a.name} and {report.b.name}: related"
    assert report.citation.text.startswith(f"Lovelace, Ada, & Smith and Sons. (2026). {title} (Report verify:")
    assert report.citation.text.endswith(f"{report.digest} https://example.org/r")
    entry = read_bibtex(report.to("bibtex"))
    assert [str(person) for person in entry.persons["author"]] == ["Lovelace, Ada", "{Smith and Sons}"]
    assert entry.fields["title"] == f"{{{title}}}"
    assert entry.fields["url"] == "https://example.org/r"
    found = read_cff(report.to("cff"))
    assert found["title"] == title
    assert found["url"] == "https://example.org/r"
    assert found["authors"] == [{"family-names": "Lovelace", "given-names": "Ada"}, {"name": "Smith and Sons"}]


def test_a_title_holds_words_and_no_codes(report: ClaimReport) -> None:
    """Those of the answer."""
    title = read_cff(report.to("cff"))["title"]
    assert title.endswith(report.answer.word.lower())
    assert "_" not in title.partition(": ")[2]


def test_a_report_of_nobody_is_cited_by_the_software(toys: dict[str, ClaimReport]) -> None:
    assert read_cff(toys["identical"].to("cff"))["authors"] == [{"name": "verify-lineage"}]


# ---- hostile names


def shape(value: Any) -> Any:
    """Keys and kinds of a document, without its texts."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    return type(value).__name__


def kinds(text: str) -> list[str]:
    """Kinds of markup in Markdown, in order; text alone is not told apart from text."""
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text)
    leaves = [leaf.type for token in tokens for leaf in (token.children or [token])]
    return [kind for kind in leaves if kind not in ("text", "text_special")]


def inert_card(content: bytes) -> Any:
    front, text = read_card(content)
    return shape(front), kinds(text)


def inert_svg(content: bytes) -> Any:
    return [(element.tag, sorted(element.attrib)) for element in read_badge(content).iter()]


def inert_line(content: bytes) -> Any:
    name, properties, _ = command(content.decode())
    return name, sorted(properties)


def inert_bibtex(content: bytes) -> Any:
    entry = read_bibtex(content)
    assert content.count(b"{") == content.count(b"}")
    return sorted(entry.fields), len(entry.persons["author"])


def inert_cff(content: bytes) -> Any:
    found = read_cff(content)
    return shape(found | {"authors": len(found["authors"])})


INERT: dict[str, Callable[[bytes], Any]] = {
    "sarif": lambda content: shape(read_sarif(content)),
    "cyclonedx": lambda content: shape(read_cyclonedx(content)),
    "spdx": lambda content: [shape(json.loads(content)), len(read_spdx(content))],
    "cff": inert_cff,
    "bibtex": inert_bibtex,
    "card": inert_card,
    "badge": inert_svg,
    "github": inert_line,
}


@pytest.mark.parametrize("form", INERT)
@pytest.mark.parametrize("text", NAMES)
def test_a_hostile_name_changes_no_document(toys: dict[str, ClaimReport], form: str, text: str) -> None:
    """It is a text where a text was: no key, element, command, link or entry comes of it."""
    report = toys["dependent"]
    content, plain = (named(report, name).to(form) for name in (text, "model"))
    assert INERT[form](content) == INERT[form](plain)
    assert all(c == "\n" or c.isprintable() for c in content.decode())


@given(st.text(max_size=60))
@example("a: b\n- c")
@example("\u2028::error::")
@settings(max_examples=40, deadline=None)
def test_no_name_whatever_changes_a_document(toys: dict[str, ClaimReport], text: str) -> None:
    """All formats at once."""
    report = toys["no_evidence"]
    for form in ("cff", "bibtex", "card", "badge", "github", "sarif"):
        assert INERT[form](named(report, text).to(form)) == INERT[form](named(report, "model").to(form)), form


def test_names_reach_sarif_as_text_and_not_as_links(toys: dict[str, ClaimReport]) -> None:
    """A viewer makes a link of brackets, and fills braces."""
    report = named(toys["dependent"], "{0}[x](http://y)")
    text = read_sarif(report.to("sarif"))["runs"][0]["results"][0]["message"]["text"]
    assert r"{{0}}\[x\](http://y)" in text
    assert re.search(r"(?<!\{)\{0\}(?!\})|(?<!\\)\[x", text) is None


# ---- the statement


@pytest.mark.parametrize("verdict", claims.VERDICTS)
def test_the_statement_can_be_signed_by_others(toys: dict[str, ClaimReport], verdict: str) -> None:
    """It holds the whole report, under the type that its schema has."""
    found = read_intoto(toys[verdict].to("intoto"))
    assert found["predicate"] == json.loads(toys[verdict].to_json())
    assert found["predicateType"].endswith("/v2")
