#include "models/packed/packed_reader.h"

#include <algorithm>
#include <map>
#include <utility>

#include <nlohmann/json.hpp>

#include <tandem/error.h>

#include "base/file_io.h"
#include "base/quote.h"
#include "models/load_ctranslate2.h"
#include "models/load_marian.h"
#include "models/packed/decoding_json.h"
#include "models/packed/format.h"
#include "models/packed/parts.h"
#include "models/packed/spec_json.h"
#include "models/readers/json_file.h"
#include "models/readers/safetensors.h"

namespace tandem {
namespace {

using Json = nlohmann::json;

[[noreturn]] void refuse(const std::string& file, const std::string& problem) {
  throw Error(ErrorCode::corrupt, file + ": " + problem, kConvertAgain);
}

[[noreturn]] void refuse_version(const std::string& file, const char* key, const std::string& found,
                                 const std::string& expected) {
  throw Error(ErrorCode::unsupported,
              file + ": " + key + " is " + quote(found) + "; expected " + expected, kConvertAgain);
}

// The metadata of the file.
class Metadata {
 public:
  Metadata(const FileBytes& file, std::map<std::string, std::string> values, const Limits& limits)
      : name_(file.name()), values_(std::move(values)), limits_(limits) {}

  const std::string& at(const std::string& key) const {
    const auto found = values_.find(key);
    if (found == values_.end()) refuse(name_, "the metadata has no " + quote(key));
    return found->second;
  }
  void expect(const char* key, const std::string& expected) const {
    if (at(key) != expected) refuse_version(name_, key, at(key), quote(expected));
  }
  JsonObject object(const std::string& key) const {
    const std::string where = name_ + " (" + key + ")";
    return JsonObject(parse_json(at(key), where, limits_.max_json_depth), where);
  }

 private:
  std::string name_;
  std::map<std::string, std::string> values_;
  const Limits& limits_;
};

// Fills a model with views of the mapped file.
class Unpacker final : public PartVisitor {
 public:
  Unpacker(const FileBytes& file, SafetensorsContents& contents, const Metadata& metadata,
           ComputeType type)
      : file_(file),
        contents_(contents),
        products_(metadata.object("products")),
        layout_(metadata.at("layout")),
        type_(type) {}

  std::int64_t product(const std::string& name, std::span<LinearWeights* const> stack,
                       std::int64_t outputs, std::int64_t inputs) override {
    auto parts = std::make_shared<PackedParts>();
    parts->layout = layout_;
    parts->type = type_;
    read_sizes(name, *parts);
    if (parts->inputs != inputs || (outputs >= 0 && parts->outputs != outputs))
      refuse(file_.name(), "product " + quote(name) + " has " + std::to_string(parts->outputs) +
                               " outputs and " + std::to_string(parts->inputs) +
                               " inputs; the spec asks for " +
                               (outputs < 0 ? "any" : std::to_string(outputs)) + " and " +
                               std::to_string(inputs));
    parts->panels = take(name + ".panels");
    if (!is_mapped(parts->panels))
      refuse(file_.name(), "tensor " + quote(name + ".panels") + " is not aligned to 64 bytes");
    parts->bias = take(name + ".bias");
    if (type_ == ComputeType::int8) {
      parts->column_scales = take(name + ".column_scales");
      parts->column_sums = take(name + ".column_sums");
      if (parts->activation_scale != 0) parts->product_scales = take(name + ".product_scales");
    }
    stack.front()->packed = parts;
    return parts->outputs;
  }

  void table(const std::string& name, Tensor& tensor, const TableShape& shape,
             const Tensor* twin) override {
    if (twin != nullptr && contents_.tensors.count(name) == 0) {
      tensor = *twin;
      return;
    }
    tensor = take(name);
    const Shape& found = tensor.shape();
    const bool fits = shape.rows == 0 ? found == Shape{shape.columns}
                                      : found.rank() == 2 && found[1] == shape.columns &&
                                            (shape.rows < 0 ? found[0] >= shape.least_rows
                                                            : found[0] == shape.rows);
    if (!fits || tensor.dtype() != DType::float32)
      refuse(file_.name(), "tensor " + quote(name) + " is " +
                               std::string(to_string(tensor.dtype())) + " " + found.to_string() +
                               ", which does not fit the spec");
  }

  void check_all_used() const {
    if (!contents_.tensors.empty())
      refuse(file_.name(),
             "tensor " + quote(contents_.tensors.begin()->first) + " is not part of the model");
  }

