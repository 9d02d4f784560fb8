"""The answer of a report as a badge: a small SVG with a title, for a model card or a README."""

from __future__ import annotations

from markupsafe import escape

from ...base.plain import plain
from ...claim import ClaimReport
from ..escape import NAME

_COLOURS = {
    "identical": "#6b2c91",
    "dependent": "#a11d2e",
    "similar_beyond_panel": "#8a5300",
    "no_evidence": "#1d5a96",  # not green: nothing is cleared
    "untestable": "#595959",
}
"""Of white text on each the contrast is above 5."""
_LEFT = "lineage"
_CAPITAL, _SMALL, _SPACE = 7.5, 6.1, 4.0  # mean widths in pixels; texts are fitted to theirs, whatever the font
_PAD = 8


def badge(report: ClaimReport) -> str:
    """The badge, which loads nothing."""
    word = report.answer.word
    a, b = (plain(name, NAME) for name in report.names)
    left, right = (_width(text) + 2 * _PAD for text in (_LEFT, word))
    title = f"Lineage report on {a} and {b}: {word}"
    texts = "".join(
        f'<text x="{x + width / 2:g}" y="14" textLength="{width - 2 * _PAD}">{escape(text)}</text>'
        for x, width, text in ((0, left, _LEFT), (left, right, word))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" '
        f'viewBox="0 0 {left + right} 20" role="img" aria-labelledby="title">'
        f'<title id="title">{escape(title)}</title>'
        f"<desc>{escape(plain(report.digest, NAME))}, by verify-lineage</desc>"
        f'<rect width="{left}" height="20" fill="#404040"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{_COLOURS[report.verdict]}"/>'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f"{texts}</g></svg>\n"
    )


def _width(text: str) -> int:
    return round(sum(_CAPITAL if c.isupper() else _SPACE if c == " " else _SMALL for c in text))
