#include "models/readers/ctranslate2_model_file.h"

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include <tandem/error.h>

#include "base/byte_reader.h"
#include "base/checked_math.h"
#include "base/quote.h"
#include "models/readers/stored_tensor.h"

namespace tandem {
namespace {

constexpr std::uint32_t kNewestVersion = 6;
constexpr std::uint32_t kFirstWithSpec = 2;
constexpr std::uint32_t kFirstWithAliases = 3;
constexpr std::uint32_t kFirstWithTypes = 4;

// By the number that stands for a type from version 4 on.
constexpr std::array kTypes{DType::float32, DType::int8,    DType::int16,
                            DType::int32,   DType::float16, DType::bfloat16};

class Parser {
 public:
  Parser(const FileBytes& file, const Limits& limits)
      : file_(file), limits_(limits), reader_(file.bytes(), file.name()) {}

  CTranslate2ModelFile parse() {
    read_head();
    const std::uint32_t variables = read_count("variables");
    for (std::uint32_t i = 0; i < variables; ++i) read_variable();
    if (model_.version >= kFirstWithAliases) {
      const std::uint32_t aliases = read_count("aliases");
      for (std::uint32_t i = 0; i < aliases; ++i) read_alias();
      name_scales();
    }
    if (reader_.remaining() != 0)
      refuse(std::to_string(reader_.remaining()) + " bytes follow the last entry");
    return std::move(model_);
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorCode::corrupt, file_.name() + ": " + what);
  }
  [[noreturn]] void refuse(const std::string& name, const std::string& what) const {
    refuse("variable " + quote(name) + " " + what);
  }

  void read_head() {
    model_.origin = file_.name();
    model_.version = reader_.read<std::uint32_t>("the version");
    if (model_.version == 0 || model_.version > kNewestVersion)
      throw Error(ErrorCode::unsupported, file_.name() +
                                              ": expected a CTranslate2 model of version 1 to " +
                                              std::to_string(kNewestVersion) + ", found version " +
                                              std::to_string(model_.version));
    if (model_.version < kFirstWithSpec) return;
    model_.spec = read_string("the name of the spec");
    model_.revision = reader_.read<std::uint32_t>("the revision of the spec");
  }

  std::uint32_t read_count(const char* what) {
    constexpr std::size_t kLeastBytes = 4;  // of one entry
    const auto count = reader_.read<std::uint32_t>(what);
    if (count > reader_.remaining() / kLeastBytes)
      refuse("the file claims " + std::to_string(count) + " " + what +
             " and is too short for them");
    if (count > limits_.max_tensors)
      throw Error(ErrorCode::resource_exhausted,
                  file_.name() + ": the file has " + std::to_string(count) + " " + what +
                      ", the limit max_tensors is " + std::to_string(limits_.max_tensors));
    return count;
  }

  std::string read_string(const char* what) {
    const auto bytes = reader_.take(reader_.read<std::uint16_t>(what), what);
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (text.empty() || text.find('\0') != text.size() - 1)
      refuse("expected " + std::string(what) + " that ends with a NUL, found " + quote(text));
    return std::string(text.substr(0, text.size() - 1));
  }

  Shape read_shape(const std::string& name) {
    const auto rank = reader_.read<std::uint8_t>("a rank");
    if (rank > Shape::kMaxRank)
      refuse(name, "has " + std::to_string(rank) + " axes, expected at most " +
                       std::to_string(Shape::kMaxRank));
    std::vector<std::int64_t> extents;
    for (int axis = 0; axis < rank; ++axis)
      extents.push_back(reader_.read<std::uint32_t>("a shape"));
    return Shape(std::span<const std::int64_t>(extents));
  }

  DType read_type(const std::string& name) {
    const auto code = reader_.read<std::uint8_t>("a type");
    if (model_.version >= kFirstWithTypes) {
      if (code < kTypes.size()) return kTypes[code];
      refuse(name, "has the unknown type " + std::to_string(code));
    }
    if (code == 4) return DType::float32;
    if (code == 2) return DType::int16;
    if (code == 1) return DType::int8;
    refuse(name, "has elements of " + std::to_string(code) + " bytes, expected 1, 2 or 4");
  }

  void read_variable() {
    const std::string name = read_string("a variable's name");
    const Shape shape = read_shape(name);
    const DType type = read_type(name);
    const bool counts_bytes = model_.version >= kFirstWithTypes;
    const std::uint64_t size = reader_.read<std::uint32_t>("a size");
    const std::uint64_t found = counts_bytes ? size : size * size_of(type);
    const auto needed = checked_mul<std::uint64_t>(static_cast<std::uint64_t>(shape.elements()),
                                                   size_of(type), file_.name().c_str());
    if (found != needed)
      refuse(name, "with shape " + shape.to_string() + " needs " + std::to_string(needed) +
                       " bytes, the file gives it " + std::to_string(found));
    const auto data = reader_.take(found, "variable " + quote(name));
    const Tensor tensor = stored_tensor(shape, type, data, file_.owner());
    if (!all_finite(tensor)) refuse(name, "holds a value that is no finite number");
    if (!model_.variables.emplace(name, tensor).second) refuse(name, "occurs twice");
  }

  void read_alias() {
    const std::string alias = read_string("an alias");
    const std::string name = read_string("an alias's variable");
    const auto variable = model_.variables.find(name);
    if (variable == model_.variables.end())
      refuse("alias " + quote(alias) + " stands for " + quote(name) + ", which is not there");
    const Tensor tensor = variable->second;
    if (!model_.variables.emplace(alias, tensor).second) refuse(alias, "occurs twice");
    aliases_.emplace(alias, name);
  }

  // An alias of a quantised weight stands for its scale too, unless that has been named.
  void name_scales() {
    for (const auto& [alias, name] : aliases_) {
      const auto scale = model_.variables.find(name + "_scale");
      if (scale == model_.variables.end()) continue;
      const Tensor tensor = scale->second;
      model_.variables.emplace(alias + "_scale", tensor);
    }
  }

  const FileBytes& file_;
  const Limits& limits_;
  ByteReader reader_;
  CTranslate2ModelFile model_;
  std::map<std::string, std::string> aliases_;  // to the variable
};

}  // namespace

CTranslate2ModelFile parse_ctranslate2_model(const FileBytes& file, const Limits& limits) {
  return Parser(file, limits).parse();
}

CTranslate2ModelFile read_ctranslate2_model(const std::string& path, const Limits& limits) {
  return parse_ctranslate2_model(FileBytes::read(path, limits.max_model_bytes, "CTranslate2 model"),
                                 limits);
}

}  // namespace tandem
