// Reads generation options from JSON: a model's generation_config.json, or the "generation" object
// of a request. One table maps every key of Hugging Face to its member, to "describes the model",
// or to "not built, must be neutral"; nothing is ignored in silence.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <tandem/options.h>

namespace tandem {

struct ParsedGenerationConfig {
  GenerationOptions options;
  std::vector<std::string>
      unknown_keys;  // for `inspect`: what a model's file says beyond the table
};

// `where` starts the error messages, such as the file's path. Throws Error{invalid_argument} for a
// wrong type or bad JSON, Error{unsupported} for a known key that asks for something not built.
ParsedGenerationConfig parse_generation_config(std::string_view json, const std::string& where);

}  // namespace tandem
