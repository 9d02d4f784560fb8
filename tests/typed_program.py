"""What a user's program may rely on being typed: checked by ``python -m tests.release`` against what is installed.

A line that ends in ``# error: CODE`` is one that a type checker must refuse with that code, and every other it must
pass; nothing here is run.
"""

from __future__ import annotations

from pathlib import Path

import verify


def dependent(a: str, b: Path) -> bool:
    report: verify.ClaimReport = verify.test_lineage(a, b, effort="standard")
    report.to_json("report.json")
    verdict: verify.Verdict = report.verdict
    p: float | None = report.log10_p
    digest: str = report.digest
    tests: list[str] = list(report.tests)
    print(verdict, p, digest, tests, report.to_markdown("report.md"))
    return verdict == "dependent"


def kept(model: str) -> None:
    fingerprint: verify.Fingerprint = verify.fingerprint(model)
    fingerprint.save("model.safetensors")
    again: verify.Fingerprint = verify.Fingerprint.load("model.safetensors")
    version: int = again.record.sketch.version
    print(version)


def checked(path: Path) -> str:
    try:
        replayed = verify.replay(path)
    except verify.ReportError as error:
        return str(error)
    status: str = replayed.status
    return status


def families(models: list[str]) -> int:
    return len(verify.screen(models).families)


def wrong(report: verify.ClaimReport) -> int:
    verify.test_lineage("a", "b", effort="fast")  # error: arg-type
    verify.fingerprint(1)  # error: arg-type
    verify.test_lineage("a")  # error: call-arg
    report.nothing  # error: attr-defined
    return report.verdict  # error: return-value
