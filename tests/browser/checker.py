"""The checker page in a real browser says what the library says, field by field: ``python -m tests.browser.checker``.

Outside the default run, as it needs Chromium, node, and a folder with ``playwright-core`` and ``axe-core``::

    npm install --prefix FOLDER playwright-core axe-core
    python -m docs.checker BUILT --wheels DOWNLOADS
    python -m tests.browser.checker BUILT --modules FOLDER/node_modules --shots PICTURES

Everything is on this machine: a server on the loopback address serves the built folder.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from docs.checker import checker
from tests.checking import PAIRS, PRINTS, ROOT, Case, cases
from verify.replay.agreement import Tolerance, compare

SHOWN = ("reports-related-report", "markup-in-digest", "altered-payload", "signed", "related", "unrelated", "deep")
"""Cases of which pictures are taken."""
_OF_PYTHON = re.compile(r"\((it is not valid JSON \(.*|'Error while deserializing.*)\)")
"""What Python and the safetensors package say of a broken file differs by their versions."""
_INVERTED = (("*detectable_share", Tolerance(0.0, 1e-12)),)
"""Found by numerical inversion, the only number whose last digit may differ."""
_OF_HERE = ("digest", "software", "created")
"""Fields of a new report that tell where and when it was made."""


def main() -> None:
    """Run, and exit with 1 where anything differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.checker", description=__doc__)
    parser.add_argument("built", type=Path, help="What `python -m docs.checker` wrote.")
    parser.add_argument("--modules", type=Path, required=True, help="node_modules with playwright-core and axe-core.")
    parser.add_argument("--shots", type=Path, help="Folder for screenshots.")
    parser.add_argument("--forgeries", type=int, default=3, help="Forged files of each report.")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tried = [*cases(Path(folder) / "files", forgeries=given.forgeries)]
        if given.shots:
            given.shots.mkdir(parents=True, exist_ok=True)
        answers = driven(given.built, tried, given.modules, given.shots, Path(folder))
        wrong = [*found(tried, answers)]
    times = answers["seconds"] | {"slowest": max(one["seconds"] for one in answers["cases"].values())}
    sys.stdout.write("".join(f"{line}\n" for line in wrong))
    sys.stdout.write(f"{len(tried)} cases, {len(wrong)} findings; {times} s\n")
    sys.exit(1 if wrong else 0)


def driven(built: Path, tried: list[Case], modules: Path, shots: Path | None, folder: Path) -> dict[str, Any]:
    """What the page showed and saved."""
    handler = partial(_Quiet, directory=str(built))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        experts = [str(PRINTS / f"{name}.safetensors") for name in PAIRS["experts"]]
        plan = {
            "url": f"http://127.0.0.1:{server.server_port}/",
            "cases": [{"name": case.name, "files": [str(file) for file in case.files if file]} for case in tried],
            "shots": {name: str(shots / name) for name in SHOWN} if shots else {},
            "keyboard": [str(ROOT / "examples/reports/related/report.json")],
            "long": experts,
            "answers": str(folder / "answers.json"),
        }
        (folder / "plan.json").write_text(json.dumps(plan))
        environment = os.environ | {"NODE_PATH": str(modules.resolve())}
        script = Path(__file__).with_suffix(".mjs")
        subprocess.run(["node", str(script), str(folder / "plan.json")], check=True, env=environment)
        server.shutdown()
    answers: dict[str, Any] = json.loads((folder / "answers.json").read_text())
    return answers


def found(tried: list[Case], answers: dict[str, Any]) -> list[str]:
    """Every difference between the page and the library, and every fault of the page."""
    wrong = []
    for case in tried:
        page = answers["cases"][case.name]
        here = json.loads(getattr(checker, case.job)(*(None if file is None else str(file) for file in case.files)))
        saved = {file["name"]: file["text"] for file in here["saved"]}
        wrong += [
            f"{case.name}: saved files differ: {one}"
            for one in compare(_known(page["saved"]), _known(saved), _INVERTED)
        ]
        if case.name.startswith("deep"):
            if "nested too deeply" not in page["blocks"][0]["lead"]:
                wrong.append(f"{case.name}: {page}")
        elif (told := _told(page["blocks"])) != (due := _told(here["blocks"])):
            wrong.append(f"{case.name}: shown {_first(told, due)}")
        if not page["inert"]:
            wrong.append(f"{case.name}: text of a file became markup")
    ready = "Failed to fetch"
    if answers["policy"] != [ready, ready]:
        wrong.append(f"a connection was possible: {answers['policy']}")
    wrong += [f"asked for {url}" for url in answers["requests"]]
    wrong += [f"error in the page: {error}" for error in answers["errors"]]
    wrong += [f"axe: {finding}" for finding in answers["axe"]]
    if not {"BUTTON", "SUMMARY", "A"} <= {*answers["keyboard"]}:
        wrong.append(f"the keyboard reaches {answers['keyboard']}")
    if answers["stopped"] != 3:  # arithmetic, digest, what the report says
        wrong.append(f"after a stop {answers['stopped']} blocks are shown")
    return wrong


def _told(blocks: list[dict[str, Any]]) -> list[Any]:
    """What blocks say, less what tells where a report was made."""
    told = []
    for block in blocks:
        lines = [
            [label, text] for label, text in block["lines"] if (block["title"], label) != ("Exact tests", "Report")
        ]
        tables = [[table["caption"], table["columns"], table["rows"]] for table in block["tables"]]
        told.append([block["title"], block["tone"], _OF_PYTHON.sub("(...)", block["lead"]), lines, tables])
    return told


def _known(saved: dict[str, str]) -> dict[str, Any]:
    known = {name: json.loads(text) for name, text in saved.items()}
    if (report := known.get("report.json")) is not None:
        report["provenance"].pop("software")
        known["report.json"] = {name: value for name, value in report.items() if name not in _OF_HERE}
    return known


def _first(page: Any, here: Any) -> str:
    """The first difference of two values."""
    if isinstance(page, dict) and isinstance(here, dict):
        page, here = sorted(page.items()), sorted(here.items())
    if isinstance(page, list | tuple) and isinstance(here, list | tuple):
        for one, other in zip(page, here, strict=False):
            if one != other:
                return _first(one, other)
    return f"{page!r:.300}, where the library has {here!r:.300}"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Nothing."""


if __name__ == "__main__":
    main()
