// Writes float32 tensors in the safetensors format (README of github.com/huggingface/safetensors).
#pragma once

#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include "support/test_files.h"
#include "tensor/tensor.h"

namespace tandem {

inline std::string safetensors_of(const std::map<std::string, Tensor>& tensors) {
  nlohmann::json header = nlohmann::json::object();
  std::string data;
  for (const auto& [name, tensor] : tensors) {
    std::vector<std::int64_t> shape;
    for (int axis = 0; axis < tensor.shape().rank(); ++axis) shape.push_back(tensor.shape()[axis]);
    const std::size_t first = data.size();
    const auto values = tensor.data<float>();
    data.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
    header[name] = {{"dtype", "F32"}, {"shape", shape}, {"data_offsets", {first, data.size()}}};
  }
  const std::string text = header.dump();
  std::string file;
  append(file, static_cast<std::uint64_t>(text.size()));
  return file + text + data;
}

}  // namespace tandem
