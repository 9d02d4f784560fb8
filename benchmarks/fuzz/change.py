"""Changes of a sound file: of its bytes, and of what they mean, so that a change gets past the first check."""

from __future__ import annotations

import base64
import io
import json
import warnings
import zipfile
from collections.abc import Callable
from random import Random
from typing import Any

from verify.base import digest

NUMBERS = [0, -1, 1, 2, 3, 7, 255, 256, 2**31 - 1, 2**31, 2**32, 2**53, 2**53 + 1, 2**63, 2**64, -(2**63), 10**30]
LEAVES: list[Any] = [
    *NUMBERS,
    *(None, True, False, 0.5, -0.0, 1e308, -1e308, 1e-320, float("nan"), float("inf"), float("-inf")),
    *(
        "",
        ".",
        "..",
        "../x",
        "/",
        "/etc/passwd",
        "C:\\x",
        "a\\b",
        "\0",
        "\n",
        "\x1b[31m",
        "\ud800",
        "\u202e",
        "é",
        "x" * 300,
    ),
    *("1", "-1", "1e9", "NaN", "<script>", "{{7*7}}", "%s%n", "${HOME}", "model.safetensors", "0" * 64, "=1+1"),
]
"""Values in the place of others."""
BYTES = [
    b"\0",
    b"\xff",
    b"\x80",
    b"\0" * 8,
    b"\xff" * 8,
    b"\xff\xff\xff\x7f",
    b"\1\0\0\0\0\0\0\0",
    b"\n",
    b"{",
    b"]",
    b'"',
    b"-",
    b"9" * 20,
]
"""Bytes in the place of others."""
_TIMES = (1, 1, 1, 2, 2, 4)  # changes of one case: one alone gets furthest


def changed(form: str, content: bytes, rng: Random) -> bytes:
    """A changed copy of a file.

    Parameters
    ----------
    form : how its bytes are understood, of :data:`FORMS`; a few in all are changed as plain bytes all the same.
    content : the sound file.
    rng : every choice is drawn from it, so that one seed gives one case.
    """
    return FORMS["bytes" if rng.random() < 0.15 else form](content, rng)


def of_bytes(content: bytes, rng: Random) -> bytes:
    """Bytes replaced, removed, repeated, inserted or moved; half of them near the beginning, where headers are."""
    found = bytearray(content)
    for _ in range(rng.choice(_TIMES)):
        end = len(found) if rng.random() < 0.5 else min(len(found), 400)
        at, size = rng.randint(0, max(0, end - 1)), 1 << rng.randint(0, 6)
        match rng.randint(0, 6):
            case 0:
                piece = rng.choice(BYTES)
                found[at : at + len(piece)] = piece
            case 1:
                found[at:at] = rng.choice(BYTES)
            case 2:
                del found[at : at + size]
            case 3:
                found[at:at] = found[at : at + size]
            case 4 if found[at : at + 1]:
                found[at] ^= 1 << rng.randint(0, 7)
            case 5:
                other = rng.randint(0, max(0, len(found) - 1))
                found[at : at + size] = found[other : other + size]
            case _ if rng.random() < 0.3:
                del found[at:]
    return bytes(found)


def of_lines(content: bytes, rng: Random) -> bytes:
    """Lines removed, repeated, moved or put together, and words of them replaced."""
    lines = content.decode("utf-8", "surrogateescape").split("\n")
    for _ in range(rng.choice(_TIMES)):
        at = rng.randrange(len(lines))
        match rng.randint(0, 5):
            case 0 if len(lines) > 1:
                del lines[at]
            case 1:
                lines.insert(rng.randrange(len(lines) + 1), lines[at])
            case 2:
                lines[at] = " " * rng.randint(0, 5) + lines[at]
            case 3:
                lines[at] += rng.choice(['"', "'", "[", "}", ",", ":", "=", ".", "#", "&x", "*x", "|", "- ", "\t"])
            case _:
                words = lines[at].split(" ")
                words[rng.randrange(len(words))] = json.dumps(rng.choice(LEAVES), ensure_ascii=rng.random() < 0.5)
                lines[at] = " ".join(words)
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def of_json(content: bytes, rng: Random) -> bytes:
    """A JSON document with some values replaced, removed, repeated, nested or under other keys."""
    return dumped(of_value(json.loads(content), rng))


def of_value(value: Any, rng: Random) -> Any:
    """A changed value of JSON."""
    value = json.loads(json.dumps(value))
    for _ in range(rng.choice(_TIMES)):
        places = list(_places(value))
        if not places:
            return rng.choice(LEAVES)
        inside, key = rng.choice(places)
        _change(inside, key, rng)
    return value


def _change(inside: Any, key: Any, rng: Random) -> None:
    old = inside[key]
    match rng.randint(0, 8):
        case 0:
            del inside[key]
        case 1 if isinstance(inside, list):
            inside.extend([old] * rng.choice([1, 2, 40]))
        case 1:
            inside[rng.choice(["", "x", f"{key}x", "\0", "__class__", "é", "a.b", "../x"])] = old
        case 2:
            inside[key] = rng.choice([[], {}, [old], {"x": old}, [[]], {"": {}}, [old, old]])
        case 3:
            for _ in range(rng.choice([2, 70])):
                old = [old] if rng.random() < 0.5 else {"x": old}
            inside[key] = old
        case 4 if isinstance(old, int) and not isinstance(old, bool):
            inside[key] = old + rng.choice([-1, 1, old, 2**32])
        case 4 if isinstance(old, str) and old:
            at = rng.randrange(len(old))
            inside[key] = old[:at] + rng.choice(["", "0", "\n", "/", "\u202e", "é", "-", old]) + old[at + 1 :]
        case 5:
            inside[key] = inside[rng.choice(_keys(inside))]
        case _:
            inside[key] = rng.choice(LEAVES)


