"""``python -m benchmarks.zoo.ship``: put what the library and its tests use of a built zoo into the project.

The ``small`` version of every model marked ``shipped`` becomes part of the library; the fingerprint
of every ``standard`` model goes beside this file, for the truth table, and so do those of the strangers on which
panel tests are measured (what panel statistics read of them).
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import verify
from verify.panel.record import PANEL_COMPONENTS

from .__main__ import CACHE
from .build import HELD_OUT, STRANGERS, ZOO

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "verify" / "data" / "models"
FINGERPRINTS = Path(__file__).parent / "fingerprints"
LARGEST_MODEL, LARGEST_TOTAL = 1_000_000, 12_000_000  # bytes


def load(name: str) -> verify.Fingerprint:
    """The fingerprint of a model of the zoo."""
    return verify.Fingerprint.load(FINGERPRINTS / f"{name}.safetensors")


def with_reference(name: str) -> tuple[verify.Fingerprint, verify.Fingerprint]:
    """The fingerprints of a model and of what it is compared with.

    Models that were not trained anew since sketch version 2 are compared with the reference of their day, which their
    weights come from: training does not give the same numbers on every machine.
    """
    found, reference = load(name), ZOO.reference_of(name)
    version = found.record.sketch.version
    earlier = f"{reference}-of-sketch-{version}"
    return found, load(earlier if (FINGERPRINTS / f"{earlier}.safetensors").exists() else reference)


def main() -> None:
    """Copy and fingerprint."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.zoo.ship", description=__doc__)
    parser.add_argument("--zoo", type=Path, default=CACHE)
    zoo = parser.parse_args().zoo
    shutil.rmtree(SHIPPED, ignore_errors=True)
    for name, spec in ZOO.models.items():
        if spec.get("shipped"):
            shutil.copytree(zoo / "small" / name, SHIPPED / name)
        verify.fingerprint(zoo / "standard" / name).save(FINGERPRINTS / f"{name}.safetensors")
    for name in (*HELD_OUT.models, *STRANGERS.models):
        slim = verify.fingerprint(zoo / "small" / name).only(*PANEL_COMPONENTS)
        slim.save(FINGERPRINTS / f"{name}.safetensors")
    sizes = {folder.name: sum(file.stat().st_size for file in folder.iterdir()) for folder in SHIPPED.iterdir()}
    too_large = [name for name, size in sizes.items() if size > LARGEST_MODEL]
    if too_large or sum(sizes.values()) > LARGEST_TOTAL:
        raise SystemExit(f"Too large to ship: {too_large or sum(sizes.values())}")
    print(f"{len(sizes)} models of {sum(sizes.values()) / 1e6:.1f} MB, {len(ZOO.models)} fingerprints")


if __name__ == "__main__":
    main()
