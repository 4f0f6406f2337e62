"""Faults of packed directories: packed.safetensors, its metadata, and the files beside it."""
import json
import struct
import subprocess

from bad_models_case import BROKEN_JSON, Case, as_folder, put, putting, without
from bad_models_weights import GENERATION, NOT_A_SIZE, tensor_classes

WEIGHTS = "packed.safetensors"
ALIGNMENT = 64
TYPES = ("float32", "bfloat16", "int8")


def pack(tandem, source, directory, compute_type):
    """A packed copy of a good model, as `tandem convert` makes it."""
    directory.parent.mkdir(exist_ok=True)
    subprocess.run([str(tandem), "convert", str(source), str(directory), "--compute-type", compute_type], check=True)


class PackedFile:
    """The header and the data of a file, to be changed and put together again."""

    def __init__(self, path):
        self.raw = path.read_bytes()
        length, = struct.unpack_from("<Q", self.raw)
        self.header = json.loads(self.raw[8:8 + length])
        self.data = self.raw[8 + length:]

    def bytes(self, header, shift=0):
        """The file with another header; the data begins at a multiple of 64 bytes, and `shift` more."""
        text = json.dumps(header).encode()
        text += b" " * ((shift - 8 - len(text)) % ALIGNMENT)
        return struct.pack("<Q", len(text)) + text + self.data

    def with_metadata(self, **values):
        """`...` leaves a key out."""
        metadata = {k: v for k, v in {**self.header["__metadata__"], **values}.items() if v is not ...}
        return self.bytes({**self.header, "__metadata__": metadata})

    def with_json(self, key, change):
        """`change` edits the JSON that a key of the metadata holds as text."""
        value = json.loads(self.header["__metadata__"][key])
        change(value)
        return self.with_metadata(**{key: json.dumps(value)})

    def with_tensor(self, name, **fields):
        return self.bytes({**self.header, name: {**self.header[name], **fields}})

    def without_tensor(self, name):
        """The data stays whole: the tensor has another name."""
        return self.bytes({("other" if key == name else key): value for key, value in self.header.items()})


def container_cases(base, file):
    def case(name, content, *words, code="corrupt"):
        return Case(f"packed/{base.name}/container {name}", base, putting(WEIGHTS, content), code, (WEIGHTS, *words))

    yield case("empty", b"")
    yield case("7 bytes", file.raw[:7])
    yield case("cut in the header", file.raw[:200])
    yield case("cut in the data", file.raw[:-64])
    yield case("with a byte behind", file.raw + b"\0")
    for name, length in {"zero": 0, "short": 100, "2^63": 1 << 63, "2^64 - 1": (1 << 64) - 1}.items():
        yield case(f"header length {name}", struct.pack("<Q", length) + file.raw[8:])
    for shift in (4, 32):
        yield case(f"data at {shift} bytes", file.bytes(file.header, shift), "64 bytes")
    yield case("without metadata", file.bytes({k: v for k, v in file.header.items() if k != "__metadata__"}), "format")
    yield Case(f"packed/{base.name}/weights are a folder", base, as_folder(WEIGHTS), "corrupt", (WEIGHTS, "regular file"))
    yield Case(f"packed/{base.name}/no weights", base, without(WEIGHTS), None)


