"""Faults of directories in Marian's own formats: .bin, .npz, .yml, .spm and the lexical shortlist."""
import io
import struct
import zipfile

from bad_models_case import Case, put
from model_files import (FLOAT32, INTGEMM8, MARIAN_YAML, count_pieces, marian_binary, marian_items, marian_npz, marian_tensors,
                         npy, shortlist)

MODEL, CONFIG, WORDS, LEX = "model.bin", "config.yml", "vocab.spm", "lex.50.50.s2t.bin"
GOOD_CONFIG = f"relative-paths: true\nmodels:\n  - {MODEL}\nvocabs:\n  - {WORDS}\n  - {WORDS}\nshortlist:\n  - {LEX}\n  - false\n" \
              "beam-size: 1\nnormalize: 1.0\nword-penalty: 0\nmax-length-factor: 2.5\n"


class Marian:
    """A small good model; `write` puts it into a folder with some files replaced (None: left out)."""

    def __init__(self, base):
        self.base = base
        self.pieces = (base / "spm.model").read_bytes()
        self.vocabulary = count_pieces(base / "spm.model")
        self.yaml = MARIAN_YAML.format(vocabulary=self.vocabulary)
        self.tensors = marian_tensors(self.vocabulary)
        self.items = marian_items(self.tensors, self.yaml)
        self.offsets = [min(i, 20) for i in range(self.vocabulary + 1)]
        self.files = {MODEL: marian_binary(self.items), CONFIG: GOOD_CONFIG, WORDS: self.pieces,
                      LEX: shortlist(self.offsets, list(range(20)))}

    def case(self, name, code, said, **files):
        """`files`: model, config, words, lex: their content instead; other: {name: content}."""
        changed = {**self.files, **files.pop("other", {})}
        changed.update({{"model": MODEL, "config": CONFIG, "words": WORDS, "lex": LEX}[key]: content
                        for key, content in files.items()})

        def edit(folder):
            for file in list(folder.iterdir()):
                file.unlink()
            for file, content in changed.items():
                if content is not None:
                    put(folder, file, content)
        return Case(f"native/{name}", self.base, edit, code, said)

    def replaced(self, name, item):
        return [item if old[0] == name else old for old in self.items]

    def item(self, name):
        return next(list(item) for item in self.items if item[0] == name)


def tensor_cases(marian):
    for name, _, shape, data in marian.items[:-1]:
        def case(fault, items, tensor=name):
            return marian.case(f"{tensor} {fault}", "corrupt", (MODEL, tensor), model=marian_binary(items))
        yield case("missing", [item for item in marian.items if item[0] != name])
        yield case("turned round", marian.replaced(name, [name, FLOAT32, [shape[1] + 1, shape[0] + 1], bytes(
            4 * (shape[0] + 1) * (shape[1] + 1))]))
        yield case("NaN", marian.replaced(name, [name, FLOAT32, shape, data[:-4] + struct.pack("<f", float("nan"))]))
        yield case("of int32", marian.replaced(name, [name, 0x0104, shape, data]))
    yield marian.case("a tensor more", "corrupt", (MODEL, "decoder_l2_ffn_W1"),
                      model=marian_binary(marian.items + [["decoder_l2_ffn_W1", FLOAT32, [1, 1], bytes(4)]]))
    yield marian.case("a tensor twice", "corrupt", (MODEL, "Wemb"), model=marian_binary(marian.items + [marian.item("Wemb")]))
    name, _, shape, data = marian.item("encoder_l1_ffn_W1")
    count = len(data) // 4
    for fault, stored in {"-128": bytes([128]) * count + struct.pack("<f", 20), "multiplier 0": bytes(count + 4),
                          "multiplier NaN": bytes(count) + struct.pack("<f", float("nan")), "no multiplier": bytes(count)}.items():
        yield marian.case(f"intgemm8 {fault}", "corrupt", (MODEL, name),
                          model=marian_binary(marian.replaced(name, [name, INTGEMM8, shape, stored])))
    for kind, code in {0x0802: "unsupported", 0x1801: "unsupported", 0x2801: "unsupported", 0x9999: "corrupt"}.items():
        yield marian.case(f"type {kind:#x}", code, (MODEL, name),
                          model=marian_binary(marian.replaced(name, [name, kind, shape, data])))
    for fault, value in {"zero": 0.0, "NaN": float("nan"), "negative": -1.0}.items():
        alpha = ["encoder_l1_ffn_W1_QuantMultA", FLOAT32, [1, 1], struct.pack("<f", value)]
        yield marian.case(f"alpha {fault}", "corrupt", (MODEL, alpha[0]), model=marian_binary(marian.items + [alpha]))


