"""Files that a reader may drop on the checker page: whole, forged and hostile; with a browser and without."""

from __future__ import annotations

import copy
import json
import random
from base64 import b64decode, b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.reports import CREATED, changed, sealed
from tests.signing import OTHER_PUBLIC, PRIVATE, PUBLIC, altered
from verify import ClaimReport, calibrate
from verify.base.envelope import _ORDER
from verify.claim.signature import sign
from verify.replay.agreement import leaves

ROOT = Path(__file__).parents[1]
REPORTS = sorted(
    path
    for pattern in (
        "examples/reports/*/report.json",
        "examples/dispute/reports/*/report.json",
        "tests/older/**/*.json",
    )
    for path in ROOT.glob(pattern)
)
PRINTS, DISPUTE = ROOT / "benchmarks/zoo/fingerprints", "../../../examples/dispute/fingerprints"
PAIRS = {
    "related": ("fine-tuned", "continued-1x"),
    "unrelated": (f"{DISPUTE}/dense-stranger", f"{DISPUTE}/dense-parent"),
    "permuted": ("units-heads-permuted-rotated", "fine-tuned"),
    "pruned": ("depth-pruned-healed", "fine-tuned"),
    "gpt2": ("gpt2-fine-tuned", "gpt2-stranger"),
    "experts": ("moe-fine", "moe-coarse"),
    "other-families": ("gpt2-reference", "moe-stranger-1"),
    "quantised": ("int3", "int8"),
    "itself": ("fine-tuned", "fine-tuned"),
    "distilled": ("distilled", "fine-tuned"),
    "cut-down": ("headers-1", "names-1"),
}
"""Fingerprints by name, by what they show."""


class Case(NamedTuple):
    """Files that are given together."""

    name: str
    job: str
    """``check`` or ``compare``."""
    files: tuple[Path | None, ...]
    """As the arguments of the job."""


def cases(folder: Path, *, forgeries: int) -> Iterator[Case]:
    """All cases; files that are made are written to a folder.

    Parameters
    ----------
    folder : an existing folder.
    forgeries : number of forged files of each report.

    Yields
    ------
    Case
        With files that exist.
    """

    def kept(name: str, content: bytes) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    for path in REPORTS:
        name = "-".join(path.relative_to(ROOT).with_suffix("").parts[1:])
        yield Case(name, "check", (path, None, None))
        for number, content in enumerate(forged(path.read_bytes(), forgeries, seed=name)):
            yield Case(f"{name}-forged-{number}", "check", (kept(f"{name}-{number}.json", content), None, None))
    for name, content in calibrations().items():
        yield Case(name, "check", (kept(f"{name}.json", content), None, None))
    for name, content in hostile().items():
        yield Case(name, "check", (kept(f"{name}.json", content), None, None))
    for name, contents in signatures().items():
        paths = [
            None if content is None else kept(f"{name}/{file}", content)
            for file, content in zip(("report.json", "report.json.dsse", "key.pub"), contents, strict=True)
        ]
        yield Case(name, "check", tuple(paths))
    for name, pair in PAIRS.items():
        yield Case(name, "compare", tuple(PRINTS / f"{one}.safetensors" for one in pair))
    print_ = (PRINTS / "fine-tuned.safetensors").read_bytes()
    other = PRINTS / "continued-1x.safetensors"
    flipped = bytearray(print_)
    flipped[-5] ^= 1
    for name, content in {
        "cut-short": print_[:-8],
        "altered-numbers": bytes(flipped),
        "no-record": weights(),
    }.items():
        yield Case(name, "compare", (kept(f"{name}.safetensors", content), other))


def forged(source: bytes, count: int, *, seed: str) -> Iterator[bytes]:
    """A report changed by somebody: sealed again by turns, left unsealed, or with one bit flipped."""
    draw = random.Random(seed)
    content = json.loads(source)
    fields = [
        (field, value)
        for field, value in leaves(content)
        if isinstance(value, int | float | str) and not field.endswith((".digest", ".order", ".schema_version"))
    ]
    for turn in range(count):
        field, value = draw.choice(fields)
        other: Any = not value if isinstance(value, bool) else value * 2 + 1 if not isinstance(value, str) else "x"
        try:
            different = changed(content, field, other)
        except (KeyError, StopIteration, IndexError, TypeError):
            different = content | {"searched": 7}
        if turn % 3 == 2:
            at = draw.randrange(len(source))
            yield source[:at] + bytes([source[at] ^ 1 << draw.randrange(7)]) + source[at + 1 :]
        else:
            yield sealed(different) if turn % 3 == 0 else json.dumps(different).encode()


