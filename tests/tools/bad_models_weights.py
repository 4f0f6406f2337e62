"""Faults of Hugging Face directories: config.json, generation_config.json, safetensors and shards."""
import json
import re
import struct

from bad_models_case import BROKEN_JSON, Case, as_folder, put, putting, without
from model_files import read_safetensors, safetensors_bytes, safetensors_header

WEIGHTS, CONFIG, GENERATION, INDEX = ("model.safetensors", "config.json", "generation_config.json",
                                      "model.safetensors.index.json")

# Keys of sizes that must be there, and keys that may be absent.
SIZES = {
    "marian": ("d_model encoder_layers decoder_layers encoder_attention_heads decoder_attention_heads encoder_ffn_dim "
               "decoder_ffn_dim max_position_embeddings vocab_size").split(),
    "t5_v1_0": "d_model d_kv d_ff num_layers num_heads vocab_size".split(),
    "m2m100": "d_model encoder_layers max_position_embeddings vocab_size".split(),
}
OPTIONAL_SIZES = {
    "marian": ["decoder_vocab_size"],
    "t5_v1_0": "num_decoder_layers relative_attention_num_buckets relative_attention_max_distance".split(),
}
NOT_A_SIZE = {"text": "many", "zero": 0, "negative": -1, "fraction": 1.5, "huge": 1 << 40, "beyond u64": 1 << 70, "true": True,
              "list": [], "object": {}}
# Tensors that a checkpoint may lack: what is absent is computed, or zero.
MAY_LACK = ("final_logits_bias",)


def config_with(base, **changes):
    """config.json of `base` with keys replaced; a value of None writes null, `...` leaves the key out."""
    config = json.loads((base / CONFIG).read_text(encoding="utf-8"))
    for key, value in changes.items():
        if value is ...:
            config.pop(key, None)
        else:
            config[key] = value
    return putting(CONFIG, config)


def config_cases(base):
    model = base.name
    for name, text in BROKEN_JSON.items():
        yield Case(f"{model}/config is {name}", base, putting(CONFIG, text), "corrupt", (CONFIG,))
    yield Case(f"{model}/config is a folder", base, as_folder(CONFIG), "corrupt", (CONFIG,))
    yield Case(f"{model}/config is empty object", base, putting(CONFIG, {}), "corrupt", (CONFIG, "model_type"))
    for name, value in {"missing": ..., "null": None, "number": 7, "list": ["marian"]}.items():
        yield Case(f"{model}/model_type {name}", base, config_with(base, model_type=value), "corrupt", (CONFIG, "model_type"))
    for value in ("bert", "", "Marian", "marian\0", "encoder-decoder"):
        yield Case(f"{model}/model_type {value!r}", base, config_with(base, model_type=value), "unsupported", (CONFIG,))
    for key in SIZES[model]:
        for name, value in dict(NOT_A_SIZE, missing=..., null=None).items():
            yield Case(f"{model}/{key} {name}", base, config_with(base, **{key: value}), "corrupt", (CONFIG, key))
    for key in OPTIONAL_SIZES.get(model, ()):
        for name, value in NOT_A_SIZE.items():
            yield Case(f"{model}/{key} {name}", base, config_with(base, **{key: value}), "corrupt", (CONFIG, key))
    for key in ("eos_token_id", "pad_token_id", "decoder_start_token_id"):
        for name, value in {"text": "end", "negative": -1, "outside": 120, "fraction": 0.5, "object": {}}.items():
            yield Case(f"{model}/{key} {name}", base, config_with(base, **{key: value}), "corrupt", (CONFIG, key))
    for name, value in {"outside": [0, 120], "text": [0, "x"], "null": [None], "nested": [[0]]}.items():
        yield Case(f"{model}/eos_token_id list {name}", base, config_with(base, eos_token_id=value), "corrupt",
                   (CONFIG, "eos_token_id"))


