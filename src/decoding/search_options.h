// SearchOptions: everything a search needs to know about one request, resolved and range-checked.
//
// A request leaves most keys open; the model's generation_config.json fills some of them, the
// defaults of options.h the rest. `resolve` does that once, checks every range, and refuses what
// cannot be done, so that no strategy ever meets an option that is missing or out of range.
//
// Source of the keys and of their order of precedence: transformers, generation/
// configuration_utils.py and generation/utils.py. Two departures, both on purpose:
//   - A length of the request always wins over a length of the model, whichever of the two keys
//     (in tokens generated, or with start token and prefix) each of them used.
//   - When nobody sets a length, the limit is the model's position table or Limits, never the 20
//     tokens of transformers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <tandem/constraint.h>
#include <tandem/options.h>
#include <tandem/strategy.h>

#include "base/candidate.h"
#include "decoding/warpers.h"

namespace tandem {

class Tokenizer;

// max_new_tokens of a model of Marian's format whose request says nothing: this many times the
// source tokens (the engine's own default for `max-length-factor`).
inline constexpr double kMarianLengthFactor = 3.0;

struct SearchOptions {
  Profile profile = Profile::huggingface;  // never automatic
  Strategy strategy = Greedy{};            // never Automatic

  // Search.
  int num_beams = 1;
  int num_return_sequences = 1;
  EarlyStopping early_stopping = EarlyStopping::no;
  double length_penalty = 1.0;  // exponent; Marian calls it `normalize`
  double word_penalty = 0.0;    // Marian only
  double patience = 1.0;        // CTranslate2 only
  double coverage_penalty = 0;  // CTranslate2 only; for the caller to apply to the results
  int num_beam_groups = 1;
  double diversity_penalty = 0.0;

  // Sampling.
  WarperOptions warpers;
  std::uint64_t seed = 0;

  // Length, counted without the start token and the prefix.
  int max_new_tokens = 1;
  int min_new_tokens = 0;
  std::optional<std::pair<int, double>> exponential_decay;  // first token affected, factor

  // Penalties and bans.
  double repetition_penalty = 1.0;
  double encoder_repetition_penalty = 1.0;
  int no_repeat_ngram_size = 0;
  int encoder_no_repeat_ngram_size = 0;
  std::vector<std::vector<TokenId>> bad_words;
  std::vector<TokenId> suppress_tokens;
  std::vector<TokenId> begin_suppress_tokens;
  std::vector<std::pair<std::vector<TokenId>, double>> sequence_bias;
  bool renormalize = false;
  std::shared_ptr<const Constraint> constraint;  // null: none

  // Ends besides the end token and the length.
  std::optional<double> max_time;         // seconds
  std::vector<std::string> stop_strings;  // only where may_stop_at_strings
  const Tokenizer* tokenizer = nullptr;   // there if something above needs text

  // Tokens.
  TokenId vocabulary_size = 0;
  TokenId start_token = 0;  // -1: Marian's start, a row of zeros
  TokenId pad_token = -1;   // -1: none
  std::vector<TokenId> eos_tokens;
  TokenId forced_bos_token = -1;  // -1: none
  std::vector<TokenId> forced_eos_tokens;
  std::vector<TokenId> source;  // may have a vocabulary of its own
  std::vector<TokenId> prefix;
  std::vector<TokenId> soft_prefix;  // CTranslate2 only: preferred, in place of `prefix`
  double prefix_bias = 0;            // its weight
  std::optional<Candidate> first;    // what follows the prefix, if it is chosen already

  // Outputs that differ in their first token, num_return_sequences at most (alternatives.h).
  bool alternatives = false;
  double min_first_probability = 0;  // of all alternatives but the best

  bool is_eos(TokenId token) const;
  // Outputs that a beam search finishes at most: num_beams, under CTranslate2's rules times
  // patience.
  int most_hypotheses() const;
};

// What a request does not say: facts about the model, and the request's texts as tokens.
struct SearchContext {
  const GenerationOptions* model_defaults = nullptr;  // generation_config.json; null: none
  Profile files_profile = Profile::huggingface;       // what Profile::automatic means here
  std::span<const TokenId> source;                    // with its end and language tokens
  std::span<const TokenId> prefix;
  const Tokenizer* tokenizer = nullptr;  // must outlive the searches; null: none
  TokenId vocabulary_size = 0;
  TokenId start_token = 0;  // where neither request nor defaults name one; -1: Marian's
  TokenId pad_token = -1;
  TokenId unk_token = -1;  // banned under Marian's rules unless `allow_unk`
  bool allow_unk = false;
  bool whole_rows = false;  // every answer is made from a whole row: mixtures, hooks
  int max_target_positions = 0;  // positions the decoder can represent; 0: no bound
  double max_length_factor = kMarianLengthFactor;  // Marian: the files' own default
};

// Merges, resolves and checks. Throws Error: invalid_argument (names the key, its value and its
// range), unsupported (names what is not available), resource_exhausted (names the limit).
SearchOptions resolve(const Request& request, const SearchContext& context, const Limits& limits);

}  // namespace tandem
