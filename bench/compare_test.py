"""Laws of the comparison itself, with workers that are made up. Run by ctest as bench_compare."""

import os
import sys
import tempfile
import unittest
import xml.etree.ElementTree

import compare
import estimates
import measure
import memory
import plot
import report
import steps
from cells import Cell

# A worker in the protocol that answers at once: upper case, or an error for the text 'fail'.
WORKER = """
import sys
print('ready', 0.5, 'made up 1.0', sep='\\t', flush=True)
while line := sys.stdin.readline():
    _, mode, count, length = line.split('\\t')
    texts = [sys.stdin.readline().rstrip('\\n') for _ in range(int(count))]
    if 'fail' in texts:
        print('error', 'asked to', sep='\\t', flush=True)
        continue
    print('done', SECONDS, SECONDS, len(texts), sep='\\t')
    print(*[text.upper() + SUFFIX for text in texts], sep='\\n', flush=True)
"""


def contender(key, seconds, suffix=""):
    program = WORKER.replace("SECONDS", str(seconds)).replace("SUFFIX", repr(suffix))
    variant = measure.Variant("as is", (sys.executable, "-c", program))
    return measure.Contender(key, key, (variant,))


def measured(contenders, checks=()):
    """A cell of 2 rounds whose calibrations answer `checks` and then nothing."""
    answers = iter(checks)
    measure.WARM_UP_SECONDS = 0.01
    measure.WINDOW_SECONDS = 0.0
    return measure.measure(contenders, "single", ["a", "b"], "0", 2, lambda: next(answers, []))


class Estimates(unittest.TestCase):
    def test_ratio_is_the_other_median_over_the_own(self):
        self.assertEqual(estimates.ratio_of_medians([[1, 1], [1, 1]], [[3, 3], [3, 3]]),
                         estimates.Ratio(3, 3, 3))

    def test_interval_holds_the_ratio_and_is_the_same_each_time(self):
        own = [[1.0, 1.1], [0.9, 1.3], [1.2, 1.0], [1.0, 0.8]]
        against = [[2.0, 2.2], [1.8, 2.1], [2.4, 2.2], [2.0, 1.9]]
        ratio = estimates.ratio_of_medians(own, against)
        self.assertLess(ratio.low, ratio.value)
        self.assertGreater(ratio.high, ratio.value)
        self.assertEqual(ratio, estimates.ratio_of_medians(own, against))

    def test_swapping_the_engines_inverts_the_ratio(self):
        own, against = [[1.0, 2.0], [1.5, 1.0]], [[4.0, 3.0], [5.0, 3.5]]
        self.assertAlmostEqual(estimates.ratio_of_medians(own, against).value,
                               1 / estimates.ratio_of_medians(against, own).value)

    def test_equal_texts_are_counted_and_lists_of_other_length_refused(self):
        self.assertEqual(estimates.equal_share(["a", "b", "c"], ["a", "x", "c"]), (2, 3))
        with self.assertRaises(ValueError):
            estimates.equal_share(["a"], ["a", "b"])


class Steps(unittest.TestCase):
    def test_a_step_is_the_slope(self):
        # 0.5 s for the call and 0.01 s for each token
        series = steps.Series(one=[0.6, 0.51], short=[0.58, 0.7], long=[0.9, 1.1])
        self.assertAlmostEqual(series.step(min), 10)
        self.assertAlmostEqual(series.first(min), 510)

    def test_the_best_rival_is_not_another_tandem(self):
        series = {name: steps.Series(one=[1], short=[1], long=[1 + 0.032 * step], output=["1"])
                  for name, step in (("Tandem now", 2), ("Tandem old", 1), ("A", 6), ("B", 4))}
        cell = steps.Cell("cell", "base", "int8", 1, 1)
        self.assertEqual(steps.best_rows(cell, series), [
            ["cell", "2.00", "4.00", "B", "2.00 (2.00)", "1.00", "100 %"]])

    def test_agreement_counts_tokens_at_the_same_place(self):
        self.assertEqual(steps.agreement(["1 2 3", "4"], ["1 9 3", "5"]), 0.5)