def config_against_tensors(base, keys):
    """Sizes that are possible and contradict the tensors: the message names a tensor or the rule."""
    config = json.loads((base / CONFIG).read_text(encoding="utf-8"))
    for key in keys:
        for step in (1, -1):
            if config[key] + step < 1:
                continue
            # A start token that is the last of the vocabulary is noticed first.
            words = (CONFIG,) if key == "decoder_vocab_size" and step < 0 else (WEIGHTS,)
            yield Case(f"{base.name}/{key} off by {step}", base, config_with(base, **{key: config[key] + step}), "corrupt", words)


def family_cases(bases):
    marian, t5, bart = bases / "hf/marian", bases / "hf/t5_v1_0", bases / "hf/bart"
    for base, key in ((marian, "activation_function"), (bart, "activation_function"), (t5, "feed_forward_proj")):
        yield Case(f"{base.name}/{key} unknown", base, config_with(base, **{key: "sine"}), "unsupported", (CONFIG, key, "sine"))
        yield Case(f"{base.name}/{key} number", base, config_with(base, **{key: 3}), "corrupt", (CONFIG, key))
    for key in ("scale_embedding",):
        yield Case(f"marian/{key} text", marian, config_with(marian, **{key: "yes"}), "corrupt", (CONFIG, key))
        yield Case(f"marian/{key} number", marian, config_with(marian, **{key: 1}), "corrupt", (CONFIG, key))
    for name, value in {"zero": 0, "one": 1, "negative": -1e-6, "text": "small", "huge": 1e300}.items():
        yield Case(f"t5/layer_norm_epsilon {name}", t5, config_with(t5, layer_norm_epsilon=value), "corrupt",
                   (CONFIG, "layer_norm_epsilon"))
    yield from config_against_tensors(marian, "d_model encoder_layers decoder_layers encoder_ffn_dim decoder_ffn_dim vocab_size "
                                      "decoder_vocab_size encoder_attention_heads".split())
    yield from config_against_tensors(t5, "d_model d_kv d_ff num_layers num_decoder_layers num_heads vocab_size "
                                      "relative_attention_num_buckets".split())
    yield from config_against_tensors(bart, "d_model encoder_layers decoder_ffn_dim max_position_embeddings vocab_size".split())
    m2m100 = bases / "hf/m2m100"  # whose positions begin after the padding
    for name, value in {"missing": ..., "null": None}.items():
        yield Case(f"m2m100/pad_token_id {name}", m2m100, config_with(m2m100, pad_token_id=value), "corrupt",
                   (CONFIG, "pad_token_id"))
    yield Case("t5/config of marian", t5, putting(CONFIG, (marian / CONFIG).read_bytes()), "corrupt", (WEIGHTS,))
    yield Case("marian/config of t5", marian, putting(CONFIG, (t5 / CONFIG).read_bytes()), "corrupt", (WEIGHTS,))