def container_cases(marian):
    raw = marian.files[MODEL]

    def case(name, content, code="corrupt", words=(MODEL,)):
        return marian.case(f"container {name}", code, words, model=content)

    yield case("empty", b"")
    for length in (4, 8, 15, 16, 40, 500, len(raw) - 1):
        yield case(f"cut at {length}", raw[:length])
    yield case("with a byte behind", raw + b"\0")
    yield case("version 2", marian_binary(marian.items, version=2), "unsupported")
    for count in (len(marian.items) + 1, 1 << 20, 1 << 40, (1 << 64) - 1):
        yield case(f"count {count}", marian_binary(marian.items, count=count), None)
    yield case("count 0", marian_binary([], count=0))
    yield case("without yml", marian_binary(marian.items[:-1]), words=(MODEL, "special:model.yml"))
    for offset, what in ((16, "name length"), (32, "rank"), (40, "data length")):
        for value in (0, 1 << 31, 1 << 63, (1 << 64) - 1):
            yield case(f"{what} {value}", raw[:offset] + struct.pack("<Q", value) + raw[offset + 8:], None)
    name, _, _, data = marian.item("Wemb")
    for shape in ([-1, 8], [1 << 30, 1 << 30], [0, 8], [1] * 20):
        yield case(f"shape {shape[:3]}", marian_binary(marian.replaced(name, [name, FLOAT32, shape, data])))
    yield case("padding past the end", marian_binary(marian.items)[:-1], words=(MODEL,))
    yield marian.case("model is missing", "not_found", ("*.bin",), model=None)


def npz_cases(marian):
    archive = marian_npz(marian.items)

    def case(name, content, code="corrupt"):
        return marian.case(f"npz {name}", code, ("model.npz",) if code != "ok" else (), model=None, config=None,
                           other={"model.npz": content})

    def with_array(content):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as target:
            for name, kind, shape, data in marian.items:
                target.writestr(name + ".npy", content if name == "Wemb" else
                                npy("|i1" if kind != FLOAT32 else "<f4", tuple(shape), data))
        return out.getvalue()

    yield case("good", archive, "ok")
    yield case("empty", b"")
    for length in (3, 30, 1000, len(archive) - 30, len(archive) - 1):
        yield case(f"cut at {length}", archive[:length])
    yield case("not a zip", b"{}" * 100)
    shape = tuple(marian.item("Wemb")[2])
    data = marian.item("Wemb")[3]
    good = npy("<f4", shape, data)
    yield case("array of objects", with_array(npy("|O", shape, data)), "unsupported")
    yield case("array big-endian", with_array(npy(">f4", shape, data)), "unsupported")
    yield case("array without magic", with_array(b"NUMPY" + good))
    yield case("array cut", with_array(good[:-1]))
    yield case("array with more", with_array(good + bytes(4)))
    yield case("array shape lies", with_array(npy("<f4", (shape[0] * 2, shape[1]), data)))
    yield case("array shape overflows", with_array(npy("<f4", (1 << 40, 1 << 40), data)))
    yield case("array header is code", with_array(npy("<f4' + __import__('os').name + '", shape, data)))
    flipped = bytearray(archive)
    flipped[200] ^= 1
    yield case("checksum wrong", bytes(flipped))


