// A model directory as it lies on disk to a network that can run, with everything else that its
// files say about decoding. The format is told by the files:
//
//   packed.safetensors             Tandem's own, from `tandem convert`; packed/format.h
//   config.json and safetensors    Hugging Face; families/family.h lists the families
//   model.bin and *_vocabulary.*   CTranslate2, whatever else lies beside them
//   model*.bin or *.npz            Marian's own, with its decoder's .yml, vocabularies, shortlist
//
// Cost: each file is read once into memory, checked, packed for the backend, and freed. A packed
// file is mapped instead and used where it lies.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tandem/device.h>
#include <tandem/options.h>

#include "kernels/backend.h"
#include "models/encoder_decoder.h"
#include "models/families/family.h"
#include "models/readers/shortlist.h"
#include "models/readers/vocabulary_map.h"
#include "models/weights.h"

namespace tandem {

enum class ModelFormat : std::uint8_t { hugging_face, ctranslate2, marian };

std::string_view to_string(ModelFormat format);  // "hugging_face", ...
std::optional<ModelFormat> parse_model_format(std::string_view name);

// How a Marian model wants to be decoded, by the keys of its decoder's .yml; marian-dev,
// src/common/config_parser.cpp. A key that is not set has Marian's default.
struct MarianDecoding {
  std::optional<int> beam_size;
  std::optional<double> normalize;  // exponent of the length; 0: none
  std::optional<double> word_penalty;
  std::optional<double> max_length_factor;  // of the source tokens
  std::optional<bool> allow_unknown;        // allow-unk
};

// What a CTranslate2 directory says about texts: the strings of its special tokens, and which of
// them are added to a source.
struct CTranslate2Texts {
  std::string unknown, bos, eos;
  bool add_source_bos = false, add_source_eos = false;
};

// A shortlist in text form, which needs the vocabularies to be read: Shortlist::read with these.
struct TextShortlistFile {
  std::string path;
  TextShortlistOptions options;
};

// One tensor as stored, for `inspect`.
struct TensorLine {
  std::string name;
  std::string type;                 // "float32", "intgemm8", ...
  std::string shape;                // "[512, 2048]"
  std::optional<float> multiplier;  // of intgemm types: value = q / multiplier
};

struct LoadedModel {
  std::shared_ptr<const EncoderDecoder> network;
  ModelFormat format = ModelFormat::hugging_face;  // of a packed model: what it was made from
  bool packed = false;
  std::vector<std::string> files;  // what was read, in order
  std::vector<TensorLine> tensors;
  MarianDecoding marian;                  // format marian
  CTranslate2Texts ctranslate2;           // format ctranslate2
  std::vector<std::string> vocabularies;  // source and target; paths, perhaps equal; not of format
                                          // hugging_face
  bool shared_vocabulary = false;         // source and target tokens are the same
  std::shared_ptr<const Shortlist> shortlist;  // null: none
  std::string shortlist_file;                  // its path
  std::optional<TextShortlistFile> text_shortlist;
  std::shared_ptr<const VocabularyMap> vocabulary_map;  // of a CTranslate2 directory; null: none
};

// What files say before it is packed for a backend.
struct ModelFiles {
  LoadedModel about;  // without its network
  FamilyModel model;
  ComputeType type = ComputeType::float32;  // never automatic
};

// `type` automatic: int8 where the weights are int8, else float32 on a CPU and bfloat16 on a GPU.
// float32 on int8 weights runs their exact values; int8 on float weights quantises the products
// (not the embeddings).
// Throws Error: not_found, corrupt (file, tensor or key, expected, found), unsupported,
// resource_exhausted (the limit).
LoadedModel load_model(const std::string& directory, const Limits& limits, ComputeType type,
                       Backend& backend);

// The first half of load_model, as for a CPU.
ModelFiles read_model(const std::string& directory, const Limits& limits, ComputeType type);

// What `automatic` means for these weights; any other type is itself.
ComputeType resolve_compute_type(ComputeType type, const WeightMap& weights);

}  // namespace tandem
