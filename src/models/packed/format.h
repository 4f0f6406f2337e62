// A packed model: what `tandem convert` writes and what loads in milliseconds, because its weights
// lie in the file as the kernels read them.
//
// A directory with packed.safetensors, beside the tokenizer's files and generation_config.json of
// the model that it was made from. The file is plain safetensors (readers/safetensors.h) with:
//
//   PART.panels, PART.bias                each product, in the layout of kernels/backend.h
//   PART.column_scales, PART.column_sums  int8 only
//   PART.product_scales                   int8 with an activation scale only
//   NAME                                  every other table in float32: embeddings, norms, ...
//
// in the order of parts.h, those that are whole cache lines first: the data begins at a multiple of
// 64 bytes, and so does every panel. The metadata says everything else:
//
//   format, format_version, layout, compute_type
//   spec      JSON, spec_json.h
//   products  JSON: {PART: [outputs, inputs, activation scale]}
//   decoding  JSON: what the model's own format says about decoding
#pragma once

namespace tandem {

inline constexpr const char* kPackedFile = "packed.safetensors";
inline constexpr const char* kPackedFormat = "tandem-packed";
// To be raised with any change of the names, the metadata or their meaning.
inline constexpr const char* kPackedVersion = "2";
inline constexpr const char* kConvertAgain =
    "convert the original model again: tandem convert MODEL DIRECTORY --force";

}  // namespace tandem