def yaml_cases(marian):
    def case(name, old, new, code, *words):
        text = marian.yaml.replace(old, new)
        assert text != marian.yaml, name
        return marian.case(f"model.yml {name}", code, (MODEL, *words), model=marian_binary(marian_items(marian.tensors, text)))

    for key, value in {"enc-depth": "1", "dec-depth": "1", "dim-emb": "8", "transformer-heads": "2"}.items():
        line = f"\n{key}: {value}\n"
        yield case(f"{key} missing", line, "\n", "corrupt", key)
        for bad in ("0", "-1", "x", "1.5", "99999999999999999999", "[1, 2]", '""'):
            yield case(f"{key} {bad}", line, f"\n{key}: {bad}\n", "corrupt", key)
        yield case(f"{key} 3", line, f"\n{key}: 3\n", "corrupt")
    yield case("type", "type: transformer", "type: s2s", "unsupported", "type", "s2s")
    for key, old, new in (("transformer-decoder-autoreg", "rnn", "average-attention"), ("dec-cell", "ssru", "gru"),
                          ("transformer-ffn-activation", "relu", "sine"), ("transformer-postprocess", "dan", "dhn"),
                          ("transformer-postprocess-emb", "d", "n"), ("transformer-preprocess", '""', "dn")):
        yield case(f"{key} {new}", f"\n{key}: {old}\n", f"\n{key}: {new}\n", "unsupported", key)
    for key in ("right-left", "ulr", "transformer-train-position-embeddings", "layer-normalization", "transformer-pool"):
        yield case(f"{key} true", "\ndec-cell", f"\n{key}: true\ndec-cell", "unsupported", key)
    yield case("lemma-dim-emb 4", "\ndec-cell", "\nlemma-dim-emb: 4\ndec-cell", "unsupported", "lemma-dim-emb")
    yield case("tied-embeddings-all text", "tied-embeddings-all: true", "tied-embeddings-all: maybe", "corrupt", "tied-embeddings-all")
    yield case("alignment layer 5", "alignment-layer: last", "alignment-layer: 5", "corrupt", "transformer-guided-alignment-layer")
    yield case("tied layers 2", "\ndec-cell", "\ntransformer-tied-layers: [1, 1]\ndec-cell", "corrupt", "transformer-tied-layers")
    yield case("without a colon", "\ndec-cell: ssru", "\nnothing at all", "corrupt")
    yield case("a key twice", "\ndec-cell: ssru", "\ndec-cell: ssru\ndec-cell: ssru", "corrupt", "dec-cell")
    yield case("not UTF-8", "dec-cell: ssru", "dec-cell: ss\udc80ru".encode("utf-8", "replace").decode(), "unsupported", "dec-cell")


def decoder_yaml_cases(marian):
    def case(name, config, code, *words, **files):
        return marian.case(f"config.yml {name}", code, (CONFIG, *words), config=config, **files)

    yield marian.case("good", "ok", ())
    yield marian.case("without config.yml", "ok", (), config=None)
    for key, old in (("models", MODEL), ("shortlist", LEX)):
        for name in ("gone.bin", "..", "../" , "/"):
            yield case(f"{key} {name}", GOOD_CONFIG.replace(f"  - {old}", f"  - {name}", 1), "not_found", key)
    yield case("vocabs gone", GOOD_CONFIG.replace(f"  - {WORDS}", "  - gone.spm", 1), "not_found", "vocabs", "gone.spm")
    yield case("two models", GOOD_CONFIG.replace(f"  - {MODEL}", f"  - {MODEL}\n  - {MODEL}"), "unsupported", "models")
    for key, good in (("beam-size", "1"), ("normalize", "1.0"), ("word-penalty", "0"), ("max-length-factor", "2.5")):
        for bad in ("x", "[1, 2]", "nan", "1e999", '"4 5"'):
            yield case(f"{key} {bad}", GOOD_CONFIG.replace(f"{key}: {good}", f"{key}: {bad}"), "corrupt", key)
    for bad in ("0", "-1", "1.5", "99999999"):
        yield case(f"beam-size {bad}", GOOD_CONFIG.replace("beam-size: 1", f"beam-size: {bad}"), "corrupt", "beam-size")
    for bad in ("0", "-1"):
        yield case(f"max-length-factor {bad}", GOOD_CONFIG.replace("factor: 2.5", f"factor: {bad}"), "corrupt", "max-length-factor")
    yield case("allow-unk 3", GOOD_CONFIG + "allow-unk: 3\n", "corrupt", "allow-unk")
    yield case("tabs", GOOD_CONFIG + "\tx:\t[\n", "corrupt")
    yield case("binary", bytes(range(1, 256)) + b"\nmodels: [a]\n", None)
    yield marian.case("two models and no config.yml", "invalid_argument", ("model.2.bin",), config=None,
                      other={"model.2.bin": b"x"})


