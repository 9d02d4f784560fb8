"""Text of unknown origin as one harmless line."""

from __future__ import annotations

import unicodedata


def plain(text: str, longest: int) -> str:
    """One line, without control, formatting (bidirectional) or private characters, shortened."""
    kept = "".join(c if c.isprintable() and unicodedata.category(c) not in ("Cf", "Co") else "\ufffd" for c in text)
    return kept if len(kept) <= longest else kept[: longest - 1] + "…"
