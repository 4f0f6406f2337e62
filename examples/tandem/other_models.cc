#include "other_models.h"

namespace tandem::cli {

std::shared_ptr<const Engine> OtherModels::load(const char* key, const std::string& directory) {
  if (directory.empty())
    throw Error(ErrorCode::invalid_argument,
                std::string(key) + ": expected the directory of a model");
  auto& model = models_[directory];
  if (!model) model = std::make_shared<const Engine>(Engine::load(directory, options_));
  return model;
}

}  // namespace tandem::cli
