#include "api/request_decoder.h"

#include <utility>

namespace tandem {

RequestDecoder::RequestDecoder(const EncoderDecoder& network, Backend& backend)
    : network_(network),
      backend_(backend),
      decoder_(network, backend),
      mixtures_(decoder_, static_cast<TokenId>(network.spec().target_vocabulary)) {}

std::vector<RequestDecoder::Sentence> RequestDecoder::add(std::span<const PreparedRequest* const> requests) {
  std::vector<EncoderInput> sources;
  for (const PreparedRequest* request : requests)
    for (const Source& source : request->sources) sources.push_back(source.input());
  const auto encoded = network_.encode(backend_, sources, decoder_.workspace());
  std::vector<Sentence> sentences;
  auto next = encoded.begin();
  for (const PreparedRequest* request : requests) {
    const std::shared_ptr<const EncodedSource> first = *next;
    std::vector<int> parts;
    for (std::size_t k = 0; k < request->sources.size(); ++k)
      parts.push_back(decoder_.add(*next++, request->shortlist));
    const bool is_mixture = !request->log_weights.empty();
    const int handle =
        is_mixture ? mixtures_.mix(std::move(parts), request->log_weights) : parts.front();
    sentences.push_back({handle, first});
  }
  return sentences;
}

}  // namespace tandem
