// What a fuzz target defines; fuzz_main.cc gives it to libFuzzer.
#pragma once

#include "base/file_io.h"

namespace tandem {

// Reads a file of any content. Errors are expected, except Error{internal}, which is a defect, as
// is everything that a sanitizer reports.
void fuzz_one(const FileBytes& file);

}  // namespace tandem
