// Writes packed.safetensors (format.h). Cost: the model is packed in memory once and written once.
#pragma once

#include "base/staged_directory.h"
#include "kernels/backend.h"
#include "models/load_model.h"

namespace tandem {

// Packs what read_model gave as `backend` would for running, in the type that `files` say: a packed
// model is unpacked, and its int8 weights stand for their whole numbers times their scales.
// Throws Error: unsupported (the backend cannot compute in that type or has no layout for files),
// and as StagedDirectory::write.
void write_packed_model(ModelFiles files, Backend& backend, StagedDirectory& directory);

}  // namespace tandem
