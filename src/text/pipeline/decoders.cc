#include "text/pipeline/decoders.h"

#include <cstddef>
#include <string_view>
#include <utility>

#include <tandem/error.h>

#include "base/utf8.h"
#include "text/byte_level.h"
#include "text/json_file.h"
#include "text/pipeline/component.h"
#include "text/pipeline/pattern.h"
#include "text/sentencepiece_model.h"
#include "text/unicode.h"

namespace tandem::pipeline {
namespace {

const std::string kWhere = "tokenizer.json: decoder";

std::string join(const std::vector<std::string>& tokens) {
  std::string text;
  for (const std::string& token : tokens) text += token;
  return text;
}

class Sequence final : public Decoder {
 public:
  explicit Sequence(std::vector<std::unique_ptr<const Decoder>> steps) : steps_(std::move(steps)) {}
  void apply(std::vector<std::string>& tokens) const override {
    for (const auto& step : steps_) step->apply(tokens);
  }

 private:
  std::vector<std::unique_ptr<const Decoder>> steps_;
};

// A token that is not in the byte alphabet, such as an added one, stands for its own bytes.
class ByteLevel final : public Decoder {
 public:
  void apply(std::vector<std::string>& tokens) const override {
    std::string bytes;
    for (const std::string& token : tokens)
      if (!byte_level::append_bytes(bytes, token)) bytes += token;
    tokens.assign(1, unicode::decode_lossy(bytes));
  }
};

class Metaspace final : public Decoder {
 public:
  explicit Metaspace(const nlohmann::json& json)
      : space_(Pattern::parse(json.value("replacement", "\xE2\x96\x81"), kWhere + " Metaspace")) {
    const bool adds = bool_member(json, "add_prefix_space", true);
    drops_prefix_ = string_member(json, "prepend_scheme", adds ? "always" : "never") != "never";
  }

  void apply(std::vector<std::string>& tokens) const override {
    bool first = true;
    for (std::string& token : tokens)
      token = space_.replace(token, std::exchange(first, false) && drops_prefix_ ? "" : " ");
  }

 private:
  Pattern space_;
  bool drops_prefix_ = true;
};

class WordPiece final : public Decoder {
 public:
  explicit WordPiece(const nlohmann::json& json)
      : prefix_(string_member(json, "prefix", "##")),
        cleans_up_(bool_member(json, "cleanup", true)) {}

  void apply(std::vector<std::string>& tokens) const override {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      std::string& token = tokens[i];
      if (i > 0) {
        if (token.starts_with(prefix_)) {
          token.erase(0, prefix_.size());
        } else {
          token.insert(0, 1, ' ');
        }
      }
      if (cleans_up_) token = clean_up_spaces(std::move(token));
    }
  }

 private:
  std::string prefix_;
  bool cleans_up_;
};

// Runs of <0xNN> to text; a run that is not UTF-8 to one U+FFFD for each byte.
class ByteFallback final : public Decoder {
 public:
  void apply(std::vector<std::string>& tokens) const override {
    std::vector<std::string> out;
    std::string bytes;
    const auto flush = [&] {
      if (is_valid_utf8(bytes)) {
        if (!bytes.empty()) out.push_back(bytes);
      } else {
        out.insert(out.end(), bytes.size(), std::string(kReplacementUtf8));
      }
      bytes.clear();
    };
    for (std::string& token : tokens) {
      if (const int byte = byte_of_piece(token); byte >= 0) {
        bytes += static_cast<char>(byte);
      } else {
        flush();
        out.push_back(std::move(token));
      }
    }
    flush();
    tokens = std::move(out);
  }
};

class Fuse final : public Decoder {
 public:
  void apply(std::vector<std::string>& tokens) const override { tokens.assign(1, join(tokens)); }
};

class Strip final : public Decoder {
 public:
  explicit Strip(const nlohmann::json& json)
      : content_(string_member(json, "content", " ")),
        start_(count_member(json, "start", 0, 1 << 20, kWhere)),
        stop_(count_member(json, "stop", 0, 1 << 20, kWhere)) {
    if (content_.empty() || first_char(content_).bytes != content_.size())
      throw Error(ErrorCode::corrupt, kWhere + " Strip: the content must be one character");
  }

  void apply(std::vector<std::string>& tokens) const override {
    for (std::string& token : tokens) {
      std::string_view kept = token;
      for (std::size_t i = 0; i < start_ && kept.starts_with(content_); ++i)
        kept.remove_prefix(content_.size());
      for (std::size_t i = 0; i < stop_ && kept.ends_with(content_); ++i)
        kept.remove_suffix(content_.size());
      token = std::string(kept);
    }
  }

 private:
  std::string content_;
  std::size_t start_, stop_;
};

class Replace final : public Decoder {
 public:
  explicit Replace(const nlohmann::json& json)
      : pattern_(Pattern::parse(json.value("pattern", nlohmann::json()), kWhere + " Replace")),
        content_(string_member(json, "content", "")) {}
  void apply(std::vector<std::string>& tokens) const override {
    for (std::string& token : tokens) token = pattern_.replace(token, content_);
  }

 private:
  Pattern pattern_;
  std::string content_;
};

// The end-of-word mark of the original byte-pair encoding to a space, but for the last token.
class EndOfWord final : public Decoder {
 public:
  explicit EndOfWord(const nlohmann::json& json)
      : mark_(Pattern::literal(string_member(json, "suffix", "</w>"))) {}
  void apply(std::vector<std::string>& tokens) const override {
    for (std::size_t i = 0; i < tokens.size(); ++i)
      tokens[i] = mark_.replace(tokens[i], i + 1 == tokens.size() ? "" : " ");
  }

 private:
  Pattern mark_;
};

}  // namespace

std::unique_ptr<const Decoder> make_decoder(const nlohmann::json& json) {
  if (json.is_null()) return nullptr;
  const std::string type = type_of(json, kWhere);
  if (type == "Sequence") {
    std::vector<std::unique_ptr<const Decoder>> steps;
    for (const nlohmann::json& step : array_member(json, "decoders", kWhere))
      if (auto made = make_decoder(step)) steps.push_back(std::move(made));
    return std::make_unique<Sequence>(std::move(steps));
  }
  if (type == "ByteLevel") return std::make_unique<ByteLevel>();
  if (type == "Metaspace") return std::make_unique<Metaspace>(json);
  if (type == "WordPiece") return std::make_unique<WordPiece>(json);
  if (type == "ByteFallback") return std::make_unique<ByteFallback>();
  if (type == "Fuse") return std::make_unique<Fuse>();
  if (type == "Strip") return std::make_unique<Strip>(json);
  if (type == "Replace") return std::make_unique<Replace>(json);
  if (type == "BPEDecoder") return std::make_unique<EndOfWord>(json);
  fail_unknown(kWhere, type);
}

std::string clean_up_spaces(std::string text) {
  constexpr std::pair<std::string_view, std::string_view> kRules[] = {
      {" .", "."},     {" ?", "?"},   {" !", "!"},   {" ,", ","},     {" ' ", "'"},
      {" n't", "n't"}, {" 'm", "'m"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  for (const auto& [from, to] : kRules)
    if (text.find(from) != std::string::npos)
      text = Pattern::literal(std::string(from)).replace(text, to);
  return text;
}

}  // namespace tandem::pipeline
