// Incremental text of a growing list of tokens. Emits only what is final: whole UTF-8 characters,
// never a piece that a later token could change (an unfinished character, trailing white space).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <tandem/tokenizer.h>

namespace tandem {

class TextStream {
 public:
  // `tokenizer` must outlive the stream.
  explicit TextStream(const Tokenizer& tokenizer) : tokenizer_(&tokenizer) {}

  // The text that `ids` (all settled tokens so far) add to what was returned before. Valid until
  // the next call. Cost: one decoding of `ids`.
  std::string_view advance(std::span<const TokenId> ids);

  // The rest, once the final text is known.
  std::string_view finish(std::string_view final_text);

 private:
  const Tokenizer* tokenizer_;
  std::size_t settled_tokens_ = 0;
  std::string emitted_;
  std::string piece_;
};

}  // namespace tandem
