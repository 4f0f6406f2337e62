"""Texts as the pieces of a Marian model, and back: for engines that have no tokenizer."""

import json
import os

import sentencepiece


class MarianPieces:
    def __init__(self, directory):
        """`directory` holds source.spm and vocab.json."""
        self.processor = sentencepiece.SentencePieceProcessor(
            os.path.join(directory, "source.spm"))
        with open(os.path.join(directory, "vocab.json"), encoding="utf-8") as file:
            self.ids = json.load(file)
        self.names = sorted(self.ids, key=self.ids.get)

    def encode(self, texts):
        """The pieces of each text and the end piece."""
        return [[piece if piece in self.ids else "<unk>" for piece in pieces] + ["</s>"]
                for pieces in self.processor.encode(texts, out_type=str)]

    def encode_ids(self, texts):
        return [[self.ids[piece] for piece in pieces] for pieces in self.encode(texts)]

    def decode(self, sentences):
        """Unknown and end pieces are left out, as transformers does with special tokens."""
        special = ("<unk>", "</s>", "<pad>")
        return [self.processor.decode([piece for piece in pieces if piece not in special])
                for pieces in sentences]
