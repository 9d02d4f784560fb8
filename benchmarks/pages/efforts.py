"""``efforts.md``: CPU seconds of each effort beside another version, and their growth."""

from __future__ import annotations

from typing import Any

from .markdown import page, table


def efforts(found: dict[str, Any]) -> str:
    """Two versions in turn, and exponents with intervals."""
    sides = [
        [
            row["work"],
            row["effort"],
            f"{row['bytes'] / 1e6:.1f}",
            f"{row['before'][0]:.2f} / {row['before'][1]:.2f}",
            f"{row['now'][0]:.2f} / {row['now'][1]:.2f}",
            "{1:.1f} [{0:.1f}, {2:.1f}]".format(*row["ratio"]),
            f"{row['anonymous']['before'] / 2**20:.0f} / {row['anonymous']['now'] / 2**20:.0f}",
        ]
        for row in found["sides"]
    ]
    growth = [
        [
            row["effort"],
            row["axis"],
            ", ".join(f"{size:,}" for size in row["sizes"]),
            ", ".join(f"{seconds:.3f}" for seconds in row["seconds"]),
            "{1:.2f} [{0:.2f}, {2:.2f}]".format(*row["exponent"]),
            f"{row['of_bytes']:.2f}",
        ]
        for row in found["growth"]
    ]
    return page(
        "# Efforts before and now",
        f"CPU seconds of the work alone, on one thread, files in the page cache, {found['rounds']} rounds in turn "
        "with the version before (`python -m benchmarks.efforts --before FOLDER`); bytes read and all p-values or "
        f"arrays were equal in every round. {found['machine']} Load average "
        f"{found['load']:.0f}: the processor was shared, "
        "so seconds are too many, by half or more, and ratios are what to compare.",
        table(
            "llrrrrr",
            [
                "work",
                "effort",
                "MB read",
                "before, least / median",
                "now",
                "ratio [least, most]",
                "MiB, before / now",
            ],
            sides,
        ),
        *_whole(found.get("whole")),
        "## Growth",
        "Fingerprints without what only panels read; least of three rounds, and the exponent of the line through "
        "all rounds on logarithms with its 95% interval, beside that of the bytes read. What a run costs by itself "
        "lowers an exponent.",
        table("lllllr", ["effort", "against", "sizes", "seconds", "exponent", "of bytes"], growth),
    )


def _whole(row: dict[str, Any] | None) -> list[str | list[str]]:
    """Two whole models, and what of their seconds is sha256."""
    if row is None:
        return []
    kernels = f", with OPENBLAS_CORETYPE={row['kernels']}" if row["kernels"] else ""
    return [
        "## Two whole models",
        "Two models of 7B, 32 layers, at `full` without a panel as a whole process, once, on one thread"
        f"{kernels} (`python -m benchmarks.efforts --whole`); sha256 of the same bytes, as often, in a process "
        "of its own right after it. The files are larger than most memories, so they come from the disk. "
        f"{row['machine']} Load average {row['load']:.0f}.",
        table(
            "rrrrrrr",
            ["GB read", "CPU s", "of which sha256", "the rest", "GB hashed, each a second", "wall s", "MiB"],
            [
                [
                    f"{row['bytes'] / 1e9:.1f}",
                    f"{row['seconds']:.1f}",
                    f"{row['sha256']:.1f}",
                    f"{row['seconds'] - row['sha256']:.1f}",
                    f"{row['hashed'] / 1e9:.1f}, {row['hashed'] / row['sha256'] / 1e9:.2f}",
                    f"{row['wall']:.1f}",
                    f"{row['anonymous'] / 2**20:.0f}",
                ]
            ],
        ),
    ]
