// Prediction heads of model directories, and Hugging Face's sequence classification with them.
#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tandem/engine.h>
#include <tandem/error.h>
#include <tandem/prediction_head.h>

#include "api/engine_state.h"
#include "api/input_ids.h"
#include "base/file_io.h"
#include "base/quote.h"
#include "models/readers/json_file.h"
#include "models/readers/safetensors.h"
#include "nn/linear.h"

namespace tandem {
namespace {

HeadLayer take_layer(WeightMap& weights, const std::string& name) {
  const auto floats = [&](const Weight& weight) {
    const Tensor values = dequantize(weight.tensor, weight.scales);
    const auto data = values.data<float>();
    return std::vector<float>(data.begin(), data.end());
  };
  HeadLayer layer;
  const Weight& weight = weights.take(name + ".weight", {-1, -1});
  layer.outputs = static_cast<std::size_t>(weight.tensor.shape()[0]);
  layer.inputs = static_cast<std::size_t>(weight.tensor.shape()[1]);
  layer.weight = floats(weight);
  const Weight* bias = weights.take_if_present(name + ".bias", {weight.tensor.shape()[0]});
  if (bias != nullptr) layer.bias = floats(*bias);
  return layer;
}

// id2label of config.json, as far as it names every output.
std::vector<std::string> read_labels(const std::string& directory, std::size_t outputs,
                                     const Limits& limits) {
  const JsonObject config = JsonObject::read(join_path(directory, "config.json"),
                                             limits.max_config_bytes, limits.max_json_depth);
  const auto names = config.object("id2label");
  std::vector<std::string> labels;
  for (std::size_t id = 0; names && id < outputs; ++id) {
    const auto label = names->string(std::to_string(id));
    if (!label) return {};
    labels.push_back(*label);
  }
  return labels;
}

// Families whose classifiers shift their input by the start token, as generation does.
void check_family(const ModelSpec& spec) {
  constexpr std::array<std::string_view, 4> kFamilies{"bart", "t5", "mt5", "umt5"};
  if (std::find(kFamilies.begin(), kFamilies.end(), spec.family) == kFamilies.end())
    throw Error(ErrorCode::unsupported, "classification: models of the family " +
                                            quote(spec.family) + " are not classified so",
                "apply a head to what Engine::encode gives");
}

}  // namespace

PredictionHead PredictionHead::read(const std::string& directory_or_file,
                                    const std::vector<std::string>& names, HeadActivation between,
                                    const Limits& limits) {
  WeightMap weights = read_safetensors(directory_or_file, limits);
  PredictionHead head;
  for (const std::string& name : names) {
    if (!head.layers.empty()) head.layers.back().activation = between;
    head.layers.push_back(take_layer(weights, name));
  }
  return head;
}

PredictionHead PredictionHead::read_classifier(const std::string& directory,
                                               const Limits& limits) {
  PredictionHead head =
      read(directory, {"classification_head.dense", "classification_head.out_proj"},
           HeadActivation::tanh, limits);
  head.labels = read_labels(directory, head.layers.back().outputs, limits);
  return head;
}

std::vector<float> classify(const Engine& engine, const PredictionHead& head,
                            const ClassifyRequest& request) {
  const EngineState& state = EngineState::of(engine);
  const ModelSpec& spec = state.model.network->spec();
  check_family(spec);
  const Source source =
      encode_source(state, request.input, request.source_lang, request.target_lang);
  const auto is_end = [&](TokenId id) {
    return std::find(spec.eos_tokens.begin(), spec.eos_tokens.end(), id) != spec.eos_tokens.end();
  };
  const auto end = std::find_if(source.ids.rbegin(), source.ids.rend(), is_end);
  if (end == source.ids.rend())
    throw Error(ErrorCode::invalid_argument, "classification: the input has no end token");
  TargetsRequest both;  // the decoder reads the input after its start token
  both.input = source.ids;
  both.targets = {source.ids};
  both.hidden_states = true;
  const HiddenStates states = engine.score(both).targets.front().hidden_states;
  const auto place = static_cast<std::size_t>(source.ids.rend() - end) - 1;
  const std::span<const float> pooled = states.at(place);
  return head.apply({1, states.width, {pooled.begin(), pooled.end()}}).front();
}

}  // namespace tandem