 private:
  Tensor take(const std::string& name) {
    auto node = contents_.tensors.extract(name);
    if (node.empty()) refuse(file_.name(), "tensor " + quote(name) + " is missing");
    return std::move(node.mapped());
  }

  // [outputs, inputs, activation scale]
  void read_sizes(const std::string& name, PackedParts& parts) const {
    const auto found = products_.json().find(name);
    const bool good = found != products_.json().end() && found->is_array() && found->size() == 3 &&
                      (*found)[0].is_number_unsigned() && (*found)[1].is_number_unsigned() &&
                      (*found)[2].is_number();
    if (!good)
      refuse(products_.name(), "key " + quote(name) + " should be [outputs, inputs, scale]");
    parts.outputs = (*found)[0].get<std::int64_t>();
    parts.inputs = (*found)[1].get<std::int64_t>();
    parts.activation_scale = (*found)[2].get<float>();
  }

  // Whether a tensor lies in the file, and not in a copy because it is aligned for nothing.
  bool is_mapped(const Tensor& tensor) const {
    const std::span<const std::byte> bytes = file_.bytes();
    return tensor.raw() >= bytes.data() && tensor.raw() < bytes.data() + bytes.size();
  }

  const FileBytes& file_;
  SafetensorsContents& contents_;
  JsonObject products_;
  std::string layout_;
  ComputeType type_;
};

ComputeType read_type(const Metadata& metadata, const std::string& file, ComputeType asked) {
  const std::string& name = metadata.at("compute_type");
  for (const ComputeType type : {ComputeType::float32, ComputeType::bfloat16, ComputeType::int8}) {
    if (name != to_string(type)) continue;
    if (asked != ComputeType::automatic && asked != type)
      throw Error(ErrorCode::unsupported,
                  file + ": the weights are packed for " + name + " and cannot be computed in " +
                      std::string(to_string(asked)),
                  "load the original model, or convert it once more with that type");
    return type;
  }
  refuse_version(file, "compute_type", name, "float32, bfloat16 or int8");
}

// Positions of padding are a row of the table, which the shapes alone do not say.
void check_padding_row(const ModelSpec& spec, const ModelWeights& weights) {
  if (!spec.padding_aware_positions) return;
  for (const Tensor* table : {&weights.encoder_positions, &weights.decoder_positions})
    if (!table->empty() && table->shape()[0] <= spec.pad_token)
      refuse(spec.origin, "the positions have no row for padding");
}

}  // namespace

bool holds_packed_model(const std::vector<std::string>& names) {
  return std::binary_search(names.begin(), names.end(), kPackedFile);
}

ModelFiles read_packed_model(const std::string& directory, const Limits& limits, ComputeType type) {
  return parse_packed_model(
      FileBytes::map(join_path(directory, kPackedFile), limits.max_model_bytes, "model weights"),
      directory, limits, type);
}

ModelFiles parse_packed_model(const FileBytes& file, const std::string& directory,
                              const Limits& limits, ComputeType type) {
  const std::string& path = file.name();
  SafetensorsContents contents = read_safetensors_contents(file, limits);
  const Metadata metadata(file, std::move(contents.metadata), limits);
  metadata.expect("format", kPackedFormat);
  metadata.expect("format_version", kPackedVersion);

  ModelFiles files;
  files.type = read_type(metadata, path, type);
  files.model.spec = spec_from_json(metadata.object("spec"), path, limits);
  files.model.weights = empty_weights(files.model.spec);
  files.model.weights.file = file;
  for (const auto& [name, tensor] : contents.tensors)
    files.about.tensors.push_back(
        {name, std::string(to_string(tensor.dtype())), tensor.shape().to_string(), std::nullopt});
  Unpacker unpacker(file, contents, metadata, files.type);
  visit_parts(files.model.spec, files.model.weights, unpacker);
  unpacker.check_all_used();
  check_padding_row(files.model.spec, files.model.weights);

  files.about.packed = true;
  files.about.files = {path};
  const std::string shortlist = decoding_from_json(metadata.object("decoding"), files.about);
  if (!shortlist.empty())
    load_shortlist(join_path(directory, shortlist), files.model.spec, limits, files.about);
  if (files.about.format == ModelFormat::ctranslate2 && is_directory(directory))
    load_vocabulary_map(directory, list_directory(directory), limits, files.about);
  return files;
}

}  // namespace tandem
