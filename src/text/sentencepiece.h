// A SentencePiece model at work: text to pieces and back.
//
// When to use:  as the core of every family whose vocabulary is a `.model` or `.spm` file. The
//               family's special tokens and id rules are its tokenizer's business.
// Cost:         loading is linear in the file. Encoding is linear in the text (BPE: n log n).
// Source:       github.com/google/sentencepiece 0.2.3 as the behaviour to reproduce, id for id.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tandem/constraint.h>

#include "text/normalizer.h"
#include "text/piece_table.h"
#include "text/segmenter.h"
#include "text/sentencepiece_model.h"

namespace tandem {

// Immutable and thread-safe.
class SentencePiece {
 public:
  // `name` is the file's, for messages; `limits.max_input_bytes` bounds the texts.
  // Throws Error{corrupt} for a normaliser table that cannot be one.
  SentencePiece(SentencePieceModel model, const std::string& name, const Limits& limits = {});
  static std::shared_ptr<const SentencePiece> load(const std::string& path, const Limits& limits);

  // A text as pieces. Neighbouring unknown characters are one piece, or with byte fallback one
  // piece for each byte.
  struct Encoding {
    std::string normalized;
    std::vector<Segment> pieces;
  };
  // Throws Error{resource_exhausted} for a text beyond the limit.
  Encoding encode_pieces(std::string_view text) const;
  // What a piece of an encoding stands for: of an unknown one the text, else the piece itself.
  std::string_view surface(const Encoding& encoding, const Segment& piece) const;
  // The ids alone.
  std::vector<TokenId> encode(std::string_view text) const;
  std::string normalize(std::string_view text) const;
  // Throws Error{resource_exhausted} if `text` is longer than the limit.
  void check_length(std::string_view text) const;

  // The text of ids. Control pieces give nothing, the unknown piece its surface, a run of byte
  // pieces its bytes with U+FFFD where they are not UTF-8.
  // Throws Error{invalid_argument} for an id outside the vocabulary.
  std::string decode(std::span<const TokenId> ids) const;
  // The same from piece strings; one that is not in the vocabulary is copied.
  std::string decode_pieces(std::span<const std::string_view> pieces) const;

  const PieceTable& pieces() const noexcept { return pieces_; }
  TokenId eos_id() const noexcept { return eos_id_; }  // -1: none
  TokenId pad_id() const noexcept { return pad_id_; }  // -1: none
  // Throws Error{invalid_argument} unless 0 <= id < pieces().size().
  void check_id(TokenId id) const;

 private:
  class Decoder;

  PieceTable pieces_;
  Normalizer normalizer_;
  std::unique_ptr<const Segmenter> segmenter_;
  std::string unk_surface_;
  bool byte_fallback_;
  bool prefix_is_dropped_;       // a space symbol at the front of a decoded text
  bool all_spaces_are_dropped_;  // every one of them
  TokenId eos_id_, pad_id_;
  std::size_t max_input_bytes_;
};

}  // namespace tandem
