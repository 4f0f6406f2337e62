// The input as text, as it is, and as a binary shortlist whose magic number and checksum are right.
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include <tandem/error.h>

#include "fuzz/fuzz_target.h"
#include "models/readers/shortlist.h"

namespace tandem {
namespace {

std::string with_checksum(const FileBytes& file) {
  std::string content(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  content.resize(std::max<std::size_t>(content.size(), 16));
  std::uint64_t hash = 0;
  for (std::size_t at = 16; at + 8 <= content.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, content.data() + at, sizeof word);
    hash ^= word + 0x9e3779b9 + (hash << 6) + (hash >> 2);
  }
  constexpr std::uint64_t kMagic = 0xF11A48D5013417F5;
  std::memcpy(content.data(), &kMagic, sizeof kMagic);
  std::memcpy(content.data() + 8, &hash, sizeof hash);
  return content;
}

void use(const FileBytes& file) {
  const auto id = [](std::string_view word) { return static_cast<TokenId>(word.size()); };
  const Shortlist shortlist = Shortlist::parse(file, {}, {4, 3, 0.1F, id, id});
  const std::vector<TokenId> source = {0, 1, 2, 5};
  if (shortlist.target_tokens() < 1000) shortlist.candidates(source, true, 1000);
}

}  // namespace

void fuzz_one(const FileBytes& file) {
  const std::string binary = with_checksum(file);
  try {
    use(FileBytes::copy_of(std::as_bytes(std::span(binary)), "binary"));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::internal) throw;
  }
  use(file);
}

}  // namespace tandem
