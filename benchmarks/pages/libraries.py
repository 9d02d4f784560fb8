"""``libraries.md``: what a library takes of a Hub, and what identifying a model costs."""

from __future__ import annotations

from statistics import median
from typing import Any

from .markdown import page, table
from .twins_cost import megabytes


def libraries(found: dict[str, Any]) -> str:
    """The page."""
    rows = [
        [
            one["model"],
            megabytes(one["stored"]),
            megabytes(one["first"]["bytes"]),
            f"{one['first']['bytes'] / one['stored']:.2%}",
            f"{one['first']['requests']:,}",
            megabytes(one["file"]),
            f"{one['again']['requests']:,}",
            f"{one['again']['bytes']:,}",
        ]
        for one in found["models"]
    ]
    seconds = {int(size): of for size, of in found["seconds"].items()}
    least = min(seconds)
    slope = found["growth"]
    return page(
        "# What a library costs",
        "`verify library` at the effort of a screen, from a Hub on loopback that serves byte ranges of models with "
        "the true names, types and shapes and zeros for weights (`python -m benchmarks.libraries`): MB (10^6 bytes) "
        "stored, MB sent and requests as the server counted them (listing, configuration, headers and tokenizer "
        "included), MB of the fingerprint; and requests and bytes of a second build, which has the fingerprint in the cache.",
        table("lr", ["model", "stored", "sent", "share", "requests", "fingerprint", "requests again", "bytes again"], rows),
        "## Identifying a model",
        "Core seconds of `verify.identify` by the number of fingerprints in the library, random fingerprints at the "
        f"sizes of a screen: medians of {found['runs']} runs in turn, all in one process, and the ratio to "
        f"{least}. Load average: up to {found['load']:.0f} on 2 cores.",
        table(
            "r",
            ["fingerprints", "core seconds", f"times that of {least}", "all runs"],
            [
                [
                    size,
                    f"{median(of):.2f}",
                    f"{median(of) / median(seconds[least]):.1f}",
                    ", ".join(f"{one:.2f}" for one in of),
                ]
                for size, of in sorted(seconds.items())
            ],
        ),
        f"Exponent of the growth: {slope['slope']:.2f} ± {slope['half']:.2f} (95%, least squares on logarithms).",
    )
