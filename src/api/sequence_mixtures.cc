#include "api/sequence_mixtures.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include <tandem/error.h>

#include "api/input_ids.h"
#include "api/mixture_sources.h"
#include "decoding/scoring/sequence_mixture.h"

namespace tandem {
namespace {

Input input_of(const Source& source) {
  if (source.features != nullptr) return *source.features;
  return source.ids;
}

// One output that a source's search found, and its log-probabilities under the sources that count.
struct FoundOutput {
  Hypothesis hypothesis;
  std::vector<std::vector<float>> by_source;  // empty: this source does not count
};

// One request: its sources, searches and outputs.
class SequenceMixture {
 public:
  // Throws Error for whatever is wrong with the mixture as a whole.
  SequenceMixture(const EngineState& state, const Request& request)
      : request_(request),
        mixture_(std::get<Mixture>(request.strategy)),
        sources_(encode_mixture(state, mixture_, request.source_lang, request.target_lang,
                                too_long(request))) {
    const GenerationOptions& generation = request.generation;
    const auto refuse = [](const char* what) {
      throw Error(ErrorCode::unsupported,
                  std::string(what) + " does not go with a mixture of whole sequences",
                  "use the mode token");
    };
    if (request.return_alignment) refuse("return_alignment");
    if (request.return_alternatives) refuse("return_alternatives");
    if (!request.added_embeddings.empty())
      throw Error(ErrorCode::unsupported,
                  "added_embeddings: they belong to one source and one model");
    if (request.shortlist.value_or(false)) refuse("shortlist");
    if (generation.decoder_start_token_id) refuse("decoder_start_token_id");
    const GenerationOptions& defaults = state.defaults;
    num_beams_ = generation.num_beams.value_or(defaults.num_beams.value_or(1));
    num_wanted_ =
        generation.num_return_sequences.value_or(defaults.num_return_sequences.value_or(1));
  }

  // The searches: one a source, each of which returns all its beams.
  std::vector<Request> searches() const {
    std::vector<Request> searches;
    for (const Source& source : sources_.sources) {
      Request search = request_;
      search.input = input_of(source);
      search.strategy = Automatic{};
      search.shortlist = false;
      search.generation.num_return_sequences = num_beams_;
      searches.push_back(std::move(search));
    }
    return searches;
  }

  // Takes the answers to the searches. Throws the first error among them.
  void gather(std::span<Output> outputs) {
    std::map<std::vector<TokenId>, std::size_t> places;
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      if (outputs[k].error) throw *outputs[k].error;
      add(outputs[k].stats);
      for (Hypothesis& hypothesis : outputs[k].hypotheses) {
        if (hypothesis.finish_reason == FinishReason::constraint_unsatisfied) continue;
        const auto [place, is_new] = places.emplace(hypothesis.ids, found_.size());
        if (is_new) {
          found_.push_back({hypothesis, {}});
          found_.back().by_source.resize(outputs.size());
        }
        found_[place->second].by_source[k] = std::move(hypothesis.token_log_probs);
      }
    }
  }

  // What is still to be scored: all outputs under each source.
  std::vector<TargetsRequest> questions() const {
    if (mixture_.mode == MixtureMode::sequence_fast || found_.empty()) return {};
    TargetsRequest question;
    for (const FoundOutput& output : found_) question.targets.emplace_back(output.hypothesis.ids);
    std::vector<TargetsRequest> questions;
    for (const Source& source : sources_.sources) {
      questions.push_back(question);
      questions.back().input = input_of(source);
    }
    return questions;
  }

  void gather(std::span<TargetScores> scores) {
    for (std::size_t k = 0; k < scores.size(); ++k) {
      if (scores[k].error) throw *scores[k].error;
      add(scores[k].stats);
      for (std::size_t i = 0; i < found_.size(); ++i)
        found_[i].by_source[k] = std::move(scores[k].targets[i].token_log_probs);
    }
  }

  Output answer() const {
    Output output;
    for (const FoundOutput& found : found_) output.hypotheses.push_back(weigh(found));
    std::stable_sort(output.hypotheses.begin(), output.hypotheses.end(),
                     [](const Hypothesis& a, const Hypothesis& b) { return a.score > b.score; });
    const auto wanted = static_cast<std::size_t>(std::max(1, num_wanted_));
    if (output.hypotheses.size() > wanted) output.hypotheses.resize(wanted);
    if (output.hypotheses.empty()) {
      output.hypotheses.emplace_back();
      output.hypotheses.back().finish_reason = FinishReason::constraint_unsatisfied;
    }
    for (const Source& source : sources_.sources)
      output.truncated_tokens += source.truncated_tokens;
    output.stats = stats_;
    output.stats.generated_tokens = static_cast<std::int64_t>(output.hypotheses.front().ids.size());
    return output;
  }

 private:
  void add(const Stats& stats) {
    stats_.encoder_runs += stats.encoder_runs;
    stats_.decoder_passes += stats.decoder_passes;
  }

  Hypothesis weigh(const FoundOutput& found) const {
    std::vector<SequencePart> parts;
    for (std::size_t k = 0; k < found.by_source.size(); ++k)
      if (!found.by_source[k].empty())
        parts.push_back({sources_.log_weights[k], found.by_source[k]});
    MixedSequence mixed = mix_sequence(parts);
    Hypothesis hypothesis = found.hypothesis;
    hypothesis.token_log_probs = std::move(mixed.token_log_probs);
    hypothesis.sum_log_prob = hypothesis.score = mixed.sum_log_prob;
    return hypothesis;
  }

  const Request& request_;
  const Mixture& mixture_;
  const MixtureSources sources_;
  int num_beams_ = 1;
  int num_wanted_ = 1;
  std::vector<FoundOutput> found_;
  Stats stats_;
};

}  // namespace

bool is_sequence_mixture(const Request& request) {
  const auto* mixture = std::get_if<Mixture>(&request.strategy);
  return mixture != nullptr && mixture->mode != MixtureMode::token;
}

void answer_sequence_mixtures(const Engine& engine, const EngineState& state,
                              std::span<const Request> requests, const CallOptions& call,
                              Delivery& delivery) {
  CallOptions quiet;
  quiet.cancel = call.cancel;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (!is_sequence_mixture(requests[i])) continue;
    Output output;
    try {
      SequenceMixture mixture(state, requests[i]);
      std::vector<Output> found = engine.generate(mixture.searches(), quiet);
      mixture.gather(found);
      std::vector<TargetScores> scores = engine.score(mixture.questions(), quiet);
      mixture.gather(scores);
      output = mixture.answer();
    } catch (const Error& error) {
      output.error = error;
    }
    delivery.finished(i, std::move(output));
  }
}

}  // namespace tandem
