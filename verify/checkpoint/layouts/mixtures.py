"""Other places of a mixture's tensors: Transformers 5 and MLX hold a layer's experts in one tensor.

A table states experts one by one, as files of the Hub have them. The live model has them as the first axis of
``experts.gate_up_proj``, gate before up, or ``experts.up_proj`` where there is no gate, and of ``experts.down_proj``,
each [out, in]; in the module that the table names, or in ``mlp``. Routers move within the module. MLX has gates and
ups apart, in ``switch_mlp``.
"""

from __future__ import annotations

from dataclasses import replace

from .layout import Family, Slot, slot_of

_MLP = "layers.{i}.mlp."
_OTHERS = {
    "router": ("gate.weight", "router.weight"),
    "router_bias": (
        "gate.e_score_correction_bias",
        "e_score_correction_bias",
        "experts.e_score_correction_bias",
        "gate.moe_statics.e_score_correction_bias",
    ),
    **{f"shared_{role}": (f"shared_experts.{role}_proj.weight",) for role in ("gate", "up", "down")},
}


def stacked_experts(module: str, *, gated: bool = True) -> dict[str, Slot]:
    """Slots of experts that are the first axis of one tensor.

    Parameters
    ----------
    module : name of the module that holds them, with a dot at the end.
    gated : whether they have gates.
    """
    down = {"expert_down": Slot(f"{module}experts.down_proj", stacked=True)}
    if not gated:
        return {"expert_up": Slot(f"{module}experts.up_proj", stacked=True)} | down
    return {
        role: Slot(f"{module}experts.gate_up_proj", part=(n, 2), stacked=True)
        for n, role in enumerate(("expert_gate", "expert_up"))
    } | down


def with_stacked_experts(family: Family) -> Family:
    """The table with those other places for a model that is declared to be of its family.

    Parameters
    ----------
    family : a table; it is returned as it is if it states no experts one by one.
    """
    module, one_by_one, _ = slot_of(family.layer.get("expert_down", "")).name.partition("experts.{e}.")
    if not one_by_one:
        return family
    places: dict[str, list[str | Slot]] = {role: list(entries) for role, entries in family.others.items()}
    for other in dict.fromkeys((module, _MLP)):
        found: dict[str, list[str | Slot]] = {
            role: [slot] for role, slot in stacked_experts(other, gated=family.gated).items()
        }
        for role in found:  # as MLX names them
            name = f"{other}switch_mlp.{role.removeprefix('expert_')}_proj.weight"
            found[role].append(Slot(name, stacked=True))
        found |= {role: [other + name for name in names] for role, names in _OTHERS.items() if role in family.layer}
        for role, entries in found.items():
            places.setdefault(role, []).extend(entries)
    return replace(family, others={role: tuple(entries) for role, entries in places.items()})
