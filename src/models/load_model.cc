#include "models/load_model.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <tandem/error.h>

#include "base/file_io.h"
#include "base/quote.h"
#include "models/load_ctranslate2.h"
#include "models/load_marian.h"
#include "models/packed/format.h"
#include "models/packed/packed_reader.h"
#include "models/readers/json_file.h"
#include "models/readers/safetensors.h"

namespace tandem {
namespace {

// Without scales int8 is no weight, but a fact of a CTranslate2 model.
bool has_int8(const WeightMap& weights) {
  return std::any_of(weights.all().begin(), weights.all().end(), [](const auto& entry) {
    return entry.second.tensor.dtype() == DType::int8 && !entry.second.scales.empty();
  });
}

constexpr std::pair<ModelFormat, std::string_view> kFormats[] = {
    {ModelFormat::hugging_face, "hugging_face"},
    {ModelFormat::ctranslate2, "ctranslate2"},
    {ModelFormat::marian, "marian"}};

ModelFiles read_hugging_face(const std::string& directory, const Limits& limits, ComputeType type) {
  const std::string config_path = join_path(directory, "config.json");
  const JsonObject config =
      JsonObject::read(config_path, limits.max_config_bytes, limits.max_json_depth);
  const std::string model_type = config.required_string("model_type");
  const FamilyLoader load_family = find_family(model_type);
  if (load_family == nullptr) {
    std::string known;
    for (const std::string_view name : known_families())
      known += (known.empty() ? "" : ", ") + std::string(name);
    throw Error(
        ErrorCode::unsupported,
        config_path + ": models of type " + quote(model_type) + " cannot be run",
        "this version runs " + known + ", and models in the formats of CTranslate2 and Marian");
  }
  WeightMap weights = read_safetensors(directory, limits);
  ModelFiles files;
  files.about.format = ModelFormat::hugging_face;
  files.about.files = {config_path, weights.origin()};
  for (const auto& [name, weight] : weights.all())
    files.about.tensors.push_back({name, std::string(to_string(weight.tensor.dtype())),
                                   weight.tensor.shape().to_string(), std::nullopt});
  files.model = load_family(config, weights, limits);
  weights.check_all_used();
  files.about.shared_vocabulary = files.model.spec.shared_embeddings;
  files.type = resolve_compute_type(type, weights);
  return files;
}

}  // namespace

ComputeType resolve_compute_type(ComputeType type, const WeightMap& weights) {
  if (type != ComputeType::automatic) return type;
  return has_int8(weights) ? ComputeType::int8 : ComputeType::float32;
}

std::string_view to_string(ModelFormat format) {
  for (const auto& [known, name] : kFormats)
    if (known == format) return name;
  return "?";
}

std::optional<ModelFormat> parse_model_format(std::string_view name) {
  for (const auto& [format, known] : kFormats)
    if (known == name) return format;
  return std::nullopt;
}

ModelFiles read_model(const std::string& directory, const Limits& limits, ComputeType type) {
  const std::vector<std::string> names = list_directory(directory);
  if (holds_packed_model(names)) return read_packed_model(directory, limits, type);
  if (holds_ctranslate2_model(names))
    return read_ctranslate2_directory(directory, names, limits, type);
  if (std::binary_search(names.begin(), names.end(), "config.json"))
    return read_hugging_face(directory, limits, type);
  if (holds_marian_model(names)) return read_marian_directory(directory, names, limits, type);
  throw Error(
      ErrorCode::not_found,
      directory +
          ": found no model; expected config.json with safetensors, CTranslate2's model.bin with "
          "its vocabulary, Marian's *.bin or *.npz, or packed.safetensors");
}

LoadedModel load_model(const std::string& directory, const Limits& limits, ComputeType type,
                       Backend& backend) {
  ModelFiles files = read_model(directory, limits, type);
  // A GPU reads half as much in bfloat16, and a trained model keeps its tokens (docs/numerics.md).
  if (type == ComputeType::automatic && files.type == ComputeType::float32 &&
      backend.device().kind() == Device::Kind::cuda)
    files.type = ComputeType::bfloat16;
  try {
    files.about.network = std::make_shared<const EncoderDecoder>(
        std::move(files.model.spec), files.model.weights, files.type, backend);
  } catch (const Error& error) {  // of a packed file, the backend is the first to look at the parts
    if (!files.about.packed) throw;
    throw Error(error.code(), files.about.files.front() + ": " + error.message(), kConvertAgain);
  }
  return std::move(files.about);
}

}  // namespace tandem
