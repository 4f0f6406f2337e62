#!/usr/bin/env python3
"""Transformers on PyTorch as a worker of compare.py, on a model in Hugging Face layout.

Greedy `generate` with a cache, eager PyTorch, under inference mode. Sentences of a bulk job are sorted by
length and padded in batches, as its users do. Text is turned into ids before the clock starts and
back after it stops. int8 is PyTorch's dynamic quantisation of all linear layers.
"""

import argparse

import torch
import transformers

from marian_pieces import MarianPieces
from worker_protocol import Engine, serve


class TransformersEngine(Engine):
    def __init__(self, arguments):
        torch.set_num_threads(arguments.threads)
        self.model = transformers.AutoModelForSeq2SeqLM.from_pretrained(
            arguments.model, dtype=torch.float32).eval()
        if arguments.compute_type == "bfloat16":
            self.model = self.model.to(torch.bfloat16)
        elif arguments.compute_type == "int8":
            self.model = torch.ao.quantization.quantize_dynamic(
                self.model, {torch.nn.Linear}, dtype=torch.qint8)
        self.pieces = MarianPieces(arguments.model)
        self.batch = arguments.batch

    def prepare(self, texts):
        return self.pieces.encode_ids(texts)

    def generate(self, sources):
        padding = self.model.config.pad_token_id
        longest = max(len(source) for source in sources)
        ids = torch.tensor([source + [padding] * (longest - len(source)) for source in sources])
        with torch.inference_mode():
            return self.model.generate(
                input_ids=ids, attention_mask=(ids != padding).long(), num_beams=1,
                do_sample=False).tolist()

    def translate(self, item):
        return self.generate([item])[0]

    def translate_all(self, items):
        order = sorted(range(len(items)), key=lambda index: -len(items[index]))
        outputs = [None] * len(items)
        for begin in range(0, len(order), self.batch):
            indices = order[begin:begin + self.batch]
            for index, output in zip(indices, self.generate([items[i] for i in indices])):
                outputs[index] = output
        return outputs

    def finish(self, outputs):
        return self.pieces.decode([[self.pieces.names[number] for number in output]
                                   for output in outputs])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, help="directory in Hugging Face layout")
    parser.add_argument("--compute-type", choices=["float32", "bfloat16", "int8"],
                        default="float32")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=32, help="sentences in one batch, for bulk")
    arguments = parser.parse_args()
    description = f"transformers {transformers.__version__} on PyTorch {torch.__version__}"
    serve(lambda: (TransformersEngine(arguments), description))


if __name__ == "__main__":
    main()
