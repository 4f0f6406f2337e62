#include "text/pipeline/pre_tokenizers.h"

#include <cstddef>
#include <utility>

#include <tandem/error.h>

#include "base/quote.h"
#include "base/utf8.h"
#include "text/byte_level.h"
#include "text/json_file.h"
#include "text/pipeline/component.h"
#include "text/pipeline/pattern.h"
#include "text/unicode.h"

namespace tandem::pipeline {
namespace {

const std::string kWhere = "tokenizer.json: pre_tokenizer";

// What becomes of the matches of a pattern.
enum class Behavior { removed, isolated, merged_with_previous, merged_with_next, contiguous };

Behavior parse_behavior(const std::string& name) {
  if (name == "Removed") return Behavior::removed;
  if (name == "Isolated") return Behavior::isolated;
  if (name == "MergedWithPrevious") return Behavior::merged_with_previous;
  if (name == "MergedWithNext") return Behavior::merged_with_next;
  if (name == "Contiguous") return Behavior::contiguous;
  fail_unknown(kWhere + " behavior", name);
}

// The ranges joined or dropped as `behavior` says; those that stay are words.
std::vector<Pattern::Range> arrange(const std::vector<Pattern::Range>& ranges, Behavior behavior) {
  std::vector<Pattern::Range> words;
  bool previous_matched = false;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const Pattern::Range& range = ranges[i];
    const bool first = i == 0;
    switch (behavior) {
      case Behavior::removed:
        if (!range.matched) words.push_back(range);
        break;
      case Behavior::isolated:
        words.push_back(range);
        break;
      case Behavior::contiguous:
        if (!first && previous_matched == range.matched) {
          words.back().end = range.end;
        } else {
          words.push_back(range);
        }
        break;
      case Behavior::merged_with_previous:
        if (!first && range.matched && !previous_matched) {
          words.back().end = range.end;
        } else {
          words.push_back(range);
        }
        break;
      case Behavior::merged_with_next:
        if (!first && previous_matched && !range.matched) {
          words.back().end = range.end;
        } else {
          words.push_back(range);
        }
        break;
    }
    previous_matched = range.matched;
  }
  return words;
}

void split(std::vector<Word>& words, const Pattern& pattern, Behavior behavior, bool invert) {
  std::vector<Word> out;
  out.reserve(words.size());
  for (const Word& word : words) {
    std::vector<Pattern::Range> ranges = pattern.ranges(word.text);
    if (invert)
      for (Pattern::Range& range : ranges) range.matched = !range.matched;
    for (const Pattern::Range& range : arrange(ranges, behavior))
      out.push_back({word.text.substr(range.begin, range.end - range.begin),
                     word.at_start && range.begin == 0});
  }
  words = std::move(out);
}

class Sequence final : public PreTokenizer {
 public:
  explicit Sequence(std::vector<std::unique_ptr<const PreTokenizer>> steps)
      : steps_(std::move(steps)) {}
  void apply(std::vector<Word>& words) const override {
    for (const auto& step : steps_) step->apply(words);
  }

 private:
  std::vector<std::unique_ptr<const PreTokenizer>> steps_;
};

class Split final : public PreTokenizer {
 public:
  Split(Pattern pattern, Behavior behavior, bool invert)
      : pattern_(std::move(pattern)), behavior_(behavior), invert_(invert) {}
  void apply(std::vector<Word>& words) const override {
    split(words, pattern_, behavior_, invert_);
  }

 private:
  Pattern pattern_;
  Behavior behavior_;
  bool invert_;
};

class ByteLevel final : public PreTokenizer {
 public:
  explicit ByteLevel(const nlohmann::json& json)
      : add_prefix_space_(bool_member(json, "add_prefix_space", true)),
        use_pattern_(bool_member(json, "use_regex", true)) {}

  void apply(std::vector<Word>& words) const override {
    if (add_prefix_space_)
      for (Word& word : words)
        if (!word.text.starts_with(' ')) word.text.insert(0, 1, ' ');
    if (use_pattern_) split(words, Pattern::gpt2_words(), Behavior::isolated, /*invert=*/false);
    for (Word& word : words) word.text = byte_level::to_symbols(word.text);
  }

