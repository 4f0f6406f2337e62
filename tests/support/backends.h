// The backends that a test of the layers above runs on: the oracle, and the CPU as it ships.
#pragma once

#include <memory>
#include <ostream>
#include <vector>

#include "kernels/backend.h"

namespace tandem {

struct BackendChoice {
  const char* name;
  std::unique_ptr<Backend> (*make)();
};
inline void PrintTo(const BackendChoice& choice, std::ostream* out) {
  *out << choice.name;
}

inline std::unique_ptr<Backend> make_cpu_backend(int threads) {
  return make_backend({.device = Device::cpu(), .threads = threads, .numerics = Numerics::exact});
}

inline std::vector<BackendChoice> all_backends() {
  return {{"reference", [] { return make_reference_backend(); }},
          {"cpu", [] { return make_cpu_backend(1); }},
          {"cpu_2_threads", [] { return make_cpu_backend(2); }}};
}

}  // namespace tandem
