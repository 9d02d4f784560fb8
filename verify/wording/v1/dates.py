"""By when a model existed: what dated evidence shows, and what it does not."""

from __future__ import annotations

DATES = {
    "dated.checked": "{model} existed by {time} (a time stamp of {who!r:.120}, checked)",
    "dated.stated": "{model} existed by {time} as {who!r:.120} states (a statement, not checked)",
    "dated.by_fingerprint": "the model that the fingerprint of {model} states",
    "dated.of_part": "the part {part!r:.120} of {model}",
    "dated.both": "{first}, and {second}",
    "dated.in_part": "for {model} as a whole there is no date, since the evidence covers some of its files alone",
    "dated.none": "for {model} no dated evidence was given",
    "dated.order": "{a}; {b}.",
    "dated.not": (
        "That it existed by a date says nothing of earlier: neither that it was the first, nor that the other model "
        "did not exist before, nor who made it."
    ),
    "dated.files": "{files} of {n} files by sha256",
    "dated.numbers": "its numbers by the digest of all of them",
    "dated.numbers_of_part": "the numbers of its part {part!r:.120} by the digest of all of them",
    "dated.how.digest": (
        "The token is of that digest itself. Its signature was checked, and that its authority's certificate "
        "was valid then and descends from the root certificate {root}."
    ),
    "dated.how.document": (
        "The token is of {document!r:.120}, which holds the digest and is kept in the record. Its signature was "
        "checked, and that its authority's certificate was valid then and descends from the root certificate {root}."
    ),
    "dated.how.hub_commits": (
        "The Hub was asked for the last commit that changed each file with this sha256 in {origin!r:.120} at "
        "{revision}. Nothing of it was checked: a commit that was pushed has the time that its author's machine "
        "wrote."
    ),
    "dated.limit.time_stamp": (
        "A time stamp is as good as its authority: whose root certificate it is, and whether a certificate was "
        "revoked, was not asked. Compare the sha256 of the root with the one that the authority publishes."
    ),
    "dated.limit.bytes": (
        "The date is of these bytes: the same weights saved in another form are other files, and a copy that was "
        "changed by a single number has a date of its own."
    ),
    "limit.order.dated": (
        "No test says which model came first; the dates in the report say by when files existed, and of neither that "
        "it was the first."
    ),
}
