// The input as a whole file, and as the header of one whose length is right.
#include <cstring>
#include <string>

#include <tandem/error.h>

#include "fuzz/fuzz_target.h"
#include "models/readers/safetensors.h"

namespace tandem {

void fuzz_one(const FileBytes& file) {
  const auto bytes = file.bytes();
  const std::uint64_t length = bytes.size();
  std::string wrapped(sizeof length, '\0');
  std::memcpy(wrapped.data(), &length, sizeof length);
  wrapped.append(reinterpret_cast<const char*>(bytes.data()), bytes.size()).append(64, '\0');
  try {
    WeightMap weights("fuzz");
    parse_safetensors(FileBytes::copy_of(std::as_bytes(std::span(wrapped)), "wrapped"), {},
                      weights);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::internal) throw;
  }
  WeightMap weights("fuzz");
  parse_safetensors(file, {}, weights);
}

}  // namespace tandem
