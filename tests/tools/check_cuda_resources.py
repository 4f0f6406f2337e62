"""Compiles the CUDA module for each GPU and records what ptxas says about every kernel: registers,
shared memory, stack and spilled registers. Fails on a spill, and on a kernel that is missing.

usage: check_cuda_resources.py NVCC SOURCE_DIR OUTPUT [architecture...]

Needs nvcc and no GPU. OUTPUT is a table of tab-separated values, one line for each kernel and
architecture.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

ENTRY = re.compile(r"Compiling entry function '(?P<name>[^']+)' for '(?P<architecture>\w+)'")
STACK = re.compile(
    r"(?P<stack>\d+) bytes stack frame, (?P<stores>\d+) bytes spill stores, "
    r"(?P<loads>\d+) bytes spill loads")
USED = re.compile(r"Used (?P<registers>\d+) registers")
SHARED = re.compile(r"(?P<shared>\d+) bytes smem")
LISTED = re.compile(r"^    ([A-Z][\w:<>]+?)(?:,|>;)$", re.MULTILINE)
FIELDS = ["architecture", "kernel", "registers", "shared", "stack", "spilled"]


def compile_for(nvcc, source, architecture):
    """What ptxas prints for the module's kernels."""
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            [nvcc, "-std=c++20", "-O3", "-DNDEBUG", "-DTANDEM_STATIC", '-DTANDEM_CUDA_CONTRACT=""',
             "-fmad=false", "--resource-usage", f"-arch={architecture}", "-cubin",
             "-I", source, "-I", f"{source}/src", "-I", f"{source}/include",
             "-o", f"{folder}/module.cubin", f"{source}/kernels/cuda/module.cu"],
            capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"nvcc failed for {architecture}:\n{run.stderr}")
    return run.stdout + run.stderr


def kernel_name(mangled):
    """FewRowsKernel<Int8Product> from the name of its entry."""
    name = subprocess.run(["c++filt", mangled], capture_output=True, text=True).stdout.strip()
    return name.partition("run_block<")[2].rpartition(">(")[0].replace("tandem::cuda::", "").strip()


def parse(text):
    """One record for each entry function, in the order of `text`."""
    records = []
    for line in text.splitlines():
        if found := ENTRY.search(line):
            records.append({"architecture": found["architecture"], "kernel": found["name"],
                            "registers": 0, "shared": 0, "stack": 0, "spilled": 0})
        elif records and (found := STACK.search(line)):
            records[-1]["stack"] = int(found["stack"])
            records[-1]["spilled"] = int(found["stores"]) + int(found["loads"])
        elif records and (found := USED.search(line)):
            records[-1]["registers"] = int(found["registers"])
            if shared := SHARED.search(line):
                records[-1]["shared"] = int(shared["shared"])
    return records


def selftest():
    """The parser on a report with a spill."""
    records = parse(
        "ptxas info    : Compiling entry function 'first' for 'sm_80'\n"
        "ptxas info    : Function properties for first\n"
        "    16 bytes stack frame, 24 bytes spill stores, 20 bytes spill loads\n"
        "ptxas info    : Used 80 registers, used 1 barriers, 8192 bytes smem, 464 bytes cmem[0]\n"
        "ptxas info    : Compiling entry function 'second' for 'sm_80'\n"
        "    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n"
        "ptxas info    : Used 18 registers, used 1 barriers\n")
    assert [list(record.values()) for record in records] == [
        ["sm_80", "first", 80, 8192, 16, 44], ["sm_80", "second", 18, 0, 0, 0]], records


def main(nvcc, source, output, *architectures):
    selftest()
    listed = LISTED.findall(pathlib.Path(source, "kernels/cuda/kernels.h").read_text())
    records = []
    for architecture in architectures or ("sm_80", "sm_90"):
        found = parse(compile_for(nvcc, source, architecture))
        if len(found) != len(listed):
            sys.exit(f"{architecture}: found {len(found)} kernels, kernels.h lists {len(listed)}")
        records += found
    for record in records:
        record["kernel"] = kernel_name(record["kernel"])
    table = ["\t".join(FIELDS)]
    table += ["\t".join(str(record[field]) for field in FIELDS) for record in records]
    pathlib.Path(output).write_text("\n".join(table) + "\n")
    print("\n".join(table))
    spilled = [record for record in records if record["spilled"] > 0]
    for record in spilled:
        print(f"{record['kernel']} for {record['architecture']} spills {record['spilled']} bytes")
    sys.exit(1 if spilled else 0)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
