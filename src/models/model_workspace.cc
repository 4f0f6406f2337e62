#include "models/model_workspace.h"

namespace tandem {

std::span<const MaskedHead> ModelWorkspace::masks(AttentionKind attention, std::size_t layer) {
  masked_in_layer.clear();
  for (const MaskedHead& head : masked_heads)
    if (head.attention == attention && head.layer == static_cast<int>(layer))
      masked_in_layer.push_back(head);
  return masked_in_layer;
}

}  // namespace tandem
