// The requests of the JSON-lines commands (docs/formats.md) as values of the public API.
#pragma once

#include <memory>

#include <tandem/tandem.h>

#include "json_fields.h"
#include "other_models.h"

namespace tandem::cli {

// Throws Error{invalid_argument} for a wrong type or an unknown key and Error{unsupported} for a
// strategy or a constraint that this build does not have. The engine's tokenizer reads strings in
// constraints.
// `other_models` loads the models that requests name besides their own.
Request parse_request(const Json& json, const Engine& engine, OtherModels& other_models);

// What one line asks to score.
struct ScoreLine {
  TargetsRequest request;
  bool has_several = false;  // "targets", whose answer is a list
};
ScoreLine parse_score_line(const Json& json);

// What one line asks to encode.
struct EncodeLine {
  EncodeRequest request;
  bool has_states = false;  // "hidden_states": all of them, not the mean alone
};
EncodeLine parse_encode_line(const Json& json);

AttributionRequest parse_attribution_request(const Json& json);

// Applies {"name": ..., ...} to a request.
void apply_strategy(const Json& json, OtherModels& other_models, Request& request);

// Applies {"type": ..., ...} to a request: a constraint, or a prefix.
void apply_constraint(const Json& json, const Engine& engine, Request& request);

}  // namespace tandem::cli
