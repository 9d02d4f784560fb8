"""``verify lineage``: the exact tests as they run by default, and with the panel that ships."""

from __future__ import annotations

from collections.abc import Sequence

import verify

from .peer import Answer, Peer, Task

EVERY = 1e9
"""Score of identical models, of which nothing is tested."""
POSITIVE = ("identical", "dependent", "similar_beyond_panel")


def _command(task: Task, panel: str) -> Sequence[str]:
    return task.python("-m", "verify", "lineage", task.a, task.b, "--quiet", "--json", "--panel", panel)


def read(output: str) -> Answer:
    """The verdict; the score is the larger evidence of the exact tests and of the panel test, where they ran."""
    report = verify.ClaimReport.from_json(output)
    if report.verdict == "untestable":
        return Answer.none(report.verdict)
    evidence = [-value for value in (report.log10_p, report.panel_log10_p) if value is not None]
    return Answer(report.verdict, report.verdict in POSITIVE, max(evidence, default=EVERY))


EXACT = Peer(
    name="verify",
    title="verify, exact tests",
    source="this library",
    rule="verdict `dependent` or `identical`, at level .001 (`verify lineage --help`)",
    command=lambda task: _command(task, "none"),
    read=read,
)
PANEL = Peer(
    name="verify-panel",
    title="verify, with panel",
    source="this library",
    rule="also `similar_beyond_panel`, at level .01 (`--panel default`)",
    command=lambda task: _command(task, "default"),
    read=read,
)