def metadata_cases(base, file):
    def case(name, content, *words, code="corrupt"):
        return Case(f"packed/{base.name}/{name}", base, putting(WEIGHTS, content), code, (WEIGHTS, *words))

    for key in file.header["__metadata__"]:
        yield case(f"{key} missing", file.with_metadata(**{key: ...}), key)
    for key, values in {"format": ("", "pt", "tandem"), "format_version": ("0", "1", "one", ""), "layout": ("", "rows"),
                        "compute_type": ("", "int4", "float16", "INT8")}.items():
        for value in values:
            # A layout is the backend's business, which sees the parts last.
            yield case(f"{key} {value!r}", file.with_metadata(**{key: value}), code="unsupported")
    for key in ("spec", "products", "decoding"):
        for name, text in BROKEN_JSON.items():
            if name != "not UTF-8" and name != "binary":  # no text of a JSON header
                yield case(f"{key} is {name}", file.with_metadata(**{key: text.decode()}), key)
    product = next(iter(json.loads(file.header["__metadata__"]["products"])))
    outputs, inputs, scale = json.loads(file.header["__metadata__"]["products"])[product]
    for name, value in {"text": "x", "short": [outputs, inputs], "long": [outputs, inputs, scale, 1], "zero": [0, inputs, scale],
                        "negative": [-1, inputs, scale], "fraction": [outputs + 0.5, inputs, scale],
                        "other outputs": [outputs + 1, inputs, scale], "other inputs": [outputs, inputs - 1, scale],
                        "huge": [1 << 62, inputs, scale], "beyond u64": [1 << 70, inputs, scale],
                        "scale text": [outputs, inputs, "1"], "scale negative": [outputs, inputs, -1]}.items():
        yield case(f"product {name}", file.with_json("products", lambda json, v=value: json.update({product: v})))
    yield case("product missing", file.with_json("products", lambda json: json.pop(product)), product)
    for name, value in {"unknown": "onnx", "number": 3, "missing": None}.items():
        yield case(f"source_format {name}", file.with_json("decoding", lambda json, v=value: json.update(source_format=v)),
                   "source_format")
    for name, value in {"parent": "../lex.bin", "absolute": "/etc/passwd", "folder": "a/b"}.items():
        yield case(f"shortlist {name}", file.with_json("decoding", lambda json, v=value: json.update(shortlist=v)), "shortlist")
    yield Case(f"packed/{base.name}/shortlist not there", base,
               putting(WEIGHTS, file.with_json("decoding", lambda json: json.update(shortlist="lex.bin"))), "not_found", ("lex.bin",))


def spec_cases(base, file):
    def case(name, switch, value, code="corrupt"):
        content = file.with_json("spec", lambda json: json["switches"].update({switch: value}))
        return Case(f"packed/{base.name}/spec {switch} {name}", base, putting(WEIGHTS, content), code, (WEIGHTS,))

    for switch in ("model_dim", "head_dim", "encoder.layers", "decoder.layers", "encoder.heads", "decoder.heads",
                   "target_vocabulary"):
        for name, value in NOT_A_SIZE.items():
            # A size beyond a limit says so, and which limit.
            yield case(name, switch, value, code=None if name in ("huge", "beyond u64") else "corrupt")
    for switch in ("norm", "activation", "start", "decoder_mixer"):
        yield case("unknown", switch, "sine")
        yield case("number", switch, 3)
    for switch, value in {"eos_tokens": [1 << 24], "pad_token": 1 << 24, "norm_epsilon": "small", "tied_output": "yes",
                          "colour": "blue"}.items():
        yield case("wrong", switch, value)


def tensor_cases(base, file):
    def case(name, tensor, content):
        return Case(f"packed/{base.name}/{tensor} {name}", base, putting(WEIGHTS, content), "corrupt", (WEIGHTS,))

    tensors = tensor_classes([name for name in file.header if name != "__metadata__"])
    for tensor in tensors:
        entry = file.header[tensor]
        yield case("missing", tensor, file.without_tensor(tensor))
        yield case("of another rank", tensor, file.with_tensor(tensor, shape=[1, *entry["shape"]]))
        other = {"F32": "I32", "I32": "F32", "BF16": "F16", "I8": "U8"}[entry["dtype"]]
        yield case("of another type", tensor, file.with_tensor(tensor, dtype=other))
        yield case("turned round", tensor, file.with_tensor(tensor, data_offsets=entry["data_offsets"][::-1]))
    first = file.header[tensors[0]]
    yield case("extra", "ghost", file.bytes({**file.header, "ghost": {**first, "shape": [0], "data_offsets": [0, 0]}}))


def cases(bases):
    for base in sorted((bases / "packed").iterdir()):
        file = PackedFile(base / WEIGHTS)
        yield Case(f"packed/{base.name}/good", base, lambda folder: None, "ok")
        yield Case(f"packed/{base.name}/the same header", base, putting(WEIGHTS, file.bytes(file.header)), "ok")
        yield from container_cases(base, file)
        yield from metadata_cases(base, file)
        yield from spec_cases(base, file)
        yield from tensor_cases(base, file)
    for name, text in BROKEN_JSON.items():
        marian = bases / "packed/marian.int8"
        if name != "twice":
            yield Case(f"packed/marian.int8/generation is {name}", marian, putting(GENERATION, text), "corrupt", (GENERATION,))
    plain = (bases / "hf/marian/model.safetensors").read_bytes()
    yield Case("packed/plain safetensors", bases / "packed/marian.int8", lambda folder: put(folder, WEIGHTS, plain), "unsupported",
               (WEIGHTS, "format"))
