/// Scoring: how probable the model finds what it is given. Nothing is searched for.
///
/// `Engine::score` reads whole outputs, `Engine::next_log_probs` a single place. The functions
/// below make rankings, confidences and statistics of such numbers; they need no model.
/// All log-probabilities are natural logs of the model's own softmax.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <tandem/export.h>
#include <tandem/options.h>
#include <tandem/output.h>

namespace tandem {

class Engine;

/// Several targets of one source. Cost: the encoder runs once, and what targets have in common at
/// their beginning is decoded once.
struct TargetsRequest {
  Input input;
  std::vector<Input> targets;  ///< ids as they are; a text gets the end token of its family
  std::string source_lang;
  std::string target_lang;
  /// Fill TargetScore::ranks and entropies. Cost: one pass over the vocabulary for each token.
  bool statistics = false;
  /// Fill TargetScore::alignment, from this head. Cost: one decoder pass more a target; for a mean
  /// over heads, one for each head.
  std::optional<CrossAttentionHead> alignment;
  /// Fill TargetScore::hidden_states. Cost: one decoder pass more a target.
  bool hidden_states = false;
  /// Heads that are masked in every pass, to see what depends on them.
  std::vector<MaskedHead> masked_heads;
  /// Replaces `input`: the targets are scored under several sources at once, token by token
  /// (MixtureMode::token) or as whole outputs (the other two, which are the same here). The latter
  /// is the reward of a query rewriter whose passages are the sources (AdaQR, Zhang et al. 2024,
  /// arXiv 2406.10991).
  std::optional<Mixture> mixture;
  std::vector<AddedEmbedding> added_embeddings;  ///< numbers as input; not with a mixture
};

/// How probable one target is.
struct TANDEM_EXPORT TargetScore {
  std::vector<TokenId> ids;            ///< what was scored, the end token included
  std::vector<float> token_log_probs;  ///< one for each id; -infinity: the model cannot produce it
  double sum_log_prob = 0;
  std::vector<int> ranks;  ///< with statistics: place of each token, 1 is the model's first choice
  std::vector<float> entropies;  ///< with statistics: of each place's distribution, in nats
  std::vector<std::vector<float>> alignment;  ///< as Hypothesis::alignment
  HiddenStates hidden_states;  ///< position i: the decoder's state that predicts ids[i]

  double mean_log_prob() const { return sum_log_prob / static_cast<double>(ids.size()); }
  double perplexity() const;  ///< exp(-mean_log_prob)
};

/// The answer to one TargetsRequest. The numbers of a target do not depend on the other targets.
struct TANDEM_EXPORT TargetScores {
  std::vector<TargetScore> targets;  ///< in the order of the request
  Stats stats;
  std::optional<Error> error;

