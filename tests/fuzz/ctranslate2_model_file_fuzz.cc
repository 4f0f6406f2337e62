#include "fuzz/fuzz_target.h"
#include "models/readers/ctranslate2_model_file.h"

namespace tandem {

void fuzz_one(const FileBytes& file) {
  parse_ctranslate2_model(file, {});
}

}  // namespace tandem
