#include "kernels/cpu/features.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <tandem/error.h>

namespace tandem::cpu {
namespace {

constexpr std::array kAll = {Isa::baseline, Isa::avx2, Isa::avx512, Isa::avx512_vnni};

struct Feature {
  std::string name;
  Isa needed_by;
  bool present;
};

#if defined(__x86_64__)
// Not every compiler's __builtin_cpu_supports knows it. Its registers are those of AVX2.
bool has_f16c() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}
#endif

// CPUID, and whether the operating system saves the registers (the builtin checks both).
std::vector<Feature> detect() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return {{"avx2", Isa::avx2, __builtin_cpu_supports("avx2") != 0},
          {"fma", Isa::avx2, __builtin_cpu_supports("fma") != 0},
          {"f16c", Isa::avx2, has_f16c()},
          {"avx512f", Isa::avx512, __builtin_cpu_supports("avx512f") != 0},
          {"avx512bw", Isa::avx512, __builtin_cpu_supports("avx512bw") != 0},
          {"avx512dq", Isa::avx512, __builtin_cpu_supports("avx512dq") != 0},
          {"avx512vl", Isa::avx512, __builtin_cpu_supports("avx512vl") != 0},
          {"avx512vnni", Isa::avx512_vnni, __builtin_cpu_supports("avx512vnni") != 0}};
#else
  return {};
#endif
}

// The widest set all of whose features, and those of the sets below it, are there.
Isa widest_of(const std::vector<Feature>& features) {
  Isa widest = features.empty() ? Isa::baseline : kAll.back();
  for (const Feature& feature : features)
    if (!feature.present)
      widest = std::min(widest, static_cast<Isa>(static_cast<int>(feature.needed_by) - 1));
  return widest;
}

Isa parse_isa(std::string_view name) {
  for (const Isa isa : kAll)
    if (to_string(isa) == name) return isa;
  throw Error(ErrorCode::invalid_argument,
              "reading the environment variable TANDEM_MAX_ISA: expected baseline, avx2, avx512 or "
              "avx512_vnni, found \"" +
                  std::string(name) + "\"");
}

}  // namespace

std::string_view to_string(Isa isa) {
  switch (isa) {
    case Isa::baseline:
      return "baseline";
    case Isa::avx2:
      return "avx2";
    case Isa::avx512:
      return "avx512";
    case Isa::avx512_vnni:
      return "avx512_vnni";
  }
  return "?";
}

Isa widest_isa() {
  return widest_of(detect());
}

IsaChoice choose_isa() {
  const std::vector<Feature> features = detect();
  IsaChoice choice;
  for (const Feature& feature : features)
    if (feature.present) choice.features.push_back(feature.name);
  choice.isa = widest_of(features);
  choice.reason = "the widest instruction set of this CPU that there are kernels for";
  if (const char* cap = std::getenv("TANDEM_MAX_ISA"); cap != nullptr && *cap != '\0') {
    if (const Isa limit = parse_isa(cap); limit < choice.isa) {
      choice.isa = limit;
      choice.reason = "capped by the environment variable TANDEM_MAX_ISA";
    }
  }
  return choice;
}

}  // namespace tandem::cpu
