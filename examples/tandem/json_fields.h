// Typed reading of one JSON object that comes from outside: every access says what it expects, and
// `finish` refuses keys that nobody asked for. All failures are Error{invalid_argument} that names
// the key, the expected type and the value found.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <tandem/constraint.h>
#include <tandem/options.h>

namespace tandem::cli {

using Json = nlohmann::ordered_json;  // a JSON schema's properties are generated in their order

// The start of a value as JSON, for error messages.
std::string excerpt(const Json& value);

[[noreturn]] void refuse(const std::string& key, const char* expected, const Json& found);

class Fields {
 public:
  // `where` names the object in messages. Throws if `object` is no object. The object must outlive
  // this.
  Fields(const Json& object, std::string where);

  // The value of a key, or null if it is absent. A JSON null counts as absent.
  const Json* find(const char* key);

  std::optional<std::string> text(const char* key);
  std::optional<bool> boolean(const char* key);
  std::optional<int> integer(const char* key);
  std::optional<double> number(const char* key);
  std::optional<std::vector<TokenId>> ids(const char* key);

  // Text or token ids, whichever of the two keys is there; both at once are refused.
  std::optional<Input> text_or_ids(const char* text_key, const char* ids_key);

  // A list whose items are texts or lists of token ids.
  std::optional<std::vector<Input>> inputs(const char* key);
  std::optional<std::vector<double>> numbers(const char* key);
  std::optional<std::vector<std::string>> texts(const char* key);

  // The value that a name stands for. `names` is what the message lists.
  template <class T>
  T choose(const char* key, const char* names,
           std::initializer_list<std::pair<std::string_view, T>> values, T otherwise) {
    const Json* json = find(key);
    if (json == nullptr) return otherwise;
    for (const auto& [text, value] : values)
      if (*json == text) return value;
    refuse(name(key), names, *json);
  }

  // Reads each item of a list.
  template <class Read>
  auto list(const char* key, const Read& read) {
    std::vector<std::invoke_result_t<Read, const Json&>> items;
    const Json* json = find(key);
    if (json == nullptr) return items;
    if (!json->is_array()) refuse(name(key), "a list", *json);
    for (const Json& item : *json) items.push_back(read(item));
    return items;
  }

  void finish() const;

 private:
  std::string name(const char* key) const;

  const Json& object_;
  std::string where_;
  std::vector<std::string_view> known_;
};

// Token ids from a JSON list. Throws as above.
std::vector<TokenId> read_ids(const std::string& key, const Json& json);

}  // namespace tandem::cli
