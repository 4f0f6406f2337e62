// Which instruction sets this CPU has, which one the kernels use, and why.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tandem::cpu {

// The sets that kernels exist for, each including the ones before it.
enum class Isa { baseline, avx2, avx512, avx512_vnni };

std::string_view to_string(Isa isa);

struct IsaChoice {
  Isa isa = Isa::baseline;
  std::vector<std::string> features;  // what the CPU has of the sets that matter here
  std::string reason;                 // one line for people
};

// The widest set of this CPU, whatever the environment says.
Isa widest_isa();

// The widest set, capped by the environment variable TANDEM_MAX_ISA = baseline | avx2 | avx512 |
// avx512_vnni when it is set and not empty. Throws Error{invalid_argument} for another value.
IsaChoice choose_isa();

}  // namespace tandem::cpu
