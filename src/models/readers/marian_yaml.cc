#include "models/readers/marian_yaml.h"

#include <charconv>
#include <cmath>

#include <tandem/error.h>

#include "base/file_io.h"
#include "base/quote.h"
#include "models/readers/marian_yaml_parser.h"

namespace tandem {
namespace {

// The whole of `text` as a number.
template <class T>
std::optional<T> number_of(const std::string& text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [stopped, failure] = std::from_chars(text.data(), end, value);
  if (failure != std::errc{} || stopped != end) return std::nullopt;
  return value;
}

bool is_one_of(const std::string& text, std::initializer_list<const char*> words) {
  for (const char* word : words)
    if (text == word) return true;
  return false;
}

}  // namespace

MarianYaml MarianYaml::parse(std::string_view text, const std::string& name) {
  return MarianYamlParser(name).parse(text);
}

MarianYaml MarianYaml::read(const std::string& path, std::size_t max_bytes) {
  return parse(read_file(path, max_bytes, "Marian configuration"), path);
}

const MarianYaml::Value* MarianYaml::find(const std::string& key) const {
  const auto found = values_.find(key);
  if (found == values_.end() || found->second.kind == Kind::null) return nullptr;
  if (found->second.kind == Kind::nested)
    throw Error(ErrorCode::unsupported,
                name_ + ": key " + quote(key) + " should be a value or a list of values");
  return &found->second;
}

void MarianYaml::throw_wrong(const std::string& key, const std::string& expected) const {
  const Value& value = values_.at(key);
  const std::string found = value.kind == Kind::list
                                ? "a list of " + std::to_string(value.items.size())
                                : quote(value.items.front());
  throw Error(ErrorCode::corrupt,
              name_ + ": key " + quote(key) + " should be " + expected + ", found " + found);
}

bool MarianYaml::has(const std::string& key) const {
  const auto found = values_.find(key);
  return found != values_.end() && found->second.kind != Kind::null;
}

std::optional<std::string> MarianYaml::string(const std::string& key) const {
  const Value* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->kind != Kind::scalar) throw_wrong(key, "one value");
  return value->items.front();
}

std::optional<bool> MarianYaml::boolean(const std::string& key) const {
  const auto text = string(key);
  if (!text) return std::nullopt;
  if (is_one_of(*text, {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"}))
    return true;
  if (is_one_of(*text, {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"}))
    return false;
  throw_wrong(key, "true or false");
}

std::int64_t MarianYaml::to_integer(const std::string& key, const std::string& text,
                                    std::int64_t lowest, std::int64_t highest) const {
  const auto value = number_of<std::int64_t>(text);
  if (!value || *value < lowest || *value > highest)
    throw_wrong(key,
                "an integer from " + std::to_string(lowest) + " to " + std::to_string(highest));
  return *value;
}

std::optional<std::int64_t> MarianYaml::integer(const std::string& key, std::int64_t lowest,
                                                std::int64_t highest) const {
  const auto text = string(key);
  if (!text) return std::nullopt;
  return to_integer(key, *text, lowest, highest);
}

std::optional<double> MarianYaml::number(const std::string& key) const {
  const auto text = string(key);
  if (!text) return std::nullopt;
  const auto value = number_of<double>(*text);
  if (!value || !std::isfinite(*value)) throw_wrong(key, "a number");
  return value;
}

std::optional<std::vector<std::string>> MarianYaml::strings(const std::string& key) const {
  const Value* value = find(key);
  if (value == nullptr) return std::nullopt;
  return value->items;
}

std::optional<std::vector<std::int64_t>> MarianYaml::integers(const std::string& key,
                                                              std::int64_t lowest,
                                                              std::int64_t highest) const {
  const auto texts = strings(key);
  if (!texts) return std::nullopt;
  std::vector<std::int64_t> values;
  for (const std::string& text : *texts) values.push_back(to_integer(key, text, lowest, highest));
  return values;
}

}  // namespace tandem
