// Marian's training form of a model (`model*.npz`): the same tensors as in the binary container, as
// NumPy arrays, float32 as a rule and never quantised. `special:model.yml` is an array of bytes.
#pragma once

#include <string>

#include <tandem/options.h>

#include "base/file_io.h"
#include "models/readers/marian_model_file.h"

namespace tandem {

// Throws Error: as read_npz; corrupt for a name that occurs twice, a value that is not finite, a
// missing architecture; resource_exhausted for an architecture above max_config_bytes.
MarianModelFile read_marian_npz(const std::string& path, const Limits& limits);

// The same of a file that is in memory already.
MarianModelFile parse_marian_npz(const FileBytes& file, const Limits& limits);

}  // namespace tandem
