// The names of compute types, for options, messages and files.
#include <array>
#include <string>

#include <tandem/device.h>
#include <tandem/error.h>

namespace tandem {
namespace {

struct ComputeTypeName {
  ComputeType type;
  std::string_view name;
};

constexpr std::array<ComputeTypeName, 5> kComputeTypes = {{{ComputeType::automatic, "auto"},
                                                           {ComputeType::float32, "float32"},
                                                           {ComputeType::bfloat16, "bfloat16"},
                                                           {ComputeType::float16, "float16"},
                                                           {ComputeType::int8, "int8"}}};

}  // namespace

ComputeType parse_compute_type(std::string_view name) {
  for (const ComputeTypeName& entry : kComputeTypes)
    if (entry.name == name) return entry.type;
  throw Error(ErrorCode::invalid_argument, "unknown compute type \"" + std::string(name) + "\"",
              "compute types are auto, float32, bfloat16, float16 and int8");
}

std::string_view to_string(ComputeType type) noexcept {
  for (const ComputeTypeName& entry : kComputeTypes)
    if (entry.type == type) return entry.name;
  return "auto";
}

}  // namespace tandem