def shortlist_cases(marian):
    good, offsets, ids = marian.files[LEX], marian.offsets, list(range(20))

    def case(name, content, code="corrupt"):
        return marian.case(f"shortlist {name}", code, (LEX,), lex=content)

    for length in (0, 7, 8, 20, 47, 100, len(good) - 4, len(good) - 1):
        yield case(f"cut at {length}", good[:length], None)
    yield case("with 4 bytes behind", good + bytes(4))
    yield case("magic", b"\0" + good[1:], None)
    for at in (8, 16, 60, len(good) - 9):
        flipped = bytearray(good)
        flipped[at] ^= 4
        yield case(f"flipped at {at}", bytes(flipped))
    yield case("offsets descend", shortlist([0, 5, 3, *offsets[3:]], ids))
    yield case("offsets start at 1", shortlist([1, *offsets[1:]], ids))
    yield case("offsets end early", shortlist(offsets, ids + [1, 2]))
    yield case("an id outside", shortlist(offsets, ids[:-1] + [marian.vocabulary]))
    yield case("an id of 2^32 - 1", shortlist(offsets, ids[:-1] + [(1 << 32) - 1]))
    yield case("first 2^40", shortlist(offsets, ids, first=1 << 40), "resource_exhausted")
    yield case("no offsets", shortlist([], []))


def vocabulary_cases(marian):
    good = marian.pieces

    def case(name, content, code="corrupt"):
        return marian.case(f"vocabulary {name}", code, (WORDS,), words=content)

    for length in (0, 1, 5, 100, len(good) // 2):
        yield case(f"cut at {length}", good[:length])
    yield case("a text", b"the\nof\nand\n")
    yield case("length lies", b"\x0a\xff\xff\xff\xff\x0f" + good)
    yield case("length of 2^63", b"\x0a" + b"\xff" * 9 + b"\x01" + good)
    yield case("without end of a number", b"\x80" * 20)
    yield case("a piece twice", good + b"\x0a\x08\x0a\x01e\x15\0\0\0\0")
    yield case("a nameless piece", good + b"\x0a\x07\x0a\x00\x15\0\0\0\0")
    yield case("a piece not UTF-8", good + b"\x0a\x09\x0a\x02\xff\xfe\x15\0\0\0\0")
    yield case("a score of NaN", good + b"\x0a\x0a\x0a\x03qqz\x15\0\0\xc0\x7f")
    more = b"".join(b"\x0a\x0d\x0a\x06" + b"zzq%03d" % i + b"\x15\0\0\0\0" for i in range(40))
    yield marian.case("vocabulary larger than the model", "corrupt", ("tokenizer", str(marian.vocabulary)), words=good + more)


def cases(bases):
    return cases_of(Marian(bases / "tokenizers/sp-unigram-identity"))


def cases_of(marian):
    for part in (decoder_yaml_cases, tensor_cases, container_cases, npz_cases, yaml_cases, shortlist_cases, vocabulary_cases):
        yield from part(marian)
