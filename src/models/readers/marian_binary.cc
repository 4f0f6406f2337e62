#include "models/readers/marian_binary.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <tandem/error.h>

#include "base/byte_reader.h"
#include "base/checked_math.h"
#include "base/quote.h"
#include "models/readers/stored_tensor.h"

namespace tandem {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::uint64_t kHeaderBytes = 4 * sizeof(std::uint64_t);  // of one item
constexpr std::uint64_t kIntgemm8 = 0x4101;
constexpr std::uint64_t kIntgemm16 = 0x4102;

struct StoredType {
  std::uint64_t code;
  const char* name;
  DType element;
};

constexpr StoredType kTypes[] = {
    {0x0101, "int8", DType::int8},        {0x0102, "int16", DType::int16},
    {0x0104, "int32", DType::int32},      {0x0108, "int64", DType::int64},
    {0x0201, "uint8", DType::uint8},      {0x0402, "float16", DType::float16},
    {0x0404, "float32", DType::float32},  {0x0408, "float64", DType::float64},
    {kIntgemm8, "intgemm8", DType::int8}, {kIntgemm16, "intgemm16", DType::int16}};

// Types that Marian writes and Tandem does not read, for a message that says more than a number.
constexpr std::pair<std::uint64_t, const char*> kRefusedTypes[] = {
    {0x0202, "uint16"},
    {0x0204, "uint32"},
    {0x0208, "uint64"},
    {0x0802, "FBGEMM packed float16"},
    {0x1801, "FBGEMM packed int8 for AVX2"},
    {0x2801, "FBGEMM packed int8 for AVX-512"}};

struct Item {
  std::uint64_t name_length = 0, type_code = 0, rank = 0, data_length = 0;
  std::string name;
  StoredType type{};
  Shape shape;

  bool quantised() const { return type.code == kIntgemm8 || type.code == kIntgemm16; }
  std::string place(const FileBytes& file) const { return file.name() + ": tensor " + quote(name); }
};

StoredType find_type(const FileBytes& file, const Item& item) {
  for (const StoredType& type : kTypes)
    if (type.code == item.type_code) return type;
  for (const auto& [code, name] : kRefusedTypes)
    if (code == item.type_code)
      throw Error(ErrorCode::unsupported, item.place(file) + " has the type " + name,
                  "convert the model to float32 or intgemm8 with marian-conv");
  throw Error(ErrorCode::corrupt,
              item.place(file) + " has the unknown type " + std::to_string(item.type_code));
}

std::vector<Item> read_headers(const FileBytes& file, ByteReader& reader, const Limits& limits) {
  const auto version = reader.read<std::uint64_t>("the version");
  if (version != kVersion)
    throw Error(ErrorCode::unsupported,
                file.name() + ": expected a Marian binary model of version 1, found version " +
                    std::to_string(version));
  const auto count = reader.read<std::uint64_t>("the number of items");
  if (count > reader.remaining() / kHeaderBytes)
    throw Error(ErrorCode::corrupt, file.name() + ": the file claims " + std::to_string(count) +
                                        " items and is too short for their headers");
  if (count > limits.max_tensors)
    throw Error(ErrorCode::resource_exhausted,
                file.name() + ": the file has " + std::to_string(count) +
                    " tensors, the limit is " + std::to_string(limits.max_tensors));
  std::vector<Item> items(static_cast<std::size_t>(count));
  for (Item& item : items) {
    item.name_length = reader.read<std::uint64_t>("a header");
    item.type_code = reader.read<std::uint64_t>("a header");
    item.rank = reader.read<std::uint64_t>("a header");
    item.data_length = reader.read<std::uint64_t>("a header");
  }
  return items;
}

void read_name(const FileBytes& file, ByteReader& reader, Item& item) {
  const auto bytes = reader.take(item.name_length, "a tensor's name");
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.empty() || text.find('\0') != text.size() - 1 || text.size() == 1)
    throw Error(
        ErrorCode::corrupt,
        file.name() + ": expected a tensor's name that ends with a NUL, found " + quote(text));
  item.name.assign(text.substr(0, text.size() - 1));
}

void read_shape(const FileBytes& file, ByteReader& reader, Item& item) {
  if (item.rank > Shape::kMaxRank)
    throw Error(ErrorCode::corrupt,
                item.place(file) + " has " + std::to_string(item.rank) + " axes");
  std::vector<std::int64_t> extents;
  for (std::uint64_t axis = 0; axis < item.rank; ++axis) {
    extents.push_back(reader.read<std::int32_t>("a shape"));
    if (extents.back() <= 0)
      throw Error(ErrorCode::corrupt,
                  item.place(file) + " has the extent " + std::to_string(extents.back()));
  }
  item.shape = stored_shape(extents, item.place(file));
}

