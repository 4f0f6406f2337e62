// Names of <tandem/output.h>.
#include <tandem/output.h>

namespace tandem {

std::string_view to_string(FinishReason reason) noexcept {
  switch (reason) {
    case FinishReason::eos: return "eos";
    case FinishReason::length: return "length";
    case FinishReason::stopped: return "stopped";
    case FinishReason::constraint_unsatisfied: return "constraint_unsatisfied";
  }
  return "eos";
}

}  // namespace tandem
