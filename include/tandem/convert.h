/// Converting a model to the packed form, which loads in milliseconds.
#pragma once

#include <string>

#include <tandem/device.h>
#include <tandem/export.h>
#include <tandem/options.h>

namespace tandem {

struct ConvertOptions {
  ComputeType compute_type = ComputeType::automatic;  ///< the type of the files
  /// Write float32 weights that stand for exactly what the model holds, also of a packed one: an
  /// int8 weight becomes its whole number times its scale. `compute_type` is then automatic or
  /// float32.
  bool dequantize = false;
  /// Take the place of a directory that an earlier conversion has written.
  bool replace = false;
  Limits limits;
};

/// Reads a model in any format that Engine::load takes and writes `directory`, which holds all
/// that is needed to run it on a CPU: the weights in one file as the kernels read them, and the
/// files of the tokenizer and of generation. The same compute type gives the same tokens and
/// bit-equal scores as the original. The file is mapped when it is loaded: processes share its
/// pages, and it must not be changed in place meanwhile (a later conversion replaces it safely).
/// The directory appears whole at the end, or not at all.
/// Throws Error: as Engine::load; invalid_argument (`directory` exists, the model is packed already
/// and not to be dequantized, or another type goes with that); not_found, resource_exhausted (it
/// cannot be written).
TANDEM_EXPORT void convert(const std::string& model, const std::string& directory,
                           const ConvertOptions& options = {});

}  // namespace tandem