  /// The target with the highest sum of log-probabilities; the first of equals.
  std::size_t most_probable() const;
  /// The target with the lowest perplexity, which does not favour short ones; the first of equals.
  /// Label choice by perplexity (He et al. 2025, GenCLS++, arXiv 2504.19898).
  std::size_t least_perplexing() const;
};

/// The next token after one beginning of an output. Cost: one encoder run and one decoder pass,
/// however many ids.
struct NextTokenRequest {
  Input input;
  Input prefix;              ///< what has been generated; empty: nothing
  std::vector<TokenId> ids;  ///< asked for, in any order; empty: the whole vocabulary
  std::string source_lang;
  std::string target_lang;
};

/// The answer to one NextTokenRequest.
struct NextTokenScores {
  std::vector<float> log_probs;  ///< one for each of `ids`, or for each id of the vocabulary
  Stats stats;
  std::optional<Error> error;
};

// --- rankings ------------------------------------------------------------------------------------

/// Gives each of `items` a score, in the order given; higher is better.
using WindowScorer = std::function<std::vector<double>(std::span<const std::size_t> items)>;

struct WindowOptions {
  std::size_t window = 20;  ///< items that are compared at once
  std::size_t step = 10;    ///< by which the window moves; from 1 to `window`
};

/// Puts items 0 to count - 1, which stand in their first order, into a better one: a window slides
/// from the last to the first of them and is sorted in place where it stands, so that good items
/// travel to the front. The last window begins with the first item, also where `step` does not
/// divide the way. Equals keep their order. Cost: one call of `scorer` a window, which is
/// 1 + ceil((count - window) / step) of them. Throws Error{invalid_argument} for a step out of
/// range, or an answer of another size or with a NaN.
TANDEM_EXPORT std::vector<std::size_t> rank_in_windows(std::size_t count,
                                                       const WindowOptions& options,
                                                       const WindowScorer& scorer);

/// A list to be ranked by a model that was trained to name its best item by a one-token identifier
/// (FIRST, Reddy et al. 2024, arXiv 2406.15657).
struct ListwiseRequest {
  std::size_t count = 0;
  /// Writes the prompt for the items of a window, calling the first by identifiers[0] and so on.
  std::function<Input(std::span<const std::size_t> items)> prompt;
  std::vector<TokenId> identifiers;  ///< single tokens; as many as a window holds, or more
  Input prefix;                      ///< what the output says in front of an identifier, "[" say
  WindowOptions windows;
  std::string source_lang;
  std::string target_lang;
};

/// The items, best first, by the log-probability of their identifiers as the next token. Nothing is
/// generated. Cost: one encoder run and one decoder pass a window. Throws Error.
TANDEM_EXPORT std::vector<std::size_t> rank_listwise(const Engine& engine,
                                                     const ListwiseRequest& request,
                                                     const CallOptions& call = {});

/// What one scorer says of every candidate, and how much it counts.
struct ScoreColumn {
  std::vector<double> values;
  double weight = 1;
};

/// The candidates, best first, by the weighted sum of several scores; equals keep their order.
/// `standardize`: each column is first shifted and scaled to mean 0 and standard deviation 1 (one
/// without spread becomes 0). The hybrid reranking of Wu et al. 2023 (arXiv 2309.17352) is
/// {{log-probabilities, 0.3}, {similarities, 0.7}}. Throws Error{invalid_argument} for columns of
/// different sizes or numbers that are not finite.
TANDEM_EXPORT std::vector<std::size_t> rank_by_weighted_sum(std::span<const ScoreColumn> columns,
                                                            bool standardize = false);

// --- confidence ----------------------------------------------------------------------------------

/// confidence = sigmoid(score * s + prior * p + bias) for a label's mean log-probability s, and its
/// mean log-probability p under an input that says nothing.
struct CalibrationWeights {
  double score = 1;
  double prior = 0;
  double bias = 0;
};

/// One label that was found on held-out data.
struct CalibrationExample {
  std::string label;
  double score = 0;
  double prior = 0;
  bool is_correct = false;
};

/// Platt scaling with a prior, in groups of equally frequent labels (CASENT, Feng et al. 2023,
/// arXiv 2311.00835). Labels that were never seen use the weights of `unseen`.
class TANDEM_EXPORT Calibration {
 public:
  Calibration() = default;

  /// Maximum likelihood without a penalty. A label belongs to the group that its number of correct
  /// examples falls into: the first below group_limits[0], and so on. A group without correct or
  /// without wrong examples is joined to the next more frequent one, the last to the one before.
  /// Throws Error{invalid_argument} where all examples are correct or all are wrong, for numbers
  /// that are not finite, and for limits that do not ascend.
  static Calibration fit(std::span<const CalibrationExample> examples,
                         std::span<const std::size_t> group_limits = {});

  void set(const std::string& label, const CalibrationWeights& weights) {
    weights_[label] = weights;
  }
  const CalibrationWeights& weights(const std::string& label) const;
  double confidence(const std::string& label, double score, double prior) const;

  CalibrationWeights unseen;

 private:
  std::map<std::string, CalibrationWeights> weights_;
};

// --- statistics of a text ------------------------------------------------------------------------

/// How multiscale_diversity_entropy looks at a series.
struct DiversityEntropyOptions {
  std::size_t window = 3;      ///< values in a vector
  double bins_per_value = 10;  ///< times the length of the series: bins of the histogram
  std::size_t scales = 5;      ///< moving averages over 1, 2, ... values
};

/// How much the local pattern of a series of log-probabilities changes with the scale: the sample
/// standard deviation, over all scales, of the normalised entropy of the cosines of neighbouring
/// windows. Throws Error{invalid_argument} for a series shorter than scales + window.
TANDEM_EXPORT double multiscale_diversity_entropy(std::span<const float> series,
                                                  const DiversityEntropyOptions& options = {});

/// Mean log-probability divided by multiscale_diversity_entropy: lower where a machine wrote the
/// text (Lastde, Xu et al. 2024, arXiv 2410.06072). -infinity where the entropy does not change.
TANDEM_EXPORT double lastde(std::span<const float> token_log_probs,
                            const DiversityEntropyOptions& options = {});

}  // namespace tandem