def generation_cases(base):
    def case(name, values, code="corrupt"):
        key = next(iter(values))
        return Case(f"{base.name}/generation {name}", base, putting(GENERATION, dict(eos_token_id=0, **values)), code,
                    (GENERATION, key) if code == "corrupt" else ())

    for name, text in BROKEN_JSON.items():
        if name != "twice":
            yield Case(f"{base.name}/generation is {name}", base, putting(GENERATION, text), "corrupt", (GENERATION,))
    whole = ("num_beams num_return_sequences num_beam_groups max_new_tokens max_length min_new_tokens min_length "
             "no_repeat_ngram_size encoder_no_repeat_ngram_size forced_bos_token_id decoder_start_token_id").split()
    for key in whole:
        for name, value in {"text": "4", "fraction": 1.5, "list": [1], "huge": 1 << 40, "true": True, "very negative": -7}.items():
            yield case(f"{key} {name}", {key: value})
    for key in ("num_beams", "num_return_sequences", "num_beam_groups", "max_new_tokens", "max_length"):
        yield case(f"{key} zero", {key: 0})
    numbers = "length_penalty repetition_penalty encoder_repetition_penalty diversity_penalty temperature top_p".split()
    for key in numbers:
        for name, value in {"text": "1.0", "list": [1.0], "true": True}.items():
            yield case(f"{key} {name}", {key: value})
    for key, value in {"repetition_penalty": 0, "encoder_repetition_penalty": -1, "diversity_penalty": -0.5, "temperature": 0,
                       "top_p": 1.5, "top_k": -1}.items():
        yield case(f"{key} out of range", {key: value})
    for key in ("suppress_tokens", "begin_suppress_tokens", "bad_words_ids", "force_words_ids"):
        nested = key.endswith("words_ids")
        for name, value in {"number": 3, "text": "x", "outside": [[1200]] if nested else [1200],
                            "negative": [[-1]] if nested else [-1], "fraction": [[0.5]] if nested else [0.5]}.items():
            yield case(f"{key} {name}", {key: value})
    yield case("num_return_sequences above num_beams", {"num_return_sequences": 5, "num_beams": 2})
    yield case("num_beam_groups no divisor", {"num_beam_groups": 3, "num_beams": 4})
    yield case("early_stopping text", {"early_stopping": "sometimes"})
    yield case("exponential_decay_length_penalty short", {"exponential_decay_length_penalty": [3]})
    yield case("forced_eos_token_id outside", {"forced_eos_token_id": 1200})
    for name, value in {"outside": 1200, "negative": -3, "text": "x"}.items():
        yield Case(f"{base.name}/generation eos {name}", base, putting(GENERATION, {"eos_token_id": value}), "corrupt",
                   (GENERATION, "eos_token_id"))
    yield case("unknown key", {"colour": "blue"}, "ok")
    yield case("null values", {"num_beams": None, "max_length": None, "bad_words_ids": None}, "ok")


def tensor_classes(names):
    """The first name of each kind: the same but for the number of the layer."""
    first = {}
    for name in names:
        first.setdefault(re.sub(r"\d+", "#", name), name)
    return list(first.values())


def tensor_cases(base):
    entries, data = read_safetensors(base / WEIGHTS)

    def case(name, tensor, changed_entries, changed_data, code="corrupt"):
        header = safetensors_header(changed_entries, changed_data)
        content = safetensors_bytes(header, changed_data)
        return Case(f"{base.name}/{tensor} {name}", base, putting(WEIGHTS, content), code,
                    (WEIGHTS, tensor) if code == "corrupt" else ())

    for tensor in tensor_classes(entries):
        rest = {name: entry for name, entry in entries.items() if name != tensor}
        rest_data = {name: data[name] for name in rest}
        header = safetensors_header(rest, rest_data)
        said = "embed_tokens.weight" if tensor.endswith("shared.weight") else tensor  # one of the names that it may have
        yield Case(f"{base.name}/{tensor} missing", base, putting(WEIGHTS, safetensors_bytes(header, rest_data)),
                   *(("ok",) if tensor in MAY_LACK else ("corrupt", (WEIGHTS, said))))
        shape = entries[tensor]["shape"]
        rows = len(data[tensor]) // shape[0]
        longer = {tensor: dict(entries[tensor], shape=[shape[0] + 1, *shape[1:]])}
        yield case("longer", tensor, {**entries, **longer}, {**data, tensor: data[tensor] + bytes(rows)})
        deeper = {tensor: dict(entries[tensor], shape=[1, *shape])}
        yield case("of another rank", tensor, {**entries, **deeper}, data)
        integer = {tensor: dict(entries[tensor], dtype="I32")}
        yield case("of integers", tensor, {**entries, **integer}, data)
        for what, number in (("NaN", float("nan")), ("infinite", float("inf"))):
            end = struct.pack("<f", number)
            yield case(what, tensor, entries, {**data, tensor: data[tensor][:-4] + end})
    extra = {"model.encoder.layers.9.fc1.weight": {"dtype": "F32", "shape": [1]}}
    yield case("extra", next(iter(extra)), {**entries, **extra}, {**data, next(iter(extra)): bytes(4)})


