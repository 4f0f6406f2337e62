#include "models/readers/safetensors.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <tandem/error.h>

#include "base/checked_math.h"
#include "base/quote.h"
#include "models/readers/json_file.h"
#include "models/readers/stored_tensor.h"

namespace tandem {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kMaxShards = 1000;
constexpr const char* kSingleFile = "model.safetensors";
constexpr const char* kIndexFile = "model.safetensors.index.json";
constexpr const char* kHowToConvert =
    "save it as safetensors where you trust its origin: python -c \"from transformers import "
    "AutoModelForSeq2SeqLM as M; M.from_pretrained('DIR').save_pretrained('DIR', "
    "safe_serialization=True)\"";

struct Entry {
  std::string name;
  DType type = DType::float32;
  Shape shape;
  std::uint64_t begin = 0, end = 0;  // in the data
};

[[noreturn]] void throw_corrupt(const std::string& file, const std::string& problem) {
  throw Error(ErrorCode::corrupt, file + ": " + problem);
}

[[noreturn]] void throw_pickle(const std::string& file) {
  throw Error(ErrorCode::unsupported,
              file + ": expected safetensors, found PyTorch's pickle format, which is never read",
              kHowToConvert);
}

std::optional<DType> dtype_named(std::string_view name) {
  static constexpr std::pair<std::string_view, DType> kNames[] = {
      {"F32", DType::float32}, {"F16", DType::float16}, {"BF16", DType::bfloat16},
      {"F64", DType::float64}, {"I8", DType::int8},     {"U8", DType::uint8},
      {"I16", DType::int16},   {"I32", DType::int32},   {"I64", DType::int64}};
  for (const auto& [known, type] : kNames)
    if (known == name) return type;
  return std::nullopt;
}

std::uint64_t unsigned_at(const Json& value, const std::string& where) {
  if (!value.is_number_unsigned())
    throw Error(ErrorCode::corrupt, where + ": expected an integer from 0");
  return value.get<std::uint64_t>();
}

DType read_dtype(const Json& entry, const std::string& where) {
  const auto found = entry.find("dtype");
  if (found == entry.end() || !found->is_string())
    throw Error(ErrorCode::corrupt, where + ": 'dtype' should be a string");
  const auto& name = found->get_ref<const std::string&>();
  const auto type = dtype_named(name);
  if (!type)
    throw Error(ErrorCode::unsupported,
                where + ": the element type " + quote(name) +
                    " is unknown; known are F64, F32, F16, BF16, I64, I32, I16, I8 and U8");
  return *type;
}

Shape read_shape(const Json& entry, const std::string& where) {
  const auto found = entry.find("shape");
  if (found == entry.end() || !found->is_array())
    throw Error(ErrorCode::corrupt, where + ": 'shape' should be a list");
  std::vector<std::int64_t> extents;
  for (const Json& extent : *found) {
    if (extents.size() > Shape::kMaxRank) break;  // Shape refuses it
    extents.push_back(
        checked_cast<std::int64_t>(unsigned_at(extent, where + ", 'shape'"), where.c_str()));
    if (extents.back() == 0) throw Error(ErrorCode::corrupt, where + ": the tensor is empty");
  }
  return stored_shape(extents, where);
}

Entry read_entry(const std::string& name, const Json& value, const std::string& file) {
  const std::string where = file + ": tensor " + quote(name);
  if (!value.is_object() || value.size() != 3)
    throw Error(ErrorCode::corrupt, where + ": expected {dtype, shape, data_offsets}");
  Entry entry{name, read_dtype(value, where), read_shape(value, where)};
  const auto offsets = value.find("data_offsets");
  if (offsets == value.end() || !offsets->is_array() || offsets->size() != 2)
    throw Error(ErrorCode::corrupt, where + ": 'data_offsets' should be a list of two");
  entry.begin = unsigned_at((*offsets)[0], where + ", 'data_offsets'");
  entry.end = unsigned_at((*offsets)[1], where + ", 'data_offsets'");
  const std::uint64_t bytes = checked_mul<std::uint64_t>(
      static_cast<std::uint64_t>(entry.shape.elements()), size_of(entry.type), where.c_str());
  if (entry.end < entry.begin || entry.end - entry.begin != bytes)
    throw Error(ErrorCode::corrupt, where + ": shape " + entry.shape.to_string() + " needs " +
                                        std::to_string(bytes) + " bytes, but the offsets are [" +
                                        std::to_string(entry.begin) + ", " +
                                        std::to_string(entry.end) + "]");
  return entry;
}

// The JSON between the length and the data.
std::string_view header_text(const FileBytes& file, const Limits& limits) {
  const std::span<const std::byte> bytes = file.bytes();
  if (bytes.size() >= 4 &&
      (std::memcmp(bytes.data(), "PK\x03\x04", 4) == 0 ||
       (bytes[0] == std::byte{0x80} && bytes[1] <= std::byte{5} && bytes[2] > std::byte{0x20})))
    throw_pickle(file.name());
  if (bytes.size() < kLengthBytes)
    throw_corrupt(file.name(),
                  "expected safetensors, found only " + std::to_string(bytes.size()) + " bytes");
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  if (length > bytes.size() - kLengthBytes)
    throw_corrupt(file.name(),
                  "the header claims " + std::to_string(length) + " bytes, but the file has only " +
                      std::to_string(bytes.size() - kLengthBytes) + " after its length");
  if (length > limits.max_config_bytes)
    throw Error(ErrorCode::resource_exhausted,
                file.name() + ": the header has " + std::to_string(length) +
                    " bytes, the limit is " + std::to_string(limits.max_config_bytes));
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes,
                              static_cast<std::size_t>(length));
  if (text.empty() || text.front() != '{')
    throw_corrupt(file.name(), "expected a safetensors header that starts with '{'");
  return text;
}

