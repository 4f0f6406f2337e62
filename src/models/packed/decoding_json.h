// What a model's own format says about decoding, beside its spec, as JSON and back: the format that
// it came from, Marian's search keys, CTranslate2's special tokens, and the file of its lexical
// shortlist.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "models/load_model.h"
#include "models/readers/json_file.h"

namespace tandem {

nlohmann::json decoding_to_json(const LoadedModel& model);

// Fills `model` from what decoding_to_json wrote and returns the name of the shortlist's file;
// empty: there is none. Throws Error{corrupt}.
std::string decoding_from_json(const JsonObject& json, LoadedModel& model);

}  // namespace tandem
