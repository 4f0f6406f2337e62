#include "models/packed/spec_json.h"

#include <cmath>
#include <cstdint>
#include <type_traits>
#include <vector>

#include <tandem/error.h>

#include "base/quote.h"
#include "models/model_switches.h"

namespace tandem {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kMaxDim = 1 << 16;
constexpr std::int64_t kMaxPositions = 1 << 20;
constexpr std::int64_t kMaxRelative = 1 << 12;
constexpr std::int64_t kMaxDepth = 16;
constexpr std::int64_t kMaxInt = (std::int64_t{1} << 31) - 1;

template <class T>
Json to_json_value(const T& value) {
  if constexpr (std::is_enum_v<T>)
    return std::string(name_of(value));
  else
    return value;
}

// Sets one switch from its value in the file.
class SwitchReader {
 public:
  explicit SwitchReader(JsonObject switches) : switches_(std::move(switches)) {}

  void read(const std::string& name, bool& value) const {
    require(name);
    value = *switches_.boolean(name);
  }
  void read(const std::string& name, int& value) const {
    value = static_cast<int>(switches_.required_integer(name, -1, kMaxInt));
  }
  void read(const std::string& name, std::int64_t& value) const {
    value = switches_.required_integer(name, 0, kMaxInt);
  }
  void read(const std::string& name, float& value) const {
    require(name);
    value = static_cast<float>(*switches_.number(name));
    if (!std::isfinite(value)) refuse(name + " is not a number that float32 can hold");
  }
  void read(const std::string& name, std::vector<int>& values) const {
    require(name);
    const Json& list = switches_.json().at(name);
    if (!list.is_array()) refuse(name + " should be a list");
    for (const Json& entry : list)
      read(name, values.emplace_back(), JsonObject(Json{{name, entry}}, switches_.name()));
  }
  template <class E>
  requires std::is_enum_v<E>
  void read(const std::string& name, E& value) const {
    const std::string text = switches_.required_string(name);
    for (const Named<E>& named : names(value))
      if (named.name == text) {
        value = named.value;
        return;
      }
    refuse(name + " has the unknown value " + quote(text));
  }

  [[noreturn]] void refuse(const std::string& problem) const {
    throw Error(ErrorCode::corrupt, switches_.name() + ": " + problem);
  }
  std::size_t size() const { return switches_.json().size(); }

 private:
  static void read(const std::string& name, int& value, const JsonObject& object) {
    value = static_cast<int>(object.required_integer(name, 0, kMaxInt));
  }
  void require(const std::string& name) const {
    if (!switches_.has(name)) refuse("key '" + name + "' is missing");
  }

  JsonObject switches_;
};

// Ranges that the shapes of tensors do not show.
class Bounds {
 public:
  explicit Bounds(const std::string& origin) : origin_(origin) {}

  void within(const std::string& name, std::int64_t value, std::int64_t lowest,
              std::int64_t highest) const {
    if (value >= lowest && value <= highest) return;
    throw Error(ErrorCode::corrupt, origin_ + ": " + name + " is " + std::to_string(value) +
                                        "; expected " + std::to_string(lowest) + " to " +
                                        std::to_string(highest));
  }
  void limited(const std::string& name, std::int64_t value, std::int64_t limit) const {
    within(name, value, 1, kMaxInt);
    if (value <= limit) return;
    throw Error(ErrorCode::resource_exhausted, origin_ + ": " + name + " is " +
                                                   std::to_string(value) + ", the limit is " +
                                                   std::to_string(limit));
  }
  void stack(const std::string& side, const StackSpec& stack, const Limits& limits) const {
    limited(side + ".layers", stack.layers, limits.max_layers);
    limited(side + ".heads", stack.heads, limits.max_heads);
    within(side + ".feed_forward_dim", stack.feed_forward_dim, 1, kMaxDim);
    within(side + ".position_offset", stack.position_offset, 0, kMaxPositions);
    within(side + ".max_positions", stack.max_positions, 0, kMaxPositions);
  }

 private:
  const std::string& origin_;
};

void check_bounds(const ModelSpec& spec, const Limits& limits) {
  const Bounds bounds(spec.origin);
  bounds.within("model_dim", spec.model_dim, 1, kMaxDim);
  bounds.within("head_dim", spec.head_dim, 1, kMaxDim);
  const bool reads_features = spec.front_end == FrontEnd::mel_convolution;
  bounds.within("feature_channels", spec.feature_channels, reads_features ? 1 : 0, kMaxDim);
  if (!reads_features)
    bounds.limited("source_vocabulary", spec.source_vocabulary, limits.max_vocabulary);
  bounds.limited("target_vocabulary", spec.target_vocabulary, limits.max_vocabulary);
  bounds.stack("encoder", spec.encoder, limits);
  bounds.stack("decoder", spec.decoder, limits);
  bounds.within("feed_forward_depth", spec.feed_forward_depth, 1, kMaxDepth);
  bounds.within("relative_buckets", spec.relative_buckets, 0, kMaxRelative);
  bounds.within("relative_max_distance", spec.relative_max_distance, 0, kMaxRelative);
  const std::int64_t last = spec.target_vocabulary - 1;
  bounds.within("decoder_start_token", spec.decoder_start_token, -1, last);
  bounds.within("pad_token", spec.pad_token, spec.padding_aware_positions ? 0 : -1, last);
  bounds.within("unknown_token", spec.unknown_token, -1, last);
  for (const TokenId token : spec.eos_tokens) bounds.within("eos_tokens", token, 0, last);
}

// Where a switch came from, without the folders of the machine that converted the model.
Json sources_to_json(const ModelSpec& spec) {
  Json sources = Json::object();
  for (const auto& [name, source] : spec.sources)
    sources[name] =
        source.starts_with(spec.origin) ? source.substr(spec.origin.find_last_of('/') + 1) : source;
  return sources;
}

}  // namespace

Json spec_to_json(const ModelSpec& spec) {
  Json switches = Json::object();
  visit_switches(spec, [&](const std::string& name, const auto& value) {
    switches[name] = to_json_value(value);
  });
  return {{"family", spec.family}, {"switches", switches}, {"sources", sources_to_json(spec)}};
}

ModelSpec spec_from_json(const JsonObject& json, const std::string& origin, const Limits& limits) {
  ModelSpec spec;
  spec.origin = origin;
  spec.family = json.required_string("family");
  const SwitchReader reader(json.object("switches").value_or(JsonObject(Json::object(), origin)));
  std::size_t count = 0;
  visit_switches(spec, [&](const std::string& name, auto& value) {
    reader.read(name, value);
    ++count;
  });
  if (reader.size() != count) reader.refuse("holds switches that this version does not know");
  if (const auto sources = json.object("sources"))
    for (const auto& [name, value] : sources->json().items())
      spec.sources[name] = sources->required_string(name);
  check_bounds(spec, limits);
  check_implemented(spec);
  return spec;
}

}  // namespace tandem
