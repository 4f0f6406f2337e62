// What a file of Marian's own format holds, whichever of its two containers it comes in:
// marian_binary.h reads `.bin`, marian_npz.h reads `.npz`.
//
// Every tensor is right side up, as its shape says: matrices are [in, out] and are used as x W + b,
// embeddings ("Wemb" in the name) and `decoder_ff_logit_out_Wt` are [V, D], vectors are [1, n].
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "models/weights.h"

namespace tandem {

// One entry as the file declares it, in file order, for people who inspect a model.
struct MarianItem {
  std::string name;
  std::string type;  // "float32", "int8", "intgemm8", ...
  Shape shape;
  std::optional<float> multiplier;  // of intgemm types: value = q / multiplier
};

struct MarianModelFile {
  explicit MarianModelFile(const std::string& origin) : weights(origin) {}

  // Without `special:model.yml` and the multipliers. A quantised matrix is int8 in [-127, 127] with
  // one scale for all of it; everything else is as stored.
  WeightMap weights;
  // The text of `special:model.yml`: the architecture, see marian_yaml.h.
  std::string model_yaml;
  // Matrix name to the multiplier of the activations that enter it: q = round(x * multiplier).
  // "Wemb" is the output layer's; "none" is the same under the name of an unnamed node.
  std::map<std::string, float> activation_multipliers;
  // Matrix name to its own multiplier, of those that are int8: q = round(w * multiplier).
  std::map<std::string, float> weight_multipliers;
  std::vector<MarianItem> items;
};

// For the readers: puts one tensor that is not quantised where it belongs. Throws Error{corrupt}
// for a name that is there already, an empty tensor, a value that is not finite, a multiplier that
// is not positive.
void add_marian_tensor(MarianModelFile& model, const std::string& name, const Tensor& tensor);

// Throws Error{corrupt} when the architecture is missing.
void check_marian_model(const MarianModelFile& model);

}  // namespace tandem
