"""Write docs/exact-tests.md: what every exact test compares, its group, and what it survives, by the registry.

``python -m docs.exact_tests`` writes the page; ``tests/test_docs.py`` fails if it is out of date.
"""

from __future__ import annotations

from pathlib import Path

from verify.statistics import EXACT_TESTS

PAGE = Path(__file__).with_name("exact-tests.md")
_HEAD = """# The exact tests

Each asks whether an arrangement that training leaves arbitrary is shared by two models, and takes its null
distribution from the group that acts on that arrangement; no reference models are needed. Written by
`python -m docs.exact_tests`; proofs are in the docstrings of `verify/statistics` and in the paper.

Which tests apply is decided by the architectures and vocabularies, before any weight is compared. Holm's adjustment
over those that apply is valid under any dependence between them. One test that rejects is enough for the verdict
`dependent`, so a change hides a copy only if it hides it from every test.
[hiding.md](../benchmarks/tables/hiding.md) has the measured table of which change hides from which test:
a copy that is permuted, flipped, rotated and turned in every way at once, with the rows of unused tokens drawn anew,
is left to the [panel](panels.md).
"""


def exact_tests() -> str:
    """The page as Markdown."""
    sections = [
        f"## `{test.id}`\n\n{test.title}.\n\n"
        f"- **Null hypothesis:** {test.null}\n"
        f"- **Group:** {test.group}.\n"
        f"- **Survives:** {test.survives}.\n"
        f"- **Blind to:** {test.blind_to}."
        for test in EXACT_TESTS
    ]
    return "\n\n".join([_HEAD.rstrip(), *sections]) + "\n"


if __name__ == "__main__":
    PAGE.write_text(exact_tests(), "utf-8")
