// How untrusted text (a tensor's name, a key of a file) appears in a message: in single quotes,
// with control bytes as \xNN and cut after 80 bytes at most, so that a hostile file cannot fill a
// log or a terminal.
#pragma once

#include <string>
#include <string_view>

namespace tandem {

inline std::string quote(std::string_view text) {
  std::size_t kept = 80;
  if (kept < text.size())  // not inside a UTF-8 character
    while (kept > 0 && (static_cast<unsigned char>(text[kept]) & 0xC0) == 0x80) --kept;
  constexpr char kHex[] = "0123456789abcdef";
  std::string out = "'";
  for (const char c : text.substr(0, kept)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7F) {
      out += c;
    } else {
      out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out + (text.size() > kept ? "...'" : "'");
}

}  // namespace tandem