def hostile() -> dict[str, bytes]:
    """Files that are no reports, or do harm where text is trusted."""
    report = json.loads((ROOT / "examples/reports/related/report.json").read_bytes())
    name = copy.deepcopy(report)
    name["a"]["name"] = "<img src=x onerror=alert(1)>\u202eevil"
    return {
        "deep": b'{"a":' * 200_000,
        "deep-and-closed": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        "empty-object": b"{}",
        "not-json": b'{"schema_version": 2,',
        "nan": b'{"schema_version": NaN}',
        "huge-number": b'{"schema_version": 1' + b"0" * 5_000 + b"}",
        "not-utf8": b'{"schema_version": "\xff"}',
        "lone-surrogate": b'{"schema_version": 2, "digest": "\\ud800"}',
        "twice": b'{"schema_version": 2, "schema_version": 2}',
        "later-schema": b'{"schema_version": 99}',
        "markup": sealed(name),
        "markup-in-digest": json.dumps(report | {"digest": "<script>alert(1)</script>"}).encode(),
    }


def calibrations() -> dict[str, bytes]:
    """A report of calibrated scores, and one with another score."""
    draw = random.Random(1)
    names = [f"m{number}" for number in range(20)]
    table = [(a, b, draw.random() + 3 * ({a, b} == {"m0", "m1"})) for i, a in enumerate(names) for b in names[:i]]
    report = calibrate({(a, b): score for a, b, score in table}, ("m0", "m1"), created=CREATED)
    content = json.loads(report.to_json())
    other = changed(content, "$.searched", 3)
    return {"calibration": report.to_json().encode() + b"\n", "calibration-forged": sealed(other)}


def signatures() -> dict[str, tuple[bytes | None, bytes | None, bytes | None]]:
    """Report, envelope and key: of one signer and not."""
    source = (ROOT / "examples/reports/related/report.json").read_bytes()
    report = ClaimReport.from_json(source.decode())
    envelope = sign(report, PRIVATE)
    fields = json.loads(envelope)
    signature = b64decode(fields["signatures"][0]["sig"])

    def with_signature(raw: bytes) -> bytes:
        return json.dumps(
            fields | {"signatures": [fields["signatures"][0] | {"sig": b64encode(raw).decode()}]}
        ).encode()

    more = int.from_bytes(signature[32:], "little") + _ORDER
    payload = bytearray(b64decode(fields["payload"]))
    payload[len(payload) // 2] ^= 1
    another = altered(report).to_json().encode() + b"\n"
    return {
        "signed": (source, envelope, PUBLIC),
        "signed-alone": (None, envelope, PUBLIC),
        "other-key": (source, envelope, OTHER_PUBLIC),
        "other-report": (another, envelope, PUBLIC),
        "altered-payload": (source, json.dumps(fields | {"payload": b64encode(payload).decode()}).encode(), PUBLIC),
        "altered-signature": (source, with_signature(bytes([signature[0] ^ 1]) + signature[1:]), PUBLIC),
        "altered-second-half": (source, with_signature(signature[:40] + b"\0" * 24), PUBLIC),
        "second-text": (source, with_signature(signature[:32] + more.to_bytes(32, "little")), PUBLIC),
        "no-envelope": (source, None, PUBLIC),
        "no-key": (source, envelope, None),
        "no-pem": (source, envelope, b"-----BEGIN PUBLIC KEY-----\nnone\n-----END PUBLIC KEY-----\n"),
        "private-key": (source, envelope, PRIVATE),
        "no-envelope-in-it": (source, b'{"payload": 1, "payloadType": 2}', PUBLIC),
    }


def weights() -> bytes:
    """Arrays that are no fingerprint."""
    import numpy as np
    from safetensors.numpy import save

    return save({"weight": np.zeros((2, 2), np.float32)})