// Bytes of the elements alone; the multiplier and the padding come after them.
std::size_t element_bytes(const FileBytes& file, const Item& item) {
  return checked_mul<std::uint64_t>(static_cast<std::uint64_t>(item.shape.elements()),
                                    size_of(item.type.element), item.place(file).c_str());
}

float read_multiplier(const FileBytes& file, const Item& item, std::span<const std::byte> data) {
  float multiplier = 0;
  std::memcpy(&multiplier, data.data() + element_bytes(file, item), sizeof multiplier);
  if (!(multiplier > 0) || !std::isfinite(multiplier) || !std::isfinite(1 / multiplier))
    throw Error(ErrorCode::corrupt, item.place(file) + " has a multiplier that is not positive");
  return multiplier;
}

// The stored [out, in] as its shape [in, out]; embeddings are stored as their shape says.
Tensor right_side_up(const Tensor& stored, const Item& item) {
  if (item.name.find("Wemb") != std::string::npos) return stored;
  return stored.reshaped({item.shape[1], item.shape[0]}).transposed();
}

// Marian multiplies by the reciprocal in float32; so the same values come out.
Tensor dequantised(const Tensor& integers, float multiplier) {
  Tensor result = Tensor::zeros(integers.shape(), DType::float32);
  const std::span<float> out = result.mutable_data<float>();
  const float scale = 1 / multiplier;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto q = integers.dtype() == DType::int8 ? integers.data<std::int8_t>()[i]
                                                   : integers.data<std::int16_t>()[i];
    out[i] = static_cast<float>(q) * scale;
  }
  return result;
}

void add_quantised(MarianModelFile& model, const FileBytes& file, const Item& item,
                   const Tensor& stored, float multiplier) {
  if (item.shape.rank() != 2)
    throw Error(ErrorCode::corrupt, item.place(file) + " is quantised and has the shape " +
                                        item.shape.to_string() + ", expected a matrix");
  // `Wemb_QuantMultA` is itself quantised, because its name holds "Wemb": one byte 127.
  const bool single = item.shape.elements() == 1;
  if (single || item.type.code == kIntgemm16)
    return add_marian_tensor(model, item.name,
                             dequantised(right_side_up(stored, item), multiplier));
  const auto values = stored.data<std::int8_t>();
  if (std::find(values.begin(), values.end(), std::int8_t{-128}) != values.end())
    throw Error(ErrorCode::corrupt,
                item.place(file) + " holds -128; quantised weights are in [-127, 127]");
  model.weights.add(item.name, {right_side_up(stored, item), {1 / multiplier}});
  model.weight_multipliers.emplace(item.name, multiplier);
}

void add_item(MarianModelFile& model, const FileBytes& file, const Item& item,
              std::span<const std::byte> data, const Limits& limits) {
  if (item.name.rfind("special:", 0) == 0 && data.size() > limits.max_config_bytes)
    throw Error(ErrorCode::resource_exhausted,
                item.place(file) + " has " + std::to_string(data.size()) + " bytes, the limit is " +
                    std::to_string(limits.max_config_bytes));
  const std::uint64_t needed = checked_add<std::uint64_t>(
      element_bytes(file, item), item.quantised() ? sizeof(float) : 0, item.place(file).c_str());
  if (needed > data.size())
    throw Error(ErrorCode::corrupt, item.place(file) + " with shape " + item.shape.to_string() +
                                        " needs " + std::to_string(needed) +
                                        " bytes, the file gives it " + std::to_string(data.size()));
  MarianItem info{item.name, item.type.name, item.shape, std::nullopt};
  const Tensor stored = stored_tensor(item.shape, item.type.element, data, file.owner());
  if (item.quantised()) {
    info.multiplier = read_multiplier(file, item, data);
    add_quantised(model, file, item, stored, *info.multiplier);
  } else {
    add_marian_tensor(model, item.name, stored);
  }
  model.items.push_back(std::move(info));
}

}  // namespace

MarianModelFile parse_marian_binary(const FileBytes& file, const Limits& limits) {
  ByteReader reader(file.bytes(), file.name());
  std::vector<Item> items = read_headers(file, reader, limits);
  for (Item& item : items) read_name(file, reader, item);
  for (Item& item : items) {
    item.type = find_type(file, item);
    read_shape(file, reader, item);
  }
  reader.take(reader.read<std::uint64_t>("the padding's length"), "the padding");
  MarianModelFile model(file.name());
  for (const Item& item : items)
    add_item(model, file, item, reader.take(item.data_length, "the data of " + quote(item.name)),
             limits);
  if (reader.remaining() != 0)
    throw Error(ErrorCode::corrupt, file.name() + ": " + std::to_string(reader.remaining()) +
                                        " bytes follow the last tensor");
  check_marian_model(model);
  return model;
}

MarianModelFile read_marian_binary(const std::string& path, const Limits& limits) {
  return parse_marian_binary(FileBytes::read(path, limits.max_model_bytes, "Marian model"), limits);
}

}  // namespace tandem
