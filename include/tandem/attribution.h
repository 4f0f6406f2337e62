/// Which source tokens a prediction rests on, found by replacing them (ReAGent, Zhao and Shan 2024,
/// arXiv 2402.00794). Nothing is asked of the model but probabilities: no gradients, no attention.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <tandem/export.h>
#include <tandem/options.h>
#include <tandem/output.h>

namespace tandem {

class Engine;

struct AttributionOptions {
  double replaced = 0.3;      ///< share of the tokens that a trial replaces, at least one
  double kept = 0.3;          ///< share that a check keeps: the most important ones, at least one
  int top_k = 3;              ///< a check succeeds if the target is among so many best tokens
  int max_trials = 1024;      ///< then the importance is what it is
  int trials_per_check = 32;  ///< scored in one call; 1 is the paper's loop
  std::uint64_t seed = 0;
};

/// How the model sees the target after an edited source.
struct TargetPlace {
  double probability = 0;
  int rank = 1;  ///< 1: the most probable token
};

/// The place of the target after each of `sources`.
using SourceScorer =
    std::function<std::vector<TargetPlace>(std::span<const std::vector<TokenId>> sources)>;

/// A token to put in the place of the one at `position`; `uniform` is a random number in [0, 1).
using TokenReplacer = std::function<TokenId(std::size_t position, double uniform)>;

/// How much a prediction rests on each token.
struct Attribution {
  std::vector<TokenId> ids;        ///< the source
  std::vector<double> importance;  ///< one for each id, summing to 1; 0 for what is never replaced
  TokenId target = -1;             ///< whose prediction it is
  int trials = 0;
  bool is_sufficient = false;  ///< a check succeeded; otherwise max_trials ended the search
};

/// The importance of the tokens of `ids` at the places `replaceable`. A trial replaces a random set
/// of them; the logit of the change in the target's probability is added to the replaced ones and
/// taken from the others. From time to time a check keeps the most important tokens and replaces
/// all others. Cost: one source scored for each trial and each check, and one for `ids`. The same
/// seed gives the same answer. Departs from the paper: replacements come from `replace`, not from a
/// masked language model. Throws Error{invalid_argument} for no places, places out of range, and
/// options out of range.
TANDEM_EXPORT Attribution attribute_by_replacement(const std::vector<TokenId>& ids,
                                                   std::span<const std::size_t> replaceable,
                                                   const SourceScorer& scorer,
                                                   const TokenReplacer& replace,
                                                   const AttributionOptions& options = {});

/// A prediction of a model: the next token after `prefix`.
struct AttributionRequest {
  Input input;  ///< a text or ids
  Input prefix;
  TokenId target = -1;  ///< the token asked about; -1: the most probable one
  std::string source_lang;
  std::string target_lang;
  /// Ids that stay where they are and replace nothing, beside the end, padding and unknown tokens.
  std::vector<TokenId> fixed;
  TokenReplacer replace;  ///< empty: any token of the source vocabulary, all as likely
  AttributionOptions options;
};

/// The same for a loaded model. Cost: one encoder run and one decoder pass for each source that is
/// scored, on all threads of the engine. Throws Error as Engine::next_log_probs.
TANDEM_EXPORT Attribution attribute_to_source(const Engine& engine,
                                              const AttributionRequest& request,
                                              const CallOptions& call = {});

}  // namespace tandem
