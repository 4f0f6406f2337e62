#include "text/pipeline/normalizers.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include <tandem/error.h>

#include "base/utf8.h"
#include "text/base64.h"
#include "text/byte_level.h"
#include "text/json_file.h"
#include "text/normalizer.h"
#include "text/pipeline/component.h"
#include "text/pipeline/pattern.h"
#include "text/unicode.h"

namespace tandem::pipeline {
namespace {

const std::string kWhere = "tokenizer.json: normalizer";

// Calls `visit` with each character of `text` and its bytes.
template <typename Visit>
void for_each_char(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const Utf8Char c = first_char(text);
    visit(c.code_point, text.substr(0, c.bytes));
    text.remove_prefix(c.bytes);
  }
}

// `text` without the characters of a property.
void remove(std::string& text, unicode::Property property) {
  std::string kept;
  kept.reserve(text.size());
  for_each_char(text, [&](char32_t c, std::string_view bytes) {
    if (!property(c)) kept += bytes;
  });
  text = std::move(kept);
}

class Sequence final : public Normalizer {
 public:
  Sequence(std::vector<std::unique_ptr<const Normalizer>> steps, std::size_t max_bytes)
      : steps_(std::move(steps)), max_bytes_(max_bytes) {}

  void apply(std::string& text) const override {
    for (const auto& step : steps_) {
      step->apply(text);
      if (text.size() > max_bytes_)
        throw Error(ErrorCode::resource_exhausted, "normalising a text: the result exceeds " +
                                                       std::to_string(max_bytes_) + " bytes");
    }
  }

 private:
  std::vector<std::unique_ptr<const Normalizer>> steps_;
  std::size_t max_bytes_;
};

class ToNormalForm final : public Normalizer {
 public:
  explicit ToNormalForm(unicode::NormalForm form) : form_(form) {}
  void apply(std::string& text) const override { text = unicode::normalize(text, form_); }

 private:
  unicode::NormalForm form_;
};

class Lowercase final : public Normalizer {
 public:
  void apply(std::string& text) const override { text = unicode::to_lower(text); }
};

class StripAccents final : public Normalizer {
 public:
  void apply(std::string& text) const override { remove(text, unicode::is_mark); }
};

class ByteLevel final : public Normalizer {
 public:
  void apply(std::string& text) const override { text = byte_level::to_symbols(text); }
};

// Devlin et al. 2019 (BERT); the steps in their order.
class Bert final : public Normalizer {
 public:
  explicit Bert(const nlohmann::json& json)
      : clean_text_(bool_member(json, "clean_text", true)),
        handle_chinese_chars_(bool_member(json, "handle_chinese_chars", true)),
        lowercase_(bool_member(json, "lowercase", true)),
        strip_accents_(bool_member(json, "strip_accents", lowercase_)) {}

  void apply(std::string& text) const override {
    if (clean_text_) clean(text);
    if (handle_chinese_chars_) set_ideographs_apart(text);
    if (strip_accents_) {
      text = unicode::normalize(text, unicode::NormalForm::d);
      remove(text, unicode::is_nonspacing_mark);
    }
    if (lowercase_) text = unicode::to_lower(text);
  }

 private:
  static void clean(std::string& text) {
    std::string out;
    out.reserve(text.size());
    for_each_char(text, [&](char32_t c, std::string_view bytes) {
      const bool is_space = unicode::is_white_space(c);
      const bool is_line_space = c == U'\t' || c == U'\n' || c == U'\r';
      if (c == kReplacementCharacter || (unicode::is_invisible(c) && !is_line_space)) return;
      out += is_space ? std::string_view(" ") : bytes;
    });
    text = std::move(out);
  }

  static void set_ideographs_apart(std::string& text) {
    std::string out;
    out.reserve(text.size());
    for_each_char(text, [&](char32_t c, std::string_view bytes) {
      const bool apart = unicode::is_cjk_ideograph(c);
      if (apart) out += ' ';
      out += bytes;
      if (apart) out += ' ';
    });
    text = std::move(out);
  }

  bool clean_text_, handle_chinese_chars_, lowercase_, strip_accents_;
};

// The compiled rules of a SentencePiece model, applied to grapheme clusters. A rule for the start
// of a short cluster replaces all of it; this is the library's doing and models were made with it.
class Precompiled final : public Normalizer {
 public:
  explicit Precompiled(const nlohmann::json& json)
      : map_(decode_base64(string_member(json, "precompiled_charsmap", ""), kWhere), kWhere) {}

