#!/usr/bin/env python3
"""Checks which layer includes which (docs/architecture.md, section 2).

    check_layers.py ROOT             list every forbidden include; exit 1 if there is one
    check_layers.py ROOT --selftest  plant one violation of each rule in a copy and expect its report

An include is judged by its first folder: "nn/linear.h" names the layer nn. Includes of the same
layer, of the standard library and of <tandem/...> are always allowed. The path that a reader follows first
has to stay short (section 1).
"""
import argparse
import pathlib
import re
import shutil
import sys
import tempfile

# What each layer may include besides itself and the public headers.
ALLOWED = {
    "base": set(),
    "tensor": {"base"},
    "kernels": {"base", "tensor"},
    "nn": {"base", "tensor", "kernels"},
    "models": {"base", "tensor", "kernels", "nn"},
    "text": {"base"},
    "decoding": {"base"},
    "api": {"base", "tensor", "kernels", "nn", "models", "text", "decoding"},
    "include": set(),
    "programs": set(),
}

# Layers that see the hardware's contract, and none of its implementations.
CONTRACT_ONLY = {"nn", "models"}
CONTRACT = "kernels/backend.h"

# Libraries that a single place may know: a pattern of the header, a pattern of the files that may
# include it.
CONFINED = [
    (r"(oneapi/dnnl/)?dnnl.*", r"kernels/cpu/.*onednn.*"),
    (r"(cuda|cublas|cub/|cooperative_groups|nvrtc|curand).*", r"kernels/cuda/.*"),
    (r"nlohmann/.*", r"(src/(models|text|api)|examples)/.*"),
    (r"Eigen/.*", r"kernels/.*"),
    (r"CLI/.*", r"examples/.*"),
]

# The whole journey of a text, for reading at once: fewer lines than this.
SPINE = "src/api/generate.cc"
SPINE_LINES = 150

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
SOURCES = {".h", ".cc", ".cu", ".cuh", ".inc"}


def layer_of(path):
    """The layer of a file by its path from the root, or None if no rule speaks of it."""
    parts = path.parts
    if parts[0] == "src":
        return parts[1]
    if parts[0] == "examples":
        return "programs"
    return parts[0] if parts[0] in ("kernels", "include") else None


def violations(root):
    """Yields 'file: reason' for each forbidden include below root, and for a spine that is too long."""
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if path.suffix not in SOURCES or relative.parts[0] not in ("src", "kernels", "include", "examples"):
            continue
        layer = layer_of(relative)
        if layer not in ALLOWED:
            yield f"{relative}: belongs to no known layer"
            continue
        text = path.read_text(encoding="utf-8")
        lines = len(text.splitlines())
        if relative.as_posix() == SPINE and lines >= SPINE_LINES:
            yield f"{relative}: has {lines} lines, expected less than {SPINE_LINES}"
        for quote, name in INCLUDE.findall(text):
            reason = judge(layer, relative.as_posix(), quote, name)
            if reason:
                yield f"{relative}: includes {name}: {reason}"


def judge(layer, file, quote, name):
    """Why the file may not include name, or None."""
    for header, place in CONFINED:
        if re.fullmatch(header, name) and not re.fullmatch(place, file):
            return f"only files like {place} may"
    if layer == "include":
        return None if quote == "<" else "public headers include <tandem/...> and the standard library only"
    target = name.split("/")[0]
    if quote == "<" or target == layer or target not in ALLOWED:
        return None
    if target not in ALLOWED[layer]:
        return f"{layer} may not know {target}"
    if layer in CONTRACT_ONLY and target == "kernels" and name != CONTRACT:
        return f"{layer} sees kernels through {CONTRACT} alone"
    return None


PLANTED = [
    ("src/decoding/planted.cc", '#include "models/weights.h"'),
    ("src/decoding/planted.cc", '#include "tensor/tensor.h"'),
    ("src/text/planted.cc", '#include "decoding/search.h"'),
    ("src/models/planted.cc", '#include "text/vocabulary.h"'),
    ("src/models/planted.cc", '#include "kernels/cpu/backend.h"'),
    ("src/tensor/planted.cc", '#include "kernels/backend.h"'),
    ("src/base/planted.cc", '#include "api/engine_impl.h"'),
    ("src/nn/planted.cc", "#include <dnnl.hpp>"),
    ("kernels/cpu/planted.cc", "#include <cuda_runtime.h>"),
    ("src/decoding/planted.cc", "#include <nlohmann/json.hpp>"),
    ("include/tandem/planted.h", '#include "base/check.h"'),
    ("include/tandem/planted.h", "#include <Eigen/Core>"),
    ("examples/tandem/planted.cc", '#include "api/engine_impl.h"'),
    (SPINE, "\n" * SPINE_LINES),
]


def selftest(root):
    """Each planted line must be reported, and be the only report of its file."""
    failures = 0
    for file, line in PLANTED:
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder)
            planted = copy / file
            planted.parent.mkdir(parents=True)
            planted.write_text("#include <vector>\n" + line + "\n", encoding="utf-8")
            found = list(violations(copy))
            if len(found) != 1:
                print(f"planted {line} in {file}: expected one report, found {found}")
                failures += 1
    with tempfile.TemporaryDirectory() as folder:
        for name in ("src/base", "include"):
            shutil.copytree(root / name, pathlib.Path(folder) / name)
        for found in violations(pathlib.Path(folder)):
            print(f"a clean copy gives {found}")
            failures += 1
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("--selftest", action="store_true")
    arguments = parser.parse_args()
    if arguments.selftest:
        failures = selftest(arguments.root)
        print(f"{len(PLANTED)} planted violations, {failures} failures")
        return 1 if failures else 0
    found = list(violations(arguments.root))
    print("\n".join(found) if found else "every include follows the layers")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
