// The laws of every reader of bytes: a file that is cut short is refused, and one with a flipped
// bit is refused or read, never worse. `read(content)` reads, and expects what holds of all that is
// read.
#pragma once

#include <cstddef>
#include <string>

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace tandem {

template <class Read>
void expect_truncations_refused(const std::string& whole, const Read& read) {
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_NE(refusal_of([&] { read(whole.substr(0, size)); }).first, ErrorCode::internal) << size;
}

inline std::string with_flipped_bit(std::string bytes, std::size_t bit) {
  bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
  return bytes;
}

// Every single bit. Returns how many of the files are refused.
template <class Read>
int expect_bit_flips_refused_or_read(const std::string& whole, const Read& read) {
  int refused = 0;
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    try {
      read(with_flipped_bit(whole, bit));
    } catch (const Error& error) {
      EXPECT_NE(error.code(), ErrorCode::internal) << error.what();
      ++refused;
    }
  }
  return refused;
}

}  // namespace tandem