def container_cases(base):
    entries, data = read_safetensors(base / WEIGHTS)
    header = safetensors_header(entries, data)
    raw = safetensors_bytes(header, data)
    first, second = list(header)[:2]

    def case(name, content, *words, code="corrupt"):
        return Case(f"{base.name}/container {name}", base, putting(WEIGHTS, content), code, (WEIGHTS, *words))

    def changed(tensor, **fields):
        return safetensors_bytes({**header, tensor: {**header[tensor], **fields}}, data)

    begin, end = header[second]["data_offsets"]
    yield case("empty", b"")
    yield case("7 bytes", raw[:7])
    yield case("8 bytes", raw[:8])
    yield case("cut in the header", raw[:200])
    yield case("cut in the data", raw[:-1])
    yield case("with a byte behind", raw + b"\0")
    for name, length in {"zero": 0, "short": 100, "one more": len(raw) - 8 + 1, "2^63": 1 << 63, "2^64 - 1": (1 << 64) - 1}.items():
        yield case(f"header length {name}", struct.pack("<Q", length) + raw[8:])
    yield case("header is a list", safetensors_bytes("[]", data))
    yield case("header is not JSON", safetensors_bytes("{]", data))
    yield case("header is blank", safetensors_bytes("  ", data))
    text = json.dumps(header)
    yield case("a tensor twice", safetensors_bytes(text[:-1] + f', "{first}": ' + json.dumps(header[first]) + "}", data), first)
    yield case("metadata of numbers", safetensors_bytes({"__metadata__": {"a": 1}, **header}, data), "__metadata__")
    yield case("entry is a list", safetensors_bytes({**header, first: [1, 2, 3]}, data), first)
    yield case("entry with a field more", changed(first, colour="blue"), first)
    yield case("offsets overlap", changed(second, data_offsets=[begin - 4, end - 4]), second)
    yield case("offsets leave a gap", changed(second, data_offsets=[begin + 4, end + 4]), second)
    yield case("offsets past the end", changed(second, data_offsets=[1 << 40, (1 << 40) + end - begin]))
    yield case("offsets turned round", changed(second, data_offsets=[end, begin]), second)
    yield case("offsets negative", changed(second, data_offsets=[-4, end - begin - 4]), second)
    yield case("offsets of one", changed(second, data_offsets=[begin]), second)
    yield case("offsets of fractions", changed(second, data_offsets=[0.5, 1.5]), second)
    yield case("offsets of another size", changed(second, data_offsets=[begin, end + 4]), second)
    yield case("shape negative", changed(second, shape=[-1]), second)
    yield case("shape empty", changed(second, shape=[0]), second)
    yield case("shape overflows", changed(second, shape=[1 << 32, 1 << 32]), second)
    yield case("shape overflows signed", changed(second, shape=[(1 << 63) + 5]))
    yield case("shape too deep", changed(second, shape=[1] * 30))
    yield case("shape is text", changed(second, shape="[1]"), second)
    yield case("dtype unknown", changed(second, dtype="F8_E9"), second, code="unsupported")
    yield case("dtype number", changed(second, dtype=32), second)
    yield case("a zip", b"PK\x03\x04" + raw[4:], code="unsupported")
    yield case("a pickle", b"\x80\x02}q\x01" + raw[5:], code="unsupported")
    yield Case(f"{base.name}/no weights", base, without(WEIGHTS), "not_found", (WEIGHTS,))
    yield Case(f"{base.name}/weights are a folder", base, as_folder(WEIGHTS), "not_found", (WEIGHTS,))
    for name in ("pytorch_model.bin", "pytorch_model-00001-of-00002.bin", "pytorch_model.bin.index.json"):
        def pickled(folder, name=name):
            (folder / WEIGHTS).unlink()
            put(folder, name, b"\x80\x02}q\x00.")
        yield Case(f"{base.name}/only {name}", base, pickled, "unsupported", (name, "safetensors"))


