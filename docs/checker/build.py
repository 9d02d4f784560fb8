"""Assemble the checker: the page, Pyodide, and this library with what it needs, all from outside pinned by sha256."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import verify

HERE = Path(__file__).parent
PINNED: dict[str, Any] = tomllib.loads((HERE / "pinned.toml").read_text())
PACKAGES = "packages.zip"
_PAGE = ("index.html", "checker.css", "checker.js")
"""What the browser loads by itself; the page loads the rest."""
_TARGET = ("--implementation", "cp", "--abi", "cp314", "--abi", "none", "--platform", "any")
_TARGET += ("--platform", "pyemscripten_2026_0_wasm32")
OF_SCIPY = {"special", "optimize", "constants", "fft", "linalg", "sparse", "spatial", "_lib", "_external"}
"""Folders of scipy that are kept: the tests need the first two, and these need the others."""
_DATA = ("data/models/", "data/panel/", "data/recipes/")
"""Of this library: neither a replay without models nor a comparison of fingerprints reads them."""
_EPOCH = (1980, 1, 1, 0, 0, 0)


class BuildError(Exception):
    """A part is not to be had, or is not the one pinned."""


def build(out: Path, wheels: Path) -> list[Path]:
    """Write the page to a folder.

    Parameters
    ----------
    out : an absent or empty folder.
    wheels : a folder of downloads: what is missing in it is fetched from npm and PyPI, and kept.

    Returns
    -------
    list of Path
        The files written.
    """
    if out.exists() and any(out.iterdir()):
        raise BuildError(f"{out.name!r} is not empty; give a new folder.")
    fetch(wheels)
    out.mkdir(parents=True, exist_ok=True)
    for name in (*_PAGE, "worker.js"):
        shutil.copyfile(HERE / "page" / name, out / name)
    for name in PINNED["pyodide"]["files"]:
        shutil.copyfile(wheels / name, out / name)
    pack(out / PACKAGES, contents(wheels))
    parts = ("worker.js", *PINNED["pyodide"]["files"], PACKAGES)
    listed = {"version": verify.__version__, "parts": [_part(out / name) for name in parts]}
    (out / "parts.json").write_text(json.dumps(listed, indent=1) + "\n")
    return sorted(out.iterdir())


def fetch(wheels: Path) -> None:
    """Download what is pinned and not yet in a folder.

    Raises
    ------
    BuildError
        If a file cannot be had, or is another than the pinned one.
    """
    wheels.mkdir(parents=True, exist_ok=True)
    core, carried = PINNED["pyodide"], PINNED["carried"]
    if not _all(wheels, core["files"]):
        with tempfile.TemporaryDirectory() as folder:
            _run("npm", "pack", "--silent", "--pack-destination", folder, core["npm"])
            with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
                for name in core["files"]:
                    (wheels / name).write_bytes(_member(archive, f"package/{name}"))
    on_pypi = {name: digest for name, digest in PINNED["wheels"].items() if not _wheel(wheels, digest)}
    if on_pypi:
        _download(wheels, on_pypi, "3.14", *_TARGET)
    if not _all(wheels, carried["wheels"]):
        with tempfile.TemporaryDirectory() as folder:
            _download(Path(folder), {carried["package"]: carried["sha256"]}, "3.12")
            with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as archive:
                for name in carried["wheels"]:
                    (wheels / name).write_bytes(archive.read(f"{carried['folder']}/{name}"))
    for name, digest in {**core["files"], **carried["wheels"]}.items():
        if (found := sha256(wheels / name)) != digest:
            raise BuildError(f"{name} has sha256 {found:.16}..., and {digest:.16}... is pinned; remove it.")
    official = json.loads((wheels / "pyodide-lock.json").read_text())["packages"].values()
    stated = {package["file_name"]: package["sha256"] for package in official}
    for name, digest in carried["wheels"].items():
        if stated.get(name) != digest:
            raise BuildError(f"{name} is not the wheel that pyodide-lock.json names; mend pinned.toml.")


def contents(wheels: Path) -> Iterator[tuple[str, bytes]]:
    """The files of Python's site-packages: those of the wheels that are used, this library, and the page's own."""
    for digest in (*PINNED["wheels"].values(), *PINNED["carried"]["wheels"].values()):
        wheel = _wheel(wheels, digest)
        assert wheel is not None
        with zipfile.ZipFile(wheel) as archive:
            yield from ((name, archive.read(name)) for name in archive.namelist() if _used(name))
    library = Path(verify.__file__).parent
    for path in sorted(library.rglob("*")):
        name = path.relative_to(library).as_posix()
        if path.is_file() and "__pycache__" not in name and not name.startswith(_DATA):
            yield f"verify/{name}", path.read_bytes()
    described = f"Metadata-Version: 2.1\nName: verify-lineage\nVersion: {verify.__version__}\n"
    yield f"verify_lineage-{verify.__version__}.dist-info/METADATA", described.encode()
    yield "checker.py", (HERE / "checker.py").read_bytes()
    for name in ("__init__.py", "numpy.py"):
        yield f"safetensors/{name}", (HERE / "safetensors" / name).read_bytes()


def pack(path: Path, files: Iterator[tuple[str, bytes]]) -> None:
    """Write a zip file, the same bytes for the same files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, content)


def sha256(path: Path) -> str:
    """Of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _used(name: str) -> bool:
    """Whether a file of a wheel is one that the page may import."""
    folders = name.split("/")[:-1]
    if name.endswith("/") or "tests" in folders:
        return False
    return not (folders[:1] == ["scipy"] and len(folders) > 1 and folders[1] not in OF_SCIPY)


def _part(path: Path) -> dict[str, Any]:
    digest = hashlib.sha256(path.read_bytes()).digest()
    integrity = f"sha256-{b64encode(digest).decode()}"
    return {"name": path.name, "bytes": path.stat().st_size, "integrity": integrity}


def _all(folder: Path, files: dict[str, str]) -> bool:
    return all((folder / name).exists() for name in files)


def _wheel(folder: Path, digest: str) -> Path | None:
    """The wheel of a digest in a folder."""
    return next((path for path in sorted(folder.glob("*.whl")) if sha256(path) == digest), None)


def _download(folder: Path, packages: dict[str, str], python: str, *target: str) -> None:
    """Let pip fetch wheels, and check them."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as wanted:
        wanted.writelines(f"{package} --hash=sha256:{digest}\n" for package, digest in packages.items())
        wanted.flush()
        _run(
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"),
            *("--require-hashes", "--python-version", python, "--dest", str(folder), *target),
            *("--requirement", wanted.name),
        )


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise BuildError(f"{command[0]} is not installed; install it, or give --wheels with all files.") from error
    except subprocess.CalledProcessError as error:
        said = (error.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise BuildError(f"{' '.join(command[:4])} failed ({said:.300}).") from error


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None
    return file.read()
