#!/usr/bin/env python3
"""Trains a small English corrector in OPUS-MT format, as examples/models/correct-en was.

    python3 examples/train_demo.py --text sentences.txt --out my-model [--steps 20000]

`sentences.txt` holds clean English, one sentence a line. The model learns to restore a sentence from a copy with 0 to 3
synthetic errors. The output folder is a Hugging Face directory that Tandem, transformers and CTranslate2's converter read.
Needs: torch, transformers (5 or newer), sentencepiece, safetensors. A few hours on a CPU, minutes on a GPU.

Recipe: a Marian Transformer (Vaswani et al. 2017, arXiv 1706.03762) with 3 encoder layers and 1 decoder layer, width 192,
6 heads, feed-forward 768 with ReLU, tied embeddings over 3,000 joint SentencePiece units; Adam with a learning rate of 2e-3
after a warm-up and inverse square-root decay; label smoothing 0.03; batches of 2,000 target tokens; gradient norm at most 1.
"""
import argparse
import json
import math
import pathlib
import random
import shutil

ARTICLES = ["a", "an", "the"]
PREPOSITIONS = ["in", "on", "at", "of", "to", "for", "from", "with", "by", "about", "into", "over", "under"]
ENDINGS = ["s", "ed", "ing"]
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def change_article(words, at, rng):
    if words[at].lower() not in ARTICLES:
        return False
    words[at:at + 1] = [] if rng.random() < 0.6 else [rng.choice(ARTICLES)]
    return True


def change_preposition(words, at, rng):
    if words[at].lower() not in PREPOSITIONS:
        return False
    words[at] = rng.choice(PREPOSITIONS)
    return True


def change_ending(words, at, rng):
    word = words[at]
    if not word.isalpha() or len(word) < 4:
        return False
    for ending in ENDINGS:
        if word.endswith(ending) and rng.random() < 0.7:
            words[at] = word[:-len(ending)]
            return True
    words[at] = word + rng.choice(ENDINGS)
    return True


def change_letters(words, at, rng):
    word = words[at]
    if not word.isalpha() or len(word) < 4:
        return False
    place = rng.randrange(1, len(word) - 1)
    words[at] = rng.choice([
        word[:place] + word[place + 1] + word[place] + word[place + 2:],  # swapped
        word[:place] + word[place + 1:],                                  # dropped
        word[:place] + word[place] + word[place:],                        # doubled
        word[:place] + rng.choice(LETTERS) + word[place + 1:],            # changed
    ])
    return True


def double_word(words, at, rng):
    words.insert(at, words[at])
    return True


def swap_words(words, at, rng):
    if at + 1 == len(words):
        return False
    words[at], words[at + 1] = words[at + 1], words[at]
    return True


# Each kind of error with its share of all errors.
ERRORS = [(change_article, 22), (change_preposition, 18), (change_ending, 20), (change_letters, 25), (double_word, 7), (swap_words, 8)]


def corrupt(sentence, rng):
    """The sentence with 0 to 3 errors. A kind of error that fits nowhere is tried at a few words and then left out."""
    words = sentence.split(" ")
    for _ in range(rng.randint(0, 3)):
        (change,) = rng.choices([kind for kind, _ in ERRORS], [share for _, share in ERRORS])
        for _ in range(8):
            if words and change(words, rng.randrange(len(words)), rng):
                break
    return " ".join(words) or sentence


