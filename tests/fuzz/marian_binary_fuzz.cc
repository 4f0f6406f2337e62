#include "fuzz/fuzz_target.h"
#include "models/readers/marian_binary.h"

namespace tandem {

void fuzz_one(const FileBytes& file) {
  parse_marian_binary(file, {});
}

}  // namespace tandem
