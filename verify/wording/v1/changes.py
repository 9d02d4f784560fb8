"""Whether one model holds the change that an adapter makes to its base."""

from __future__ import annotations

_UNTOLD = "Whether {model} holds the change that {adapter}, an adapter, makes to its base cannot be told:"

CHANGES = {
    "change.holds": (
        "{model} holds the change that {adapter}, an adapter, makes to its base, in {held} of the {judged} modules "
        "in which that can be judged: of {moved:,} numbers that {adapter} moves, however a tool rounds, "
        "{agree:percent} are in {model} as merging gives them, {equal:,} of them to the bit."
    ),
    "change.in_part": (
        "{model} holds the change that {adapter}, an adapter, makes to its base in {held} of the {judged} modules in "
        "which that can be judged, and not in the others: of the {moved:,} numbers that {adapter} moves there, "
        "however a tool rounds, {agree:percent} are in {model} as merging gives them, {equal:,} of them to the bit."
    ),
    "change.weight": (
        "It holds it at about {weight:.3g} times its size, one number for all modules that was chosen to fit, beside "
        "{moved:,} that could have differed."
    ),
    "change.begins_alike": (
        "{adapter} is of a kind that begins from the same numbers each time: another training, whoever "
        "did it, may have given this change."
    ),
    "change.why": (
        "Were the moves of {model} set half a row further, {elsewhere:percent} would be. The adapter may have been "
        "merged into {model} or into a model before it, or been taken from it; both may have the change from a "
        "third; or one training was done twice. This is arithmetic and has no p-value, and it does not tell which "
        "was first."
    ),
    "change.arithmetic": "This has no p-value, and how the change came there is not shown.",
    "change.not_found": (
        "The change that {adapter}, an adapter, makes to its base was not found in {model}: of {moved:,} numbers "
        "that {adapter} moves, however a tool rounds, {agree:percent} are in {model} as merging gives them, "
        "{unmoved:percent} are as in the base, and {other:percent} are something else. This is no evidence that "
        "{model} was made without the adapter."
    ),
    "change.not_found.not": (
        "Later training, merging with other adapters or models, and quantisation hide a change. Were the moves of "
        "{model} set half a row further, {elsewhere:percent} of the numbers would be as merging gives them."
    ),
    "change.abstained.none_compared": (
        f"{_UNTOLD} of the {{modules}} modules that the adapter changes, none is in {{model}} under its name, of its "
        "shape and in plain numbers."
    ),
    "change.abstained.nothing_moved": (
        f"{_UNTOLD} in the type of the numbers of {{model}}, it moves none of its base beyond rounding."
    ),
    "change.abstained.as_in_base": (
        f"{_UNTOLD} every number of the {{modules}} modules that the adapter changes is in {{model}} as in the base, "
        "so there is no change to compare with it."
    ),
    "change.abstained.too_few": (
        f"{_UNTOLD} in no module does it move {{least}} numbers of its base beyond rounding ({{moved}} in all)."
    ),
}