class Measuring(unittest.TestCase):
    def test_a_round_runs_in_order_and_back(self):
        order = []

        class Recorder:
            def __init__(self, key):
                self.key = key

            def window(self, mode, texts):
                order.append(self.key)
                return measure.Window(1, 1, texts)

        measure.run_round({key: Recorder(key) for key in "ABC"}, "single", ["text"])
        self.assertEqual("".join(order), "ABCCBA")

    def test_a_disturbed_round_is_discarded_and_repeated(self):
        result = measured([contender("A", 1)], checks=[[], [], ["l2_gbs"], [], []])
        self.assertTrue(result.quiet)
        self.assertEqual(result.discarded, 2)  # before and after the disturbed calibration
        self.assertEqual(len(result.series["A"].rounds), 2)

    def test_a_machine_that_never_rests_is_reported(self):
        result = measured([contender("A", 1)], checks=[["l2_gbs"]] * 100)
        self.assertFalse(result.quiet)
        self.assertEqual(len(result.series["A"].rounds), 2 * measure.ATTEMPTS)
        self.assertIn("not quiet", report.notes(result))

    def test_a_rate_counts_as_disturbed_below_the_tolerance_of_the_best(self):
        reference = {}
        rates = {name: {"best": 100, "mean": 100} for name in measure.WATCHED}
        self.assertEqual(measure.disturbed(rates, reference), [])
        rates = {name: {"best": 100, "mean": 91} for name in measure.WATCHED}
        self.assertEqual(measure.disturbed(rates, reference), [])
        rates["int8_gops"]["mean"] = 89
        self.assertEqual(measure.disturbed(rates, reference), ["int8_gops"])

    def test_the_fastest_variant_is_kept(self):
        slow, fast = contender("A", 2).variants[0], contender("A", 1).variants[0]
        both = measure.Contender("A", "A", (slow, measure.Variant("fast", fast.command), slow))
        self.assertEqual(measured([both]).series["A"].setting, "fast")

    def test_an_error_of_a_worker_names_the_worker_and_the_reason(self):
        worker = measure.Worker(contender("A", 1).variants[0], "0")
        try:
            with self.assertRaisesRegex(measure.WorkerError, "asked to"):
                worker.once("single", ["fail"])
            self.assertEqual(worker.once("single", ["still"]).texts, ["STILL"])
        finally:
            worker.close()

    def test_a_worker_that_ends_is_an_error(self):
        with self.assertRaisesRegex(measure.WorkerError, "ended with status 3"):
            measure.Worker(measure.Variant("", (sys.executable, "-c", "exit(3)")), "0")


class Memory(unittest.TestCase):
    @staticmethod
    def points(bytes_of_a_token, from_sentences=0):
        """Exact proportion, but for four times as much from so many sentences on."""
        return {(sentences, length): {"resident_before": 7, "peak": 7 + bytes_of_a_token * length *
                                      sentences * (4 if 0 < from_sentences <= sentences else 1)}
                for sentences in memory.SENTENCES for length in memory.LENGTHS}

    @staticmethod
    def peaks(megabytes):
        return {(sentences, tokens): {"peak": megabytes * 1e6}
                for sentences in memory.SENTENCES for tokens in memory.BATCH_TOKENS}

    def broken(self, growth=0.0, points=None, peak=150, most_peak=150):
        return memory.broken_laws({"growth_percent": growth}, points or self.points(100),
                                  self.peaks(peak), most_peak)

    def test_growth_and_disproportion_break_the_laws(self):
        self.assertEqual(self.broken(growth=5.0), [])
        self.assertRegex(self.broken(growth=5.1)[0], "grew")
        broken = self.broken(points=self.points(100, from_sentences=16))
        self.assertEqual(len(broken), 2 * len(memory.LENGTHS))  # 16 and 64 sentences
        self.assertRegex(broken[0], "16 sentences")

    def test_larger_calls_may_take_less_for_each_token(self):
        points = self.points(100)
        for (sentences, length), facts in points.items():
            facts["peak"] -= 90 * max(0, sentences * length - 128)
        self.assertEqual(self.broken(points=points), [])

    def test_a_peak_above_what_is_allowed_breaks_a_law(self):
        self.assertEqual(len(self.broken(peak=150.1)), len(memory.SENTENCES))
        self.assertEqual(self.broken(peak=1000, most_peak=None), [])


class Reporting(unittest.TestCase):
    def test_pairs_show_speed_and_equal_texts_together(self):
        result = measured([contender("A", 1), contender("B", 3, suffix="!")])
        cell = Cell("cell", "Cell", "correct", "single", 1, (), (("A", "B"), ("A", "absent")))
        self.assertEqual(report.pair_rows(cell, result), [
            ["A over B", "3.00 (3.00 to 3.00)", "3.00 (3.00 to 3.00)", "0 of 2"]])

    def test_bars_are_as_long_as_their_ratios_and_labels_are_escaped(self):
        chart = plot.bar_chart("title", [("A < B", estimates.Ratio(2.0, 1.5, 4.0)),
                                         ("C", estimates.Ratio(1.0, 1.0, 1.0))])
        tree = xml.etree.ElementTree.fromstring(chart)
        bars = [float(element.get("width")) for element in tree
                if element.get("class") == "bar"]
        self.assertEqual(bars, [plot.WIDTH / 2, plot.WIDTH / 4])  # the longest interval fills it
        self.assertIn("A < B", [element.text for element in tree])

    def test_only_what_is_between_the_markers_changes(self):
        page = f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n"
        page = report.replace_between_markers(page, "new")
        self.assertEqual(page, f"before\n{report.BEGIN}\n\nnew\n\n{report.END}\nafter\n")
        self.assertEqual(report.replace_between_markers(page, "new"), page)
        with self.assertRaises(ValueError):
            report.replace_between_markers("no markers", "new")

    def test_texts_are_distinct_evenly_spaced_and_by_column(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "texts.tsv")
            with open(path, "w", encoding="utf-8") as file:
                file.write("".join(f"flawed {i // 2}\tclean {i // 2}\n" for i in range(20)))
            self.assertEqual(compare.read_texts([path], 0, 0), [f"flawed {i}" for i in range(10)])
            self.assertEqual(compare.read_texts([path], -1, 2), ["clean 0", "clean 5"])


if __name__ == "__main__":
    unittest.main()
