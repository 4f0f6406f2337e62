// ModelDrafter: drafts with a smaller model, token by token, greedily.
//
// What it does:   keeps a decoder cache of its own for the sentence. Each proposal first rolls the
//                 cache back to what the output still agrees with, then feeds what it has not seen
//                 and goes on from there. A draft ends before the small model's end token.
// When to use:    outputs that cannot be copied, with a model several times faster than the large
//                 one and the same target vocabulary (a distilled student).
// Cost:           one pass of the small model a drafted token, at batch 1 and on one thread; its
//                 encoder runs once a sentence. Weights are shared with all users of that engine.
// Source:         Leviathan et al. 2023, arXiv 2211.17192; Chen et al. 2023, arXiv 2302.01318.
// Differs:        the draft is the small model's best tokens, not samples, so that verification
//                 compares tokens instead of distributions; lossless all the same (verify.h).
// Laws:           tests/api/model_drafter_test.cc: a model that drafts for itself is right at every
//                 token; the output is greedy's with any draft model.
#pragma once

#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "api/model_decoder.h"
#include "decoding/drafter.h"

namespace tandem {

class ModelDrafter : public Drafter {
 public:
  // `decoder`, of `network`, belongs to the thread that uses the drafter; drafters may share it.
  // `cost_per_token`: see Drafter.
  ModelDrafter(const EncoderDecoder& network, std::shared_ptr<ModelDecoder> decoder,
               std::shared_ptr<const EncodedSource> source, double cost_per_token);
  ~ModelDrafter() override;
  ModelDrafter(const ModelDrafter&) = delete;
  ModelDrafter& operator=(const ModelDrafter&) = delete;

  // Throws Error as ModelDecoder::step.
  std::vector<TokenId> propose(std::span<const TokenId> output, int limit) override;
  double cost_per_token() const override { return cost_per_token_; }

 private:
  // Feeds `tokens` after the first `keep` cached ones; the best next token.
  TokenId best_after(std::size_t keep, std::vector<TokenId> tokens);
  bool has_room(std::size_t positions) const;

  const EncoderDecoder& network_;
  std::shared_ptr<ModelDecoder> decoder_;
  int sentence_ = 0;
  double cost_per_token_ = 0;
  std::vector<TokenId> cached_;  // the start token and what followed it in the last pass
};

}  // namespace tandem
