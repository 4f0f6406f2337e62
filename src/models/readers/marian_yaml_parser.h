// The line-by-line parser behind MarianYaml::parse; see marian_yaml.h for the language.
#pragma once

#include <string>
#include <string_view>

#include "models/readers/marian_yaml.h"

namespace tandem {

class MarianYamlParser {
 public:
  explicit MarianYamlParser(const std::string& name) { yaml_.name_ = name; }

  MarianYaml parse(std::string_view text);

 private:
  using Kind = MarianYaml::Kind;

  void read_line(std::string_view line);
  void read_key(std::string_view line);
  void read_item(std::string_view item);
  void read_value(std::string_view text);
  void read_flow_list(std::string_view text);
  std::string read_scalar(std::string_view& text, std::string_view plain_ends_at);
  std::string read_quoted(std::string_view& text);
  void check_rest(std::string_view rest) const;
  [[noreturn]] void throw_corrupt(const std::string& problem) const;

  MarianYaml yaml_;
  MarianYaml::Value* open_ = nullptr;  // the value of the last key, to which the next lines belong
  int line_number_ = 0;
};

}  // namespace tandem
