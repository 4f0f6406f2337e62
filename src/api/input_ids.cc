#include "api/input_ids.h"

#include <string>
#include <utility>

#include <tandem/error.h>

#include "api/long_sentence.h"
#include "models/added_rows.h"

namespace tandem {
namespace {

void check_ids(const std::vector<TokenId>& ids, std::int64_t vocabulary, const char* what) {
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (ids[i] < 0 || ids[i] >= vocabulary)
      throw Error(ErrorCode::invalid_argument,
                  std::string(what) + "[" + std::to_string(i) + "] is " + std::to_string(ids[i]) +
                      "; expected an id from 0 to " + std::to_string(vocabulary - 1));
}

std::vector<TokenId> encode_text(const EngineState& engine, const std::string& text,
                                 const EncodeOptions& options) {
  if (text.size() > engine.options.limits.max_input_bytes)
    throw Error(ErrorCode::resource_exhausted,
                "the text has " + std::to_string(text.size()) +
                    " bytes; the limit max_input_bytes is " +
                    std::to_string(engine.options.limits.max_input_bytes));
  return engine.tokenizer->encode(text, options);
}

}  // namespace

Source encode_source(const EngineState& engine, const Input& input, const std::string& source_lang,
                     const std::string& target_lang, TooLong too_long) {
  const EncoderDecoder& network = *engine.model.network;
  const auto* features = std::get_if<Features>(&input);
  if ((features != nullptr) != network.reads_features())
    throw Error(ErrorCode::invalid_argument, network.reads_features()
                                                 ? "this model reads features, not text or ids"
                                                 : "this model reads text or ids, not features");
  if (features != nullptr) {
    network.check_features(*features);
    return {{}, features, static_cast<std::size_t>(network.max_source_positions()), 0};
  }
  const ModelSpec& spec = network.spec();
  std::vector<TokenId> ids;
  if (const auto* text = std::get_if<std::string>(&input)) {
    EncodeOptions options;
    options.source_lang = source_lang;
    options.target_lang = target_lang;
    ids = encode_text(engine, *text, options);
  } else {
    ids = std::get<std::vector<TokenId>>(input);
    if (ids.empty())
      throw Error(ErrorCode::invalid_argument,
                  "input_ids is empty; expected at least the end token");
  }
  check_ids(ids, spec.source_vocabulary, "input_ids");
  const std::size_t found = ids.size(), limit = engine.max_source_tokens();
  if (found > limit && too_long == TooLong::refuse)
    throw Error(ErrorCode::invalid_argument,
                "the source has " + std::to_string(found) + " tokens; this model takes at most " +
                    std::to_string(limit),
                "split the text into sentences, which translate does, or ask for truncate_source");
  if (found > limit)
    ids = truncate_sentence(*engine.tokenizer, {source_lang, target_lang, false}, ids, limit);
  const std::size_t length = ids.size();
  return {std::move(ids), nullptr, length, found - length};
}

void take_added(const EngineState& engine, std::span<const AddedEmbedding> added, Source& source) {
  source.added = added;
  check_added(source.input(), engine.model.network->spec().model_dim);
}

std::vector<TokenId> encode_target(const EngineState& engine, const Input& input,
                                   const std::string& source_lang, const std::string& target_lang,
                                   bool with_end) {
  std::vector<TokenId> ids;
  if (const auto* text = std::get_if<std::string>(&input)) {
    if (text->empty() && !with_end) return ids;
    EncodeOptions options;
    options.source_lang = source_lang;
    options.target_lang = target_lang;
    options.as_target = true;
    ids = encode_text(engine, *text, options);
    if (!with_end && !ids.empty() && ids.back() == engine.tokenizer->eos_id()) ids.pop_back();
  } else if (std::holds_alternative<Features>(input)) {
    throw Error(ErrorCode::invalid_argument, "a target cannot be features; expected a text or ids");
  } else {
    ids = std::get<std::vector<TokenId>>(input);
  }
  check_target_ids(engine, ids, "target ids");
  return ids;
}

void check_target_ids(const EngineState& engine, const std::vector<TokenId>& ids,
                      const char* what) {
  check_ids(ids, engine.model.network->spec().target_vocabulary, what);
}

}  // namespace tandem
