"""SeedPrints (Tong et al., arXiv 2509.26404): its functions, as its test of foundation models calls them."""

from __future__ import annotations

from .peer import Peer, by_p_value

LEVEL = 0.01

PEER = Peer(
    name="seedprints",
    title="SeedPrints",
    source="github.com/YnezT0311/SeedPrints",
    rule=f"p below {LEVEL:g} (its README, Reproducing Paper Results)",
    environment="torch",
    checkout=True,
    command=lambda task: task.driver("seedprints"),
    read=by_p_value(LEVEL),
)
