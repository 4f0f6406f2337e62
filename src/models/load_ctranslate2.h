// Directories in CTranslate2's format as its converters and its users leave them: model.bin, one or
// two vocabularies, from version 6 a config.json; beside them perhaps the files of a tokenizer and
// a vocabulary map.
#pragma once

#include <string>
#include <vector>

#include "models/load_model.h"

namespace tandem {

// `names` are the files of a directory, sorted. A config.json says nothing here: Hugging Face's
// may lie beside the model.
bool holds_ctranslate2_model(const std::vector<std::string>& names);

// Throws Error as read_model.
ModelFiles read_ctranslate2_directory(const std::string& directory,
                                      const std::vector<std::string>& names, const Limits& limits,
                                      ComputeType type);

// Reads vmap.txt, if it is among `names`, into `model`, whose special tokens are known. Throws
// Error as VocabularyMap::read.
void load_vocabulary_map(const std::string& directory, const std::vector<std::string>& names,
                         const Limits& limits, LoadedModel& model);

}  // namespace tandem
