// Reads a packed model (format.h): the file is mapped and its weights are used where they lie, so
// loading costs the header and whatever tables are small. Pages come from the disk, or from the
// system's cache that all processes share, when a product first reads them.
//
// Checked: the layout, the version, every size, shape, type and offset. Not checked: whether the
// floats are finite, which would read the file (the converter has seen to it). The file must not be
// changed while it is mapped: see FileBytes::map.
#pragma once

#include <string>
#include <vector>

#include "base/file_io.h"
#include "models/load_model.h"

namespace tandem {

// `names` are a directory's files, sorted.
bool holds_packed_model(const std::vector<std::string>& names);

// `type` must be automatic or that of the file. Throws Error: corrupt (what does not fit),
// unsupported (another version, layout or type; how to convert again), not_found,
// resource_exhausted (limits).
ModelFiles read_packed_model(const std::string& directory, const Limits& limits, ComputeType type);

// The same of a file in memory; `directory` is where its shortlist lies.
ModelFiles parse_packed_model(const FileBytes& file, const std::string& directory,
                              const Limits& limits, ComputeType type);

}  // namespace tandem
