// JSON that cannot be trusted: config.json and its relatives, the header of a safetensors file.
//
// Strict RFC 8259: no comments, no trailing text, UTF-8 only, and a key may occur once in an object
// (parsers disagree about the second, and that is how two programs see two models in one file).
// Size and depth are bounded; the cost is linear. The getters say which file and key an Error is
// about.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace tandem {

// `name` is the file, for messages. Throws Error{corrupt}; depth beyond the limit included.
nlohmann::json parse_json(std::string_view text, const std::string& name, int max_depth);

// An object of a JSON file with typed access.
class JsonObject {
 public:
  // Reads and parses a file. Throws Error: as FileBytes::read, or corrupt when it is no object.
  static JsonObject read(const std::string& path, std::size_t max_bytes, int max_depth);
  // `name` is the file and the place in it, for messages. Throws Error{corrupt} when it is no
  // object.
  JsonObject(nlohmann::json object, std::string name);

  const nlohmann::json& json() const { return object_; }
  const std::string& name() const { return name_; }

  // True when the key is there and its value is not null: Hugging Face writes null for "not set".
  bool has(const std::string& key) const;

  // The value, or nothing when `has` is false. Throws Error{corrupt} for a wrong type or, for
  // integers, a value outside [lowest, highest]. 2.0 is no integer; 2 is a number.
  std::optional<bool> boolean(const std::string& key) const;
  std::optional<std::int64_t> integer(const std::string& key, std::int64_t lowest,
                                      std::int64_t highest) const;
  std::optional<double> number(const std::string& key) const;
  std::optional<std::string> string(const std::string& key) const;
  std::optional<JsonObject> object(const std::string& key) const;

  // The same for keys that must be there: Error{corrupt} when `has` is false.
  std::int64_t required_integer(const std::string& key, std::int64_t lowest,
                                std::int64_t highest) const;
  std::string required_string(const std::string& key) const;

 private:
  const nlohmann::json* find(const std::string& key) const;
  [[noreturn]] void throw_wrong(const std::string& key, const std::string& expected) const;
  [[noreturn]] void throw_missing(const std::string& key) const;

  nlohmann::json object_;
  std::string name_;
};

}  // namespace tandem
