// The models that requests name besides their own, as drafters or members of ensembles: each is
// loaded once, with the settings of the model itself.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include <tandem/tandem.h>

namespace tandem::cli {

class OtherModels {
 public:
  explicit OtherModels(EngineOptions options) : options_(std::move(options)) {}

  // `key` names the directory in messages. Throws Error as Engine::load, and
  // Error{invalid_argument} for an empty name.
  std::shared_ptr<const Engine> load(const char* key, const std::string& directory);

 private:
  EngineOptions options_;
  std::map<std::string, std::shared_ptr<const Engine>> models_;
};

}  // namespace tandem::cli