def shard_cases(base):
    entries, data = read_safetensors(base / WEIGHTS)
    names = list(entries)
    halves = {"model-1.safetensors": names[::2], "model-2.safetensors": names[1::2]}
    weight_map = {name: shard for shard, part in halves.items() for name in part}

    def case(name, index, *words, code="corrupt", moved=(), **files):
        """`moved`: tensors that stand in the first shard too. `files`: their content instead, or None for no file."""
        def edit(folder):
            (folder / WEIGHTS).unlink()
            put(folder, INDEX, index)
            for shard, part in halves.items():
                chosen = [*part, *(moved if shard.startswith("model-1") else ())]
                part_entries, part_data = {n: entries[n] for n in chosen}, {n: data[n] for n in chosen}
                content = files.get(shard[:7].replace("-", "_"), safetensors_bytes(safetensors_header(part_entries, part_data),
                                                                                   part_data))
                if content is not None:
                    put(folder, shard, content)
        return Case(f"{base.name}/shards {name}", base, edit, code, words)

    one, two = names[0], names[1]
    yield case("good", {"metadata": {}, "weight_map": weight_map}, code="ok")
    for name, text in BROKEN_JSON.items():
        yield case(f"index is {name}", text, INDEX)
    for name, value in {"missing": {}, "null": {"weight_map": None}, "list": {"weight_map": []}, "text": {"weight_map": "x"}}.items():
        yield case(f"weight_map {name}", value, INDEX, "weight_map")
    for name, shard in {"parent": "../model-1.safetensors", "absolute": "/etc/passwd", "dots": "..", "empty": "", "number": 3,
                        "null": None, "list": [], "NUL": "a\0b", "subfolder": "x/model-1.safetensors"}.items():
        yield case(f"shard name {name}", {"weight_map": {**weight_map, one: shard}}, INDEX, one)
    yield case("shard missing", {"weight_map": weight_map}, "model-2.safetensors", code="not_found", model_2=None)
    yield case("shard unknown", {"weight_map": {**weight_map, one: "model-3.safetensors"}}, "model-1.safetensors")
    yield case("shard empty", {"weight_map": weight_map}, "model-2.safetensors", model_2=b"")
    yield case("shard cut", {"weight_map": weight_map}, "model-2.safetensors",
               model_2=safetensors_bytes(safetensors_header(entries, data), data)[:-8])
    yield case("shard a pickle", {"weight_map": weight_map}, "model-2.safetensors", code="unsupported", model_2=b"PK\x03\x04" * 9)
    yield case("tensor in both", {"weight_map": weight_map}, "model-1.safetensors", moved=[two])
    yield case("tensor in the other", {"weight_map": {**weight_map, two: "model-1.safetensors"}}, "model-1.safetensors", two)
    yield case("tensor not in the index", {"weight_map": {n: s for n, s in weight_map.items() if n != two}}, "model-2.safetensors")
    yield case("tensor nowhere", {"weight_map": {**weight_map, "ghost": "model-1.safetensors"}}, "model-1.safetensors", "ghost")
    yield case("index empty", {"weight_map": {}}, "missing")


def cases(bases):
    for model in ("marian", "t5_v1_0", "m2m100"):
        yield Case(f"{model}/good", bases / "hf" / model, lambda folder: None, "ok")
        yield from config_cases(bases / "hf" / model)
    yield from family_cases(bases)
    yield from generation_cases(bases / "hf/marian")
    for model in ("marian", "t5_v1_0", "bart"):
        yield from tensor_cases(bases / "hf" / model)
    yield from container_cases(bases / "hf/marian")
    yield from shard_cases(bases / "hf/t5_v1_0")
