"""Families: connected by related pairs, taken apart where mutual relatives join what was not found related."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import screens
from tests.screens import SHAPE, changed, edge, edges, named, record_of
from verify import Fingerprint
from verify.screen import Edge, Family, screen
from verify.screen.answer import answer
from verify.screen.atoms import decomposition
from verify.screen.families import MOST_JOINTS, families
from verify.screen.page import page
from verify.screen.summary import summary
from verify.screen.tables import of_models

family = screens.family
Graph = dict[str, set[str]]


def all_of(*names: Iterable[str], but: Iterable[tuple[str, str]] = ()) -> set[tuple[str, str]]:
    """Every two of some names, in several circles, but for some pairs."""
    every = {pair for circle in names for pair in combinations(sorted(circle), 2)}
    return every - {tuple(sorted(pair)) for pair in but}


def found_in(pairs: Iterable[tuple[str, str]]) -> tuple[Family, ...]:
    return families([edge(a, b) for a, b in pairs], all_pairs=True)


def graph_of(names: Sequence[str], pairs: Iterable[tuple[str, str]]) -> Graph:
    found: Graph = {name: set() for name in names}
    for a, b in pairs:
        found[a].add(b)
        found[b].add(a)
    return found


def apart(graph: Graph, among: Iterable[str]) -> list[frozenset[str]]:
    """Components, by merging until nothing changes."""
    groups = {frozenset([name]) for name in among}
    for a, near in graph.items():
        for b in near:
            touched = {group for group in groups if group & {a, b}}
            if len(touched) == 2 and {a, b} <= frozenset().union(*touched):
                groups = groups - touched | {frozenset().union(*touched)}
    return sorted(groups, key=sorted)


def mutual(graph: Graph, names: Iterable[str]) -> bool:
    return all(b in graph[a] for a, b in combinations(names, 2))


def by_definition(graph: Graph) -> list[tuple[str, ...]]:
    """The largest connected sets that hold no mutual neighbours which part them, of all sets."""
    kept: list[set[str]] = []
    for size in range(len(graph), 0, -1):
        for some in map(set, combinations(sorted(graph), size)):
            cuts = (set(cut) for k in range(size - 1) for cut in combinations(sorted(some), k) if mutual(graph, cut))
            if not any(some <= one for one in kept) and all(len(apart(graph, some - cut)) == 1 for cut in cuts):
                kept.append(some)
    return sorted(tuple(sorted(one)) for one in kept)


def separators_of(graph: Graph) -> set[tuple[str, ...]]:
    """Sets of mutual neighbours of which each has a neighbour on at least two sides of them."""
    found = set()
    for size in range(1, len(graph) - 1):
        for cut in combinations(sorted(graph), size):
            sides = apart(graph, graph.keys() - {*cut})
            whole = [side for side in sides if all(graph[name] & side for name in cut)]
            if mutual(graph, cut) and len(whole) > 1:
                found.add(cut)
    return found


@st.composite
def pairs_of_models(draw: st.DrawFn, most: int = 7) -> tuple[list[str], dict[tuple[str, str], bool]]:
    """Names, and pairs of them, some of which are exact copies."""
    names = [f"m{i}" for i in range(draw(st.integers(2, most)))]
    every = list(combinations(names, 2))
    related = draw(st.lists(st.sampled_from(every), unique=True, min_size=1, max_size=len(every)))
    return names, {pair: draw(st.sampled_from([False, False, False, True])) for pair in related}


def made(drawn: dict[tuple[str, str], bool]) -> list[Edge]:
    return [edge(a, b, None if same else 0.9) for (a, b), same in drawn.items()]


@settings(deadline=None, max_examples=150)
@given(pairs_of_models())
def test_atoms_are_those_of_the_definition(drawn: tuple[list[str], dict[tuple[str, str], bool]]) -> None:
    """Of any connected graph, against a search of all sets."""
    names, pairs = drawn
    graph = graph_of(names, pairs)
    for inside in apart(graph, names):
        some = {name: graph[name] & inside for name in inside}
        found = decomposition({name: sorted(near) for name, near in some.items()})
        assert list(found.atoms) == by_definition(some)
        assert {*found.separators} == separators_of(some)


@settings(deadline=None, max_examples=150)
@given(pairs_of_models(9))
def test_what_a_family_says_of_its_pairs_is_so(drawn: tuple[list[str], dict[tuple[str, str], bool]]) -> None:
    """Also with exact copies, which are never taken apart: every pair that was found lies in one of the overlapping
    families, no pair across the sides of a joint was found, and every two of a joint were, or a copy of them."""
    pairs = drawn[1]
    for one in families(made(pairs), all_pairs=True):
        related = {frozenset((e.a, e.b)) for e in one.edges}
        same = {name: {name} for name in one.members}
        for group in apart(graph_of(one.members, [(e.a, e.b) for e in one.edges if e.verdict == "identical"]),
                           one.members):  # fmt: skip
            same |= {name: {*group} for name in group}
        assert bool(one.joints) == bool(one.overlapping)
        for part in one.overlapping:
            assert all(same[name] <= {*part} for name in part)
        if one.overlapping:
            assert {*one.members} == {name for part in one.overlapping for name in part}
            assert all(any(pair <= {*part} for part in one.overlapping) for pair in related)
        for joint in one.joints:
            assert len(joint.sides) > 1
            assert sorted([*joint.models, *(name for side in joint.sides for name in side)]) == [*one.members]
            for side, other in combinations(joint.sides, 2):
                assert not any(frozenset((a, b)) in related for a in side for b in other)
            for a, b in combinations(joint.models, 2):
                assert b in same[a] or any(frozenset((x, y)) in related for x in same[a] for y in same[b])
    assert all(not one.joints and not one.overlapping for one in families(made(pairs), all_pairs=False))


@settings(deadline=None, max_examples=60)
@given(pairs_of_models(9), st.randoms(use_true_random=False), st.booleans())
def test_families_depend_on_no_order_and_on_no_other_family(
    drawn: tuple[list[str], dict[tuple[str, str], bool]], rng: object, shuffled: bool
) -> None:
    """Whatever the pairs' order and the models' names; models that are related to none of them change nothing."""
    names, pairs = drawn
    new = [*names]
    rng.shuffle(new)  # type: ignore[attr-defined]
    to = dict(zip(names, new, strict=True))
    renamed = [edge(to[a], to[b], None if same else 0.9) for (a, b), same in pairs.items()]
    rng.shuffle(renamed)  # type: ignore[attr-defined]
    others = made({(f"x{a}", f"x{b}"): same for (a, b), same in pairs.items()}) if shuffled else []

    def shape(found: Iterable[Family], back: dict[str, str]) -> set[tuple[frozenset[frozenset[str]], ...]]:
        return {
            (
                frozenset([frozenset(back[name] for name in one.members)]),
                frozenset(frozenset(back[name] for name in part) for part in one.overlapping),
                frozenset(frozenset(back[name] for name in joint.models) for joint in one.joints),
            )
            for one in found
            if one.members[0] in back
        }

    of = shape(families(made(pairs), all_pairs=True), {name: name for name in names})
    assert shape(families([*renamed, *others], all_pairs=True), {after: before for before, after in to.items()}) == of


@pytest.mark.parametrize("merges", [1, 2, 5])
@pytest.mark.parametrize(("left", "right"), [(1, 1), (2, 1), (4, 3)])
def test_clans_that_merges_join_overlap_in_them(merges: int, left: int, right: int) -> None:
    """However many merges of the same two there are, or children of a merge: none of them is the only link."""
    one, other = [f"a{i}" for i in range(left)], [f"b{i}" for i in range(right)]
    both = [f"merge{i}" for i in range(merges)]
    (found,) = found_in(all_of([*one, *both], [*other, *both]))
    assert {*found.overlapping} == {(*one, *both), (*other, *both)}
    (joint,) = found.joints
    assert joint.models == tuple(both)
    assert {*joint.sides} == {tuple(one), tuple(other)}


def test_clans_overlap_though_some_of_their_own_pairs_were_missed() -> None:
    """The merges part the clans all the same; and what was missed between a clan and a merge is said likewise."""
    one, other, both = ["a0", "a1", "a2", "a3"], ["b0", "b1", "b2"], ["m0", "m1"]
    (found,) = found_in(all_of([*one, *both], [*other, *both], but=[("a0", "a1"), ("a2", "a3"), ("b1", "m0")]))
    assert found.overlapping == ((*one, *both), (*other, "m1"), ("b0", "b2", *both))
    assert [joint.models for joint in found.joints] == [("m0", "m1"), ("b0", "b2", "m1")]
    assert found.joints[0].sides == (tuple(one), tuple(other))
    assert found.joints[1].sides == ((*one, "m0"), ("b1",))


def test_a_chain_of_which_ends_were_not_found_related() -> None:
    """Grandparent and grandchild of which no test sees it any more: each with the child between is a family."""
    (found,) = found_in([("a", "b"), ("b", "c")])
    assert found.overlapping == (("a", "b"), ("b", "c"))
    assert [joint.models for joint in found.joints] == [("b",)]
    (longer,) = found_in(all_of("abc", "bcd", "cde"))
    assert longer.overlapping == (("a", "b", "c"), ("b", "c", "d"), ("c", "d", "e"))


def test_two_merges_that_were_not_found_related_part_nothing() -> None:
    """Four models in a ring: no mutual relatives join them, so it stays one family, and says how many were found."""
    (ring,) = found_in([("a", "m"), ("a", "n"), ("b", "m"), ("b", "n")])
    assert (ring.joints, ring.overlapping) == ((), ())
    assert "4 of 6 pairs in it were found related." in summary(record_of([*"abmn"], [*ring.edges]))


def test_many_joints_name_their_models_in_full_no_more_than_a_hundred_times() -> None:
    chain = [f"m{i:04d}" for i in range(MOST_JOINTS + 50)]
    (found,) = found_in(pairwise(chain))
    assert len(found.joints) == MOST_JOINTS
    assert len(found.overlapping) == len(chain) - 1


def test_the_page_names_families_that_overlap() -> None:
    pairs = [edge(a, b) for a, b in sorted(all_of(["a0", "a1", "m0", "m1"], ["b0", "m0", "m1"]))]
    record = record_of(["a0", "a1", "b0", "m0", "m1", "x"], pairs)
    said = summary(record)
    assert "2 families overlap in it" in said
    assert "8 of 10 pairs in it were found related." in said
    assert "1. 4 models: `a0`, `a1`, `m0`, `m1`\n2. 3 models: `b0`, `m0`, `m1`" in said
    assert "(`a0`, `a1`) and (`b0`) are joined only through `m0` and `m1`, all of them related: no two" in said
    assert "2 families overlap here" in page(record, "sha256:0")
    assert "5 models in 2 families that overlap: " in "".join(map(str, dict(answer(record).lines)["Families"]))
    assert {row["model"]: row["overlapping"] for row in of_models(record)} == {
        "a0": "1", "a1": "1", "b0": "2", "m0": "1, 2", "m1": "1, 2", "x": "",
    }  # fmt: skip


def test_a_pair_that_no_test_applies_to_is_not_said_to_be_of_strangers() -> None:
    """It parts a family as strangers do, and the summary and the page say that it may never have been compared."""
    pairs = [edge(a, b) for a, b in sorted(all_of(["a", "m"], ["b", "m"]))]
    record, said = record_of(["a", "b", "m"], pairs), "No exact test applies to some pairs of 2 of its models"
    assert said not in summary(record) + page(record, "sha256:0")
    models = tuple(one.model_copy(update={"untestable": int(one.label != "m")}) for one in record.models)
    refused = record.model_copy(update={"models": models})
    assert said in summary(refused)
    assert said in page(refused, "sha256:0")


def blend(name: str, one: Fingerprint, other: Fingerprint, weight: float) -> Fingerprint:
    arrays = {
        key: weight * one.arrays[key].astype(float) + (1 - weight) * other.arrays[key].astype(float)
        for key in one.arrays
    }
    return named(name, arrays, SHAPE)


def test_strangers_whom_several_merges_join_stand_in_two_families(family: list[Fingerprint]) -> None:
    """Two merges of the same two, and a child of one of them."""
    one, other = family[-1], family[-2]
    merges = [blend("merge-1", one, other, 0.5), blend("merge-2", one, other, 0.4)]
    child = named("child", changed(merges[0].arrays, np.random.default_rng(6)), SHAPE)
    result = screen([one, other, *merges, child])
    assert edges(result).keys() == all_of(["stranger-7", "merge-1", "merge-2", "child"],
                                          ["stranger-6", "merge-1", "merge-2", "child"])  # fmt: skip
    (found,) = result.families
    assert [joint.models for joint in found.joints] == [("child", "merge-1", "merge-2")]
    assert found.overlapping == (
        ("child", "merge-1", "merge-2", "stranger-6"), ("child", "merge-1", "merge-2", "stranger-7")
    )  # fmt: skip


def test_strangers_whom_only_their_merge_joins_are_told_apart(family: list[Fingerprint]) -> None:
    """Also where the merge lies there twice; not where only pairs with it were compared."""
    one, other = family[-1], family[-2]
    merge = blend("merge", one, other, 0.5)
    twin = Fingerprint(merge.record.model_copy(update={"name": "twin"}), merge.arrays)
    child = named("child", changed(one.arrays, np.random.default_rng(5)), SHAPE)
    result = screen([one, other, merge, twin, child])
    (joint,) = result.families[0].joints
    assert joint.models == ("merge", "twin")
    assert joint.sides == (("child", "stranger-7"), ("stranger-6",))
    page = summary(result.record)
    assert (
        "(`child`, `stranger-7`) and (`stranger-6`) are joined only through `merge` and `twin`, which are identical: "
        "no two models on different sides" in page
    )
    assert "`stranger-6` and `stranger-7` are joined only through `merge`: " in summary(
        screen([one, other, merge]).record
    )
    assert not screen([one, other], against=merge).families[0].joints
