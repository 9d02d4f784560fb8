"""No test fails for being slow; what runs beside others keeps to one thread; what others rest on is tested first."""

import os

for _library in ("OMP", "OPENBLAS", "MKL"):  # read when numpy loads; threads that wait for small products spin
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

import pytest  # noqa: E402 - it may load numpy
from hypothesis import HealthCheck, settings  # noqa: E402

settings.register_profile("verify", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("verify")

collect_ignore = [
    "browser",
    "quantised/make.py",
    "quantised_saved/make.py",
    "torch_saved",
]  # they need a browser, and torch

LAYERS = {
    "base": "strict_json tasks options surface software progress",
    "wording": "wording",
    "inference": "inference fixed_points orbit sensitivity combinations adjustments",
    "checkpoint": "checkpoint weight_sets wrapped_names other_names layout_file infer families parts_found quantised "
    "gguf onnx torch adapter places",
    "fingerprint": "layout fingerprint sketch moments spectrum effort workers parts_fingerprints",
    "statistics": "groups exact adding_a_test similarity response_match pairing offsets",
    "panel": "panel",
    "claim": "claim parts_claims declared evidence own_evidence signature schemas older_reports values",
    "calibrate": "calibrate",
    "render": "render figures plots shown",
    "lineage": "lineage own_similarity",
    "replay": "replay",
    "screen": "screen",
    "cli": "cli misuse",
    "benchmarks": "whole_process pages zoo",
    "paper": "paper",
    "examples": "dispute example_reports notebook",
}
"""What the names of a layer's test files begin with, after ``test_``; the layers in the order in which they rest on
one another. The longest beginning counts."""
_LAYER_OF = {begin: number for number, begins in enumerate(LAYERS.values()) for begin in begins.split()}


def layer_of(parts: tuple[str, ...]) -> int:
    """The number of the layer that a file is of, by its path below the root; one that no layer names comes last."""
    if parts[0] == "verify":
        return [*LAYERS].index(parts[1]) if len(parts) > 2 and parts[1] in LAYERS else 0
    name = parts[-1].removeprefix("test_")
    begins = [begin for begin in _LAYER_OF if name.startswith(begin)]
    return _LAYER_OF[max(begins, key=len)] if begins else len(LAYERS)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """By layers, and as they stand within one."""
    items.sort(key=lambda item: layer_of(item.path.relative_to(config.rootpath).parts))
