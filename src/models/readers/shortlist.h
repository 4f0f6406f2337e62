// Lexical shortlists: which target tokens can occur in the translation of given source tokens, so
// that the output layer computes about a thousand columns and not the whole vocabulary.
// Format and rule: marian-dev, src/data/shortlist.cpp; the binary layout, all little-endian:
//
//   u64 magic | u64 checksum | u64 first | u64 best | u64 offsets_count | u64 ids_count
//   | u64 offsets | u32 target ids          of source token s: [offsets[s], offsets[s + 1])
//
// The set is built for one sentence alone; Marian builds it for the batch, so that there a
// neighbour's words change a sentence's translation.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tandem/constraint.h>
#include <tandem/options.h>

#include "base/file_io.h"

namespace tandem {

// How a text shortlist (lines "target source probability") becomes ids; Marian's defaults.
struct TextShortlistOptions {
  TokenId first = 100;  // the most frequent target tokens, always candidates
  int best = 100;       // entries kept for each source token, most probable first
  float threshold = 0;  // entries at or below it are dropped
  // The id of a piece, or of the unknown token. Without them text shortlists are unsupported.
  std::function<TokenId(std::string_view)> source_id;
  std::function<TokenId(std::string_view)> target_id;
};

class Shortlist {
 public:
  // Either form, known by its first bytes. Throws Error: as FileBytes::read; corrupt (magic,
  // checksum, size, offsets, an id beyond max_vocabulary, a line of another form); unsupported.
  static Shortlist read(const std::string& path, const Limits& limits,
                        const TextShortlistOptions& options = {});
  static Shortlist parse(const FileBytes& file, const Limits& limits,
                         const TextShortlistOptions& options = {});

  // Source tokens with a list of their own; the others have none.
  TokenId source_tokens() const { return static_cast<TokenId>(offsets_.size()) - 1; }
  // One more than the largest target id in any list; a fitting target vocabulary is not smaller.
  TokenId target_tokens() const { return target_tokens_; }
  TokenId first() const { return first_; }

  // The candidates for a sentence (end token included), sorted: the `first` tokens, the lists of
  // all source tokens, with a shared vocabulary the source tokens themselves, and as many of the
  // smallest other ids as make the number a multiple of 8. Linear in the lists and the vocabulary.
  // Throws Error{invalid_argument} for a source id that is negative or (when shared) not below
  // target_vocabulary, and for a target_vocabulary below target_tokens().
  std::vector<TokenId> candidates(std::span<const TokenId> source_ids, bool shared_vocabulary,
                                  TokenId target_vocabulary) const;

 private:
  static Shortlist parse_binary(const FileBytes& file, const Limits& limits);
  static Shortlist parse_text(const FileBytes& file, const Limits& limits,
                              const TextShortlistOptions& options);

  TokenId first_ = 0;
  TokenId target_tokens_ = 0;
  std::vector<std::uint64_t> offsets_{0};
  std::vector<std::uint32_t> ids_;
};

}  // namespace tandem
