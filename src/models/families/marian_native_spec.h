// The architecture that a Marian model's `special:model.yml` describes.
#pragma once

#include <string>

#include <tandem/options.h>

#include "models/model_spec.h"
#include "models/readers/marian_yaml.h"

namespace tandem {

// Which table is what; marian-dev, src/layers/embedding.cpp and output.cpp.
struct MarianTables {
  std::string source = "encoder_Wemb";
  std::string target = "decoder_Wemb";
  bool tied_output = false;  // the output projection is the target table
};

struct MarianArchitecture {
  ModelSpec spec;  // without the sizes that tensors tell: vocabularies, feed-forward
  MarianTables tables;
};

// Throws Error{unsupported} for a key whose value asks for what Tandem has not, {corrupt} for a
// missing key or a value out of range. `origin` is the model's file.
MarianArchitecture read_marian_architecture(const MarianYaml& yaml, const std::string& origin,
                                            const Limits& limits);

}  // namespace tandem
