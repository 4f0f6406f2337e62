// Where the public Bergamot students are, which are not part of the project: the folder that
// TANDEM_BERGAMOT_DIR names, or the one that examples/fetch_bergamot.py is given by the commands of
// the project. Tests that need them are skipped where they are not.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace tandem {

inline constexpr const char* kNoBergamot =
    "the Bergamot models are not here; examples/fetch_bergamot.py fetches them";

// The directory of one model, such as "enpt-1693087644"; empty: it is not here.
inline std::string bergamot_model(const std::string& name) {
  const auto value = [](const char* variable) {
    const char* text = std::getenv(variable);
    return std::string(text == nullptr ? "" : text);
  };
  std::filesystem::path folder = value("TANDEM_BERGAMOT_DIR");
  if (folder.empty()) {
    const std::string cache = value("XDG_CACHE_HOME");
    folder = std::filesystem::path(cache.empty() ? value("HOME") + "/.cache" : cache) / "tandem" /
             "bergamot";
  }
  return std::filesystem::is_directory(folder / name) ? (folder / name).string() : std::string();
}

}  // namespace tandem
