// How untrusted text (a tensor's name, a key of a file) appears in a message: in single quotes,
// with control bytes as \xNN and cut after 80 bytes, so that a hostile file cannot fill a log or a
// terminal.
#pragma once

#include <string>
#include <string_view>

namespace tandem {

inline std::string quote(std::string_view text) {
  constexpr std::size_t kLongest = 80;
  constexpr char kHex[] = "0123456789abcdef";
  std::string out = "'";
  for (const char c : text.substr(0, kLongest)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7F) {
      out += c;
    } else {
      out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out + (text.size() > kLongest ? "...'" : "'");
}

}  // namespace tandem
