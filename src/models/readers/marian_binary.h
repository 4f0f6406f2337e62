// Marian's binary model container (`model.*.bin`), float32 or quantised for intgemm.
// Layout: marian-dev, src/common/binary.cpp and io_item.h; types: src/common/types.h.
//
//   u64 version 1 | u64 count | count x {u64 name_length, type, rank, data_length}
//   | names with their NUL | shapes, int32 each | u64 padding | padding | data of every item
//
// All little-endian. `data_length` is what the writer reserved and may exceed the tensor. An
// intgemm item is its integers and a float32 multiplier: value = q / multiplier. Its bytes are
// stored transposed under an untransposed shape, except for embeddings; both come out right side up
// here. int16 (intgemm16) becomes float32. Cost: one read of the file; float tensors and embeddings
// borrow from it, quantised matrices are copied once by the transposition.
#pragma once

#include <string>

#include <tandem/options.h>

#include "base/file_io.h"
#include "models/readers/marian_model_file.h"

namespace tandem {

// Throws Error: not_found; corrupt (a size, offset, shape or name that the file contradicts, bytes
// left over, a value that cannot be a weight); unsupported (a type that Tandem has not, such as
// FBGEMM's packed forms); resource_exhausted (max_model_bytes, max_tensors, max_config_bytes).
MarianModelFile read_marian_binary(const std::string& path, const Limits& limits);

// The same of a file that is in memory already.
MarianModelFile parse_marian_binary(const FileBytes& file, const Limits& limits);

}  // namespace tandem
