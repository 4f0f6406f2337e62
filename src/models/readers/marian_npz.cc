#include "models/readers/marian_npz.h"

#include <optional>

#include <tandem/error.h>

#include "models/readers/npz.h"

namespace tandem {

MarianModelFile parse_marian_npz(const FileBytes& file, const Limits& limits) {
  MarianModelFile model(file.name());
  for (const NpzArray& array : parse_npz(file, limits)) {
    if (array.name.rfind("special:", 0) == 0 && array.tensor.bytes() > limits.max_config_bytes)
      throw Error(ErrorCode::resource_exhausted,
                  file.name() + ": " + array.name + " has " + std::to_string(array.tensor.bytes()) +
                      " bytes, the limit is " + std::to_string(limits.max_config_bytes));
    add_marian_tensor(model, array.name, array.tensor);
    model.items.push_back({array.name, std::string(to_string(array.tensor.dtype())),
                           array.tensor.shape(), std::nullopt});
  }
  check_marian_model(model);
  return model;
}

MarianModelFile read_marian_npz(const std::string& path, const Limits& limits) {
  return parse_marian_npz(FileBytes::read(path, limits.max_model_bytes, "Marian model"), limits);
}

}  // namespace tandem
