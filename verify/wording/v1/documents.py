"""Sentences of model cards and of bills of materials."""

from __future__ import annotations

DOCUMENTS = {
    "document.no_direction": (
        "No base model is stated on the strength of this: the test says that the two are related, and not which came "
        "first. Only what their makers declare has a direction."
    ),
    "document.both_directions": (
        "No base model is stated on the strength of this: each of the two is declared to be made from the other."
    ),
    "document.part": (
        "No base model is stated on the strength of this: the answer is about a part of the two alone, which may "
        "come from a third model."
    ),
    "document.descends": (
        "That the one was made from the other is declared by its makers; that the two are related is found by the "
        "report. No test shows the direction."
    ),
    "document.related": (
        "The report found that these two are related. It shows no direction, and none is declared that it confirms."
    ),
    "document.related.part": (
        "The report found that a part of the one and a part of the other are related, and not that the two models "
        "are. It shows no direction."
    ),
    "document.others": "Bases that are declared too, and not examined by this report: {names}.",
}
