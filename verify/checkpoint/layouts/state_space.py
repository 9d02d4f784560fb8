"""Tensors of mixers of Mamba 1 and 2, under the names that their hybrids share.

The rows of ``in_proj`` of Mamba 2 are, one after the other, gates z and channels x of the heads, the vectors B and
C of each group of heads, and a step size for each head. All that happens to x up to ``out_proj`` happens to each
channel by itself (a convolution, an activation, a state, the product with the activation of z), with a step, a
decay and a skip that its head has once, and B and C that its group has; or it is a norm over all channels of a
group, or of all groups, with a gain for each. So the channels of a head can be permuted, in x, z, the convolution,
the gain and the columns of ``out_proj``. Their signs cannot change, since x passes an activation. Heads of one
group could be permuted likewise; but Transformers and others begin them with decays 1, 2, 3 and so on, which tell
them apart.

In Mamba 1 step, B and C are made from all channels of the one head, by matrices whose columns and rows move along,
and decays and skip belong to the channel.
"""

from __future__ import annotations

from .layout import Slot


def mamba1(at: str, *, alternate: bool = False) -> dict[str, str | Slot]:
    """Slots of a mixer of Mamba 1.

    Parameters
    ----------
    at : name of its module, with a dot at the end.
    alternate : whether each channel is followed by its gate.

    Returns
    -------
    dict
        Slots by role; a tensor without one is compared by no test.
    """
    return {
        f"state_{role}": Slot(f"{at}in_proj.weight", part=(n, 2), fused="alternate" if alternate else "equal")
        for n, role in enumerate(("up", "gate"))
    } | _shared(at)


def mamba2(at: str) -> dict[str, str | Slot]:
    """Slots of a mixer of Mamba 2.

    Parameters
    ----------
    at : name of its module, with a dot at the end.

    Returns
    -------
    dict
        Slots by role; a tensor without one is compared by no test.
    """
    rows = {"gate": (0, 1), "up": (1, 2), "rest": (2, None)}
    return {f"state_{role}": Slot(f"{at}in_proj.weight", span=span) for role, span in rows.items()} | _shared(at)


def without_role(module: str) -> str:
    """Regular expression of the tensors of a mixer that have no role.

    Parameters
    ----------
    module : last word of the name of its module.
    """
    steps = r"dt_bias|(dt|b|c)_layernorm\.weight|(dt|x)_proj(\.\w+|_weight|_bias)"
    return rf"\.{module}\.(D|{steps}|(conv1d|norm)\.\w+|(in|out)_proj\.bias)$"


def _shared(at: str) -> dict[str, str | Slot]:
    return {"state_down": f"{at}out_proj.weight", "state_decay": f"{at}A_log"}