def _keys(inside: Any) -> list[Any]:
    return list(inside) if isinstance(inside, dict) else list(range(len(inside)))


def _places(value: Any) -> Any:
    for key in _keys(value) if isinstance(value, dict | list) else ():
        yield value, key
        yield from _places(value[key])


def of_safetensors(content: bytes, rng: Random) -> bytes:
    """The header changed as JSON, or the record in it, with a length that fits; the data may be cut or longer."""
    size = int.from_bytes(content[:8], "little")
    header, data = json.loads(content[8 : 8 + size]), content[8 + size :]
    texts = [name for name, text in header.get("__metadata__", {}).items() if text.startswith("{")]
    if texts and rng.random() < 0.9:
        name = rng.choice(texts)
        record = of_value(json.loads(header["__metadata__"][name]), rng)
        header["__metadata__"][name] = dumped(record).decode("utf-8", "surrogatepass")
    elif rng.random() < 0.25 and data:
        at = rng.randrange(len(data))
        piece = rng.choice([*BYTES, b"\x01\x00\xa0\x7f", b"\x00\x00\x80\x7f", b"\x00\x7e\x00\xfe"])
        data = data[:at] + piece * rng.choice([1, 1, 50]) + data[at + 8 :]
        data = (data + bytes(400))[: len(content) - 8 - size]
    else:
        header = of_value(header, rng)
    text = dumped(header)
    length = len(text) if rng.random() < 0.95 else rng.choice([0, 1, len(text) + 1, 2**31, 2**63, 2**64 - 1])
    return length.to_bytes(8, "little") + text + data


def of_sealed(content: bytes, rng: Random) -> bytes:
    """A record changed and, mostly, sealed again."""
    found = of_value(json.loads(content), rng)
    if isinstance(found, dict) and "digest" in found and rng.random() < 0.9:
        try:
            found["digest"] = digest(found, without=("digest",))
        except (ValueError, RecursionError):
            return dumped(found)
    try:
        from verify.base import canonical

        return canonical(found) + b"\n"
    except (ValueError, RecursionError):
        return dumped(found)


def of_envelope(content: bytes, rng: Random) -> bytes:
    """An envelope changed, or the statement in it."""
    if rng.random() < 0.4:
        return of_json(content, rng)
    found = json.loads(content)
    found["payload"] = base64.b64encode(of_json(base64.b64decode(found["payload"]), rng)).decode()
    return dumped(found)


def of_archive(content: bytes, rng: Random) -> bytes:
    """An archive of torch.save with a changed pickle, or changed entries."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = [(name, archive.read(name)) for name in archive.namelist()]
    at = next(i for i, (name, _) in enumerate(entries) if name.endswith("data.pkl"))
    if rng.random() < 0.8:
        entries[at] = entries[at][0], of_pickle(entries[at][1], rng)
    else:
        at = rng.randrange(len(entries))
        match rng.randint(0, 3):
            case 0:
                entries.append(entries[at])
            case 1:
                entries[at] = rng.choice(["", "/x", "../x", "x\\y", "archive/data/9", "\x1b"]), entries[at][1]
            case 2:
                del entries[at]
            case _:
                entries[at] = entries[at][0], of_bytes(entries[at][1], rng)
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", rng.choice([0, 0, 0, 8])) as archive:
        warnings.simplefilter("ignore")  # of a name that is given twice
        for name, entry in entries:
            archive.writestr(zipfile.ZipInfo(name), entry)
    return buffer.getvalue()


_PLAIN = b"().]}0123abceghijlopqrstuBCGIJKLMNPQRSTUVX"
OPCODES = [bytes([code]) for code in (*_PLAIN, *range(0x80, 0x96))]
"""Opcodes of pickles, most of which torch never writes."""


def of_pickle(content: bytes, rng: Random) -> bytes:
    """A pickle with opcodes put in, taken out and replaced, or bytes."""
    found = bytearray(content)
    for _ in range(rng.choice(_TIMES)):
        at = rng.randrange(len(found)) if found else 0
        match rng.randint(0, 3):
            case 0:
                found[at:at] = rng.choice(OPCODES)
            case 1:
                found[at : at + 1] = rng.choice(OPCODES)
            case 2:
                del found[at : at + rng.randint(1, 3)]
            case _:
                return of_bytes(bytes(found), rng)
    return bytes(found)


def dumped(value: Any) -> bytes:
    """A value as JSON, lone surrogates as their escapes."""
    return json.dumps(value).encode()


FORMS: dict[str, Callable[[bytes, Random], bytes]] = {
    "bytes": of_bytes,
    "lines": of_lines,
    "json": of_json,
    "safetensors": of_safetensors,
    "sealed": of_sealed,
    "envelope": of_envelope,
    "archive": of_archive,
    "pickle": of_pickle,
}
"""Changes by the form of a file."""
