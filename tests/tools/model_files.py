"""The files of model directories, taken apart and put together again: safetensors, Marian's binary container and
NumPy archive, lexical shortlists. For tests that make models with one fault; nothing here checks what it writes."""
import io
import json
import random
import struct
import zipfile

MARIAN_YAML = """type: transformer
enc-depth: 1
dec-depth: 1
dim-emb: 8
transformer-heads: 2
dim-vocabs:
  - {vocabulary}
  - {vocabulary}
transformer-decoder-autoreg: rnn
dec-cell: ssru
transformer-preprocess: ""
transformer-postprocess: dan
transformer-postprocess-emb: d
transformer-ffn-activation: relu
transformer-ffn-depth: 2
tied-embeddings-all: true
transformer-guided-alignment-layer: last
"""

INT8, FLOAT32, INTGEMM8 = 0x0101, 0x0404, 0x4101


def read_safetensors(path):
    """({name: {"dtype", "shape"}}, {name: bytes}), in the order of the data."""
    raw = path.read_bytes()
    length, = struct.unpack_from("<Q", raw)
    header = json.loads(raw[8:8 + length])
    header.pop("__metadata__", None)
    entries, data = {}, {}
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, end = entry["data_offsets"]
        entries[name] = {"dtype": entry["dtype"], "shape": entry["shape"]}
        data[name] = raw[8 + length + begin:8 + length + end]
    return entries, data


def safetensors_header(entries, data):
    """The entries with the offsets at which their data stands, one after another."""
    header, at = {}, 0
    for name, entry in entries.items():
        header[name] = dict(entry, data_offsets=[at, at + len(data[name])])
        at += len(data[name])
    return header


def safetensors_bytes(header, data):
    """`header`: the JSON as a value or as text."""
    text = (header if isinstance(header, str) else json.dumps(header)).encode()
    return struct.pack("<Q", len(text)) + text + b"".join(data.values())


def marian_tensors(vocabulary):
    """{name: (rows, columns, values)} of one layer a side with a width of 8: an SSRU decoder, tied embeddings."""
    dim, inner, random_values = 8, 12, random.Random(1)
    shapes = {"Wemb": (vocabulary, dim), "decoder_ff_logit_out_b": (1, vocabulary)}

    def linear(matrix, bias, inputs, outputs):
        shapes[matrix] = (inputs, outputs)
        if bias:
            shapes[bias] = (1, outputs)

    def norm(prefix):
        shapes[prefix + "_ln_scale"] = shapes[prefix + "_ln_bias"] = (1, dim)

    for attention in ("encoder_l1_self", "decoder_l1_context"):
        for letter in "qkvo":
            linear(f"{attention}_W{letter}", f"{attention}_b{letter}", dim, dim)
        norm(f"{attention}_Wo")
    linear("decoder_l1_rnn_W", None, dim, dim)
    linear("decoder_l1_rnn_Wf", "decoder_l1_rnn_bf", dim, dim)
    norm("decoder_l1_rnn_ffn")
    for side in ("encoder", "decoder"):
        linear(f"{side}_l1_ffn_W1", f"{side}_l1_ffn_b1", dim, inner)
        linear(f"{side}_l1_ffn_W2", f"{side}_l1_ffn_b2", inner, dim)
        norm(f"{side}_l1_ffn_ffn")
    return {name: (rows, columns, [random_values.gauss(0, 0.3) for _ in range(rows * columns)])
            for name, (rows, columns) in sorted(shapes.items())}


def marian_items(tensors, yaml):
    """The items of a container: [name, type, shape, data], float32."""
    items = [[name, FLOAT32, [rows, columns], struct.pack(f"<{len(values)}f", *values)]
             for name, (rows, columns, values) in tensors.items()]
    text = yaml.encode() + b"\0"
    return items + [["special:model.yml", INT8, [len(text)], text]]


def marian_binary(items, version=1, count=None, padding=0):
    count = len(items) if count is None else count
    out = struct.pack("<QQ", version, count)
    for name, kind, shape, data in items:
        out += struct.pack("<QQQQ", len(name.encode()) + 1, kind, len(shape), len(data))
    for name, _, _, _ in items:
        out += name.encode() + b"\0"
    for _, _, shape, _ in items:
        out += struct.pack(f"<{len(shape)}i", *shape)
    return out + struct.pack("<Q", padding) + bytes(padding) + b"".join(data for _, _, _, data in items)


def npy(description, shape, data):
    header = f"{{'descr': '{description}', 'fortran_order': False, 'shape': {shape}, }}"
    header = header.ljust((len(header) + 10 + 1 + 63) // 64 * 64 - 11) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data


def marian_npz(items):
    """The same items as a NumPy archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, kind, shape, data in items:
            archive.writestr(name + ".npy", npy("|i1" if kind == INT8 else "<f4", tuple(shape), data))
    return out.getvalue()


def shortlist(offsets, ids, first=8, best=4):
    """A binary shortlist; the checksum is Marian's, over the whole u64 words behind itself."""
    body = struct.pack("<QQQQ", first, best, len(offsets), len(ids))
    body += struct.pack(f"<{len(offsets)}Q", *offsets) + struct.pack(f"<{len(ids)}I", *ids)
    checksum, mask = 0, (1 << 64) - 1
    for word, in struct.iter_unpack("<Q", body[:len(body) // 8 * 8]):
        checksum ^= (word + 0x9e3779b9 + (checksum << 6) + (checksum >> 2)) & mask
    return struct.pack("<QQ", 0xF11A48D5013417F5, checksum) + body


def count_pieces(path):
    """How many pieces a SentencePiece model has: its fields of number 1."""
    raw, at, pieces = path.read_bytes(), 0, 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = raw[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(raw):
        tag = varint()
        if tag & 7 == 2:
            pieces += tag >> 3 == 1
            length = varint()
            at += length
        elif tag & 7 == 0:
            varint()
        else:
            at += 4 if tag & 7 == 5 else 8
    return pieces
