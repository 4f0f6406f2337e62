#include "text/pipeline/pattern.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <tandem/error.h>

#include "base/quote.h"
#include "base/utf8.h"
#include "text/byte_level.h"

namespace tandem::pipeline {
namespace {

constexpr std::string_view kGpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();

bool is_ascii_digit(char32_t c) noexcept {
  return c >= U'0' && c <= U'9';
}

struct NamedAtom {
  std::string_view spelling;
  unicode::Property property;
};
constexpr NamedAtom kNamedAtoms[] = {{R"(\s)", unicode::is_white_space},
                                     {R"(\d)", unicode::is_decimal_digit},
                                     {"[0-9]", is_ascii_digit},
                                     {R"(\p{L})", unicode::is_letter},
                                     {R"(\p{N})", unicode::is_number}};

constexpr std::pair<std::string_view, char32_t> kEscapes[] = {
    {R"(\n)", U'\n'}, {R"(\r)", U'\r'}, {R"(\t)", U'\t'}};

bool is_plain(std::string_view expression) {
  return expression.find_first_of(R"(\^$.|?*+()[]{})") == std::string_view::npos;
}

// Reads "", "+" or "{n,}". False if it is none of them.
bool parse_quantifier(std::string_view text, std::size_t& fewest, bool& repeats) {
  fewest = 1;
  repeats = !text.empty();
  if (text.empty() || text == "+") return true;
  if (!text.starts_with('{') || !text.ends_with(",}") || text.size() != 4) return false;
  fewest = static_cast<std::size_t>(text[1] - '0');
  return is_ascii_digit(static_cast<char32_t>(text[1])) && fewest > 0;
}

}  // namespace

Pattern Pattern::literal(std::string text) {
  Pattern pattern;
  pattern.literal_ = std::move(text);
  return pattern;
}

Pattern Pattern::one(unicode::Property property) {
  Pattern pattern;
  pattern.kind_ = Kind::run;
  pattern.property_ = property;
  return pattern;
}

Pattern Pattern::gpt2_words() {
  Pattern pattern;
  pattern.kind_ = Kind::gpt2_words;
  return pattern;
}

Pattern Pattern::parse(const nlohmann::json& json, const std::string& where) {
  const nlohmann::json* text = &json;
  bool expression = false;
  if (json.is_object() && json.size() == 1) {
    expression = json.begin().key() == "Regex";
    if (expression || json.begin().key() == "String") text = &json.begin().value();
  }
  if (!text->is_string() || text->get_ref<const std::string&>().empty())
    throw Error(ErrorCode::corrupt,
                where + ": a pattern was expected, {\"String\": ...} or {\"Regex\": ...}");
  const auto& value = text->get_ref<const std::string&>();
  return expression ? parse_expression(value, where) : literal(value);
}

Pattern Pattern::parse_expression(const std::string& expression, const std::string& where) {
  if (expression == kGpt2) return gpt2_words();
  if (is_plain(expression)) return literal(expression);
  Pattern pattern;
  pattern.kind_ = Kind::run;
  std::string_view rest = expression;
  for (const NamedAtom& atom : kNamedAtoms) {
    if (!rest.starts_with(atom.spelling)) continue;
    pattern.property_ = atom.property;
    rest.remove_prefix(atom.spelling.size());
    if (parse_quantifier(rest, pattern.fewest_, pattern.repeats_)) return pattern;
    break;
  }
  rest = expression;
  for (const auto& [spelling, character] : kEscapes) {
    if (!rest.starts_with(spelling)) continue;
    pattern.character_ = character;
    rest.remove_prefix(spelling.size());
  }
  if (pattern.character_ == 0 && is_plain(rest.substr(0, 1))) {
    const Utf8Char c = first_char(rest);
    pattern.character_ = c.code_point;
    rest.remove_prefix(c.bytes);
  }
  if (pattern.property_ == nullptr && pattern.character_ != 0 &&
      parse_quantifier(rest, pattern.fewest_, pattern.repeats_))
    return pattern;
  throw Error(ErrorCode::unsupported,
              where + ": the regular expression " + quote(expression) + " is not built in");
}

bool Pattern::atom_matches(char32_t c) const noexcept {
  return property_ != nullptr ? property_(c) : c == character_;
}

std::size_t Pattern::run_bytes(std::string_view text, std::size_t most,
                               std::size_t& count) const noexcept {
  std::size_t bytes = 0;
  for (count = 0; bytes < text.size() && count < most; ++count) {
    const Utf8Char c = first_char(text.substr(bytes));
    if (!atom_matches(c.code_point)) break;
    bytes += c.bytes;
  }
  return bytes;
}

std::size_t Pattern::match(std::string_view text) const noexcept {
  switch (kind_) {
    case Kind::literal:
      return text.starts_with(literal_) ? literal_.size() : 0;
    case Kind::gpt2_words:
      return byte_level::first_word(text);
    case Kind::run:
      break;
  }
  std::size_t count = 0;
  const std::size_t bytes = run_bytes(text, repeats_ ? kUnlimited : fewest_, count);
  return count < fewest_ ? 0 : bytes;
}

std::vector<Pattern::Range> Pattern::ranges(std::string_view text) const {
  std::vector<Range> found;
  std::size_t done = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = match(text.substr(at));
    if (length == 0) {
      at += announced_bytes(text[at]);
      continue;
    }
    if (done < at) found.push_back({done, at, false});
    found.push_back({at, at + length, true});
    done = at += length;
  }
  if (done < text.size()) found.push_back({done, text.size(), false});
  return found;
}

std::string Pattern::replace(std::string_view text, std::string_view content) const {
  std::string out;
  out.reserve(text.size());
  for (const Range& range : ranges(text))
    out += range.matched ? content : text.substr(range.begin, range.end - range.begin);
  return out;
}

}  // namespace tandem::pipeline
