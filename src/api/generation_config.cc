#include "api/generation_config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <nlohmann/json.hpp>

#include <tandem/error.h>

namespace tandem {
namespace {

using Json = nlohmann::json;
using Options = GenerationOptions;

constexpr int kMaxDepth = 32;  // Limits::max_json_depth of a config.json

[[noreturn]] void wrong_type(const std::string& key, const char* expected, const Json& found) {
  throw Error(ErrorCode::invalid_argument,
              key + ": expected " + expected + ", found " +
                  found.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 80));
}

void read(const std::string& key, const Json& json, bool& out) {
  if (!json.is_boolean()) wrong_type(key, "true or false", json);
  out = json.get<bool>();
}

template <std::integral T>
void read(const std::string& key, const Json& json, T& out) {
  const bool fits = json.is_number_unsigned()
                        ? std::in_range<T>(json.get<std::uint64_t>())
                        : json.is_number_integer() && std::in_range<T>(json.get<std::int64_t>());
  if (!fits) wrong_type(key, "a whole number in range", json);
  out = json.get<T>();
}

void read(const std::string& key, const Json& json, double& out) {
  if (!json.is_number() || !std::isfinite(json.get<double>()))
    wrong_type(key, "a finite number", json);
  out = json.get<double>();
}

void read(const std::string& key, const Json& json, EarlyStopping& out) {
  if (json.is_boolean()) {
    out = json.get<bool>() ? EarlyStopping::yes : EarlyStopping::no;
  } else if (json == "never") {
    out = EarlyStopping::never;
  } else {
    wrong_type(key, "true, false or \"never\"", json);
  }
}

void read(const std::string& key, const Json& json, std::string& out) {
  if (!json.is_string()) wrong_type(key, "a string", json);
  out = json.get<std::string>();
}

template <class T>
void read(const std::string& key, const Json& json, std::vector<T>& out) {
  if (!json.is_array()) wrong_type(key, "a list", json);
  out.clear();
  for (const Json& item : json) {
    T value{};
    read(key, item, value);
    out.push_back(std::move(value));
  }
}

// [start, factor] or [ids, bias].
template <class T>
void read(const std::string& key, const Json& json, std::pair<T, double>& out) {
  if (!json.is_array() || json.size() != 2) wrong_type(key, "a list of two", json);
  read(key, json[0], out.first);
  read(key, json[1], out.second);
}

// One id stands for a list of one.
void read_ids(const std::string& key, const Json& json, std::optional<std::vector<TokenId>>& out) {
  std::vector<TokenId> ids;
  if (json.is_array()) {
    read(key, json, ids);
  } else {
    TokenId id = 0;
    read(key, json, id);
    ids.push_back(id);
  }
  out = std::move(ids);
}

// Each phrase is a list of ids, or a list of alternatives that are lists of ids.
void read_phrases(const std::string& key, const Json& json,
                  std::optional<std::vector<std::vector<std::vector<TokenId>>>>& out) {
  if (!json.is_array()) wrong_type(key, "a list of phrases", json);
  std::vector<std::vector<std::vector<TokenId>>> phrases;
  for (const Json& item : json) {
    std::vector<std::vector<TokenId>> alternatives;
    if (item.is_array() && !item.empty() && item[0].is_array()) {
      read(key, item, alternatives);
    } else {
      alternatives.emplace_back();
      read(key, item, alternatives.back());
    }
    phrases.push_back(std::move(alternatives));
  }
  out = std::move(phrases);
}

// A list of [ids, bias]. (A dictionary cannot have lists as keys in JSON; an empty one may stand.)
void read_biases(const std::string& key, const Json& json, Options& options) {
  options.sequence_bias.emplace();
  if (json == Json::object()) return;
  if (!json.is_array()) wrong_type(key, "a list of [ids, bias]", json);
  for (const Json& item : json) {
    std::pair<std::vector<TokenId>, double> bias;
    read(key, item, bias);
    options.sequence_bias->push_back(std::move(bias));
  }
}

// One string stands for a list of one.
void read_strings(const std::string& key, const Json& json, Options& options) {
  options.stop_strings.emplace();
  if (json.is_string())
    options.stop_strings->push_back(json.get<std::string>());
  else
    read(key, json, *options.stop_strings);
}

struct Key {
  const char* name;
  void (*read)(const std::string& key, const Json& json, GenerationOptions& options);
};

template <auto Member>
void read_member(const std::string& key, const Json& json, GenerationOptions& options) {
  typename std::remove_reference_t<decltype(options.*Member)>::value_type value{};
  read(key, json, value);
  options.*Member = std::move(value);
}

template <auto Member>
void read_ids_member(const std::string& key, const Json& json, GenerationOptions& options) {
  read_ids(key, json, options.*Member);
}

constexpr std::array kKeys{
    Key{"num_beams", read_member<&Options::num_beams>},
    Key{"num_return_sequences", read_member<&Options::num_return_sequences>},
    Key{"early_stopping", read_member<&Options::early_stopping>},
    Key{"length_penalty", read_member<&Options::length_penalty>},
    Key{"patience", read_member<&Options::patience>},
    Key{"coverage_penalty", read_member<&Options::coverage_penalty>},
    Key{"prefix_bias_beta", read_member<&Options::prefix_bias_beta>},
    Key{"num_beam_groups", read_member<&Options::num_beam_groups>},
    Key{"diversity_penalty", read_member<&Options::diversity_penalty>},
    Key{"do_sample", read_member<&Options::do_sample>},
    Key{"seed", read_member<&Options::seed>},
    Key{"max_new_tokens", read_member<&Options::max_new_tokens>},
    Key{"max_length", read_member<&Options::max_length>},
    Key{"min_new_tokens", read_member<&Options::min_new_tokens>},
    Key{"min_length", read_member<&Options::min_length>},
    Key{"exponential_decay_length_penalty",
        read_member<&Options::exponential_decay_length_penalty>},
    Key{"repetition_penalty", read_member<&Options::repetition_penalty>},
    Key{"encoder_repetition_penalty", read_member<&Options::encoder_repetition_penalty>},
    Key{"no_repeat_ngram_size", read_member<&Options::no_repeat_ngram_size>},
    Key{"encoder_no_repeat_ngram_size", read_member<&Options::encoder_no_repeat_ngram_size>},
    Key{"bad_words_ids", read_member<&Options::bad_words_ids>},
    Key{"force_words_ids", [](const std::string& key, const Json& json,
                              Options& o) { read_phrases(key, json, o.force_words_ids); }},
    Key{"suppress_tokens", read_member<&Options::suppress_tokens>},
    Key{"begin_suppress_tokens", read_member<&Options::begin_suppress_tokens>},
    Key{"renormalize_logits", read_member<&Options::renormalize_logits>},
    Key{"word_penalty", read_member<&Options::word_penalty>},
    Key{"sequence_bias", read_biases},
    Key{"stop_strings", read_strings},
    Key{"max_time", read_member<&Options::max_time>},
    Key{"pad_token_id", read_member<&Options::pad_token_id>},
    Key{"bos_token_id", read_member<&Options::bos_token_id>},
    Key{"decoder_start_token_id", read_member<&Options::decoder_start_token_id>},
    Key{"eos_token_id", read_ids_member<&Options::eos_token_id>},
    Key{"forced_bos_token_id", read_member<&Options::forced_bos_token_id>},
    Key{"forced_eos_token_id", read_ids_member<&Options::forced_eos_token_id>},
    Key{"temperature", read_member<&Options::temperature>},
    Key{"top_k", read_member<&Options::top_k>},
    Key{"top_p", read_member<&Options::top_p>},
    Key{"min_p", read_member<&Options::min_p>},
    Key{"typical_p", read_member<&Options::typical_p>},
    Key{"epsilon_cutoff", read_member<&Options::epsilon_cutoff>},
    Key{"eta_cutoff", read_member<&Options::eta_cutoff>},
};

// Known keys whose work is not built, with the values under which they do nothing.
struct NeutralKey {
  const char* name;
  const char* what;                    // it asks for
  std::array<const char*, 2> neutral;  // as JSON; unused entries are null pointers
};
constexpr std::array kNeutralKeys{
    NeutralKey{"penalty_alpha", "contrastive search", {"0.0", nullptr}},
    NeutralKey{"top_h", "top-H sampling", {nullptr, nullptr}},
    NeutralKey{"guidance_scale", "classifier-free guidance", {"1.0", nullptr}},
    NeutralKey{"constraints", "constraint objects; see Request::constraint", {"[]", nullptr}},
    NeutralKey{"dola_layers", "decoding by contrasting layers", {nullptr, nullptr}},
    NeutralKey{"forced_decoder_ids", "forced ids; see Request::prefix", {"[]", nullptr}},
    NeutralKey{
        "remove_invalid_values", "replacing scores that are not numbers", {"false", nullptr}},
    NeutralKey{"low_memory", "beam search in pieces", {"false", nullptr}},
    NeutralKey{"watermarking_config", "watermarking", {nullptr, nullptr}},
};

// Keys that describe the file, the training framework or an output format, not the search.
constexpr std::array kDescriptiveKeys{
    "_from_model_config",
    "transformers_version",
    "use_cache",
    "cache_implementation",
    "cache_config",
    "output_attentions",
    "output_hidden_states",
    "output_scores",
    "output_logits",
    "return_dict_in_generate",
    "return_legacy_cache",
    "is_assistant",
    "num_assistant_tokens",
    "num_assistant_tokens_schedule",
    "assistant_confidence_threshold",
    "prompt_lookup_num_tokens",
    "max_matching_ngram_size",
    "assistant_early_exit",
    "assistant_lookbehind",
    "target_lookbehind",
    "disable_compile",
    "compile_config",
    "prefill_chunk_size",
    "token_healing",
    "trust_remote_code",
    "generation_kwargs",
};

bool is_neutral(const NeutralKey& key, const Json& json) {
  for (const char* neutral : key.neutral)
    if (neutral != nullptr && json == Json::parse(neutral)) return true;
  return false;
}

Json parse_object(std::string_view text, const std::string& where) {
  // The parser takes a NUL for the end of the text; what follows would go unseen.
  bool refused = text.find('\0') != std::string_view::npos;
  Json json = Json::parse(
      text,
      [&](int depth, Json::parse_event_t, Json&) {
        refused = refused || depth > kMaxDepth;
        return !refused;
      },
      /*allow_exceptions=*/false);
  if (refused || json.is_discarded() || !json.is_object())
    throw Error(ErrorCode::invalid_argument,
                where + ": expected a JSON object of generation options");
  return json;
}

}  // namespace

