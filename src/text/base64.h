// Base64 (RFC 4648, section 4), as tokenizer.json carries its binary tables. Padding is optional.
#pragma once

#include <string>
#include <string_view>

namespace tandem {

// The bytes. Throws Error{corrupt}, beginning with `what`, for anything that is not base64.
std::string decode_base64(std::string_view text, const std::string& what);

}  // namespace tandem
