/// Where and in which numbers a model runs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <tandem/export.h>

namespace tandem {

/// A device by name: `cpu`, `cuda:0`, or `auto` (the CPU for now: docs/backends.md).
class TANDEM_EXPORT Device {
 public:
  enum class Kind { automatic, cpu, cuda };

  Device() = default;  ///< automatic
  static Device cpu() { return {Kind::cpu, 0}; }
  static Device cuda(int ordinal) { return {Kind::cuda, ordinal}; }
  /// "auto", "cpu", "cuda" or "cuda:N". Throws Error{invalid_argument} otherwise.
  static Device parse(std::string_view name);

  Kind kind() const noexcept { return kind_; }
  int ordinal() const noexcept { return ordinal_; }
  std::string name() const;

 private:
  Device(Kind kind, int ordinal) : kind_(kind), ordinal_(ordinal) {}
  Kind kind_ = Kind::automatic;
  int ordinal_ = 0;
};

/// What can be used on this machine now; the CPU is always first.
TANDEM_EXPORT std::vector<Device> available_devices();

/// The machine as Tandem sees it, as text for people: version and libraries, processor features,
/// the instruction set that will be used and why, threads, devices. The layout may change.
TANDEM_EXPORT std::string system_report();

/// The type of the weights and of the products with them. Norms, softmax and sums are float32.
enum class ComputeType {
  automatic,  ///< int8 where the weights of the files are; else float32, on GPUs bfloat16
  float32,
  bfloat16,
  float16,  ///< on GPUs; a CPU refuses it
  int8      ///< weights per output channel, activations per row (or the file's own multipliers)
};

/// "auto", "float32", "bfloat16", "float16" or "int8". Throws Error{invalid_argument} otherwise.
TANDEM_EXPORT ComputeType parse_compute_type(std::string_view name);
TANDEM_EXPORT std::string_view to_string(ComputeType type) noexcept;

/// What may decide the order of additions.
enum class Numerics {
  exact,  ///< every row is computed in the same order whatever its neighbours and the threads:
          ///< a sentence has bit-equal scores alone and in any batch, and drafts are lossless
  fast    ///< library kernels may be used for many rows; scores may differ in the last bits, and on
          ///< a GPU in bfloat16 or float16 as much as rounding the inputs of products to that type
};

}  // namespace tandem
