// A list of strings with their ids, as Marian keeps it beside its SentencePiece models.
//
// Formats: Hugging Face's `vocab.json`, one object of string to id; Marian's own `vocab.yml`, one
// "string: id" a line with YAML's three ways to write a string. Other YAML is not read: no nesting,
// no anchors, no tags.
// Cost: linear in the file, one hash look-up for each string.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <tandem/constraint.h>
#include <tandem/options.h>

namespace tandem {

// Immutable and thread-safe.
class Vocabulary {
 public:
  Vocabulary() = default;
  Vocabulary(Vocabulary&&) = default;
  Vocabulary& operator=(Vocabulary&&) = default;

  // By the name's ending: `.yml` or `.yaml`, else JSON. `name` is for messages.
  // Throws Error: corrupt, resource_exhausted (an id beyond limits.max_vocabulary).
  static Vocabulary parse(std::string_view text, const std::string& name,
                          const Limits& limits = {});
  // The same from what another file held. Throws as parse does.
  static Vocabulary from_entries(std::vector<std::pair<std::string, std::int64_t>> entries,
                                 const std::string& name, const Limits& limits = {});
  // Reads the file. Throws what read_file and parse throw.
  static Vocabulary load(const std::string& path, const Limits& limits = {});

  // One more than the highest id.
  TokenId size() const noexcept { return static_cast<TokenId>(tokens_.size()); }
  // The id of `token`, or -1.
  TokenId find(std::string_view token) const noexcept;
  // The string of an id; empty if none has it. Throws Error{invalid_argument} unless
  // 0 <= id < size().
  std::string_view token(TokenId id) const;

  // All strings that begin and end so, sorted.
  std::vector<std::string> tokens_between(std::string_view begin, std::string_view end) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };

  void add(std::string token, std::int64_t id, const std::string& name, const Limits& limits);
  void index_by_id(const std::string& name);

  std::unordered_map<std::string, TokenId, Hash, std::equal_to<>> ids_;
  std::vector<std::string_view> tokens_;  // point to the keys of ids_, which stay where they are
};

}  // namespace tandem
