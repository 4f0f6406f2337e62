// Weights in the safetensors format, as Hugging Face directories hold them: one file, or shards
// with an index. Format: the README of github.com/huggingface/safetensors, section "Format".
//
//   u64 N (little-endian) | N bytes of JSON {name: {dtype, shape, data_offsets}} | data
//
// Checked beyond what the format says: the data is covered exactly, without holes and overlaps, no
// tensor is empty, every float is finite. Tensors borrow the file's memory where it is aligned for
// their type and are copied where it is not. Cost: one read of the file and one pass over the
// floats.
#pragma once

#include <map>
#include <string>

#include <tandem/options.h>

#include "base/file_io.h"
#include "models/weights.h"

namespace tandem {

// A .safetensors file, or a directory with model.safetensors or model.safetensors.index.json.
// Throws Error: not_found; corrupt, with file and tensor; resource_exhausted (limits:
// max_model_bytes, max_config_bytes for a header or an index, max_tensors); unsupported for an
// element type that Tandem has not, and for PyTorch's pickle format, which can run code and is
// never read.
WeightMap read_safetensors(const std::string& directory_or_file, const Limits& limits);

// All of one file that is in memory, with its metadata. Floats are not looked at, which would read
// the whole of a mapped file; parse_safetensors does.
struct SafetensorsContents {
  std::map<std::string, std::string> metadata;
  std::map<std::string, Tensor> tensors;
};
SafetensorsContents read_safetensors_contents(const FileBytes& file, const Limits& limits);

// Adds the tensors of one file that is in memory already.
void parse_safetensors(const FileBytes& file, const Limits& limits, WeightMap& weights);

}  // namespace tandem
