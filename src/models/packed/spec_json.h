// A ModelSpec as JSON and back: {"family", "switches": {name: value}, "sources": {name: key}}.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include <tandem/options.h>

#include "models/model_spec.h"
#include "models/readers/json_file.h"

namespace tandem {

nlohmann::json spec_to_json(const ModelSpec& spec);

// Reads what spec_to_json wrote, from a file that may have been changed since: every switch must be
// there, none may be unknown, and sizes and ids are in the ranges that readers of other formats
// allow, so that the forward pass may rely on them. `origin` is the file.
// Throws Error: corrupt; resource_exhausted (limits); unsupported, as check_implemented.
ModelSpec spec_from_json(const JsonObject& json, const std::string& origin, const Limits& limits);

}  // namespace tandem
