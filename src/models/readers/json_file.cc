#include "models/readers/json_file.h"

#include <functional>
#include <set>
#include <utility>
#include <vector>

#include <tandem/error.h>

#include "base/file_io.h"
#include "base/quote.h"

namespace tandem {
namespace {

using Json = nlohmann::json;

// Watches the parse: nesting and repeated keys are refused before the value is built.
class JsonGuard {
 public:
  JsonGuard(const std::string& name, int max_depth) : name_(name), max_depth_(max_depth) {}

  bool operator()(int depth, Json::parse_event_t event, const Json& parsed) {
    switch (event) {
      case Json::parse_event_t::object_start:
      case Json::parse_event_t::array_start:
        if (depth >= max_depth_)
          throw Error(ErrorCode::corrupt, name_ + ": nested deeper than the limit of " +
                                              std::to_string(max_depth_) + " levels");
        keys_.emplace_back();
        break;
      case Json::parse_event_t::object_end:
      case Json::parse_event_t::array_end:
        keys_.pop_back();
        break;
      case Json::parse_event_t::key: {
        const auto& key = parsed.get_ref<const std::string&>();
        if (!keys_.back().insert(key).second)
          throw Error(ErrorCode::corrupt, name_ + ": key " + quote(key) + " occurs twice");
        break;
      }
      case Json::parse_event_t::value:
        break;
    }
    return true;
  }

 private:
  const std::string& name_;
  int max_depth_;
  std::vector<std::set<std::string>> keys_;  // of every open object; empty for arrays
};

}  // namespace

Json parse_json(std::string_view text, const std::string& name, int max_depth) {
  // The parser takes a NUL for the end of the text; what follows would go unseen.
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos)
    throw Error(ErrorCode::corrupt,
                name + ": expected JSON, found a NUL at byte " + std::to_string(nul));
  JsonGuard guard(name, max_depth);
  try {
    return Json::parse(text.begin(), text.end(), std::ref(guard), /*allow_exceptions=*/true,
                       /*ignore_comments=*/false);
  } catch (const Json::parse_error& error) {
    throw Error(ErrorCode::corrupt,
                name + ": expected JSON, found an error at byte " + std::to_string(error.byte));
  } catch (const Json::exception&) {
    throw Error(ErrorCode::corrupt, name + ": expected JSON, found a number that is out of range");
  }
}

JsonObject::JsonObject(Json object, std::string name)
    : object_(std::move(object)), name_(std::move(name)) {
  if (!object_.is_object())
    throw Error(ErrorCode::corrupt,
                name_ + ": expected a JSON object, found " + object_.type_name());
}

JsonObject JsonObject::read(const std::string& path, std::size_t max_bytes, int max_depth) {
  return {parse_json(read_file(path, max_bytes, "JSON file"), path, max_depth), path};
}

const Json* JsonObject::find(const std::string& key) const {
  const auto found = object_.find(key);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

void JsonObject::throw_wrong(const std::string& key, const std::string& expected) const {
  constexpr std::size_t kLongest = 60;
  std::string found =
      object_.at(key).dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
  if (found.size() > kLongest) found = found.substr(0, kLongest) + "...";
  throw Error(ErrorCode::corrupt,
              name_ + ": key " + quote(key) + " should be " + expected + ", found " + found);
}

void JsonObject::throw_missing(const std::string& key) const {
  throw Error(ErrorCode::corrupt, name_ + ": key " + quote(key) + " is missing");
}

bool JsonObject::has(const std::string& key) const {
  return find(key) != nullptr;
}

std::optional<bool> JsonObject::boolean(const std::string& key) const {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) throw_wrong(key, "true or false");
  return value->get<bool>();
}

std::optional<std::int64_t> JsonObject::integer(const std::string& key, std::int64_t lowest,
                                                std::int64_t highest) const {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  // Numbers above 2^63 - 1 are kept as unsigned; converted they would turn negative.
  const bool fits = value->is_number_integer() &&
                    (!value->is_number_unsigned() ||
                     value->get<std::uint64_t>() <= static_cast<std::uint64_t>(INT64_MAX));
  if (!fits || value->get<std::int64_t>() < lowest || value->get<std::int64_t>() > highest)
    throw_wrong(key,
                "an integer from " + std::to_string(lowest) + " to " + std::to_string(highest));
  return value->get<std::int64_t>();
}

std::optional<double> JsonObject::number(const std::string& key) const {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) throw_wrong(key, "a number");
  return value->get<double>();
}

std::optional<std::string> JsonObject::string(const std::string& key) const {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) throw_wrong(key, "a string");
  return value->get<std::string>();
}

std::optional<JsonObject> JsonObject::object(const std::string& key) const {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_object()) throw_wrong(key, "an object");
  return JsonObject(*value, name_ + " at " + quote(key));
}

std::int64_t JsonObject::required_integer(const std::string& key, std::int64_t lowest,
                                          std::int64_t highest) const {
  const auto value = integer(key, lowest, highest);
  if (!value) throw_missing(key);
  return *value;
}

std::string JsonObject::required_string(const std::string& key) const {
  auto value = string(key);
  if (!value) throw_missing(key);
  return *std::move(value);
}

}  // namespace tandem
