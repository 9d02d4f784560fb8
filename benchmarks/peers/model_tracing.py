"""Zhu et al. (arXiv 2502.12292): their functions for phi_U and phi_MATCH.

Their ``main.py`` signs in to the Hub and downloads text before anything else, so the functions that it calls are
called by a driver: phi_MATCH on what their ``--dataset random`` gives, with the vocabulary and context of the zoo.
"""

from __future__ import annotations

from .peer import Peer, by_p_value

LEVEL = 0.001
_RULE = f"p at most {LEVEL:g}, the level of our exact tests (they publish p-values and no level)"

PHI_U = Peer(
    name="phi-u",
    title="phi_U",
    source="github.com/ahmeda14960/model-tracing",
    rule=_RULE,
    environment="torch",
    checkout=True,
    command=lambda task: task.driver("model_tracing", "csu"),
    read=by_p_value(LEVEL),
)
PHI_MATCH = Peer(
    name="phi-match",
    title="phi_MATCH",
    source="github.com/ahmeda14960/model-tracing",
    rule=f"{_RULE}; blocks combined by their Fisher's method",
    environment="torch",
    checkout=True,
    command=lambda task: task.driver("model_tracing", "match"),
    read=by_p_value(LEVEL),
)
