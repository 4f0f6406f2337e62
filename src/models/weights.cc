#include "models/weights.h"

#include <utility>

#include <tandem/error.h>

#include "base/quote.h"

namespace tandem {
namespace {

constexpr int kNamesInMessage = 8;

using Extents = std::initializer_list<std::int64_t>;

std::string expected_text(Extents shape) {
  std::string text = "[";
  for (const std::int64_t extent : shape) {
    if (text.size() > 1) text += ", ";
    text += extent < 0 ? "any" : std::to_string(extent);
  }
  return text + "]";
}

bool matches(const Shape& found, Extents expected) {
  if (found.rank() != static_cast<int>(expected.size())) return false;
  int axis = 0;
  for (const std::int64_t extent : expected) {
    if (extent >= 0 && extent != found[axis]) return false;
    ++axis;
  }
  return true;
}

}  // namespace

void WeightMap::add(const std::string& name, Weight weight) {
  if (!weights_.emplace(name, std::move(weight)).second)
    throw Error(ErrorCode::corrupt, origin_ + ": tensor " + quote(name) + " occurs twice");
}

void WeightMap::drop_prefix(const std::string& prefix) {
  std::map<std::string, Weight> all = std::exchange(weights_, {});
  for (auto& [name, weight] : all)
    add(name.starts_with(prefix) ? name.substr(prefix.size()) : name, std::move(weight));
}

const Weight& WeightMap::take(const std::string& name, Extents shape) {
  if (const Weight* weight = take_if_present(name, shape)) return *weight;
  throw Error(ErrorCode::corrupt, origin_ + ": tensor " + quote(name) + " is missing; expected " +
                                      expected_text(shape));
}

const Weight* WeightMap::take_if_present(const std::string& name, Extents shape) {
  const auto found = weights_.find(name);
  if (found == weights_.end()) return nullptr;
  const Weight& weight = found->second;
  if (!matches(weight.tensor.shape(), shape))
    throw Error(ErrorCode::corrupt, origin_ + ": tensor " + quote(name) + " has shape " +
                                        weight.tensor.shape().to_string() + ", expected " +
                                        expected_text(shape));
  used_.insert(name);
  return &weight;
}

void WeightMap::check_all_used() const {
  int unused = 0;
  std::string names;
  for (const auto& [name, weight] : weights_) {
    if (used_.count(name) != 0) continue;
    if (++unused > kNamesInMessage) continue;
    if (unused > 1) names += ", ";
    names += quote(name) + " " + weight.tensor.shape().to_string();
  }
  if (unused == 0) return;
  if (unused > kNamesInMessage)
    names += " and " + std::to_string(unused - kNamesInMessage) + " more";
  throw Error(ErrorCode::corrupt, origin_ + ": " + std::to_string(unused) +
                                      " tensors are not part of the model: " + names);
}

}  // namespace tandem
