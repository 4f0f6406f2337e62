#include "json_fields.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include <tandem/error.h>

namespace tandem::cli {
namespace {

template <class T>
bool is_integer_that_fits(const Json& json) {
  if (json.is_number_unsigned()) return std::in_range<T>(json.get<std::uint64_t>());
  return json.is_number_integer() && std::in_range<T>(json.get<std::int64_t>());
}

}  // namespace

std::string excerpt(const Json& value) {
  constexpr std::size_t kLength = 60;
  std::string text = value.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
  if (text.size() > kLength) text = text.substr(0, kLength) + "...";
  return text;
}

void refuse(const std::string& key, const char* expected, const Json& found) {
  throw Error(ErrorCode::invalid_argument,
              key + ": expected " + expected + ", found " + excerpt(found));
}

std::vector<TokenId> read_ids(const std::string& key, const Json& json) {
  if (!json.is_array()) refuse(key, "a list of token ids", json);
  std::vector<TokenId> ids;
  ids.reserve(json.size());
  for (const Json& item : json) {
    if (!is_integer_that_fits<TokenId>(item)) refuse(key, "token ids", item);
    ids.push_back(item.get<TokenId>());
  }
  return ids;
}

Fields::Fields(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
  if (!object.is_object()) refuse(where_, "a JSON object", object);
}

std::string Fields::name(const char* key) const {
  return where_ + "." + key;
}

const Json* Fields::find(const char* key) {
  known_.emplace_back(key);
  const auto found = object_.find(key);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

std::optional<std::string> Fields::text(const char* key) {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) refuse(name(key), "a string", *value);
  return value->get<std::string>();
}

std::optional<bool> Fields::boolean(const char* key) {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) refuse(name(key), "true or false", *value);
  return value->get<bool>();
}

std::optional<int> Fields::integer(const char* key) {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!is_integer_that_fits<int>(*value)) refuse(name(key), "a whole number", *value);
  return value->get<int>();
}

std::optional<double> Fields::number(const char* key) {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) refuse(name(key), "a number", *value);
  return value->get<double>();
}

std::optional<std::vector<TokenId>> Fields::ids(const char* key) {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  return read_ids(name(key), *value);
}

std::optional<Input> Fields::text_or_ids(const char* text_key, const char* ids_key) {
  std::optional<std::string> as_text = text(text_key);
  std::optional<std::vector<TokenId>> as_ids = ids(ids_key);
  if (as_text && as_ids)
    throw Error(ErrorCode::invalid_argument,
                where_ + ": expected either " + text_key + " or " + ids_key + ", found both");
  if (as_text) return Input(*std::move(as_text));
  if (as_ids) return Input(*std::move(as_ids));
  return std::nullopt;
}

std::optional<std::vector<Input>> Fields::inputs(const char* key) {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_array()) refuse(name(key), "a list of texts or of lists of token ids", *value);
  std::vector<Input> inputs;
  for (const Json& item : *value) {
    if (item.is_string())
      inputs.emplace_back(item.get<std::string>());
    else
      inputs.emplace_back(read_ids(name(key), item));
  }
  return inputs;
}

std::optional<std::vector<double>> Fields::numbers(const char* key) {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  const bool fits = value->is_array() && std::all_of(value->begin(), value->end(),
                                                     [](const Json& x) { return x.is_number(); });
  if (!fits) refuse(name(key), "a list of numbers", *value);
  return value->get<std::vector<double>>();
}

std::optional<std::vector<std::string>> Fields::texts(const char* key) {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  const bool fits = value->is_array() && std::all_of(value->begin(), value->end(),
                                                     [](const Json& x) { return x.is_string(); });
  if (!fits) refuse(name(key), "a list of texts", *value);
  return value->get<std::vector<std::string>>();
}

void Fields::finish() const {
  for (const auto& item : object_.items())
    if (std::find(known_.begin(), known_.end(), item.key()) == known_.end())
      throw Error(ErrorCode::invalid_argument, where_ + ": unknown key " + excerpt(item.key()));
}

}  // namespace tandem::cli