ParsedGenerationConfig parse_generation_config(std::string_view text, const std::string& where) {
  ParsedGenerationConfig parsed;
  const Json object = parse_object(text, where);
  for (auto item = object.begin(); item != object.end(); ++item) {
    const std::string& key_name = item.key();
    const Json& key_value = item.value();
    if (key_value.is_null()) continue;
    const auto key =
        std::find_if(kKeys.begin(), kKeys.end(), [&](const Key& k) { return key_name == k.name; });
    if (key != kKeys.end()) {
      key->read(where + ": " + key_name, key_value, parsed.options);
      continue;
    }
    const auto neutral = std::find_if(kNeutralKeys.begin(), kNeutralKeys.end(),
                                      [&](const NeutralKey& k) { return key_name == k.name; });
    if (neutral != kNeutralKeys.end()) {
      if (!is_neutral(*neutral, key_value))
        throw Error(ErrorCode::unsupported,
                    where + ": " + key_name + " is not supported (" + neutral->what + ")");
      continue;
    }
    if (std::find(kDescriptiveKeys.begin(), kDescriptiveKeys.end(), key_name) ==
        kDescriptiveKeys.end())
      parsed.unknown_keys.push_back(key_name);
  }
  return parsed;
}

GenerationOptions GenerationOptions::from_json(std::string_view json) {
  ParsedGenerationConfig parsed = parse_generation_config(json, "generation");
  if (!parsed.unknown_keys.empty())
    throw Error(ErrorCode::invalid_argument,
                "generation: unknown key '" + parsed.unknown_keys.front() + "'");
  return std::move(parsed.options);
}

}  // namespace tandem
