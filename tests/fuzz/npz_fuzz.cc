// The input as an archive, and as a single array, which no CRC protects.
#include <tandem/error.h>

#include "fuzz/fuzz_target.h"
#include "models/readers/npz.h"

namespace tandem {

void fuzz_one(const FileBytes& file) {
  try {
    parse_npy(file.bytes(), file.owner(), "fuzz");
  } catch (const Error& error) {
    if (error.code() == ErrorCode::internal) throw;
  }
  parse_npz(file, {});
}

}  // namespace tandem
