"""Tables as Markdown, and a page of which they replace what is between two markers."""

import statistics

from estimates import equal_share, ratio_of_medians

BEGIN = "<!-- bench/compare.py writes from here -->"
END = "<!-- to here -->"

RATE_NAMES = {
    "float32_gflops": "float32 multiply-add, GFLOP/s", "bfloat16_gflops": "bfloat16, GFLOP/s",
    "int8_gops": "int8, GOP/s", "l2_gbs": "L2 read, GB/s", "l3_gbs": "L3 read, GB/s",
    "dram_gbs": "DRAM read, GB/s"}


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def machine_section(facts, calibrations):
    """`calibrations`: {threads: rates}. The limit is the best slice."""
    lines = [f"- {name}: {value}" for name, value in facts]
    threads = sorted(calibrations)
    header = ["limit"] + [f"{count} thread{'s' if count > 1 else ''}" for count in threads]
    rows = [[RATE_NAMES[name]] + [f"{calibrations[count][name]['best']:.0f}" for count in threads]
            for name in calibrations[threads[0]]]
    return "\n".join(lines) + "\n\n" + table(header, rows)


def engine_rows(measurement):
    rows = []
    for series in measurement.series.values():
        count = len(series.texts)
        wall = statistics.median(time for pair in series.seconds("wall") for time in pair) / count
        cpu = statistics.median(time for pair in series.seconds("cpu") for time in pair) / count
        rows.append([series.label, series.setting or "-", f"{1e3 * wall:.3f}", f"{1 / wall:.0f}",
                     f"{1e3 * cpu:.3f}"])
    return rows


def measured_pairs(cell, measurement):
    """(own series, series it is compared with)."""
    return [(measurement.series[own], measurement.series[against]) for own, against in cell.pairs
            if own in measurement.series and against in measurement.series]


def pair_rows(cell, measurement):
    rows = []
    for own, against in measured_pairs(cell, measurement):
        equal, count = equal_share(own.texts, against.texts)
        rows.append([f"{own.label} over {against.label}",
                     str(ratio_of_medians(own.seconds("wall"), against.seconds("wall"))),
                     str(ratio_of_medians(own.seconds("cpu"), against.seconds("cpu"))),
                     f"{equal} of {count}"])
    return rows


def pair_ratios(cell, measurement):
    """(label, ratio by CPU time), for the plot."""
    return [(f"{cell.name}: {own.label} over {against.label}",
             ratio_of_medians(own.seconds("cpu"), against.seconds("cpu")))
            for own, against in measured_pairs(cell, measurement)]


def notes(measurement):
    """How much was measured, and everything that a reader should doubt."""
    rounds = max(len(series.rounds) for series in measurement.series.values())
    text = [f"{2 * rounds} windows for each engine"]
    if measurement.discarded:
        text.append(f"{measurement.discarded} disturbed rounds discarded and repeated")
    if not measurement.quiet:
        text.append("**the machine was not quiet: disturbed rounds are included, so read the CPU "
                    "times**")
    for series in measurement.series.values():
        if series.unstable:
            text.append(
                f"{series.label}: {series.unstable} windows gave other texts than its first")
    return "; ".join(text) + "."


def cell_section(cell, measurement):
    parts = [f"### {cell.title}", f"`{cell.name}`: {notes(measurement)}",
             table(["engine", "its best setting", "ms a sentence", "sentences a second",
                    "CPU ms a sentence"], engine_rows(measurement))]
    pairs = pair_rows(cell, measurement)
    if pairs:
        parts.append(table(["comparison", "times faster (95 %)", "by CPU time (95 %)",
                            "equal texts"], pairs))
    return "\n\n".join(parts)


def replace_between_markers(page, text, begin=BEGIN):
    """The page with everything between `begin` and the next END replaced; ValueError without."""
    before, found, rest = page.partition(begin)
    _, end, after = rest.partition(END)
    if not found or not end:
        raise ValueError(f"the page needs the lines '{begin}' and '{END}'")
    return f"{before}{begin}\n\n{text}\n\n{END}{after}"


def publish(path, begin, text):
    """Into the page at `path`, or on standard output if there is none."""
    if not path:
        print(text)
        return
    with open(path, encoding="utf-8") as file:
        page = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(replace_between_markers(page, text, begin))
