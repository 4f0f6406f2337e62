// Writes CTranslate2's model.bin (bytes in memory) in any version, so that tests can make any
// model, valid or not. It shares no code with the reader.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "support/test_files.h"

namespace tandem {

class CTranslate2Writer {
 public:
  enum Type : std::uint8_t { float32, int8, int16, int32, float16, bfloat16 };

  struct Variable {
    std::string name;
    std::vector<std::uint32_t> shape;
    Type type = float32;
    std::string data;
  };

  explicit CTranslate2Writer(std::uint32_t version = 6) : version_(version) {}

  CTranslate2Writer& spec(const std::string& name, std::uint32_t revision) {
    spec_ = name;
    revision_ = revision;
    return *this;
  }
  CTranslate2Writer& add(Variable variable) {
    variables_.push_back(std::move(variable));
    return *this;
  }
  template <class T>
  CTranslate2Writer& add(const std::string& name, const std::vector<std::uint32_t>& shape,
                         Type type, const std::vector<T>& values) {
    Variable variable{name, shape, type, ""};
    for (const T value : values) append(variable.data, value);
    return add(std::move(variable));
  }
  CTranslate2Writer& floats(const std::string& name, const std::vector<std::uint32_t>& shape,
                            const std::vector<float>& values) {
    return add(name, shape, float32, values);
  }
  // Facts.
  CTranslate2Writer& flag(const std::string& name, int value) {
    return add<std::int8_t>(name, {}, int8, {static_cast<std::int8_t>(value)});
  }
  CTranslate2Writer& number(const std::string& name, int value) {
    return add<std::int16_t>(name, {}, int16, {static_cast<std::int16_t>(value)});
  }
  CTranslate2Writer& text(const std::string& name, const std::string& value) {
    return add({name, {static_cast<std::uint32_t>(value.size())}, int8, value});
  }
  CTranslate2Writer& alias(const std::string& name, const std::string& variable) {
    aliases_.emplace_back(name, variable);
    return *this;
  }

  std::string bytes() const {
    constexpr int kItemBytes[] = {4, 1, 2, 4, 2, 2};
    std::string file;
    append(file, version_);
    if (version_ >= 2) {
      append_text(file, spec_);
      append(file, revision_);
    }
    append(file, static_cast<std::uint32_t>(variables_.size()));
    for (const Variable& variable : variables_) {
      append_text(file, variable.name);
      append(file, static_cast<std::uint8_t>(variable.shape.size()));
      for (const std::uint32_t extent : variable.shape) append(file, extent);
      const auto item = static_cast<std::uint32_t>(kItemBytes[variable.type]);
      const auto size = static_cast<std::uint32_t>(variable.data.size());
      append(file, version_ >= 4 ? static_cast<std::uint8_t>(variable.type)
                                 : static_cast<std::uint8_t>(item));
      append(file, version_ >= 4 ? size : size / item);
      file += variable.data;
    }
    if (version_ < 3) return file;
    append(file, static_cast<std::uint32_t>(aliases_.size()));
    for (const auto& [alias, variable] : aliases_) {
      append_text(file, alias);
      append_text(file, variable);
    }
    return file;
  }

 private:
  static void append_text(std::string& file, const std::string& text) {
    append(file, static_cast<std::uint16_t>(text.size() + 1));
    file += text + '\0';
  }

  std::uint32_t version_;
  std::string spec_ = "TransformerSpec";
  std::uint32_t revision_ = 7;
  std::vector<Variable> variables_;
  std::vector<std::pair<std::string, std::string>> aliases_;
};

}  // namespace tandem
