#include "models/readers/marian_yaml_parser.h"

#include <algorithm>
#include <utility>

#include <tandem/error.h>

#include "base/quote.h"

namespace tandem {
namespace {

constexpr std::string_view kBlank = " \t";

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

bool starts_with(std::string_view text, char c) {
  return !text.empty() && text.front() == c;
}

// "- item" or "-" alone; "-1" and "---" are no items.
bool is_item(std::string_view text) {
  return starts_with(text, '-') && (text.size() == 1 || text[1] == ' ');
}

// The end of a plain key: a colon with a blank or nothing after it.
std::size_t find_colon(std::string_view text) {
  for (std::size_t at = text.find(':'); at != std::string_view::npos; at = text.find(':', at + 1))
    if (at + 1 == text.size() || kBlank.find(text[at + 1]) != std::string_view::npos) return at;
  return std::string_view::npos;
}

bool is_null(std::string_view text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

bool is_forbidden(char c) {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F;
}

}  // namespace

MarianYaml MarianYamlParser::parse(std::string_view text) {
  while (!text.empty()) {
    ++line_number_;
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (std::any_of(line.begin(), line.end(), is_forbidden)) throw_corrupt("holds a control byte");
    read_line(line);
  }
  return std::move(yaml_);
}

void MarianYamlParser::read_line(std::string_view line) {
  const std::string_view content = trim(line);
  if (content.empty() || content.front() == '#' || line == "---" || line == "...") return;
  const bool indented = line.front() == ' ';
  if (line.front() == '\t') throw_corrupt("is indented with a tab");
  if (!indented && !is_item(content)) return read_key(content);
  if (open_ == nullptr) throw_corrupt("belongs to no key");
  if (open_->kind == Kind::nested) return;  // inside a value that nobody can ask for
  if (is_item(content)) return read_item(trim(content.substr(1)));
  if (open_->kind != Kind::null || find_colon(content) != std::string_view::npos) {
    open_->kind = Kind::nested;
  } else {
    read_value(content);  // "key:" and its value on the next line
  }
}

void MarianYamlParser::read_key(std::string_view line) {
  std::string key;
  if (starts_with(line, '"') || starts_with(line, '\'')) {
    key = read_quoted(line);
    line = trim(line);
    if (!starts_with(line, ':')) throw_corrupt("should have a ':' after its key");
    line.remove_prefix(1);
  } else {
    const std::size_t colon = find_colon(line);
    if (colon == std::string_view::npos) throw_corrupt("should be 'key: value'");
    key = trim(line.substr(0, colon));
    line.remove_prefix(colon + 1);
  }
  const auto [place, added] = yaml_.values_.try_emplace(key);
  if (!added) throw_corrupt("repeats the key " + quote(key));
  open_ = &place->second;
  read_value(trim(line));
}

void MarianYamlParser::read_item(std::string_view item) {
  const bool list = open_->kind == Kind::list || open_->kind == Kind::null;
  const bool scalar = !starts_with(item, '[') && !starts_with(item, '{') && !is_item(item) &&
                      (starts_with(item, '"') || starts_with(item, '\'') ||
                       find_colon(item) == std::string_view::npos);
  if (!list || !scalar) {
    open_->kind = Kind::nested;
    return;
  }
  open_->kind = Kind::list;
  open_->items.push_back(read_scalar(item, ""));
  check_rest(item);
}

void MarianYamlParser::read_value(std::string_view text) {
  if (text.empty() || text.front() == '#') return;  // null, or it follows on the next lines
  if (text.front() == '[') return read_flow_list(text.substr(1));
  if (text.front() == '{' || text.front() == '|' || text.front() == '>') {
    open_->kind = Kind::nested;
    return;
  }
  const bool quoted = text.front() == '"' || text.front() == '\'';
  std::string scalar = read_scalar(text, "");
  check_rest(text);
  if (!quoted && find_colon(scalar) != std::string_view::npos)
    throw_corrupt("has two keys; a text with ': ' must be quoted");
  if (!quoted && is_null(scalar)) return;
  open_->kind = Kind::scalar;
  open_->items = {std::move(scalar)};
}

// After the "[", on one line.
void MarianYamlParser::read_flow_list(std::string_view text) {
  open_->kind = Kind::list;
  for (text = trim(text); !starts_with(text, ']'); text = trim(text)) {
    if (starts_with(text, '[') || starts_with(text, '{')) {
      open_->kind = Kind::nested;
      return;
    }
    open_->items.push_back(read_scalar(text, ",]"));
    text = trim(text);
    if (starts_with(text, ',')) {
      text.remove_prefix(1);
    } else if (!starts_with(text, ']')) {
      throw_corrupt("should end its list with ']'");
    }
  }
  check_rest(text.substr(1));
}

// Takes a scalar from the front of `text`; a plain one ends at a comment or one of the given bytes.
std::string MarianYamlParser::read_scalar(std::string_view& text, std::string_view plain_ends_at) {
  if (starts_with(text, '"') || starts_with(text, '\'')) return read_quoted(text);
  if (starts_with(text, '&') || starts_with(text, '*') || starts_with(text, '!'))
    throw Error(ErrorCode::unsupported, yaml_.name_ + ": line " + std::to_string(line_number_) +
                                            " holds an anchor, an alias or a tag of YAML");
  std::size_t end = std::min(text.find_first_of(plain_ends_at), text.size());
  for (std::size_t at = text.find('#'); at < end; at = text.find('#', at + 1))
    if (at == 0 || kBlank.find(text[at - 1]) != std::string_view::npos) end = at;
  std::string scalar(trim(text.substr(0, end)));
  text.remove_prefix(end);
  return scalar;
}

std::string MarianYamlParser::read_quoted(std::string_view& text) {
  const char mark = text.front();
  std::string value;
  std::size_t at = 1;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    const char next = at + 1 < text.size() ? text[at + 1] : '\0';
    if (c == mark && !(mark == '\'' && next == '\'')) break;
    if (c == mark) {
      ++at;  // '' is one quote
      value += c;
    } else if (mark == '"' && c == '\\') {
      constexpr std::string_view kEscapes = "nrt\"\\/", kMeanings = "\n\r\t\"\\/";
      const std::size_t escape = kEscapes.find(next);
      if (next == '\0' || escape == std::string_view::npos)
        throw_corrupt("holds an unknown escape");
      ++at;
      value += kMeanings[escape];
    } else {
      value += c;
    }
  }
  if (at >= text.size()) throw_corrupt("should end its quoted text");
  text.remove_prefix(at + 1);
  return value;
}

void MarianYamlParser::check_rest(std::string_view rest) const {
  const std::string_view content = trim(rest);
  if (!content.empty() && content.front() != '#')
    throw_corrupt("holds " + quote(content) + " after its value");
}

void MarianYamlParser::throw_corrupt(const std::string& problem) const {
  throw Error(ErrorCode::corrupt,
              yaml_.name_ + ": line " + std::to_string(line_number_) + " " + problem);
}

}  // namespace tandem
