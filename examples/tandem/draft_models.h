// The draft models that requests name, each loaded once, with the settings of the model itself.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include <tandem/tandem.h>

namespace tandem::cli {

class DraftModels {
 public:
  explicit DraftModels(EngineOptions options) : options_(std::move(options)) {}

  // Throws Error as Engine::load, and Error{invalid_argument} for an empty name.
  std::shared_ptr<const Engine> load(const std::string& directory);

 private:
  EngineOptions options_;
  std::map<std::string, std::shared_ptr<const Engine>> models_;
};

}  // namespace tandem::cli
