"""What the checker page runs: files that a reader gave in, what the library says of them out, as blocks to show.

It decides nothing: statuses, numbers and sentences are those of ``verify.replay``, ``verify.test_lineage`` and the
signatures. A browser has no pyca/cryptography, so the public key is read here, and securesystemslib checks the
signature by its own arithmetic.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import standard_b64decode
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from securesystemslib.formats import encode_canonical
from securesystemslib.signer import SSlibKey

from verify import ClaimReport, Fingerprint, InputError, Replay, VerifyError, replay, test_lineage
from verify.base import read_regular
from verify.base.plain import plain
from verify.calibrate import CalibrationReport
from verify.claim.answer import looked_at
from verify.claim.signature import LONGEST_ENVELOPE, SignatureError, check_signed, signed_report
from verify.shares.reading import opened
from verify.wording import say

Block = dict[str, Any]
"""A title, a tone (``good``, ``bad`` or ``plain``), lines of label and text, and tables."""

_PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----\s+([A-Za-z0-9+/=\s]+?)\s*-----END PUBLIC KEY-----\s*")
_ED25519 = bytes.fromhex("302a300506032b6570032100")
"""What an Ed25519 public key begins with in SubjectPublicKeyInfo (RFC 8410); its 32 bytes follow."""
_MOST_ROWS, _WIDEST, _LONGEST = 200, 300, 4000


def check(report: str | None, envelope: str | None, key: str | None) -> str:
    """Check a report, its signature, or both.

    Parameters
    ----------
    report : path of a ``report.json``; None to check the report in the envelope.
    envelope : path of a ``report.json.dsse``.
    key : path of the signer's public key in PEM.

    Returns
    -------
    str
        JSON: blocks to show, and files to save.
    """
    blocks: list[Block] = []
    saved: list[dict[str, str]] = []
    source: str | ClaimReport | None = report
    if envelope is not None or key is not None:
        signed = _guarded(blocks, "Signature", lambda: _signature(blocks, report, envelope, key))
        source = signed if report is None else report
    if source is not None:
        outcome = _guarded(blocks, "Not checked", lambda: replay(source if report is None else Path(report)))
        if outcome is not None:
            blocks += [_arithmetic(outcome), _digest(outcome)]
            saved.append({"name": "replay.json", "text": outcome.model_dump_json() + "\n"})
            if not any(block["tone"] == "bad" for block in blocks):
                blocks.append(_said(source if isinstance(source, ClaimReport) else opened(Path(source))))
    return json.dumps({"blocks": blocks, "saved": saved})


def compare(a: str, b: str, created: str | None = None) -> str:
    """Compare two fingerprints.

    Parameters
    ----------
    a, b : paths of the files; A is the questioned model.
    created : time to record; the present by default.

    Returns
    -------
    str
        As :func:`check` does.
    """
    blocks: list[Block] = []

    def compared() -> ClaimReport:
        return test_lineage(*(Fingerprint.load(path) for path in (a, b)), created=created)

    report = _guarded(blocks, "Not compared", compared)
    if not isinstance(report, ClaimReport):
        return json.dumps({"blocks": blocks, "saved": []})
    blocks += [_said(report), _tests(report)]
    return json.dumps({"blocks": blocks, "saved": [{"name": "report.json", "text": report.to_json() + "\n"}]})


def public_key(pem: bytes) -> SSlibKey:
    """An Ed25519 public key, as ``verify keygen`` writes it.

    Raises
    ------
    InputError
        If it is anything else.
    """
    found = _PEM.fullmatch(pem.strip() + b"\n")
    try:
        raw = standard_b64decode(b"".join(found[1].split())) if found else b""
    except ValueError:
        raw = b""
    if not raw:
        raise InputError("The public key cannot be read as one in PEM; give the signer's .pub file.")
    if len(raw) != len(_ED25519) + 32 or not raw.startswith(_ED25519):
        raise InputError("The public key is not an Ed25519 key; give the .pub file that `verify keygen` wrote.")
    value = {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": raw[-32:].hex()}}
    keyid = hashlib.sha256(encode_canonical(value).encode()).hexdigest()
    return SSlibKey(keyid, **value)


def _guarded(blocks: list[Block], title: str, run: Callable[[], Any]) -> Any:
    """What a step returns; a refusal becomes a block."""
    try:
        return run()
    except VerifyError as error:
        blocks.append(_block(title, "bad", str(error)))
    except (MemoryError, RecursionError) as error:
        blocks.append(_block(title, "bad", f"This is too much for a browser ({type(error).__name__}); use `verify`."))
    return None


def _signature(blocks: list[Block], report: str | None, envelope: str | None, key: str | None) -> ClaimReport | None:
    """The signed report, if the signature holds."""
    if envelope is None or key is None:
        missing = "envelope (report.json.dsse)" if envelope is None else "signer's public key (.pub)"
        blocks.append(_block("Signature", "plain", f"Not checked: give the {missing} too."))
        return None
    public = public_key(_read(key))
    try:
        signed = signed_report(_read(envelope), public)
        if report is not None:
            check_signed(signed, Path(report).name, _read(report))
    except SignatureError as error:
        blocks.append(_block("Signature", "bad", str(error)))
        return None
    lines = [("Key", public.keyid), ("Signed report", signed.digest)]
    meaning = "Valid. A valid signature says who vouches for the report, not that the report is right."
    blocks.append(_block("Signature", "good", meaning, lines))
    return signed


def _read(path: str) -> bytes:
    return read_regular(Path(path), LONGEST_ENVELOPE)


def _arithmetic(outcome: Replay) -> Block:
    kinds = [[kind.field, kind.reason] for kind in outcome.not_checkable]
    differing = [
        [item.field, _shown(item.recorded), _shown(item.recomputed), item.tolerance]
        for item in outcome.disagreements[:_MOST_ROWS]
    ]
    more = len(outcome.disagreements) - len(differing)
    tables = []
    if kinds:
        left = f"{len(kinds)} kinds of fields that could not be checked, and why"
        tables.append(_table(left, ("Field", "Why"), kinds, folded=True))
    if differing:
        found = f"{len(outcome.disagreements)} fields that disagree" + (f"; {more} left out here" if more else "")
        tables.append(_table(found, ("Field", "Recorded", "Computed again", "Tolerance"), differing))
    lines = [
        ("Status", outcome.status),
        ("Compared", f"{outcome.compared} fields with {outcome.basis}; {len(outcome.disagreements)} disagree"),
        ("Verdict", f"{outcome.verdict!r:.40}, as recorded"),
    ]
    tone = "good" if outcome.agrees else "bad"
    return _block("Arithmetic", tone, f"{outcome.sentence}.", lines, tables)


def _digest(outcome: Replay) -> Block:
    again = next((item.recomputed for item in outcome.disagreements if item.field == "$.digest"), None)
    lines = [("Recorded", f"{outcome.digest:.80}")]
    if again is not None:
        lines.append(("Computed again", _shown(again)))
        return _block("Digest", "bad", "The digest is not that of the content, so the report was altered.", lines)
    anew = "Anyone who changes a report can compute its digest anew; compare it with the one that was published."
    lines.append(("Does not show", anew))
    return _block("Digest", "good", "The digest is the sha256 of the content in canonical JSON (RFC 8785).", lines)


def _said(report: ClaimReport | CalibrationReport) -> Block:
    answer = report.answer
    models = "A {!r:.100}, B {!r:.100}".format(*report.names)
    lines = [*answer.lines, ("Models", models)]
    return _block("What the report says", "answer", f"{answer.word}: {answer.sentence}", lines)


def _tests(report: ClaimReport) -> Block:
    counts = [
        [
            found.test.id,
            say(found.what),
            str(found.count.count),
            str(found.count.n),
            f"{found.expected:g}",
            _shown(found.count.log10_p),
        ]
        for found in looked_at(report)
    ]
    rows = [[test.id, _shown(test.log10_p)] for test in report.exact if test.applicable]
    left = [
        [test.id, say(test.reason) if test.reason is not None else ""] for test in report.exact if not test.applicable
    ]
    columns = ("Test", "What is counted", "Agree", "Of", "By chance, at most", "log10 p")
    tables = [
        _table("Each test", ("Test", "log10 p"), rows, numbers=1),
        _table("Each count", columns, counts, numbers=4),
    ]
    if left:
        tables.append(_table(f"{len(left)} tests that do not apply, and why", ("Test", "Why"), left, folded=True))
    lines = [
        ("Family-wise log10 p", _shown(report.log10_p)),
        ("Level", f"{report.alpha:g}"),
        ("Report", report.digest),
    ]
    return _block("Exact tests", "plain", f"{len(rows)} of {len(report.exact)} exact tests apply.", lines, tables)


def _block(
    title: str,
    tone: str,
    lead: str,
    lines: Iterable[tuple[str, str]] = (),
    tables: Iterable[dict[str, Any]] = (),
) -> Block:
    told = [[label, plain(text, _LONGEST)] for label, text in lines]
    return {"title": title, "tone": tone, "lead": plain(lead, _LONGEST), "lines": told, "tables": [*tables]}


def _table(
    caption: str, columns: tuple[str, ...], rows: list[list[str]], *, folded: bool = False, numbers: int = 0
) -> dict[str, Any]:
    """A table, the last columns of which may hold numbers."""
    cells = [[plain(cell, _LONGEST) for cell in row] for row in rows]
    return {"caption": caption, "columns": [*columns], "rows": cells, "folded": folded, "numbers": numbers}


def _shown(value: Any) -> str:
    """A value with all its digits, as in the record."""
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _WIDEST else text[: _WIDEST - 3] + "..."
