"""What was done to a file: signs of re-parametrisation."""

from __future__ import annotations

REWORKED = {
    "reworked.gains": (
        "all {norms} norm gains of {model} that were read are equal in every entry (from {least:.4g} to "
        "{largest:.4g}): training leaves gains that differ, and folding them into the matrices behind leaves ones"
    ),
    "reworked.order": (
        "hidden units of {model} are ordered by the length of their rows (mean rank correlation {correlation:.2f} "
        "over {mlps} MLPs)"
    ),
    "reworked.padding": "{count} of the {of} hidden units of {model} that were read are zero",
    "reworked.twins": (
        "{count} of the {of} hidden units of {model} that were read point in the same directions as another one of "
        "their MLP"
    ),
    "reworked.stream": (
        "no dimension of the residual stream of {model} stands out (the largest is {ratio:.1f} times the median in "
        "the embedding), though one of the other model does ({other:.1f} times): a rotated stream has none"
    ),
    "reworked.turned": (
        "rotary planes of A and B agree up to turns (mean coherence {coherence:.2f} over {planes} planes), and the "
        "turns are spread over all angles: planes of one of the two were turned"
    ),
    "reworked.quarter_turns": (
        "rotary planes of A and B agree up to turns (mean coherence {coherence:.2f} over {planes} planes), all by "
        "multiples of 90 degrees: planes of one of the two were turned"
    ),
}
