"""Changes of the order of experts, which routers and their scales follow."""

from __future__ import annotations

import numpy as np

from ..config import Config
from .roles import Roles


def expert_order(found: Roles, c: Config, rng: np.random.Generator) -> None:
    """Permute the experts; where one of each group is routed to, inside groups and the groups."""
    for i in range(c.layers):
        if c.family == "pangu_pro_moe":
            groups = np.arange(c.experts).reshape(c.active, -1)
            experts = np.concatenate([rng.permutation(group) for group in rng.permutation(groups)])
        else:
            experts = rng.permutation(c.experts)
        found[f"{i}.router"] = found[f"{i}.router"][experts]
        if f"{i}.router_scale" in found:
            found[f"{i}.router_scale"] = found[f"{i}.router_scale"][:, experts]
        for role in ("gate", "up", "down"):
            before = [found[f"{i}.expert_{role}.{e}"] for e in experts]
            found |= {f"{i}.expert_{role}.{e}": x for e, x in enumerate(before)}
