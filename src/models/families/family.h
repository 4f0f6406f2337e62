// A family of models: how its files name the tensors, and its quirks. A family turns a
// configuration and named tensors into a ModelSpec and ModelWeights; everything else about a model
// is the same for all. To add one: a file in this folder with a load function, and a line in the
// table of family.cc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <tandem/options.h>

#include "models/model_spec.h"
#include "models/model_weights.h"
#include "models/readers/json_file.h"
#include "models/weights.h"

namespace tandem {

struct FamilyModel {
  ModelSpec spec;
  ModelWeights weights;
};

// Of a Hugging Face directory. Takes every tensor that the model needs and ignores by name what it
// knows not to need. Throws Error: corrupt (file, key or tensor, expected, found), unsupported.
using FamilyLoader = FamilyModel (*)(const JsonObject& config, WeightMap& weights,
                                     const Limits& limits);

// The loader for a config.json's `model_type`; null when Tandem has none.
FamilyLoader find_family(std::string_view model_type);
// What find_family knows, for messages.
std::vector<std::string_view> known_families();

}  // namespace tandem
