#include "models/load_model.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <tandem/error.h>

#include "base/file_io.h"
#include "base/quote.h"
#include "models/families/family.h"
#include "models/load_marian.h"
#include "models/readers/json_file.h"
#include "models/readers/safetensors.h"

namespace tandem {
namespace {

bool has_int8(const WeightMap& weights) {
  return std::any_of(weights.all().begin(), weights.all().end(),
                     [](const auto& entry) { return entry.second.tensor.dtype() == DType::int8; });
}

LoadedModel load_hugging_face(const std::string& directory, const Limits& limits, ComputeType type,
                              Backend& backend) {
  const std::string config_path = join_path(directory, "config.json");
  const JsonObject config =
      JsonObject::read(config_path, limits.max_config_bytes, limits.max_json_depth);
  const std::string model_type = config.required_string("model_type");
  const FamilyLoader load_family = find_family(model_type);
  if (load_family == nullptr) {
    std::string known;
    for (const std::string_view name : known_families())
      known += (known.empty() ? "" : ", ") + std::string(name);
    throw Error(ErrorCode::unsupported,
                config_path + ": models of type " + quote(model_type) + " cannot be run",
                "this version runs " + known + ", and models in Marian's own format");
  }
  WeightMap weights = read_safetensors(directory, limits);
  LoadedModel loaded;
  loaded.format = ModelFormat::hugging_face;
  loaded.files = {config_path, weights.origin()};
  for (const auto& [name, weight] : weights.all())
    loaded.tensors.push_back({name, std::string(to_string(weight.tensor.dtype())),
                              weight.tensor.shape().to_string(), std::nullopt});
  FamilyModel family = load_family(config, weights, limits);
  weights.check_all_used();
  loaded.shared_vocabulary = family.spec.shared_embeddings;
  loaded.network = std::make_shared<const EncoderDecoder>(
      std::move(family.spec), family.weights, resolve_compute_type(type, weights), backend);
  return loaded;
}

}  // namespace

ComputeType resolve_compute_type(ComputeType type, const WeightMap& weights) {
  if (type != ComputeType::automatic) return type;
  return has_int8(weights) ? ComputeType::int8 : ComputeType::float32;
}

LoadedModel load_model(const std::string& directory, const Limits& limits, ComputeType type,
                       Backend& backend) {
  const std::vector<std::string> names = list_directory(directory);
  if (std::binary_search(names.begin(), names.end(), "config.json"))
    return load_hugging_face(directory, limits, type, backend);
  if (holds_marian_model(names))
    return load_marian_directory(directory, names, limits, type, backend);
  throw Error(
      ErrorCode::not_found,
      directory +
          ": found no model; expected config.json with safetensors, or Marian's *.bin or *.npz");
}

}  // namespace tandem