def train_vocabulary(text, out, size):
    """source.spm, target.spm (the same) and vocab.json in the order of OPUS-MT: end of sentence 0, padding last."""
    import sentencepiece

    sentencepiece.SentencePieceTrainer.train(input=str(text), model_prefix=str(out / "source"), vocab_size=size - 1,
                                             model_type="unigram", bos_id=-1, eos_id=0, unk_id=1, hard_vocab_limit=False)
    (out / "source.model").rename(out / "source.spm")
    (out / "source.vocab").unlink()
    shutil.copy(out / "source.spm", out / "target.spm")
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(out / "source.spm"))
    vocabulary = {pieces.id_to_piece(index): index for index in range(pieces.get_piece_size())}
    vocabulary["<pad>"] = len(vocabulary)
    (out / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    tokenizer = {"tokenizer_class": "MarianTokenizer", "source_lang": "en", "target_lang": "en", "model_max_length": 200,
                 "separate_vocabs": False, "unk_token": "<unk>", "eos_token": "</s>", "pad_token": "<pad>", "sp_model_kwargs": {}}
    (out / "tokenizer_config.json").write_text(json.dumps(tokenizer, indent=2), encoding="utf-8")
    return pieces, vocabulary["<pad>"]


def make_model(vocabulary_size, pad):
    import transformers

    return transformers.MarianMTModel(transformers.MarianConfig(
        vocab_size=vocabulary_size, decoder_vocab_size=vocabulary_size, d_model=192, encoder_layers=3, decoder_layers=1,
        encoder_attention_heads=6, decoder_attention_heads=6, encoder_ffn_dim=768, decoder_ffn_dim=768,
        activation_function="relu", dropout=0.0, attention_dropout=0.0, activation_dropout=0.0, max_position_embeddings=256,
        scale_embedding=True, share_encoder_decoder_embeddings=True, tie_word_embeddings=True, init_std=192 ** -0.5,
        pad_token_id=pad, eos_token_id=0, forced_eos_token_id=0, decoder_start_token_id=pad))


def batches(sentences, pieces, pad, tokens, rng):
    """Endless batches of (source, target), each sorted by length and of at most `tokens` padded target tokens."""
    import torch

    def padded(rows):
        width = max(map(len, rows))
        return torch.tensor([row + [pad] * (width - len(row)) for row in rows])

    while True:
        chunk = rng.sample(sentences, min(len(sentences), 2000))
        pairs = [(pieces.encode(corrupt(clean, rng))[:199] + [0], pieces.encode(clean)[:199] + [0]) for clean in chunk]
        pairs.sort(key=lambda pair: len(pair[1]))
        groups, group = [], []
        for pair in pairs:
            if group and (len(group) + 1) * len(pair[1]) > tokens:
                groups.append(group)
                group = []
            group.append(pair)
        groups.append(group)
        rng.shuffle(groups)
        for group in groups:
            yield padded([source for source, _ in group]), padded([target for _, target in group])


def train(arguments):
    import torch

    torch.manual_seed(arguments.seed)
    rng = random.Random(arguments.seed)
    arguments.out.mkdir(parents=True, exist_ok=True)
    sentences = [line for line in arguments.text.read_text(encoding="utf-8").splitlines() if line.strip()]
    pieces, pad = train_vocabulary(arguments.text, arguments.out, arguments.vocabulary)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = make_model(pad + 1, pad).to(device).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, betas=(0.9, 0.98), eps=1e-9)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / arguments.warmup, math.sqrt(arguments.warmup / (step + 1))))
    loss_of = torch.nn.CrossEntropyLoss(ignore_index=pad, label_smoothing=0.03)
    for step, (source, target) in enumerate(batches(sentences, pieces, pad, arguments.batch_tokens, rng), 1):
        source, target = source.to(device), target.to(device)
        start = torch.full_like(target[:, :1], pad)
        logits = model(input_ids=source, attention_mask=source != pad,
                       decoder_input_ids=torch.cat([start, target[:, :-1]], dim=1)).logits
        loss = loss_of(logits.flatten(0, 1), target.flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        if step % 100 == 0 or step == arguments.steps:
            print(f"step {step}: loss {loss.item():.3f}", flush=True)
        if step == arguments.steps:
            break
    model.generation_config.update(bad_words_ids=[[pad]], max_length=200, num_beams=1)
    model.save_pretrained(arguments.out, safe_serialization=True)
    print(f"saved to {arguments.out}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=pathlib.Path, required=True, help="clean sentences, one a line, UTF-8")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for the model")
    parser.add_argument("--steps", type=int, default=20000)
    parser.add_argument("--warmup", type=int, default=1000, help="steps until the full learning rate")
    parser.add_argument("--batch-tokens", type=int, default=2000, help="padded target tokens of a batch")
    parser.add_argument("--vocabulary", type=int, default=3000, help="pieces, the padding included")
    parser.add_argument("--seed", type=int, default=1)
    train(parser.parse_args())


if __name__ == "__main__":
    main()