std::map<std::string, std::string> read_metadata(const Json& metadata, const std::string& file) {
  const bool strings =
      metadata.is_object() &&
      std::all_of(metadata.begin(), metadata.end(), [](const Json& v) { return v.is_string(); });
  if (!strings) throw_corrupt(file, "'__metadata__' should hold strings only");
  return metadata.get<std::map<std::string, std::string>>();
}

// Every byte of the data belongs to exactly one tensor: no amplification by overlaps, no hidden
// bytes.
void check_coverage(std::vector<Entry>& entries, std::uint64_t data_bytes,
                    const std::string& file) {
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.begin < b.begin; });
  std::uint64_t expected = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != expected)
      throw_corrupt(file, "tensor " + quote(entry.name) + " should start at data byte " +
                              std::to_string(expected) + ", but starts at " +
                              std::to_string(entry.begin));
    expected = entry.end;
  }
  if (expected != data_bytes)
    throw_corrupt(file, "the tensors cover " + std::to_string(expected) +
                            " bytes of data, but the file has " + std::to_string(data_bytes));
}

// Entries of the tensors; the metadata goes to `metadata`.
std::vector<Entry> read_entries(const FileBytes& file, std::string_view text, const Limits& limits,
                                std::map<std::string, std::string>& metadata) {
  const JsonObject header(parse_json(text, file.name() + " (header)", limits.max_json_depth),
                          file.name() + " (header)");
  if (header.json().size() > limits.max_tensors)
    throw Error(ErrorCode::resource_exhausted,
                file.name() + ": the file has " + std::to_string(header.json().size()) +
                    " tensors, the limit is " + std::to_string(limits.max_tensors));
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.json().items()) {
    if (name == "__metadata__") {
      metadata = read_metadata(value, file.name());
    } else {
      entries.push_back(read_entry(name, value, file.name()));
    }
  }
  return entries;
}

FileBytes read_weights_file(const std::string& path, const Limits& limits, std::size_t taken) {
  return FileBytes::read(path, limits.max_model_bytes - taken, "model weights");
}

