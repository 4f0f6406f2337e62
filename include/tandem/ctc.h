/// Decoding of connectionist temporal classification (CTC, Graves et al. 2006): from scores of
/// every frame, which the caller has, to tokens. A path of symbols becomes an output when repeats
/// are merged and then blanks dropped; an output's probability is the sum over its paths.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include <tandem/constraint.h>
#include <tandem/export.h>

namespace tandem {

/// One output. `log_prob`: of its best path (ctc_greedy) or of all its paths that were kept.
struct CtcHypothesis {
  std::vector<TokenId> ids;  ///< without blanks
  std::vector<int> frames;   ///< for each id, the frame at which it first came up
  double log_prob = 0;
};

/// What every frame's best symbol spells. `log_probs` are frames of `symbols` natural logs each,
/// one after another; equals go to the lower symbol. Cost: one look at every number. Throws
/// Error{invalid_argument} for a size that is no number of frames, a blank that is no symbol, or a
/// NaN.
TANDEM_EXPORT CtcHypothesis ctc_greedy(std::span<const float> log_probs, int symbols,
                                       TokenId blank);

struct CtcBeamOptions {
  int symbols = 0;  ///< in a frame, the blank included
  TokenId blank = 0;
  int beam = 16;     ///< outputs that are kept after each frame
  int num_best = 1;  ///< outputs that are returned
  /// Added to the log-probability where `next` is appended to `ids`: weight times the score of a
  /// language model, a bonus for each token. Null: nothing.
  std::function<double(std::span<const TokenId> ids, TokenId next)> extension_score;
};

/// Prefix beam search (Hannun et al. 2014, arXiv 1408.2873, algorithm 1): sums over the paths of
/// each output that is kept. Frames may come in pieces of any size; the result is that of all at
/// once. A beam as wide as there are outputs gives exact probabilities.
/// Cost: beam * (beam + symbols) a frame. Memory: what the beam ever held, released by `reset`.
class TANDEM_EXPORT CtcBeam {
 public:
  /// Throws Error{invalid_argument} for options out of range.
  explicit CtcBeam(CtcBeamOptions options);

  /// Takes more frames. Throws Error{invalid_argument} as ctc_greedy.
  void decode(std::span<const float> log_probs);
  /// The best outputs of the frames so far, best first; equals in the order they came up.
  std::vector<CtcHypothesis> results() const;
  /// Begins a new utterance.
  void reset();

 private:
  struct Node {  // an output: that of `parent`, and `token`
    int parent;
    TokenId token;
    int frame;
  };
  struct Kept {  // an output in the beam, and the log-probabilities of its paths by their end
    int node;
    double ends_in_blank;
    double ends_in_token;
  };
  struct Extension;

  std::vector<TokenId> ids_of(int node) const;
  void advance(std::span<const float> frame);
  void extend(const Kept& kept, std::span<const float> frame,
              std::vector<Extension>& extensions) const;
  int node_of(int parent, TokenId token);
  void keep_best(std::vector<Extension>& extensions);

  CtcBeamOptions options_;
  std::vector<Node> nodes_;  // the empty output first
  std::vector<std::vector<int>> children_;
  std::vector<Kept> beam_;  // best first
  int frame_ = 0;
};

}  // namespace tandem
