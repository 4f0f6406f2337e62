#include "api/forced_pass.h"

#include <tandem/error.h>

#include "nn/kv_cache.h"

namespace tandem {

int resolve_layer(const ModelSpec& spec, const CrossAttentionHead& head) {
  if (!head.layer && spec.guided_alignment_layer < 0)
    throw Error(ErrorCode::unsupported,
                "this model has no alignment: its files name no alignment layer",
                "name a decoder layer, whose cross-attention is then the alignment");
  const int layer = head.layer.value_or(spec.guided_alignment_layer);
  check_head(spec, AttentionKind::cross, layer, head.head.value_or(0));
  return layer;
}

HiddenStates fetch_states(Backend& backend, ConstMatrixView from) {
  HiddenStates states{
      static_cast<std::size_t>(from.rows()), static_cast<std::size_t>(from.cols()), {}};
  states.values.resize(states.positions * states.width);
  for (std::size_t p = 0; p < states.positions; ++p)
    backend.to_host(states.values.data() + p * states.width,
                    from.row<float>(static_cast<std::int64_t>(p)), states.width * sizeof(float));
  backend.sync();
  return states;
}

ConstMatrixView ForcedPass::run(const EncodedSource& source, const GivenOutput& output,
                                const ObservedAttention& observed) {
  std::vector<TokenId> fed{output.start_token};
  fed.insert(fed.end(), output.ids.begin(), output.ids.end() - 1);
  DecoderState state = network_.new_state(backend_);
  state.reserve(static_cast<std::int64_t>(fed.size()));
  RowTables rows;
  const RowChange change{-1, 0, static_cast<int>(fed.size())};
  rows.advance(state.pool(), std::span(&change, 1));
  const DecoderRow row{&source, fed, rows.slots(0)};
  const ConstMatrixView hidden =
      network_.decode(backend_, std::span(&row, 1), state, workspace_, observed);
  backend_.sync();  // `state` and `fed` end here
  return hidden;
}

std::vector<std::vector<float>> ForcedPass::align(const EncodedSource& source,
                                                  const GivenOutput& output,
                                                  const CrossAttentionHead& head) {
  const int layer = resolve_layer(network_.spec(), head);
  if (output.ids.empty()) return {};
  const auto positions = static_cast<std::size_t>(source.keys_values.front().rows());
  std::vector<std::vector<float>> weights(output.ids.size(), std::vector<float>(positions));
  std::vector<float*> places;
  for (std::vector<float>& row : weights) places.push_back(row.data());
  if (head.head) {
    run(source, output, {places.data(), layer, *head.head});
    return weights;
  }
  std::vector<std::vector<float>> mean(output.ids.size(), std::vector<float>(positions));
  const int num_heads = network_.spec().decoder.heads;
  for (int number = 0; number < num_heads; ++number) {
    run(source, output, {places.data(), layer, number});
    for (std::size_t t = 0; t < mean.size(); ++t)
      for (std::size_t s = 0; s < positions; ++s)
        mean[t][s] += weights[t][s] / static_cast<float>(num_heads);
  }
  return mean;
}

HiddenStates ForcedPass::states(const EncodedSource& source, const GivenOutput& output) {
  if (output.ids.empty()) return {};
  return fetch_states(backend_, run(source, output, {}));
}

}  // namespace tandem
