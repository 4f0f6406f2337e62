// Launches of kernels that wait on the host, in order, to be handed to a GPU together. Adding one
// copies its arguments and asks the driver for nothing.
#pragma once

#include <cstddef>
#include <cstring>
#include <type_traits>
#include <vector>

#include "kernels/cuda/kernels.h"

namespace tandem::cuda {

// One kernel over a grid. Lives as long as its list is not changed.
struct Launch {
  std::size_t kernel;          // its place in Kernels
  Grid grid;                   // has blocks
  const std::byte* arguments;  // the kernel's struct
  std::size_t bytes;           // of it
  bool operator==(const Launch& other) const {
    return kernel == other.kernel && grid.x == other.grid.x && grid.y == other.grid.y &&
           bytes == other.bytes && std::memcmp(arguments, other.arguments, bytes) == 0;
  }
};

class LaunchList {
 public:
  // A grid without blocks is no work and not added.
  template <class Kernel>
  void add(const Kernel& kernel, const Grid& grid) {
    static_assert(std::is_trivially_copyable_v<Kernel> && alignof(Kernel) <= kAlignment);
    if (grid.x == 0 || grid.y == 0) return;
    entries_.push_back({Kernels::index_of<Kernel>(), grid, arguments_.size(), sizeof kernel});
    arguments_.resize(arguments_.size() +
                      (sizeof kernel + kAlignment - 1) / kAlignment * kAlignment);
    std::memcpy(arguments_.data() + entries_.back().offset, &kernel, sizeof kernel);
  }
  // Another grid and other arguments for the launch at `index`, which stays the same kernel.
  void replace(std::size_t index, const Launch& launch) {
    entries_[index].grid = launch.grid;
    std::memcpy(arguments_.data() + entries_[index].offset, launch.arguments, launch.bytes);
  }
  void clear() {
    entries_.clear();
    arguments_.clear();
  }

  std::size_t size() const { return entries_.size(); }
  Launch operator[](std::size_t index) const {
    const Entry& entry = entries_[index];
    return {entry.kernel, entry.grid, arguments_.data() + entry.offset, entry.bytes};
  }

 private:
  static constexpr std::size_t kAlignment = alignof(std::max_align_t);
  struct Entry {
    std::size_t kernel;
    Grid grid;
    std::size_t offset, bytes;
  };

  std::vector<Entry> entries_;
  std::vector<std::byte> arguments_;
};

}  // namespace tandem::cuda
