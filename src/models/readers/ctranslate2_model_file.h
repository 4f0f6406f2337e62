// CTranslate2's `model.bin`, binary versions 1 to 6. Layout: OpenNMT/CTranslate2,
// python/ctranslate2/specs/model_spec.py (the writer) and src/models/model.cc.
//
//   u32 version | from 2: string spec, u32 revision | u32 count
//   | count x {string name, u8 rank, u32 extent[rank],
//              from 4: u8 type, u32 bytes; before: u8 bytes of an element, u32 elements;
//              data}
//   | from 3: u32 count | count x {string alias, string variable}
//
// All little-endian, nothing aligned; a string is u16 length, then its bytes with a NUL that the
// length counts. Before version 4 a type is known by its size alone: 4 bytes are float32, 2 int16,
// 1 int8. Variables are weights and, with rank 0 or as text in int8, what the model needs to know.
// Cost: one read of the file; tensors that happen to be aligned borrow from it, others are copied.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <tandem/options.h>

#include "base/file_io.h"
#include "tensor/tensor.h"

namespace tandem {

struct CTranslate2ModelFile {
  std::string origin;  // the file, for messages
  std::uint32_t version = 0;
  std::string spec;            // "TransformerSpec", ...; empty in version 1
  std::uint32_t revision = 1;  // of the spec: how variables are called
  // Aliases are variables too; the tensors share their bytes.
  std::map<std::string, Tensor> variables;
};

// Throws Error: not_found; corrupt (a size, type, shape or name that the file contradicts, an alias
// of nothing, bytes left over, a weight that is no number); unsupported (a later version);
// resource_exhausted (max_model_bytes, max_tensors).
CTranslate2ModelFile read_ctranslate2_model(const std::string& path, const Limits& limits);

// The same of a file that is in memory already.
CTranslate2ModelFile parse_ctranslate2_model(const FileBytes& file, const Limits& limits);

}  // namespace tandem
