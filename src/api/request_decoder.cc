#include "api/request_decoder.h"

#include <utility>

namespace tandem {

RequestDecoder::RequestDecoder(const EncoderDecoder& network, Backend& backend)
    : network_(network),
      backend_(backend),
      decoder_(network, backend),
      mixtures_(decoder_, static_cast<TokenId>(network.spec().target_vocabulary)) {}

std::vector<int> RequestDecoder::add(std::span<const PreparedRequest* const> requests) {
  std::vector<std::span<const TokenId>> sources;
  for (const PreparedRequest* request : requests)
    sources.insert(sources.end(), request->sources.begin(), request->sources.end());
  const auto encoded = network_.encode(backend_, sources, decoder_.workspace());
  std::vector<int> handles;
  auto next = encoded.begin();
  for (const PreparedRequest* request : requests) {
    std::vector<int> parts;
    for (std::size_t k = 0; k < request->sources.size(); ++k)
      parts.push_back(decoder_.add(*next++, request->shortlist));
    const bool is_mixture = !request->log_weights.empty();
    handles.push_back(is_mixture ? mixtures_.mix(std::move(parts), request->log_weights)
                                 : parts.front());
  }
  return handles;
}

}  // namespace tandem
