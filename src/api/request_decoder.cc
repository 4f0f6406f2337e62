#include "api/request_decoder.h"

#include <cmath>
#include <utility>

#include "api/coverage.h"
#include "api/forced_pass.h"
#include "decoding/action_rule.h"
#include "decoding/copy_rule.h"
#include "decoding/geometric_mean.h"
#include "decoding/weighted_mean.h"

namespace tandem {
namespace {

Output collect(const Loop::Entry& entry, const PreparedRequest& request,
               std::optional<FinishReason> reason) {
  Output output;
  output.hypotheses = entry.search->results();
  if (reason)
    for (Hypothesis& hypothesis : output.hypotheses) hypothesis.finish_reason = *reason;
  output.log_evidence = entry.search->log_evidence();
  output.stats = entry.search->stats();
  output.stats.encoder_runs = request.encoder_runs();
  output.truncated_tokens = request.truncated_tokens();
  output.stats.decoder_passes = entry.decoder_passes;
  if (!output.hypotheses.empty())
    output.stats.generated_tokens = static_cast<std::int64_t>(output.hypotheses.front().ids.size());
  return output;
}

}  // namespace

RequestDecoder::RequestDecoder(const EncoderDecoder& network, Backend& backend)
    : network_(network),
      backend_(backend),
      decoder_(network, backend),
      mixtures_(decoder_, static_cast<TokenId>(network.spec().target_vocabulary)),
      hooks_(mixtures_, static_cast<TokenId>(network.spec().target_vocabulary)) {}

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
    const int handle = combine(*request, parts);
    if (request->hook) hooks_.attach(handle, request->hook);
    sentences.push_back({handle, first});
  }
  return sentences;
}

int RequestDecoder::combine(const PreparedRequest& request, const std::vector<int>& own) {
  if (!request.log_weights.empty()) return mixtures_.mix(own, request.log_weights);
  if (request.ensemble) return mix_models(*request.ensemble, own.front(), request.shortlist);
  if (request.copy)
    return mixtures_.mix(std::vector<MixtureDecoder::Part>{{&decoder_, own.front()}},
                         std::make_unique<CopyRule>(request.sources.front().ids, *request.copy));
  if (request.actions)
    return mixtures_.mix(std::vector<MixtureDecoder::Part>{{&decoder_, own.front()}},
                         std::make_unique<ActionRule>(request.sources.front().ids, *request.actions));
  return own.front();
}

int RequestDecoder::mix_models(const PreparedEnsemble& ensemble, int own,
                               std::span<const TokenId> shortlist) {
  std::vector<MixtureDecoder::Part> parts;
  std::vector<double> weights;
  if (ensemble.own_weight > 0) {
    parts.push_back({&decoder_, own});
    weights.push_back(ensemble.own_weight);
  } else {
    decoder_.release(own);
  }
  for (const PreparedEnsemble::Member& member : ensemble.members) {
    EngineSession& session = others_.get(member.engine);
    ModelDecoder& decoder = *session.decoder;
    parts.push_back({&decoder, decoder.add(session.encode(member.source), shortlist)});
    weights.push_back(member.weight);
  }
  if (ensemble.mode == EnsembleMode::geometric)
    return mixtures_.mix(std::move(parts), std::make_unique<GeometricMean>(std::move(weights)));
  for (double& weight : weights) weight = std::log(weight);
  return mixtures_.mix(std::move(parts), std::make_unique<WeightedMean>(std::move(weights)));
}

Output RequestDecoder::answer(const Loop::Entry& entry, const PreparedRequest& request,
                              std::optional<FinishReason> reason) {
  Output output = collect(entry, request, reason);
  try {
    finish(request, output);
  } catch (const Error& error) {
    output = {};
    output.error = error;
  }
  return output;
}

void RequestDecoder::finish(const PreparedRequest& request, Output& output) {
  if (!request.alignment_head && request.options.coverage_penalty == 0) return;
  const EncoderInput source = request.sources.front().input();
  const auto encoded = network_.encode(backend_, {&source, 1}, decoder_.workspace());
  ForcedPass pass(network_, backend_, decoder_.workspace());
  const auto align = [&](const Hypothesis& hypothesis, const CrossAttentionHead& head) {
    return pass.align(*encoded.front(), {request.options.start_token, hypothesis.ids}, head);
  };
  rank_by_coverage(request.options, [&](const Hypothesis& hypothesis) { return align(hypothesis, {}); },
                   output);
  if (!request.alignment_head) return;
  for (Hypothesis& hypothesis : output.hypotheses)
    hypothesis.alignment = align(hypothesis, *request.alignment_head);
}

}  // namespace tandem
