// Directories of Marian's own format: which file is what, and what the decoder's .yml says.
//
// The .yml with a `models` key names the model, the vocabularies and the shortlist; its names are
// taken as files of the same directory. Without one, the directory must hold a single model.
// The file layout is that of Marian, Bergamot and OPUS-MT: marian-dev,
// src/common/config_parser.cpp.
#pragma once

#include <string>
#include <vector>

#include "models/load_model.h"

namespace tandem {

// `names` are the files of a directory, sorted.
bool holds_marian_model(const std::vector<std::string>& names);

// Throws Error as load_model.
ModelFiles read_marian_directory(const std::string& directory,
                                 const std::vector<std::string>& names, const Limits& limits,
                                 ComputeType type);

// Reads a binary shortlist into `model`. Throws Error as Shortlist::read, and corrupt where it
// names tokens that the vocabulary of `spec` has not.
void load_shortlist(const std::string& path, const ModelSpec& spec, const Limits& limits,
                    LoadedModel& model);

}  // namespace tandem
