#include "api/stream.h"

namespace tandem {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD: an unfinished character

// `text` without an end that a later token may still change.
std::string_view stable_part(std::string_view text) {
  while (true) {
    if (text.ends_with(kReplacement)) {
      text.remove_suffix(kReplacement.size());
    } else if (text.ends_with(' ')) {
      text.remove_suffix(1);
    } else {
      return text;
    }
  }
}

}  // namespace

std::string_view TextStream::advance(std::span<const TokenId> ids) {
  piece_.clear();
  if (ids.size() == settled_tokens_) return piece_;
  settled_tokens_ = ids.size();
  const std::string text = tokenizer_->decode(ids);
  const std::string_view stable = stable_part(text);
  if (stable.size() > emitted_.size() && stable.starts_with(emitted_)) {
    piece_ = stable.substr(emitted_.size());
    emitted_ += piece_;
  }
  return piece_;
}

std::string_view TextStream::finish(std::string_view final_text) {
  piece_.clear();
  if (final_text.size() > emitted_.size() && final_text.starts_with(emitted_)) piece_ = final_text.substr(emitted_.size());
  emitted_ += piece_;
  return piece_;
}

}  // namespace tandem