 private:
  bool add_prefix_space_, use_pattern_;
};

// SentencePiece's visible space, in front of each word.
class Metaspace final : public PreTokenizer {
 public:
  explicit Metaspace(const nlohmann::json& json)
      : replacement_(string_member(json, "replacement", "\xE2\x96\x81")),
        splits_(bool_member(json, "split", true)) {
    if (replacement_.empty() || first_char(replacement_).bytes != replacement_.size())
      throw Error(ErrorCode::corrupt, kWhere + " Metaspace: the replacement must be one character");
    // Files from before version 0.14 of the library say add_prefix_space instead.
    const bool adds = bool_member(json, "add_prefix_space", true);
    const std::string scheme = string_member(json, "prepend_scheme", adds ? "always" : "never");
    if (scheme != "always" && scheme != "first" && scheme != "never")
      fail_unknown(kWhere + " Metaspace prepend_scheme", scheme);
    prepends_ = scheme != "never";
    first_only_ = scheme == "first";
  }

  void apply(std::vector<Word>& words) const override {
    const Pattern space = Pattern::literal(" ");
    for (Word& word : words) {
      word.text = space.replace(word.text, replacement_);
      if (prepends_ && (word.at_start || !first_only_) && !word.text.starts_with(replacement_))
        word.text.insert(0, replacement_);
    }
    // A space and what follows it are a word; spaces in a row are words of their own.
    if (splits_)
      split(words, Pattern::literal(replacement_), Behavior::merged_with_next, /*invert=*/false);
  }

 private:
  std::string replacement_;
  bool splits_;
  bool prepends_ = true;
  bool first_only_ = false;
};

// Words of \w, and runs of what is neither \w nor white space.
class Whitespace final : public PreTokenizer {
 public:
  void apply(std::vector<Word>& words) const override {
    split(words, Pattern::one(unicode::is_white_space), Behavior::removed, /*invert=*/false);
    split(words, Pattern::one(unicode::is_word), Behavior::contiguous, /*invert=*/false);
  }
};

class BertWords final : public PreTokenizer {
 public:
  void apply(std::vector<Word>& words) const override {
    split(words, Pattern::one(unicode::is_white_space), Behavior::removed, /*invert=*/false);
    split(words, Pattern::one(unicode::is_punctuation), Behavior::isolated, /*invert=*/false);
  }
};

std::unique_ptr<const PreTokenizer> make_sequence(const nlohmann::json& json) {
  std::vector<std::unique_ptr<const PreTokenizer>> steps;
  for (const nlohmann::json& step : array_member(json, "pretokenizers", kWhere))
    if (auto made = make_pre_tokenizer(step)) steps.push_back(std::move(made));
  return std::make_unique<Sequence>(std::move(steps));
}

std::unique_ptr<const PreTokenizer> make_split(Pattern pattern, Behavior behavior,
                                               bool invert = false) {
  return std::make_unique<Split>(std::move(pattern), behavior, invert);
}

}  // namespace

std::unique_ptr<const PreTokenizer> make_pre_tokenizer(const nlohmann::json& json) {
  if (json.is_null()) return nullptr;
  const std::string type = type_of(json, kWhere);
  if (type == "Sequence") return make_sequence(json);
  if (type == "ByteLevel") return std::make_unique<ByteLevel>(json);
  if (type == "Metaspace") return std::make_unique<Metaspace>(json);
  if (type == "Whitespace") return std::make_unique<Whitespace>();
  if (type == "BertPreTokenizer") return std::make_unique<BertWords>();
  if (type == "WhitespaceSplit")
    return make_split(Pattern::one(unicode::is_white_space), Behavior::removed);
  if (type == "Punctuation")
    return make_split(Pattern::one(unicode::is_punctuation),
                      parse_behavior(string_member(json, "behavior", "Isolated")));
  if (type == "Digits")
    return make_split(
        Pattern::one(unicode::is_number),
        bool_member(json, "individual_digits", false) ? Behavior::isolated : Behavior::contiguous);
  if (type == "CharDelimiterSplit")
    return make_split(
        Pattern::parse(json.value("delimiter", nlohmann::json()), kWhere + " " + type),
        Behavior::removed);
  if (type == "Split")
    return make_split(Pattern::parse(json.value("pattern", nlohmann::json()), kWhere + " " + type),
                      parse_behavior(string_member(json, "behavior", "")),
                      bool_member(json, "invert", false));
  fail_unknown(kWhere, type);
}

}  // namespace tandem::pipeline
