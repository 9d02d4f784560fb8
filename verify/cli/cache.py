"""``verify cache``: show and delete the cache."""

from __future__ import annotations

import click

from ..base import Cache, CacheEntry
from .command import Group, option
from .output import echo, printable

_DAY = 86_400.0  # seconds


@click.group(
    cls=Group,
    section="House-keeping",
    examples=("verify cache", "verify cache clear --older-than 30"),
    see="docs/places.md",
)
@click.pass_context
def cache(context: click.Context) -> None:
    """Show the cache: remote byte ranges, Hub metadata, fingerprints.

    Location: $VERIFY_CACHE, or the platform's cache folder. It may be deleted at any time.
    """
    if context.invoked_subcommand is not None:
        return
    from ..checkpoint.places.range_cache import KIND

    found = Cache.default()
    entries = found.entries()
    echo(str(found.folder))
    for kind in sorted({entry.kind for entry in entries}):
        mine = [entry for entry in entries if entry.kind == kind]
        echo(f"{kind}: {len(mine)}, {_bytes(sum(entry.size for entry in mine))}")
        for line in sorted(_line(entry) for entry in mine if entry.kind == KIND):
            echo(f"  {line}")
    if not entries:
        echo("empty")


@cache.command(examples=("ls $(verify cache path)",), see="docs/places.md")
def path() -> None:
    """Print the folder."""
    echo(str(Cache.default().folder))


@cache.command(examples=("verify cache clear --older-than 30",), see="docs/places.md")
@option(
    "--older-than",
    type=click.FloatRange(0),
    default=0.0,
    metavar="DAYS",
    help="Delete only entries unused for this many days.",
)
def clear(older_than: float) -> None:
    """Delete the cache."""
    deleted, refused = Cache.default().clear(older_than * _DAY)
    echo(f"Deleted {len(deleted)}, {_bytes(sum(entry.size for entry in deleted))}.")
    if refused:
        echo(f"{len(refused)} are in use or protected, and were not deleted.")


def _line(entry: CacheEntry) -> str:
    from ..checkpoint.places.range_cache import about, kept_bytes

    known = about(entry.path)
    size = known.get("size", "")
    whole = f" of {_bytes(int(size))}" if size.isascii() and size.isdigit() and len(size) < 20 else ""
    file = f"{known.get('origin', 'unknown').rstrip('/')}/{known.get('file', entry.path.name)}"
    return printable(f"{file}: {_bytes(kept_bytes(entry.path))}{whole}")


def _bytes(count: int) -> str:
    size = float(count)
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