// Shard file to the tensors that the index places in it.
std::map<std::string, std::set<std::string>> read_index(const std::string& path,
                                                        const Limits& limits) {
  const JsonObject index = JsonObject::read(path, limits.max_config_bytes, limits.max_json_depth);
  const auto weight_map = index.object("weight_map");
  if (!weight_map) throw_corrupt(path, "key 'weight_map' is missing");
  if (weight_map->json().size() > limits.max_tensors)
    throw Error(ErrorCode::resource_exhausted,
                path + ": the index lists " + std::to_string(weight_map->json().size()) +
                    " tensors, the limit is " + std::to_string(limits.max_tensors));
  std::map<std::string, std::set<std::string>> shards;
  for (const auto& [tensor, shard] : weight_map->json().items()) {
    if (!shard.is_string() || !is_plain_file_name(shard.get_ref<const std::string&>()))
      throw_corrupt(path, "the file of tensor " + quote(tensor) +
                              " should be a plain file name in the same folder");
    shards[shard.get<std::string>()].insert(tensor);
    if (shards.size() > kMaxShards)
      throw Error(ErrorCode::resource_exhausted,
                  path + ": more than " + std::to_string(kMaxShards) + " shards");
  }
  return shards;
}

WeightMap read_sharded(const std::string& directory, const Limits& limits) {
  const std::string index_path = join_path(directory, kIndexFile);
  WeightMap weights(directory);
  std::size_t bytes = 0, expected = 0;
  for (const auto& [shard, tensors] : read_index(index_path, limits)) {
    const FileBytes file = read_weights_file(join_path(directory, shard), limits, bytes);
    bytes += file.bytes().size();
    parse_safetensors(file, limits, weights);
    for (const std::string& name : tensors)
      if (!weights.contains(name))
        throw_corrupt(file.name(),
                      "tensor " + quote(name) + " is missing; " + kIndexFile + " places it here");
    expected += tensors.size();
    if (weights.all().size() != expected)
      throw_corrupt(file.name(), "has " + std::to_string(weights.all().size() - expected) +
                                     " tensors that " + kIndexFile + " does not place here");
  }
  return weights;
}

[[noreturn]] void throw_no_weights(const std::string& directory) {
  for (const std::string& name : list_directory(directory)) {
    const bool torch = name.rfind("pytorch_model", 0) == 0;
    if (torch) throw_pickle(join_path(directory, name));
  }
  throw Error(ErrorCode::not_found,
              directory + ": expected " + kSingleFile + " or " + kIndexFile + ", found neither");
}

}  // namespace

SafetensorsContents read_safetensors_contents(const FileBytes& file, const Limits& limits) {
  const std::string_view text = header_text(file, limits);
  SafetensorsContents contents;
  std::vector<Entry> entries = read_entries(file, text, limits, contents.metadata);
  const std::span<const std::byte> data = file.bytes().subspan(kLengthBytes + text.size());
  check_coverage(entries, data.size(), file.name());
  for (const Entry& entry : entries)
    contents.tensors[entry.name] = stored_tensor(
        entry.shape, entry.type, data.subspan(entry.begin, entry.end - entry.begin), file.owner());
  return contents;
}

void parse_safetensors(const FileBytes& file, const Limits& limits, WeightMap& weights) {
  for (auto& [name, tensor] : read_safetensors_contents(file, limits).tensors) {
    if (!all_finite(tensor))
      throw_corrupt(file.name(), "tensor " + quote(name) + " holds a NaN or an infinity");
    weights.add(name, {std::move(tensor), {}});
  }
}

WeightMap read_safetensors(const std::string& directory_or_file, const Limits& limits) {
  const bool directory = is_directory(directory_or_file);
  const std::string path =
      directory ? join_path(directory_or_file, kSingleFile) : directory_or_file;
  if (directory && !is_regular_file(path)) {
    if (is_regular_file(join_path(directory_or_file, kIndexFile)))
      return read_sharded(directory_or_file, limits);
    throw_no_weights(directory_or_file);
  }
  WeightMap weights(path);
  parse_safetensors(read_weights_file(path, limits, 0), limits, weights);
  return weights;
}

}  // namespace tandem
