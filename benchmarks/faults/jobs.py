"""The commands that are disturbed: what each is given, what it leaves, and how that is compared."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from tests.authorities import Authority
from verify.data import model

CREATED = "2026-01-01T00:00:00+00:00"
LATER = "2100-01-01T00:00:00+00:00"
"""Of a report with a time stamp, which is of the present."""
_CHANGING = re.compile(rb"[0-9]{4}(-|\{-\})[0-9]{2}(-|\{-\})[0-9]{2}(T[0-9:.+]+)?|[0-9a-f]{12,64}")
"""Times, also as TeX has them, and the digests that follow from them."""


def as_it_is(content: bytes) -> bytes:
    """Byte for byte."""
    return content


def without_times(content: bytes) -> bytes:
    """All but times and digests: of a command that cannot be told the time; of a PDF, that it is whole."""
    if content.startswith(b"%PDF"):
        return b"whole" if content.rstrip().endswith(b"%%EOF") else content
    return _CHANGING.sub(b"", content.replace(b"<wbr>", b"").replace(rb"\allowbreak{}", b""))


@dataclass(frozen=True)
class Job:
    """A command, run in a folder of its own, where it writes to ``out``."""

    arguments: tuple[str, ...]
    compared: Callable[[bytes], bytes] = as_it_is
    """What of each file, and of standard output, must be the same after a disturbance."""
    remote: bool = False
    """Whether its model is read from a server, at ``{url}``."""
    random: bool = False
    """Whether its output is drawn at random, so that no two runs leave the same."""


def jobs(inputs: Path) -> dict[str, Job]:
    """All commands that do work, by name.

    Parameters
    ----------
    inputs : folder that :func:`prepared` filled.
    """
    a, b, c = (str(model(name)) for name in ("fine-tuned", "reference", "stranger-1"))
    report, key = str(inputs / "report" / "report.json"), str(inputs / "key")
    stamp = ("--created", CREATED)
    stamped, root = str(inputs / "SHA256SUMS.tsr"), str(inputs / "authority" / "root.pem")
    return {
        "fingerprint": Job(("fingerprint", a, "-o", "out/a.fp")),
        "fingerprint, from a server": Job(
            ("fingerprint", "{url}/a/model.safetensors", "-o", "out/a.fp", "--effort", "standard"), remote=True
        ),
        "lineage": Job(("lineage", a, b, "-o", "out", "--format", "json,html,md,tex,github", *stamp)),
        "lineage, with panel": Job(("lineage", a, b, "--panel", "default", "-o", "out", *stamp)),
        "lineage, dated": Job(
            ("lineage", a, b, "--dated-b", stamped, "--tsa", root, "-o", "out", "--created", LATER)
        ),
        "screen": Job(("screen", a, b, c, "-o", "out")),
        "identify": Job(("identify", a, "--library", str(inputs / "library"), "-o", "out")),
        "library": Job(("library", a, b, c, "-o", "out")),
        "share": Job(("share", a, b, c, "-o", "out", *stamp)),
        "share, of a base": Job(("share", str(model("continued-3x")), a, "--base", b, "-o", "out", *stamp)),
        "derivation": Job(("derivation", b, str(model("merged-stranger")), "--third", c, "-o", "out", *stamp)),
        "beyond": Job(("beyond", a, str(model("continued-3x")), "--base", b, "-o", "out", *stamp)),
        "panel build": Job(("panel", "build", str(inputs / "recipe.toml"), "-o", "out")),
        "calibrate": Job(("calibrate", str(inputs / "scores.csv"), "--claim", "m0", "m1", "-o", "out", *stamp)),
        "replay": Job(("replay", report, "--a", a, "--b", b)),
        "render": Job(("render", report, "-o", "out", "--format", "md,html,tex,sarif,cyclonedx")),
        "sign": Job(("sign", report, "--key", key, "-o", "out/report.dsse")),
        "check-signature": Job(("check-signature", str(inputs / "report.dsse"), "--key", f"{key}.pub")),
        "keygen": Job(("keygen", "-o", "out/key"), random=True),
        "inspect": Job(("inspect", a, "--json")),
        "demo": Job(("demo", "-o", "out"), compared=without_times),
    }


def prepared(inputs: Path, verify: Callable[..., None]) -> dict[str, bytes]:
    """Make what the commands are given; the files of the server, by their paths.

    Parameters
    ----------
    inputs : an empty folder.
    verify : runs the command with arguments.
    """
    a, b = model("fine-tuned"), model("reference")
    verify("lineage", str(a), str(b), "-o", str(inputs / "report"), "--format", "json", "--created", CREATED)
    verify("keygen", "-o", str(inputs / "key"))
    report = str(inputs / "report" / "report.json")
    verify("sign", report, "--key", str(inputs / "key"), "-o", str(inputs / "report.dsse"))
    verify("library", str(a), str(b), "-o", str(inputs / "library"))
    sums = f"{sha256((b / 'model.safetensors').read_bytes()).hexdigest()}  model.safetensors\n".encode()
    (inputs / "SHA256SUMS").write_bytes(sums)
    (inputs / "SHA256SUMS.tsr").write_bytes(Authority.made(inputs / "authority").stamp(sums))
    names = [f"m{n}" for n in range(30)]
    pairs = ((x, y) for n, x in enumerate(names) for y in names[n + 1 :])
    rows = [f"{x},{y},{((k * 7919) % 1000) / 1000 + 2 * (not k)}" for k, (x, y) in enumerate(pairs)]
    (inputs / "scores.csv").write_text("\n".join(["a,b,score", *rows]) + "\n", "utf-8")
    members = "".join(
        f'[[member]]\nmodel = "{model(name)}"\nfamily = "{name}"\nlicence = "Apache-2.0"\nsource = "here"\n'
        for name in ("reference", "stranger-1", "stranger-2")
    )
    text = f'name = "faults"\nversion = "1"\ndescription = "Three strangers."\n{members}'
    (inputs / "recipe.toml").write_text(text, "utf-8")
    return {f"/a/{path.name}": path.read_bytes() for path in a.iterdir() if path.is_file()}