  void apply(std::string& text) const override {
    constexpr std::size_t kLongestCluster = 5;  // bytes; longer ones go character by character
    std::string out;
    out.reserve(text.size());
    for (std::string_view rest = text; !rest.empty();) {
      const std::string_view cluster = rest.substr(0, unicode::first_grapheme(rest));
      rest.remove_prefix(cluster.size());
      if (cluster.size() <= kLongestCluster) {
        if (const auto rule = map_.shortest_rule(cluster); rule.consumed > 0) {
          out += rule.text;
          continue;
        }
      }
      for_each_char(cluster, [&](char32_t, std::string_view bytes) {
        const auto rule = map_.shortest_rule(bytes);
        out += rule.consumed > 0 ? rule.text : bytes;
      });
    }
    // A table is a file's content: what it gives need not be text.
    text = is_valid_utf8(out) ? std::move(out) : with_replacements(out);
  }

 private:
  CharacterMap map_;
};

class Replace final : public Normalizer {
 public:
  explicit Replace(const nlohmann::json& json)
      : pattern_(Pattern::parse(json.value("pattern", nlohmann::json()), kWhere + " Replace")),
        content_(string_member(json, "content", "")) {}
  void apply(std::string& text) const override { text = pattern_.replace(text, content_); }

 private:
  Pattern pattern_;
  std::string content_;
};

class Prepend final : public Normalizer {
 public:
  explicit Prepend(const nlohmann::json& json) : text_(string_member(json, "prepend", "")) {}
  void apply(std::string& text) const override {
    if (!text.empty()) text.insert(0, text_);
  }

 private:
  std::string text_;
};

class Strip final : public Normalizer {
 public:
  explicit Strip(const nlohmann::json& json)
      : left_(bool_member(json, "strip_left", true)),
        right_(bool_member(json, "strip_right", true)) {}
  void apply(std::string& text) const override {
    std::string_view kept = text;
    if (left_) kept = unicode::strip_front(kept, unicode::is_white_space);
    if (right_) kept = unicode::strip_back(kept, unicode::is_white_space);
    text = std::string(kept);
  }

 private:
  bool left_, right_;
};

// The white space and control rules of Google's NMT, without a table.
class Nmt final : public Normalizer {
 public:
  void apply(std::string& text) const override {
    std::string out;
    out.reserve(text.size());
    for_each_char(text, [&](char32_t c, std::string_view bytes) {
      if (!is_removed(c)) out += is_space(c) ? std::string_view(" ") : bytes;
    });
    text = std::move(out);
  }

 private:
  static bool is_removed(char32_t c) noexcept {
    return (c >= 0x01 && c <= 0x08) || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F ||
           c == 0x8F || c == 0x9F;
  }
  static bool is_space(char32_t c) noexcept {
    return c == 0x09 || c == 0x0A || c == 0x0C || c == 0x0D || c == 0x1680 ||
           (c >= 0x200B && c <= 0x200F) || c == 0x2028 || c == 0x2029 || c == 0x2581 ||
           c == 0xFEFF || c == 0xFFFD;
  }
};

std::unique_ptr<const Normalizer> make_sequence(const nlohmann::json& json, const Limits& limits) {
  // The usual rules lengthen a text 13 times at most (U+FDFA).
  constexpr std::size_t kMaxExpansion = 16;
  std::vector<std::unique_ptr<const Normalizer>> steps;
  for (const nlohmann::json& step : array_member(json, "normalizers", kWhere))
    if (auto made = make_normalizer(step, limits)) steps.push_back(std::move(made));
  return std::make_unique<Sequence>(std::move(steps), limits.max_input_bytes * kMaxExpansion);
}

}  // namespace

std::unique_ptr<const Normalizer> make_normalizer(const nlohmann::json& json,
                                                  const Limits& limits) {
  using unicode::NormalForm;
  if (json.is_null()) return nullptr;
  const std::string type = type_of(json, kWhere);
  if (type == "Sequence") return make_sequence(json, limits);
  if (type == "NFC") return std::make_unique<ToNormalForm>(NormalForm::c);
  if (type == "NFD") return std::make_unique<ToNormalForm>(NormalForm::d);
  if (type == "NFKC") return std::make_unique<ToNormalForm>(NormalForm::kc);
  if (type == "NFKD") return std::make_unique<ToNormalForm>(NormalForm::kd);
  if (type == "Lowercase") return std::make_unique<Lowercase>();
  if (type == "StripAccents") return std::make_unique<StripAccents>();
  if (type == "BertNormalizer") return std::make_unique<Bert>(json);
  if (type == "Precompiled") return std::make_unique<Precompiled>(json);
  if (type == "Replace") return std::make_unique<Replace>(json);
  if (type == "Prepend") return std::make_unique<Prepend>(json);
  if (type == "Strip") return std::make_unique<Strip>(json);
  if (type == "Nmt") return std::make_unique<Nmt>();
  if (type == "ByteLevel") return std::make_unique<ByteLevel>();
  fail_unknown(kWhere, type);
}

}  // namespace tandem::pipeline
