// A model directory to a packed one: its weights packed (models/packed), its small files copied.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <tandem/convert.h>
#include <tandem/error.h>

#include "base/file_io.h"
#include "base/quote.h"
#include "base/staged_directory.h"
#include "kernels/backend.h"
#include "models/load_model.h"
#include "models/packed/format.h"
#include "models/packed/packed_reader.h"
#include "models/packed/packed_writer.h"

namespace tandem {
namespace {

// Refuses a target that is there, unless it is an earlier conversion that may be replaced.
void check_target(const std::string& directory, bool replace) {
  const auto refuse = [&](const std::string& problem, const std::string& hint) {
    throw Error(ErrorCode::invalid_argument, "converting to " + quote(directory) + ": " + problem,
                hint);
  };
  if (is_regular_file(directory)) refuse("there is a file of that name", "");
  if (!is_directory(directory)) return;
  if (!replace) refuse("the directory exists already", "with --force it is replaced");
  const std::vector<std::string> names = list_directory(directory);
  if (!holds_packed_model(names))
    refuse(std::string("the directory holds no ") + kPackedFile + ", so it is not replaced", "");
  for (const std::string& name : names)
    if (!is_regular_file(join_path(directory, name)))
      refuse("the directory holds " + quote(name) + ", which a conversion does not write", "");
}

// What a tokenizer, a generation or a licence needs. Never weights, in any format.
bool is_copied(std::string_view name) {
  const auto ends = [&](std::string_view suffix) { return name.ends_with(suffix); };
  const auto starts = [&](std::string_view prefix) { return name.starts_with(prefix); };
  return (ends(".json") && !ends(".index.json")) || ends(".spm") || ends(".model") ||
         ends("vocab.yml") || ends("vocab.txt") || ends("_vocabulary.txt") ||
         name == "merges.txt" || name == "vmap.txt" || starts("LICENSE") || starts("NOTICE") ||
         starts("README");
}

// Only a packed model has a type of its own, in which it has to be read.
ModelFiles read_as_float32(const std::string& model, const ConvertOptions& options) {
  if (options.compute_type != ComputeType::automatic &&
      options.compute_type != ComputeType::float32)
    throw Error(ErrorCode::invalid_argument,
                "converting: dequantize writes float32, and compute_type is " +
                    std::string(to_string(options.compute_type)));
  const bool packed = holds_packed_model(list_directory(model));
  ModelFiles files =
      read_model(model, options.limits, packed ? ComputeType::automatic : ComputeType::float32);
  files.type = ComputeType::float32;
  return files;
}

void copy_file(const std::string& path, const Limits& limits, StagedDirectory& directory) {
  const FileBytes file = FileBytes::read(path, limits.max_tokenizer_bytes, "a file of the model");
  const std::span<const std::byte> pieces[] = {file.bytes()};
  directory.write(path.substr(path.find_last_of('/') + 1), pieces);
}

}  // namespace

void convert(const std::string& model, const std::string& directory,
             const ConvertOptions& options) {
  check_target(directory, options.replace);
  ModelFiles files = options.dequantize ? read_as_float32(model, options)
                                        : read_model(model, options.limits, options.compute_type);
  if (files.about.packed && !options.dequantize)
    throw Error(ErrorCode::invalid_argument, model + ": the model is packed already",
                "convert the original, or ask for dequantize");
  const std::string shortlist = files.about.shortlist_file;
  StagedDirectory staged(directory);
  const auto backend = make_backend({.device = Device::cpu(), .threads = 1});
  write_packed_model(std::move(files), *backend, staged);
  for (const std::string& name : list_directory(model))
    if (is_copied(name)) copy_file(join_path(model, name), options.limits, staged);
  if (!shortlist.empty()) copy_file(shortlist, options.limits, staged);
  staged.commit(options.replace);
}

}  // namespace tandem
