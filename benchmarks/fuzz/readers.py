"""The readers: a few sound files for each, small and the same at every run, and what is done with a changed one."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from tests.test_checkpoint_vocabulary import piece, tekken
from verify import fingerprint, replay, screen, test_lineage
from verify.base import InputError
from verify.checkpoint import Checkpoint, Location, open_checkpoint
from verify.fingerprint import Fingerprint

CREATED = "2026-01-31T12:00:00+00:00"
_ROOT = Path(__file__).parents[2]


class Seed(NamedTuple):
    """A sound file."""

    form: str
    """Its form, a key of ``change.FORMS``."""
    content: bytes
    read: Callable[[bytes], object]
    """Reads a file of these bytes in its place."""


Made = Callable[[Path], Iterator[Seed]]
READERS: dict[str, Made] = {}
"""Makers of sound files in an empty folder, by the name of the reader."""


def reader(name: str) -> Callable[[Made], Made]:
    """Register a reader."""

    def kept(made: Made) -> Made:
        READERS[name] = made
        return made

    return kept


def taken(checkpoint: Checkpoint) -> None:
    """Everything that a checkpoint gives."""
    for part in (checkpoint, *checkpoint.further()):
        for layer in (None, *range(part.architecture.layers)):
            for key in part.keys(layer):
                part.read(*key)
        part.vocabulary()
    for names in checkpoint.strange.values():
        for name in names:
            for _ in checkpoint.raw_blocks(name):
                pass
    checkpoint.files(read=False)
    _ = checkpoint.declared_bases, checkpoint.declared_relation


def _file(path: Path, read: Callable[[], object], content: bytes) -> object:
    path.write_bytes(content)
    return read()


def _model(folder: Path, file: str, form: str, whole: bool = False, **options: Any) -> Seed:
    """A file of a model, which is opened and read, or fingerprinted."""
    path = folder / file
    location = Location(str(folder), **options)

    def read() -> None:
        taken(open_checkpoint(location))
        if whole:
            fingerprint(location)

    return Seed(form, path.read_bytes(), partial(_file, path, read))


def _copied(folder: Path, name: str, made: Callable[[Path], object]) -> Path:
    """A folder of its own for a seed, so that one changed file lies among sound ones."""
    place = folder / name
    made(place)
    return place


@reader("safetensors")
def _safetensors(folder: Path) -> Iterator[Seed]:
    from tests.checkpoints import toy, write_checkpoint

    for family in ("llama", "gpt2", "qwen2_moe", "bert"):
        place = _copied(folder, family, lambda place, family=family: write_checkpoint(place, toy(family)))
        yield _model(place, "model.safetensors", "safetensors", whole=family == "llama")


@reader("index")
def _index(folder: Path) -> Iterator[Seed]:
    from tests.checkpoints import toy, write_checkpoint

    write_checkpoint(folder / "m", toy(), shards=2)
    yield _model(folder / "m", "model.safetensors.index.json", "json")


@reader("config")
def _config(folder: Path) -> Iterator[Seed]:
    from tests.checkpoints import FAMILY_NAMES, toy, write_checkpoint

    for family in FAMILY_NAMES:
        place = _copied(folder, family, lambda place, family=family: write_checkpoint(place, toy(family)))
        yield _model(place, "config.json", "json", whole=family == "qwen3")


@reader("tokenizer")
def _tokenizer(folder: Path) -> Iterator[Seed]:
    from tests.checkpoints import toy, write_checkpoint

    words = ["the", "\u0120a", "\u2581b", "<0x0A>", "<unk>", "[unused1]", "<|reserved_special_token_1|>", "##x"]
    vocab = {word: number for number, word in enumerate(words)}
    added = [{"id": 9, "content": "<extra_id_0>", "special": True}]
    bpe = {"model": {"type": "BPE", "vocab": vocab, "merges": []}, "added_tokens": added}
    lines = b"".join(base64.b64encode(token) + b" %d\n" % i for i, token in enumerate((b"!", b" the", b"\xff\n")))
    pieces = [piece(b"<unk>", 2), piece(b"<s>", 3), piece(b"<0x0A>", 6), piece("\u2581the".encode()), piece(b"a", 4)]
    unigram = {"model": {"type": "Unigram", "vocab": [[word, -1.0] for word in words]}, "added_tokens": added}
    beside = {"added_tokens_decoder": {"9": {"content": "<extra_id_0>"}}}
    for name, form, content in (
        ("tokenizer.json", "json", json.dumps(bpe).encode()),
        ("tokenizer.json", "json", json.dumps(bpe | {"pre_tokenizer": {"type": "ByteLevel"}}).encode()),
        ("tokenizer.json", "json", json.dumps(unigram).encode()),
        ("vocab.json", "json", json.dumps(vocab).encode()),
        ("vocab.txt", "lines", "\n".join(words).encode()),
        ("tokenizer_config.json", "json", json.dumps(beside).encode()),
        ("added_tokens.json", "json", b'{"<extra_id_0>": 9}'),
        ("tekken.json", "json", tekken([b"a", b"b", b"ab"], default_num_special_tokens=3, default_vocab_size=5)),
        ("tokenizer.model", "bytes", b"".join(pieces)),
        ("tokenizer.model", "lines", lines),
        ("qwen.tiktoken", "lines", lines),
    ):
        place = folder / f"{len(list(folder.iterdir()))}"
        write_checkpoint(place, toy())
        if name in ("tokenizer_config.json", "added_tokens.json"):
            (place / "vocab.json").write_text(json.dumps(vocab))
        (place / name).write_bytes(content)
        yield _model(place, name, form)


@reader("ranks")
def _ranks(folder: Path) -> Iterator[Seed]:
    """Ranks of tensor parallelism: what config.json says of them, and one of several."""
    from tests.test_ranks import model, ranks, write

    for number, options in ((2, {"biased": True}), (4, {"normed": True}), (1, {"tied": True}), (8, {"kv_heads": 8})):
        toy = model(**options)
        place = write(folder / f"{number}", ranks(toy, number), toy.config)
        yield _model(place, "config.json", "json", whole=number == 2)
        place = write(folder / f"{number}-file", ranks(toy, number), toy.config)
        yield _model(place, f"model-rank-{number - 1}-part-0.safetensors", "safetensors")


@reader("state spaces")
def _state_spaces(folder: Path) -> Iterator[Seed]:
    """Mamba and its hybrids: their sizes are read from settings, from decays and from each other."""
    from tests.architectures import models
    from tests.architectures import write as write_type
    from tests.checkpoints import write_checkpoint
    from tests.hybrids import mamba, mamba2, nemotron_h

    for toy in (mamba(), mamba2(), nemotron_h()):
        name = str(toy.config["model_type"])
        place = _copied(folder, name, lambda place, toy=toy: write_checkpoint(place, toy))
        yield _model(place, "model.safetensors", "safetensors", whole=name == "mamba2")
    known = models()
    for name in ("mamba2", "jamba", "zamba2", "granitemoehybrid", "bamba", "falcon_h1", "nemotron_h", "falcon_mamba"):
        place = write_type(folder / f"type-{name}", known[f"{name} hub"])
        yield _model(place, "config.json", "json")


@reader("adapter")
def _adapter(folder: Path) -> Iterator[Seed]:
    from tests.adapters import adapter, change
    from tests.checkpoints import toy, write_checkpoint

    model = toy()
    write_checkpoint(folder / "base", model)
    matrices = [name for name, x in model.tensors.items() if "layers.0" in name and x.ndim == 2][:3]
    tensors: dict[str, Any] = {}
    for name in matrices:
        tensors |= change(name.removesuffix(".weight"), *model.tensors[name].shape, rank=4)
    for merged in (True, False):
        for file, form in (("adapter_config.json", "json"), ("adapter_model.safetensors", "safetensors")):
            place = folder / f"{file}-{merged}"
            adapter(place, tensors, r=4, rank_pattern={"q_proj": 4}, alpha_pattern={"k_proj": 4})
            yield _model(place, file, form, base=str(folder / "base") if merged else None)


@reader("layout")
def _layout(folder: Path) -> Iterator[Seed]:
    from tests.checkpoints import toy, write_checkpoint
    from tests.test_layout_file import UP

    write_checkpoint(folder / "m", toy())
    path = folder / "my.toml"
    drafted = open_checkpoint(str(folder / "m"))  # warms the tables up
    del drafted
    text = (
        'name = "mine"\nprefix = "model."\nnorm = "rms"\npositions = "rotary"\nrotary = "half"\nrotary_size = 4\n'
        'outside = ["*.inv_freq"]\n[globals]\nembed = "embed_tokens.weight"\nnorm_final = "norm.weight"\n[layer]\n'
        'q = "layers.{i}.self_attn.q_proj.weight"\nk = "layers.{i}.self_attn.k_proj.weight"\n'
        'v = "layers.{i}.self_attn.v_proj.weight"\no = "layers.{i}.self_attn.o_proj.weight"\n'
        'gate = "layers.{i}.mlp.gate_proj.weight"\nup = {name = "layers.{i}.mlp.up_proj.weight", part = [0, 1]}\n'
        'down = "layers.{i}.mlp.down_proj.weight"\nnorm_attn = "layers.{i}.input_layernorm.weight"\n'
        'norm_mlp = "layers.{i}.post_attention_layernorm.weight"\n[config]\nnum_attention_heads = 4\n'
    )
    for content in (text, 'name = "m"\n[layer]\n' + UP):
        read = partial(_file, path, lambda: taken(open_checkpoint(Location(str(folder / "m"), layout=path))))
        yield Seed("lines", content.encode(), read)


@reader("gguf")
def _gguf(folder: Path) -> Iterator[Seed]:
    from tests.checkpoints import toy
    from tests.converted import Kind, converted, write_gguf

    for number, (family, architecture, kind) in enumerate(
        (("llama", "llama", Kind.F32), ("gpt2", "gpt2", Kind.F16), ("llama", "llama", Kind.Q8_0))
    ):
        path = folder / f"{number}.gguf"
        tokens = [f"t{n}" for n in range(30)]
        write_gguf(path, converted(toy(family), architecture), architecture, toy(family).config, kind, tokens)
        read = partial(_file, path, lambda path=path: taken(open_checkpoint(path)))
        yield Seed("bytes", path.read_bytes(), read)


@reader("onnx")
def _onnx(folder: Path) -> Iterator[Seed]:
    from tests.checkpoints import toy
    from tests.converted import export, write_onnx

    for family, style in (
        ("bert", "onnxruntime"),
        ("bert", "torchscript"),
        ("gpt2", "torchscript"),
        ("llama", "onnxruntime"),
    ):
        place = folder / f"{family}-{style}"
        write_onnx(place, export(toy(family), style).model(), toy(family).config)
        yield _model(place, "model.onnx", "bytes")


@reader("torch, zip")
def _torch(folder: Path) -> Iterator[Seed]:
    from tests.checkpoints import toy
    from tests.torch_files import saved

    place = folder / "m"
    place.mkdir()
    (place / "config.json").write_text(json.dumps(toy().config))
    (place / "pytorch_model.bin").write_bytes(saved(toy().tensors))
    yield _model(place, "pytorch_model.bin", "archive")
    for name in ("views.pt", "views_protocol_5.pt", "training.ckpt"):
        yield _of_torch(folder, name, "archive")


@reader("torch, before 1.6")
def _torch_before(folder: Path) -> Iterator[Seed]:
    for name in ("views_before_1_6.pt", "training_before_1_6.ckpt"):
        yield _of_torch(folder, name, "pickle")


def _of_torch(folder: Path, name: str, form: str) -> Seed:
    from verify.checkpoint.formats.torch_file import contents
    from verify.checkpoint.places.place import LocalFile

    path = folder / name

    def read() -> None:
        for tensor in contents(LocalFile(path)).tensors.values():
            for _ in tensor.iter_bytes():
                pass

    return Seed(form, (_ROOT / "tests" / "torch_saved" / name).read_bytes(), partial(_file, path, read))


@reader("quantised")
def _quantised(folder: Path) -> Iterator[Seed]:
    saved = _ROOT / "tests" / "quantised_saved"
    said = json.loads((saved / "said.json").read_text("utf-8"))
    for name in said:
        yield from _encoded(folder / f"{name}.safetensors", (saved / f"{name}.safetensors").read_bytes(), said[name])


@reader("codebooks and tiles")
def _codebooks_and_tiles(folder: Path) -> Iterator[Seed]:
    """VPTQ and Marlin, whose shapes follow from settings."""
    import numpy as np

    from tests.encoders import stored
    from tests.newest_encoders import marlin, vptq

    w = np.random.default_rng(0).standard_normal((32, 64)).astype(np.float32)
    for number, made in enumerate(
        (
            *(vptq(w), vptq(w, rest=16), vptq(w, books=2, norm=False), vptq(w, aside=4, rest=8, perm=False)),
            *(marlin(w, 1), marlin(w, 4)),
        )
    ):
        path = folder / f"{number}.safetensors"
        yield from _encoded(path, stored(path, made).read_bytes(), {"config": made.config})


def _encoded(path: Path, sound: bytes, said: dict[str, Any]) -> Iterator[Seed]:
    """Quantised matrices: their file changed, and then what config.json says of them."""
    from verify.checkpoint.formats.quantised import dequantised
    from verify.checkpoint.formats.safetensors_file import contents
    from verify.checkpoint.places.place import LocalFile

    def read(config: dict[str, Any] = said["config"]) -> None:
        for tensor in dequantised(contents(LocalFile(path)).tensors, config).values():
            tensor.read()

    def settings(content: bytes) -> None:
        try:
            config = json.loads(content)
        except (ValueError, RecursionError):
            return
        if isinstance(config, dict):
            path.write_bytes(sound)
            read(config)

    yield Seed("safetensors", sound, partial(_file, path, read))
    yield Seed("json", json.dumps(said["config"]).encode(), settings)


@reader("card")
def _card(folder: Path) -> Iterator[Seed]:
    from tests.checkpoints import toy, write_checkpoint

    text = '---\nlicense: mit\nbase_model:\n- org/base\n- "org/other" # x\nbase_model_relation: merge\n---\n# Card\n'
    write_checkpoint(folder / "m", toy(), files={"README.md": text})
    yield _model(folder / "m", "README.md", "lines")


@reader("recipe")
def _recipe(folder: Path) -> Iterator[Seed]:
    from tests.panels import RECIPE, toml
    from verify.panel.recipe import Recipe

    entries = "".join(f"- model: {name}\n  family: {name}\n  licence: MIT\n" for name in ("a", "b", "c"))
    text = toml(RECIPE) + '[[member]]\nmodel = "x/{n}"\neach = {n = ["1", "2"]}\nfamily = "f"\nlicence = "MIT"\n'
    for name, content in (
        ("a.toml", toml(RECIPE)),
        ("b.toml", text),
        ("a.yaml", f"name: t\nversion: '1'\nmember:\n{entries}"),
    ):
        path = folder / name
        yield Seed("lines", content.encode(), partial(_file, path, lambda path=path: Recipe.read(path)))


def _fingerprints(count: int = 2) -> list[Fingerprint]:
    """Fingerprints of random numbers, the same at every run."""
    import numpy as np

    from tests.strategies import architecture, random_fingerprint

    rng = np.random.default_rng(0)
    return [random_fingerprint(rng, architecture(layers=2), name=f"m{n}") for n in range(count)]


@reader("fingerprint")
def _fingerprint(folder: Path) -> Iterator[Seed]:
    a, b = _fingerprints()
    path = folder / "a.safetensors"

    def read() -> None:
        test_lineage(Fingerprint.load(path), b, created=CREATED)

    yield Seed("safetensors", a.to_bytes(), partial(_file, path, read))  # as before arrays were bound to records
    yield Seed("safetensors", a.sealed().to_bytes(), partial(_file, path, read))


def _reported() -> bytes:
    a, b = _fingerprints()
    return test_lineage(a, b, created=CREATED).to_json().encode() + b"\n"


@reader("report")
def _report(folder: Path) -> Iterator[Seed]:
    path = folder / "report.json"

    def read() -> None:
        from verify import ClaimReport

        report = ClaimReport.from_json(path)
        for form in ("md", "html", "tex", "sarif"):
            report.to(form)
        replay(path)

    for name in ("related", "obfuscated"):
        content = (_ROOT / "examples" / "reports" / name / "report.json").read_bytes()
        yield Seed("sealed", content, partial(_file, path, read))
    yield Seed("sealed", _reported(), partial(_file, path, read))
    for file in sorted((_ROOT / "tests" / "older").glob("*.json"))[:3]:
        yield Seed("json", file.read_bytes(), partial(_file, path, lambda: replay(path)))


@reader("reports of weights")
def _of_weights(folder: Path) -> Iterator[Seed]:
    """Shares, changes of a base, a derivation, and two fine-tunes beyond their base; replayed and rendered."""
    import numpy as np

    from tests.models import config, weights, write
    from verify import beyond, derivation, share
    from verify.derivations.reading import opened

    c = config(layers=1, width=32, hidden=64, heads=4, kv_heads=2, vocab=100)
    base, other = weights(1, c), weights(2, c)
    rng = np.random.default_rng(0)

    steps = [{name: 0.03 * rng.standard_normal(x.shape) for name, x in base.items()} for _ in range(5)]

    def tuned(*of: int) -> dict[str, Any]:
        return {name: (x + sum(steps[k][name] for k in of)).astype(np.float32) for name, x in base.items()}

    made = {
        "base": base,
        "other": other,
        "one": tuned(0),
        "two": tuned(1),
        "merge": tuned(0, 1),
        "half": {name: (x / 2 + other[name] / 2).astype(np.float32) for name, x in base.items()},
        "pruned": {name: np.where(np.abs(x) < 0.05, 0, x) for name, x in base.items()},
        **{f"sibling-{k}": tuned(k) for k in (2, 3, 4)},
    }
    path = {name: write(folder / name, tensors, c) for name, tensors in made.items()}
    siblings = {"prose": [path[f"sibling-{k}"] for k in (2, 3, 4)]}
    of_weights = (
        share(path["half"], [path["base"], path["other"]], created=CREATED),
        share(path["merge"], [path["one"], path["two"]], base=path["base"], created=CREATED),
        derivation(path["base"], path["half"], path["other"], created=CREATED),
        derivation(path["base"], path["pruned"], created=CREATED),
        beyond(path["one"], path["merge"], path["base"], siblings, alpha=0.5, created=CREATED),
    )
    file = folder / "report.json"

    def read() -> None:
        report = opened(file)
        for form in ("md", "html", "tex"):
            report.to(form)
        _ = report.answer, repr(report)
        replay(file)

    for report in of_weights:
        yield Seed("sealed", report.to_json().encode() + b"\n", partial(_file, file, read))


@reader("calibration")
def _calibration(folder: Path) -> Iterator[Seed]:
    from tests.calibrations import alike, report, rows_of
    from verify.shares.reading import opened

    path = folder / "report.json"
    content = report(rows_of(alike(8))).to_json().encode() + b"\n"

    def read() -> None:
        opened(path).to("md")
        replay(path)

    yield Seed("sealed", content, partial(_file, path, read))


@reader("scores")
def _scores(folder: Path) -> Iterator[Seed]:
    from tests.calibrations import A, B, alike, rows_of
    from verify import calibrate

    path = folder / "scores.csv"
    text = "a,b,score\n" + "".join(f"{a},{b},{s!r}\n" for a, b, s in rows_of(alike(6)))
    yield Seed(
        "lines", text.encode(), partial(_file, path, lambda: calibrate(path, (A, B), alpha=0.2, created=CREATED))
    )


@reader("envelope")
def _envelope(folder: Path) -> Iterator[Seed]:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from verify import ClaimReport
    from verify.claim.signature import sign, verify_signature
    from verify.fingerprint import signature as of_fingerprints

    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (folder / "r.json").write_bytes(_reported())
    envelope = sign(ClaimReport.from_json(folder / "r.json"), private)
    yield Seed("envelope", envelope, lambda content: verify_signature(content, public))
    yield Seed("lines", public, lambda content: verify_signature(envelope, content))
    yield Seed("lines", private, lambda content: sign(ClaimReport.from_json(folder / "r.json"), content))
    one = _fingerprints(1)[0].sealed()
    path, signer, beside = folder / "a.safetensors", folder / "key.pub", folder / "a.safetensors.dsse"
    signer.write_bytes(public)
    held = of_fingerprints.sign(one, private)
    sound = {path: one.to_bytes(), signer: public, beside: held}

    def put(content: bytes, changed: Path) -> None:
        for file, before in sound.items():
            file.write_bytes(content if file == changed else before)
        Fingerprint.load(path, signer=signer)

    yield Seed("envelope", held, lambda content: of_fingerprints.verify_signature(content, public, one))
    yield Seed("envelope", held, partial(put, changed=beside))
    yield Seed("lines", public, partial(put, changed=signer))
    yield Seed("safetensors", sound[path], partial(put, changed=path))


@reader("panel")
def _panel(folder: Path) -> Iterator[Seed]:
    from tests.panels import panel_of
    from verify.panel import Panel

    a, b, *members = _fingerprints(6)
    panel_of(members, scored=True).save(folder / "p")

    def read() -> None:
        test_lineage(a, b, panel=Panel.load(folder / "p"), created=CREATED)

    for file in sorted((folder / "p").rglob("*")):
        if file.is_file():
            form = {".json": "sealed", ".safetensors": "safetensors"}.get(file.suffix, "bytes")
            sound = file.read_bytes()

            def put(content: bytes, file: Path = file, sound: bytes = sound) -> None:
                try:
                    _file(file, read, content)
                finally:
                    file.write_bytes(sound)

            yield Seed(form, sound, put)


@reader("screen")
def _screen(folder: Path) -> Iterator[Seed]:
    models, out = _fingerprints(3), folder / "out"
    wanted = screen(models, folder=out).to_json()

    def read(forged: bool) -> None:
        if screen(models, folder=out).to_json() != wanted and not forged:
            raise AssertionError("what was damaged changed a result")

    for file in sorted((out / ".work").rglob("*")):
        if file.is_file() and file.stat().st_size < 200_000:
            form = {".json": "json", ".safetensors": "safetensors"}.get(file.suffix, "bytes")
            sound = file.read_bytes()

            def put(content: bytes, file: Path = file, sound: bytes = sound, forged: bool = False) -> None:
                name = f"{file.name.partition('-')[0]}-{sha256(content).hexdigest()}.json" if forged else file.name
                file.unlink(missing_ok=True)
                try:
                    _file(file.with_name(name), partial(read, forged), content)
                finally:
                    file.with_name(name).unlink(missing_ok=True)
                    file.write_bytes(sound)

            yield Seed(form, sound, put)
            if form == "json":  # named by its content, so that only what it says can be wrong
                yield Seed(form, sound, partial(put, forged=True))


@reader("library")
def _library(folder: Path) -> Iterator[Seed]:
    """A changed fingerprint among sound ones, the listing of a server with some, and a list of models."""
    from verify import identify
    from verify.checkpoint.places import web
    from verify.checkpoint.places.http import Reply
    from verify.cli.listed import listed_models
    from verify.screen.library import file_name, fingerprints_of

    one, *known = [made.sealed() for made in _fingerprints(3)]
    content = {f"{made.record.name}.safetensors": made.to_bytes() for made in known}
    for name, held in content.items():
        (folder / name).write_bytes(held)

    def identified() -> None:
        for out in identify(one, folder).record.left_out:
            if "verify's own" in out.reason:
                raise AssertionError(out.reason)

    for name, held in content.items():

        def put(changed: bytes, name: str = name, held: bytes = held) -> None:
            try:
                _file(folder / name, identified, changed)
            finally:
                (folder / name).write_bytes(held)

        yield Seed("safetensors", held, put)

    def answer(url: str, headers: dict[str, str], _: int, listing: bytes = b"") -> Reply:
        if url.endswith("/"):
            return Reply(200, {"content-type": "text/html"}, listing)
        start, stop = map(int, headers["range"].removeprefix("bytes=").split("-"))
        held = content["m1.safetensors"]
        said = {"content-range": f"bytes {start}-{min(stop, len(held) - 1)}/{len(held)}"}
        return Reply(206, said, held[start : stop + 1])

    def listed(changed: bytes) -> None:
        before, web.get = web.get, partial(answer, listing=changed)
        try:
            fingerprints_of(Location("https://host/library/"), folder / "work", lambda *_: None)
        finally:
            web.get = before
            shutil.rmtree(folder / "work", ignore_errors=True)

    links = "\n".join(
        f'<a href="{name}">{name}</a>'
        for name in ("a.safetensors", "b%20c.safetensors", "../d.safetensors", "/library/e.safetensors", "f.txt")
    )
    yield Seed("lines", links.encode(), listed)
    yield Seed("bytes", links.encode(), listed)
    path = folder / "list.txt"

    def names() -> None:
        for text in listed_models([f"@{path}"]):
            assert len(os.fsencode(file_name(Location(text)))) < 255

    yield Seed(
        "lines", b"# known\norg/model\nhf://org/other@v1\nm1.safetensors\n  \n../x\n", partial(_file, path, names)
    )


@reader("options")
def _options(folder: Path) -> Iterator[Seed]:
    """``--config``: the run itself fails at a model that is not there."""
    import click

    from verify.cli.app import cli

    path = folder / "run.toml"

    def read() -> None:
        try:
            with open(os.devnull, "w") as nothing:  # noqa: PTH123
                import contextlib

                with contextlib.redirect_stdout(nothing), contextlib.redirect_stderr(nothing):
                    cli(
                        ["lineage", str(folder / "a"), str(folder / "b"), "--config", str(path)],
                        standalone_mode=False,
                    )
        except click.ClickException as error:
            raise InputError(error.format_message()) from error

    text = '[lineage]\nalpha = 0.01\neffort = "full"\nworkers = 1\nformat = ["md"]\nquiet = true\n'
    yield Seed("lines", text.encode(), partial(_file, path, read))


@reader("answers of servers")
def _answers(_: Path) -> Iterator[Seed]:
    from verify.checkpoint.places.http import Reply, content_range, joined, retry_after, size_of, split, validator
    from verify.checkpoint.places.hub_api import listing

    hub = {"sha": "0" * 40, "siblings": [{"rfilename": "a.safetensors", "size": 9, "lfs": {"sha256": "1" * 64}}]}

    def listed(content: bytes) -> None:
        try:
            said = json.loads(content)
        except (ValueError, RecursionError):
            return
        if isinstance(said, dict):
            listing(said, "org/model")

    def heads(content: bytes) -> None:
        lines = content.decode("latin-1").split("\n")
        headers = {name.lower().strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        reply = Reply(206, headers, b"x")
        _ = content_range(headers), size_of(reply), size_of(reply._replace(status=200)), retry_after(headers)
        _ = validator(headers), joined("https://host/folder/", headers.get("location", ""))
        split(headers.get("location", "https://host/"))

    text = (
        b'Content-Range: bytes 0-0/12\nETag: "x"\nRetry-After: Mon, 01 Jan 2027 00:00:00 GMT\n'
        b"Location: https://[::1]:8080/a?b\nContent-Length: 12\nRateLimit: r; t=10\n"
    )
    yield Seed("json", json.dumps(hub).encode(), listed)
    yield Seed("lines", text, heads)


def made(name: str, folder: Path) -> list[Seed]:
    """The sound files of a reader, in an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return list(READERS[name](folder))
