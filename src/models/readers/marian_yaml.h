// The YAML that Marian writes: `special:model.yml`, config.*.yml, decoder.yml. A flat subset of
// YAML 1.2 and all of it that occurs there: keys with a scalar or a list of scalars.
//
//   key: plain or 'single' or "double quoted"     # comment
//   list: [a, b]
//   list:
//     - a            (or without the indentation)
//
// A key with anything nested is kept and its getters refuse it, so that unknown keys do no harm.
// Anchors, aliases and tags are refused: three hundred bytes of them can mean megabytes. Every line
// is read once, without recursion.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tandem {

class MarianYaml {
 public:
  // `name` is the file, for messages. Throws Error: corrupt, with the line; unsupported.
  static MarianYaml parse(std::string_view text, const std::string& name);
  // Reads and parses a file. Throws Error: as FileBytes::read and parse.
  static MarianYaml read(const std::string& path, std::size_t max_bytes);

  const std::string& name() const { return name_; }

  // True when the key is there and has a value: not empty, `~` or `null`.
  bool has(const std::string& key) const;

  // The value, or nothing when `has` is false. Throws Error{corrupt}, with file and key, for a
  // value of another type or outside [lowest, highest], and unsupported for a nested one.
  std::optional<std::string> string(const std::string& key) const;
  std::optional<bool> boolean(const std::string& key) const;  // true, yes, on; false, no, off
  std::optional<std::int64_t> integer(const std::string& key, std::int64_t lowest,
                                      std::int64_t highest) const;
  std::optional<double> number(const std::string& key) const;
  // A list; a scalar counts as a list of one.
  std::optional<std::vector<std::string>> strings(const std::string& key) const;
  std::optional<std::vector<std::int64_t>> integers(const std::string& key, std::int64_t lowest,
                                                    std::int64_t highest) const;

 private:
  friend class MarianYamlParser;
  enum class Kind { null, scalar, list, nested };
  struct Value {
    Kind kind = Kind::null;
    std::vector<std::string> items;  // scalar: one
  };

  const Value* find(const std::string& key) const;
  std::int64_t to_integer(const std::string& key, const std::string& text, std::int64_t lowest,
                          std::int64_t highest) const;
  [[noreturn]] void throw_wrong(const std::string& key, const std::string& expected) const;

  std::string name_;
  std::map<std::string, Value> values_;
};

}  // namespace tandem
