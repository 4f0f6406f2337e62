// ForcedPass: one decoder pass over an output that is given, to see what the model looks at and
// holds while it says it.
//
// When to use:    after a search or in scoring, for outputs whose attention or states are wanted:
//                 searches themselves stay as fast as they are.
// Cost:           one decoder pass, all tokens at once; for a mean over heads, one for each head.
// Laws:           the numbers are those of the generation, bit for bit (row invariance); a row of an
//                 alignment sums to 1 (tests/api/forced_pass_test.cc).
#pragma once

#include <span>
#include <vector>

#include <tandem/heads.h>
#include <tandem/output.h>

#include "models/encoder_decoder.h"

namespace tandem {

// What the decoder said, or is told to have said.
struct GivenOutput {
  TokenId start_token = -1;      // -1: a row of zeros
  std::span<const TokenId> ids;  // without the start token
};

// The decoder layer that `head` means. Throws Error{unsupported} if it names none and the model has
// no alignment layer, and as check_head.
int resolve_layer(const ModelSpec& spec, const CrossAttentionHead& head);

// The rows of `from` on the host. Waits for the backend.
HiddenStates fetch_states(Backend& backend, ConstMatrixView from);

class ForcedPass {
 public:
  // All must outlive it.
  ForcedPass(const EncoderDecoder& network, Backend& backend, ModelWorkspace& workspace)
      : network_(network), backend_(backend), workspace_(workspace) {}

  // For each token of the output one weight for each position of the source, summing to 1: the
  // cross-attention while the token was produced. Throws Error as resolve_layer and decode.
  std::vector<std::vector<float>> align(const EncodedSource& source, const GivenOutput& output,
                                        const CrossAttentionHead& head);

  // The decoder's last hidden states; row i predicts ids[i]. Throws Error as decode.
  HiddenStates states(const EncodedSource& source, const GivenOutput& output);

 private:
  ConstMatrixView run(const EncodedSource& source, const GivenOutput& output,
                      const ObservedAttention& observed);

  const EncoderDecoder& network_;
  Backend& backend_;
  ModelWorkspace& workspace_;
};

}  // namespace tandem
