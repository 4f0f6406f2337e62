#include "text/vocabulary.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include <tandem/error.h>

#include "base/file_io.h"
#include "base/quote.h"
#include "base/utf8.h"
#include "text/json_file.h"

namespace tandem {
namespace {

// Reads one flat object without building it. nlohmann's callbacks; false stops the parser.
class FlatObjectReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  using Add = std::function<void(std::string, std::int64_t)>;
  FlatObjectReader(const std::string& name, Add add) : name_(name), add_(std::move(add)) {}

  bool start_object(std::size_t) override {
    if (std::exchange(inside_, true)) unexpected("an object");
    return true;
  }
  bool end_object() override { return true; }
  bool key(std::string& text) override {
    key_ = std::move(text);
    return true;
  }
  bool number_integer(std::int64_t value) override { return add(value); }
  bool number_unsigned(std::uint64_t value) override {
    if (!std::in_range<std::int64_t>(value)) unexpected("a huge number");
    return add(static_cast<std::int64_t>(value));
  }
  bool null() override { unexpected("null"); }
  bool boolean(bool) override { unexpected("a boolean"); }
  bool number_float(double, const std::string&) override { unexpected("a fraction"); }
  bool string(std::string&) override { unexpected("a string"); }
  bool binary(binary_t&) override { unexpected("binary data"); }
  bool start_array(std::size_t) override { unexpected("an array"); }
  bool end_array() override { return true; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& e) override {
    throw Error(ErrorCode::corrupt, name_ + ": not valid JSON: " + e.what());
  }

 private:
  bool add(std::int64_t id) {
    if (!inside_) unexpected("a number");
    add_(std::move(key_), id);
    return true;
  }
  [[noreturn]] void unexpected(const char* found) const {
    throw Error(ErrorCode::corrupt, name_ + ": one object of string to id was expected, found " +
                                        found + (inside_ ? " for " + quote(key_) : ""));
  }

  const std::string& name_;
  Add add_;
  std::string key_;
  bool inside_ = false;
};

// The string at the front of a line of YAML, taken off it; nothing if it is not one.
class YamlLine {
 public:
  explicit YamlLine(std::string_view line) : rest_(line) {}

  std::optional<std::string> take_string() {
    if (rest_.starts_with('"')) return take_double_quoted();
    if (rest_.starts_with('\'')) return take_single_quoted();
    const std::size_t colon = rest_.rfind(": ");
    if (colon == std::string_view::npos) return std::nullopt;
    std::string text(rest_.substr(0, colon));
    rest_.remove_prefix(colon);
    return text;
  }

  // ": 17" and white space to the end of the line.
  std::optional<std::int64_t> take_number() {
    const std::size_t start = rest_.find_first_not_of(' ', rest_.starts_with(':') ? 1 : 0);
    if (!rest_.starts_with(':') || start == std::string_view::npos) return std::nullopt;
    const std::size_t last = rest_.find_last_not_of(" \t\r");
    std::int64_t value = 0;
    const char* end = rest_.data() + last + 1;
    const auto [stop, error] = std::from_chars(rest_.data() + start, end, value);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return value;
  }

 private:
  std::optional<std::string> take_single_quoted() {
    std::string text;
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] != '\'') {
        text += rest_[i];
      } else if (i + 1 < rest_.size() && rest_[i + 1] == '\'') {
        text += rest_[i++];
      } else {
        rest_.remove_prefix(i + 1);
        return text;
      }
    }
    return std::nullopt;
  }

  std::optional<std::string> take_double_quoted() {
    std::string text;
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '"') {
        rest_.remove_prefix(i + 1);
        return text;
      }
      if (rest_[i] != '\\') {
        text += rest_[i];
      } else if (!append_escape(++i, text)) {
        return std::nullopt;
      }
    }
    return std::nullopt;
  }

  // The escape whose letter is at `i` (YAML 1.2, section 5.7); leaves `i` at its last byte.
  bool append_escape(std::size_t& i, std::string& text) const {
    if (i >= rest_.size()) return false;
    constexpr std::string_view kNames = "0abtnvfre\"/\\ ";
    constexpr std::string_view kMeanings{"\0\a\b\t\n\v\f\r\x1B\"/\\ ", 13};
    if (const std::size_t at = kNames.find(rest_[i]); at != std::string_view::npos) {
      text += kMeanings[at];
      return true;
    }
    const std::size_t digits = rest_[i] == 'x' ? 2 : rest_[i] == 'u' ? 4 : rest_[i] == 'U' ? 8 : 0;
    if (digits == 0 || rest_.size() - i <= digits) return false;
    std::uint32_t code = 0;
    const char* first = rest_.data() + i + 1;
    const auto [stop, error] = std::from_chars(first, first + digits, code, 16);
    if (error != std::errc{} || stop != first + digits) return false;
    append_utf8(text, code);
    i += digits;
    return true;
  }

  std::string_view rest_;
};

}  // namespace

