// The input as a whole packed file, whose network is run with one token if it loads.
#include <vector>

#include "fuzz/fuzz_target.h"
#include "models/packed/packed_reader.h"
#include "support/forced_scores.h"

namespace tandem {

void fuzz_one(const FileBytes& file) {
  static const std::unique_ptr<Backend> backend = make_backend({.device = Device::cpu()});
  ModelFiles files = parse_packed_model(file, ".", {}, ComputeType::automatic);
  const EncoderDecoder network(files.model.spec, files.model.weights, files.type, *backend);
  const std::vector<TokenId> tokens = {0};
  static_cast<void>(forced_logits(network, *backend, tokens, tokens));
}

}  // namespace tandem
