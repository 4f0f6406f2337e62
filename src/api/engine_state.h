// What an Engine holds: the immutable model and what calls lease from. Private to src/api.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <tandem/engine.h>

#include "api/backend_pool.h"
#include "api/measure_passes.h"
#include "api/target_vocabulary.h"
#include "decoding/search_options.h"
#include "models/load_model.h"

namespace tandem {

struct EngineState {
  EngineState(const std::string& directory, const EngineOptions& engine_options);

  // Throws Error{invalid_argument} for an engine that has been moved from.
  static EngineState& of(const Engine& engine);

  EngineOptions options;
  BackendPool backends;
  LoadedModel model;
  // The same model on each of options.more_devices; these have no replicas of their own.
  std::vector<std::unique_ptr<EngineState>> replicas;
  MeasuredPasses passes;
  std::shared_ptr<const Tokenizer> tokenizer;
  VocabularyFingerprint vocabulary;
  mutable std::once_flag token_text_made;
  mutable std::shared_ptr<const TokenText>
      token_text;              // null before the first call of Engine::token_text
  GenerationOptions defaults;  // generation_config.json over config.json
  std::vector<std::string> unknown_config_keys;

  // Throws Error{corrupt} that names the file for values that no request could use.
  void read_defaults(const std::string& directory);
  void check_defaults(const std::string& path) const;
  // A directory without one gets an AbsentTokenizer. Throws Error for a broken one.
  std::shared_ptr<const Tokenizer> load_tokenizer(const std::string& directory) const;

  // The facts about the model that requests are resolved against; `source` and `prefix` are open.
  SearchContext context() const;
  // Tokens of a source at most, the end token included.
  std::size_t max_source_tokens() const;
};

// What the encoder gets of a request. Features and added embeddings stay the request's.
struct Source {
  std::vector<TokenId> ids;
  const Features* features = nullptr;
  std::size_t length = 0;            // positions of the encoder
  std::size_t truncated_tokens = 0;  // that did not fit
  std::span<const AddedEmbedding> added = {};

  EncoderInput input() const { return {ids, features, added}; }
};

// The models of an ensemble beside the request's engine, as far as they count.
struct PreparedEnsemble {
  struct Member {
    std::shared_ptr<const Engine> engine;
    Source source;
    double weight = 0;  // above 0
  };
  double own_weight = 0;  // of the request's engine; all weights sum to 1
  std::vector<Member> members;
  EnsembleMode mode = EnsembleMode::arithmetic;
};

// A request that is ready to run: step 1 and 2 of the path in generate.cc.
struct PreparedRequest {
  SearchOptions options;
  std::vector<Source> sources;      // one, or those of a mixture
  std::vector<double> log_weights;  // of a mixture's sources; otherwise empty
  std::optional<PreparedEnsemble> ensemble;
  std::optional<CopyMixture> copy;
  std::optional<SequenceToAction> actions;
  Source draft_source;              // as the draft model reads it; empty without one
  std::optional<CrossAttentionHead> alignment_head;  // whose weights are wanted
  std::shared_ptr<const LogitsHook> hook;            // this request's own; null: none
  std::vector<TokenId> shortlist;   // the tokens that may be generated, ascending; empty: all

  // Positions of the encoder.
  std::size_t source_length() const {
    std::size_t length = 0;
    for (const Source& source : sources) length += source.length;
    return length;
  }
  // What it counts for in a batch: see EngineOptions::batch_tokens.
  std::size_t tokens_in_batch() const;
  std::int64_t encoder_runs() const {
    return static_cast<std::int64_t>(sources.size() + (ensemble ? ensemble->members.size() : 0));
  }
  std::size_t truncated_tokens() const {
    std::size_t tokens = 0;
    for (const Source& source : sources) tokens += source.truncated_tokens;
    if (ensemble)
      for (const PreparedEnsemble::Member& member : ensemble->members)
        tokens += member.source.truncated_tokens;
    return tokens;
  }
};

// A bad request gets its error into `outputs` and no entry here; the others are not disturbed. A
// mixture of whole sequences has neither: no single search answers it.
using PreparedRequests = std::vector<std::optional<PreparedRequest>>;
PreparedRequests prepare_all(const EngineState& engine, std::span<const Request> requests,
                             std::span<Output> outputs);

// Of each request; 0 for those without an entry.
std::vector<std::size_t> tokens_in_batch(const PreparedRequests& requests);

}  // namespace tandem
