#include "models/packed/packed_writer.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <tandem/error.h>

#include "base/check.h"
#include "models/packed/decoding_json.h"
#include "models/packed/format.h"
#include "models/packed/panels.h"
#include "models/packed/parts.h"
#include "models/packed/spec_json.h"

namespace tandem {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kAlignment = 64;

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

bool same_bytes(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() &&
         (a.raw() == b.raw() || std::memcmp(a.raw(), b.raw(), a.bytes()) == 0);
}

// Packs each product and gathers everything that the file will hold.
class Packer final : public PartVisitor {
 public:
  Packer(Backend& backend, ComputeType type) : backend_(backend), type_(type) {}

  std::int64_t product(const std::string& name, std::span<LinearWeights* const> stack,
                       std::int64_t outputs, std::int64_t inputs) override {
    const std::vector<const LinearWeights*> parts(stack.begin(), stack.end());
    LinearWeights whole = stack_outputs(parts, name);
    if (whole.packed != nullptr)  // the backend checks the parts before they are taken apart
      whole = unpack_panels(backend_.pack(whole, whole.packed->type)->parts());
    const PackedParts packed = backend_.pack(whole, type_)->parts();
    TANDEM_CHECK(packed.inputs == inputs && (outputs < 0 || packed.outputs == outputs));
    layout_ = packed.layout;
    products_[name] = {packed.outputs, packed.inputs, packed.activation_scale};
    tensors_.push_back({name + ".panels", packed.panels});
    tensors_.push_back({name + ".bias", packed.bias});
    if (type_ == ComputeType::int8) {
      tensors_.push_back({name + ".column_scales", packed.column_scales});
      tensors_.push_back({name + ".column_sums", packed.column_sums});
      if (packed.activation_scale != 0)
        tensors_.push_back({name + ".product_scales", packed.product_scales});
    }
    for (LinearWeights* part : stack) *part = {};  // the memory of the source is no longer needed
    return packed.outputs;
  }

  void table(const std::string& name, Tensor& tensor, const TableShape& shape,
             const Tensor* twin) override {
    TANDEM_CHECK(!tensor.empty() && tensor.dtype() == DType::float32);
    TANDEM_CHECK(tensor.shape()[tensor.shape().rank() - 1] == shape.columns);
    if (twin == nullptr || !same_bytes(tensor, *twin)) tensors_.push_back({name, tensor});
  }

  std::string layout() const { return layout_; }
  std::string products() const { return products_.dump(); }
  // Whole cache lines first, so that all of them are aligned.
  std::vector<NamedTensor> take_tensors() {
    std::stable_partition(tensors_.begin(), tensors_.end(), [](const NamedTensor& entry) {
      return entry.tensor.bytes() % kAlignment == 0;
    });
    return std::move(tensors_);
  }

 private:
  Backend& backend_;
  ComputeType type_;
  std::string layout_;
  Json products_ = Json::object();
  std::vector<NamedTensor> tensors_;
};

const char* safetensors_name(DType type) {
  switch (type) {
    case DType::float32:
      return "F32";
    case DType::bfloat16:
      return "BF16";
    case DType::int8:
      return "I8";
    case DType::int32:
      return "I32";
    default:
      break;
  }
  TANDEM_CHECK(!"a type that no layout has");
  return "";
}

// Length and header, padded with spaces so that the data is aligned.
std::string header_bytes(const Json& metadata, const std::vector<NamedTensor>& tensors) {
  Json header{{"__metadata__", metadata}};
  std::size_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    Json shape = Json::array();
    for (int axis = 0; axis < tensor.shape().rank(); ++axis) shape.push_back(tensor.shape()[axis]);
    const std::size_t end = offset + tensor.bytes();
    header[name] = {{"dtype", safetensors_name(tensor.dtype())},
                    {"shape", shape},
                    {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  const std::size_t length_bytes = sizeof(std::uint64_t);
  while ((length_bytes + text.size()) % kAlignment != 0) text += ' ';
  const std::uint64_t length = text.size();
  std::string bytes(length_bytes, '\0');
  std::memcpy(bytes.data(), &length, length_bytes);
  return bytes + text;
}

}  // namespace

void write_packed_model(ModelFiles files, Backend& backend, StagedDirectory& directory) {
  const ModelSpec& spec = files.model.spec;
  files.model.weights.output = scaled_output(files.model.weights.output, spec.logits_scale);
  Packer packer(backend, files.type);
  visit_parts(spec, files.model.weights, packer);
  const Json metadata{{"format", kPackedFormat},
                      {"format_version", kPackedVersion},
                      {"layout", packer.layout()},
                      {"compute_type", std::string(to_string(files.type))},
                      {"spec", spec_to_json(spec).dump()},
                      {"products", packer.products()},
                      {"decoding", decoding_to_json(files.about).dump()}};
  const std::vector<NamedTensor> tensors = packer.take_tensors();
  const std::string header = header_bytes(metadata, tensors);
  std::vector<std::span<const std::byte>> pieces{std::as_bytes(std::span(header))};
  for (const auto& [name, tensor] : tensors) pieces.emplace_back(tensor.raw(), tensor.bytes());
  directory.write(kPackedFile, pieces);
}

}  // namespace tandem
