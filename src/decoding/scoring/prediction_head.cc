// PredictionHead::apply: linear layers over pooled states, without a backend: a head is small, and
// runs once an input.
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <tandem/error.h>
#include <tandem/prediction_head.h>

namespace tandem {
namespace {

double activate(HeadActivation activation, double x) {
  switch (activation) {
    case HeadActivation::none:
      return x;
    case HeadActivation::relu:
      return x > 0 ? x : 0;
    case HeadActivation::gelu:
      return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
    case HeadActivation::tanh:
      return std::tanh(x);
  }
  return x;
}

std::vector<float> run_layer(const HeadLayer& layer, std::span<const float> x) {
  std::vector<float> y;
  for (std::size_t out = 0; out < layer.outputs; ++out) {
    double sum = layer.bias.empty() ? 0.0 : static_cast<double>(layer.bias[out]);
    for (std::size_t in = 0; in < layer.inputs; ++in)
      sum += static_cast<double>(layer.weight[out * layer.inputs + in]) * x[in];
    y.push_back(static_cast<float>(activate(layer.activation, sum)));
  }
  return y;
}

void check_layers(const std::vector<HeadLayer>& layers, const HiddenStates& states) {
  const auto refuse = [](const std::string& problem) {
    throw Error(ErrorCode::invalid_argument, "the prediction head " + problem);
  };
  if (layers.empty()) refuse("has no layers; expected at least one");
  if (states.positions == 0) refuse("is given no hidden states");
  std::size_t width = states.width;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const HeadLayer& layer = layers[i];
    const std::string name = "layer " + std::to_string(i);
    if (layer.inputs != width)
      refuse("has " + std::to_string(layer.inputs) + " inputs in " + name + "; expected " +
             std::to_string(width));
    const bool fits = layer.weight.size() / width == layer.outputs &&
                      layer.weight.size() % width == 0 && layer.outputs > 0 &&
                      (layer.bias.empty() || layer.bias.size() == layer.outputs);
    if (!fits)
      refuse("has " + std::to_string(layer.weight.size()) + " weights and " +
             std::to_string(layer.bias.size()) + " biases in " + name + " of " +
             std::to_string(layer.outputs) + " outputs");
    width = layer.outputs;
  }
}

std::vector<std::vector<float>> pool(Pooling pooling, const HiddenStates& states) {
  const auto copy = [&](std::size_t position) {
    const std::span<const float> state = states.at(position);
    return std::vector<float>(state.begin(), state.end());
  };
  if (pooling == Pooling::first) return {copy(0)};
  if (pooling == Pooling::last) return {copy(states.positions - 1)};
  if (pooling == Pooling::mean) return {states.mean()};
  std::vector<std::vector<float>> all;
  for (std::size_t position = 0; position < states.positions; ++position)
    all.push_back(copy(position));
  return all;
}

}  // namespace

std::vector<std::vector<float>> PredictionHead::apply(const HiddenStates& states) const {
  check_layers(layers, states);
  std::vector<std::vector<float>> rows = pool(pooling, states);
  for (std::vector<float>& row : rows)
    for (const HeadLayer& layer : layers) row = run_layer(layer, row);
  return rows;
}

}  // namespace tandem
