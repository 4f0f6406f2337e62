// The bound on what is tokenized, the same for all tokenizers.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <tandem/error.h>

namespace tandem {

// Throws Error{resource_exhausted} for a text of more than `most` bytes.
inline void check_text_size(std::string_view text, std::size_t most) {
  if (text.size() <= most) return;
  throw Error(ErrorCode::resource_exhausted,
              "tokenizing a text of " + std::to_string(text.size()) + " bytes; at most " +
                  std::to_string(most) + " are allowed",
              "split the text, or raise Limits::max_input_bytes");
}

}  // namespace tandem
