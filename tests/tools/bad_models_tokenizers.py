"""Faults of tokenizer files: vocabularies, merges, SentencePiece models, tokenizer.json, special tokens."""
import json

from bad_models_case import BROKEN_JSON, Case, as_folder, putting, without

# Directory and the files that its tokenizer cannot do without.
NEEDED = {
    "t5": ["spiece.model"], "pegasus": ["spiece.model"], "mbart": ["sentencepiece.bpe.model"], "nllb": ["sentencepiece.bpe.model"],
    "m2m100": ["sentencepiece.bpe.model", "vocab.json"], "marian": ["source.spm", "target.spm", "vocab.json"],
    "marian-separate": ["target_vocab.json"], "bart": ["vocab.json", "merges.txt"],
}


def missing_and_broken(bases):
    for model, files in NEEDED.items():
        base = bases / "tokenizers" / model

        def case(name, edit, code, *words, base=base, model=model):
            return Case(f"tokenizer {model}/{name}", base, edit, code, words, kind="tokenizer")

        yield case("good", lambda folder: None, "ok")
        for file in files:
            missing = "unsupported" if model == "bart" else "not_found"
            yield case(f"{file} missing", without(file), missing, *([] if model == "bart" else [file]))
            yield case(f"{file} is a folder", as_folder(file), None, file)
            raw = (base / file).read_bytes()
            if file.endswith(".json"):
                for name, text in BROKEN_JSON.items():
                    yield case(f"{file} is {name}", putting(file, text), "corrupt", file)
                yield from vocabulary_cases(case, file, json.loads(raw))
            elif file != "merges.txt":
                for length in (0, 1, 60, len(raw) // 2):
                    yield case(f"{file} cut at {length}", putting(file, raw[:length]), "corrupt", file)
                yield case(f"{file} is JSON", putting(file, b"{}"), "corrupt", file)
                yield case(f"{file} with a length that lies", putting(file, b"\x0a\xff\xff\xff\xff\x0f" + raw), "corrupt", file)


def vocabulary_cases(case, file, vocabulary):
    last = max(vocabulary, key=vocabulary.get)
    rest = {token: i for token, i in vocabulary.items() if token != last}
    yield case(f"{file} with a text for an id", putting(file, {**rest, last: "7"}), "corrupt", file)
    yield case(f"{file} with a fraction", putting(file, {**rest, last: 0.5}), "corrupt", file)
    yield case(f"{file} with a negative id", putting(file, {**rest, last: -1}), "corrupt", file)
    yield case(f"{file} with an id twice", putting(file, {**rest, last: 5}), "corrupt", file)
    yield case(f"{file} with a gap", putting(file, {**rest, last: 1 << 20}), "corrupt", file)
    yield case(f"{file} with an id of 2^40", putting(file, {**rest, last: 1 << 40}), None, file)
    yield case(f"{file} with null", putting(file, {**rest, last: None}), "corrupt", file)
    yield case(f"{file} of nothing", putting(file, {}), "corrupt", file)


def configuration_cases(bases):
    for model in ("t5", "marian", "bart", "nllb"):
        base = bases / "tokenizers" / model

        def case(name, edit, code, *words, base=base, model=model):
            return Case(f"tokenizer {model}/{name}", base, edit, code, words, kind="tokenizer")

        for file in ("tokenizer_config.json", "config.json", "special_tokens_map.json"):
            if not (base / file).exists() or (file == "special_tokens_map.json" and model == "marian"):
                continue
            for name, text in BROKEN_JSON.items():
                if name in ("twice", "comma", "comment", "huge number"):
                    continue
                yield case(f"{file} is {name}", putting(file, text), "corrupt", file)
        config = json.loads((base / "tokenizer_config.json").read_text(encoding="utf-8"))
        if (base / "added_tokens.json").exists():  # read where the configuration does not list the tokens
            yield case("tokens of added_tokens.json alone", putting("tokenizer_config.json", {
                key: value for key, value in config.items() if key != "added_tokens_decoder"}), "ok")
        for key, value in {"tokenizer_class": 3, "unk_token": 3, "eos_token": [], "added_tokens_decoder": []}.items():
            if key == "added_tokens_decoder" and model == "marian":
                continue
            yield case(f"{key} wrong", putting("tokenizer_config.json", {**config, key: value}), "corrupt", key)
        yield case("eos_token unknown", putting("tokenizer_config.json", {**config, "eos_token": "<nowhere>",
                                                                          "added_tokens_decoder": {}}),
                   "corrupt" if model == "marian" else "ok")
    bart = bases / "tokenizers/bart"
    merges = (bart / "merges.txt").read_text(encoding="utf-8")
    for name, line in {"one word": "abc", "three words": "a b c", "no words": " a"}.items():
        yield Case(f"tokenizer bart/merge of {name}", bart, putting("merges.txt", merges + line + "\n"), "corrupt", ("merges.txt",),
                   kind="tokenizer")
    yield Case("tokenizer bart/merges not UTF-8", bart, putting("merges.txt", b"a \xff\n"), "corrupt", ("merges.txt",),
               kind="tokenizer")


def pipeline_cases(bases):
    """tokenizer.json: each component missing, of an unknown kind, with a wrong member."""
    for model in ("t5-json", "bart-json", "bert-cased-json", "nllb-json"):
        base = bases / "tokenizers" / model
        good = json.loads((base / "tokenizer.json").read_text(encoding="utf-8"))

        def case(name, code, base=base, folder=model, good=good, **changes):
            changed = {key: value for key, value in {**good, **changes}.items() if value is not ...}
            return Case(f"tokenizer {folder}/{name}", base, putting("tokenizer.json", changed), code, ("tokenizer.json",),
                        kind="tokenizer")

        for name, text in BROKEN_JSON.items():
            if name not in ("twice", "huge number"):
                yield Case(f"tokenizer {model}/is {name}", base, putting("tokenizer.json", text), "corrupt", ("tokenizer.json",),
                           kind="tokenizer")
        yield case("model missing", "corrupt", model=...)
        yield case("model null", "corrupt", model=None)
        yield case("model a list", "corrupt", model=[])
        yield case("model of no kind", None, model={})
        yield case("model unknown", "unsupported", model={**good["model"], "type": "Markov"})
        yield case("vocabulary missing", "corrupt", model={k: v for k, v in good["model"].items() if k != "vocab"})
        yield case("vocabulary empty", "corrupt", model={**good["model"], "vocab": type(good["model"]["vocab"])()})
        yield case("vocabulary a number", "corrupt", model={**good["model"], "vocab": 3})
        for part in ("normalizer", "pre_tokenizer", "post_processor", "decoder"):
            yield case(f"{part} unknown", "unsupported", **{part: {"type": "Nothing"}})
            yield case(f"{part} a list", "corrupt", **{part: []})
            yield case(f"{part} a text", "corrupt", **{part: "Lowercase"})
            yield case(f"{part} of no kind", "corrupt", **{part: {}})
            for member in good[part] or ():
                for what, value in {"number": 3, "list": [3], "object": {"x": [3]}, "null": None}.items():
                    yield case(f"{part} {member} a {what}", "any", **{part: {**good[part], member: value}})
        yield case("normalizers that nest", "corrupt", normalizer=nested("Sequence", "normalizers", 12))
        yield case("added_tokens an object", "corrupt", added_tokens={})
        yield case("added_tokens of numbers", "corrupt", added_tokens=[1, 2])
        yield case("added token without id", "corrupt", added_tokens=[{"content": "<x>"}])
        yield case("added token id negative", "corrupt", added_tokens=[{"id": -1, "content": "<x>", "special": True}])
        yield case("added token id of 2^40", None, added_tokens=[{"id": 1 << 40, "content": "<x>", "special": True}])
        yield case("a pattern that is wrong", "unsupported", pre_tokenizer={"type": "Split", "pattern": {"Regex": "(["},
                                                                        "behavior": "Isolated", "invert": False})


def nested(kind, member, depth):
    value = {"type": kind, member: []}
    for _ in range(depth):
        value = {"type": kind, member: [value, 1]}
    return value


def cases(bases):
    yield from missing_and_broken(bases)
    yield from configuration_cases(bases)
    yield from pipeline_cases(bases)
