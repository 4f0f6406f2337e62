// What an Engine holds: the immutable model and what calls lease from. Private to src/api.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <tandem/engine.h>

#include "api/backend_pool.h"
#include "decoding/search_options.h"
#include "models/load_model.h"

namespace tandem {

struct EngineState {
  EngineState(const std::string& directory, const EngineOptions& engine_options);

  EngineOptions options;
  BackendPool backends;
  LoadedModel model;
  std::shared_ptr<const Tokenizer> tokenizer;
  GenerationOptions defaults;               // generation_config.json over config.json
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

// A request that is ready to run: step 1 and 2 of the path in generate.cc.
struct PreparedRequest {
  SearchOptions options;
  std::vector<std::vector<TokenId>> sources;  // one, or those of a mixture
  std::vector<double> log_weights;            // of a mixture's sources; otherwise empty
  std::vector<TokenId> shortlist;  // the tokens that may be generated, ascending; empty: all

  std::size_t source_tokens() const {
    std::size_t tokens = 0;
    for (const std::vector<TokenId>& source : sources) tokens += source.size();
    return tokens;
  }
};

// Token ids of an input; ids are checked against the vocabulary. Throws Error{invalid_argument,
// resource_exhausted}.
std::vector<TokenId> encode_source(const EngineState& engine, const Input& input, const std::string& source_lang,
                                   const std::string& target_lang);
// The same for a text of the target side. `with_end`: keep the end token that the tokenizer adds.
std::vector<TokenId> encode_target(const EngineState& engine, const Input& input, const std::string& source_lang,
                                   const std::string& target_lang, bool with_end);

// Throws Error{invalid_argument} for an id outside the target vocabulary; `what` names the list.
void check_target_ids(const EngineState& engine, const std::vector<TokenId>& ids, const char* what);

// A bad request gets its error into `outputs` and no entry here; the others are not disturbed. A
// mixture of whole sequences has neither: no single search answers it.
std::vector<std::optional<PreparedRequest>> prepare_all(const EngineState& engine, std::span<const Request> requests,
                                                        std::span<Output> outputs);

}  // namespace tandem