void Vocabulary::add(std::string token, std::int64_t id, const std::string& name,
                     const Limits& limits) {
  if (id < 0)
    throw Error(ErrorCode::corrupt, name + ": " + quote(token) + " has id " + std::to_string(id));
  if (id >= limits.max_vocabulary)
    throw Error(ErrorCode::resource_exhausted,
                name + ": " + quote(token) + " has id " + std::to_string(id) + "; ids below " +
                    std::to_string(limits.max_vocabulary) + " are allowed",
                "raise Limits::max_vocabulary");
  const auto [entry, added] = ids_.emplace(std::move(token), static_cast<TokenId>(id));
  if (!added) throw Error(ErrorCode::corrupt, name + ": " + quote(entry->first) + " occurs twice");
}

void Vocabulary::index_by_id(const std::string& name) {
  if (ids_.empty()) throw Error(ErrorCode::corrupt, name + ": an empty vocabulary");
  TokenId highest = 0;
  for (const auto& [token, id] : ids_) highest = std::max(highest, id);
  // Files may leave ids out, but a few entries must not claim the memory of millions.
  if (static_cast<std::size_t>(highest) > 16 * ids_.size() + 1024)
    throw Error(ErrorCode::corrupt, name + ": id " + std::to_string(highest) + " among " +
                                        std::to_string(ids_.size()) + " entries");
  tokens_.resize(static_cast<std::size_t>(highest) + 1);
  for (const auto& [token, id] : ids_) {
    std::string_view& slot = tokens_[static_cast<std::size_t>(id)];
    if (slot.data() != nullptr)
      throw Error(ErrorCode::corrupt, name + ": " + quote(std::min<std::string_view>(slot, token)) +
                                          " and " + quote(std::max<std::string_view>(slot, token)) +
                                          " have the same id " + std::to_string(id));
    slot = token;
  }
}

Vocabulary Vocabulary::parse(std::string_view text, const std::string& name, const Limits& limits) {
  Vocabulary vocabulary;
  const auto add = [&](std::string token, std::int64_t id) {
    vocabulary.add(std::move(token), id, name, limits);
  };
  if (!name.ends_with(".yml") && !name.ends_with(".yaml")) {
    refuse_nul(text, name);
    FlatObjectReader reader(name, add);
    nlohmann::json::sax_parse(text, &reader);
  } else {
    if (!is_valid_utf8(text)) throw Error(ErrorCode::corrupt, name + ": not UTF-8");
    for (std::size_t number = 1; !text.empty(); ++number) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      const std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (line.find_first_not_of(" \r") == std::string_view::npos || line == "---") continue;
      YamlLine reader(line);
      auto token = reader.take_string();
      const auto id = token ? reader.take_number() : std::nullopt;
      if (!id)
        throw Error(ErrorCode::corrupt, name + ": line " + std::to_string(number) + ", " +
                                            quote(line) + ": \"string: id\" was expected");
      add(std::move(*token), *id);
    }
  }
  vocabulary.index_by_id(name);
  return vocabulary;
}

Vocabulary Vocabulary::from_entries(std::vector<std::pair<std::string, std::int64_t>> entries,
                                    const std::string& name, const Limits& limits) {
  Vocabulary vocabulary;
  for (auto& [token, id] : entries) vocabulary.add(std::move(token), id, name, limits);
  vocabulary.index_by_id(name);
  return vocabulary;
}

Vocabulary Vocabulary::load(const std::string& path, const Limits& limits) {
  return parse(read_file(path, limits.max_tokenizer_bytes, "vocabulary"), path, limits);
}

TokenId Vocabulary::find(std::string_view token) const noexcept {
  const auto entry = ids_.find(token);
  return entry == ids_.end() ? -1 : entry->second;
}

std::string_view Vocabulary::token(TokenId id) const {
  if (id < 0 || id >= size())
    throw Error(ErrorCode::invalid_argument, "token id " + std::to_string(id) +
                                                 " is outside the vocabulary of " +
                                                 std::to_string(size()));
  return tokens_[static_cast<std::size_t>(id)];
}

std::vector<std::string> Vocabulary::tokens_between(std::string_view begin,
                                                    std::string_view end) const {
  std::vector<std::string> found;
  for (const auto& [token, id] : ids_)
    if (token.size() >= begin.size() + end.size() && token.starts_with(begin) &&
        token.ends_with(end))
      found.push_back(token);
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace tandem
