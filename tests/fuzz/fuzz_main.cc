// libFuzzer's entry: one input is one file. Run with -malloc_limit_mb=64, so that a small file that
// makes a reader take much memory is a finding too.
#include <cstdint>
#include <cstdlib>

#include <tandem/error.h>

#include "fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    tandem::fuzz_one(tandem::FileBytes::copy_of(
        std::as_bytes(std::span<const std::uint8_t>(data, size)), "fuzz"));
  } catch (const tandem::Error& error) {
    if (error.code() == tandem::ErrorCode::internal) std::abort();
  }
  return 0;
}
