// The architecture that the variables of a CTranslate2 model describe, and the few facts that they
// do not. Source: OpenNMT/CTranslate2, src/layers and src/models/sequence_to_sequence.cc.
#pragma once

#include <optional>
#include <string>

#include <tandem/options.h>

#include "models/families/ctranslate2_variables.h"
#include "models/model_spec.h"

namespace tandem {

// config.json, or before version 6 variables.
struct CTranslate2Facts {
  std::string source = "the format's default";  // where they come from
  std::string unknown = "<unk>", bos = "<s>", eos = "</s>";
  std::optional<std::string> decoder_start = "<s>";  // nothing: the request says it
  bool add_source_bos = false, add_source_eos = false;
  std::optional<double> norm_epsilon;
};

// Of a model before version 6.
CTranslate2Facts read_ctranslate2_facts(CTranslate2Variables& variables);

// Everything but what the weights' shapes alone tell, and token ids, which need the vocabulary.
// Throws Error{unsupported} that names the variable which asks for what Tandem has not, {corrupt}.
ModelSpec read_ctranslate2_spec(CTranslate2Variables& variables, const CTranslate2Facts& facts,
                                const Limits& limits);

// The scope of a side's ("encoder", "decoder") embeddings, which the newest revision numbers.
std::string ctranslate2_embeddings(const CTranslate2Variables& variables, const std::string& side);

}  // namespace tandem
