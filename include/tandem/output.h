/// What comes back. All values own their memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tandem/constraint.h>
#include <tandem/error.h>

namespace tandem {

/// Why a hypothesis ended.
enum class FinishReason {
  eos,                    ///< the model ended the sentence
  length,                 ///< the limit of length or of time
  stopped,                ///< a stop string, or the streaming callback said stop
  constraint_unsatisfied  ///< nothing that meets the constraint fits the limit; no ids
};

TANDEM_EXPORT std::string_view to_string(FinishReason reason) noexcept;

/// One output.
struct Hypothesis {
  std::string text;                    ///< special tokens removed
  std::vector<TokenId> ids;            ///< after the start token; prefix and end token included
  std::vector<float> token_log_probs;  ///< one for each id: natural log of the model's own softmax
  double sum_log_prob = 0;             ///< their sum
  double score = 0;                    ///< what ranked it, by the rules of the profile
  FinishReason finish_reason = FinishReason::eos;
  std::optional<int> group;                ///< of a diverse beam search, from 0
  std::optional<double> diversity_score;   ///< of a diverse beam search: sum with the penalties
  std::optional<double> weight;            ///< of a particle, normalised over all
  std::optional<double> expected_utility;  ///< of minimum Bayes risk
  /// With return_alignment: for each id, one weight for each source token (or position that the
  /// encoder makes of features), summing to 1.
  std::vector<std::vector<float>> alignment;
};

/// What the answer cost.
struct Stats {
  std::int64_t encoder_runs = 0;
  std::int64_t decoder_passes = 0;    ///< forward passes this request took part in
  std::int64_t generated_tokens = 0;  ///< of the best hypothesis, the end token included
  std::int64_t draft_tokens = 0;
  std::int64_t accepted_tokens = 0;
};

/// The answer to one request. `error` is set instead of hypotheses when this request failed; its
/// neighbours are not affected.
struct Output {
  std::vector<Hypothesis> hypotheses;  ///< best first; samples as they were drawn
  Stats stats;
  std::size_t truncated_tokens = 0;  ///< with truncate_source: tokens that the sources have lost
  /// Sequential Monte Carlo: natural log of the estimated probability that an output obeys the
  /// constraint.
  std::optional<double> log_evidence;
  std::optional<Error> error;

  /// The best text. Throws the error if there is one.
  const std::string& text() const {
    if (error) throw *error;
    return hypotheses.at(0).text;
  }
};

/// What a stack of layers makes of each position, after its last norm.
struct TANDEM_EXPORT HiddenStates {
  std::size_t positions = 0;
  std::size_t width = 0;
  std::vector<float> values;  ///< [positions, width], row by row

  /// `width` numbers. Throws Error{invalid_argument} for a position that is not there.
  std::span<const float> at(std::size_t position) const;
  /// The mean over all positions: an embedding of the whole input.
  std::vector<float> mean() const;
};

/// The answer to one EncodeRequest.
struct Encoding {
  std::vector<TokenId> ids;  ///< what was encoded; empty for features
  HiddenStates states;       ///< one position for each id, or as many as the encoder makes of features
  std::optional<Error> error;
};

/// The answer to one ScoreRequest.
struct Score {
  std::vector<float> token_log_probs;  ///< one for each target token, the end token included
  double sum_log_prob = 0;
  std::optional<Error> error;
};

/// The answer to one document.
struct Translation {
  std::string text;                       ///< white space and line ends as in the document
  std::vector<std::string> alternatives;  ///< with num_return_sequences above 1: all, best first
  std::size_t sentences = 0;
  Stats stats;  ///< summed over the sentences
  std::size_t truncated_tokens = 0;  ///< with truncate_source: the same
  std::optional<Error> error;
};

}  // namespace tandem
