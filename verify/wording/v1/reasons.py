"""Why a test does not apply."""

from __future__ import annotations

REASONS = {
    "identical_weights": "the weights are identical, so there is nothing to test",
    "width": "the residual streams have different widths ({a} and {b})",
}
