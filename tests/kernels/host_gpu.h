// A Gpu without a GPU: the kernels of kernels/cuda run block by block on the host, and the products
// of tensor cores as plain loops, with all that a block's threads must not rely on made visible.
// Shared memory and variables of threads start as NaNs; the threads of a block run in ascending or
// descending order, so that what one reads of another without waiting differs; device memory cannot
// be touched between the calls, so that a host that dereferences it ends the test.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include <sys/mman.h>

#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/launch_graphs.h"

namespace tandem::cuda {

// The same product as the library's, with its sums in double.
template <class Element>
void multiply_on_host(const MatrixProduct& product) {
  const Rows<const Element> x = product.x.rows<Element>(),
                            weights = product.weights.rows<Element>();
  for (std::int64_t n = 0; n < product.rows; ++n)
    for (std::int64_t c = 0; c < product.outputs; ++c) {
      double sum = product.bias == nullptr ? 0.0 : product.bias[c];
      for (std::int64_t k = 0; k < product.inputs; ++k)
        sum += double{widened(x.row(n)[k])} * widened(weights.row(k)[c]);
      if (product.relu && sum < 0) sum = 0;
      if (product.residual.data != nullptr) sum += product.residual.row(n)[c];
      product.out.row(n)[c] = static_cast<float>(sum);
    }
}

// Its sums of int8, which it takes along the inputs. The library's conditions must hold.
inline void multiply_int8_on_host(const MatrixProduct& product) {
  TANDEM_CHECK(product.x.stride % kOperandAlignment == 0 && product.inputs % 4 == 0);
  TANDEM_CHECK(product.weights.stride % kOperandAlignment == 0 && product.outputs % 4 == 0);
  TANDEM_CHECK(product.bias == nullptr && !product.relu && product.residual.data == nullptr);
  for (std::int64_t n = 0; n < product.rows; ++n)
    for (std::int64_t c = 0; c < product.outputs; ++c) {
      const std::int8_t* x = product.x.rows<std::int8_t>().row(n);
      const std::int8_t* weights = product.weights.rows<std::int8_t>().row(c);
      std::int32_t sum = 0;
      for (std::int64_t k = 0; k < product.inputs; ++k) sum += x[k] * weights[k];
      product.sums.row(n)[c] = sum;
    }
}

enum class ThreadOrder { ascending, descending };

// The block of block.h, for a host. Prefills what a device leaves undefined.
template <int kThreads>
class HostBlock {
 public:
  template <class T>
  class Own {
   public:
    static_assert(std::is_trivially_copyable_v<T>);
    Own() { std::memset(static_cast<void*>(values_.data()), 0xFF, sizeof values_); }
    T& operator[](int thread) { return values_[static_cast<std::size_t>(thread)]; }
    const T& operator[](int thread) const { return values_[static_cast<std::size_t>(thread)]; }

   private:
    std::array<T, kThreads> values_;
  };

  HostBlock(std::int64_t x, std::int64_t y, ThreadOrder order) : x_(x), y_(y), order_(order) {}

  std::int64_t x() const { return x_; }
  std::int64_t y() const { return y_; }
  template <class Function>
  void each(const Function& f) {
    for (int i = 0; i < kThreads; ++i) f(order_ == ThreadOrder::ascending ? i : kThreads - 1 - i);
  }
  template <class T>
  T shared_value(const T& value) {
    return value;
  }

 private:
  std::int64_t x_, y_;
  ThreadOrder order_;
};

template <class Kernel>
void run_on_host(const std::byte* arguments, const Grid& grid, ThreadOrder order) {
  Kernel kernel;
  std::memcpy(static_cast<void*>(&kernel), arguments, sizeof kernel);
  for (std::int64_t y = 0; y < grid.y; ++y)
    for (std::int64_t x = 0; x < grid.x; ++x) {
      typename Kernel::Shared shared;
      std::memset(static_cast<void*>(&shared), 0xFF, sizeof shared);
      HostBlock<Kernel::kThreads> block(x, y, order);
      kernel(block, shared);
    }
}

template <class... Kernel>
void run_on_host(const Launch& launch, ThreadOrder order, KernelList<Kernel...> /*all*/) {
  using Run = void (*)(const std::byte*, const Grid&, ThreadOrder);
  static constexpr Run kRun[] = {&run_on_host<Kernel>...};
  kRun[launch.kernel](launch.arguments, launch.grid, order);
}

inline void run_on_host(const LaunchList& launches, ThreadOrder order) {
  for (std::size_t i = 0; i < launches.size(); ++i) run_on_host(launches[i], order, Kernels());
}

// A graph that is a copy of its launches: what is not updated runs with the arguments of before.
class HostGraph {
 public:
  HostGraph(const LaunchList& launches, ThreadOrder order) : launches_(launches), order_(order) {}
  void update(std::size_t node, const Launch& launch) { launches_.replace(node, launch); }
  void launch() { run_on_host(launches_, order_); }

 private:
  LaunchList launches_;
  ThreadOrder order_;
};

// Memory that can be touched only while a Touch lives; one for the whole process, because contexts
// share weights. For one thread.
class GuardedMemory {
 public:
  static GuardedMemory& instance() {
    static GuardedMemory memory;
    return memory;
  }

  void* allocate(std::size_t bytes) {
    const std::size_t padded = (bytes + 255) / 256 * 256;
    std::vector<void*>& idle = idle_[padded];
    if (!idle.empty()) {
      void* block = idle.back();
      idle.pop_back();
      return block;
    }
    if (padded < bytes || padded > kBytes - used_) return nullptr;
    void* block = region_ + used_;
    used_ += padded;
    sizes_[block] = padded;
    return block;
  }
  void free(void* block) { idle_[sizes_.at(block)].push_back(block); }

  class Touch {
   public:
    Touch() { instance().protect(PROT_READ | PROT_WRITE); }
    ~Touch() { instance().protect(PROT_NONE); }
    Touch(const Touch&) = delete;
    Touch& operator=(const Touch&) = delete;
  };

 private:
  static constexpr std::size_t kBytes = std::size_t{1} << 32;
  static constexpr std::size_t kPage = std::size_t{2} << 20;

  GuardedMemory()
      : region_(static_cast<std::byte*>(
            mmap(nullptr, kBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))) {
    TANDEM_CHECK(region_ != MAP_FAILED);
    madvise(region_, kBytes, MADV_HUGEPAGE);  // fewer pages to protect; works without
  }

  void protect(int access) {
    const std::size_t pages = (used_ + kPage - 1) / kPage * kPage;
    if (pages > 0 && mprotect(region_, pages, access) != 0) std::abort();
  }

  std::byte* region_;
  std::size_t used_ = 0;
  std::map<std::size_t, std::vector<void*>> idle_;
  std::map<void*, std::size_t> sizes_;
};

// Of products; one that refuses has no algorithm for any of them.
enum class HostLibrary { found, refuses, missing };

class HostGpu final : public Gpu {
 public:
  explicit HostGpu(ThreadOrder order = ThreadOrder::ascending,
                   HostLibrary library = HostLibrary::found)
      : order_(order), library_(library) {}

  int ordinal() const override { return 0; }
  std::string name() const override { return "kernels on the host"; }

  void* allocate(std::size_t bytes) override { return GuardedMemory::instance().allocate(bytes); }
  void free(void* device) noexcept override { GuardedMemory::instance().free(device); }
  void* allocate_host(std::size_t bytes) override { return std::malloc(bytes); }
  void free_host(void* host) noexcept override { std::free(host); }

  void copy_in(void* device, const void* host, std::size_t bytes) override {
    copy(device, host, bytes);
  }
  void copy_out(void* host, const void* device, std::size_t bytes) override {
    copy(host, device, bytes);
  }
  void sync() override {}

  void run(const LaunchList& launches) override {
    const GuardedMemory::Touch touch;
    if (!graphs_.run(launches)) run_on_host(launches, order_);
  }

  ProductLibrary product_library() const override {
    const bool found = library_ != HostLibrary::missing;
    return {found, found ? "products on the host" : "the test left the library out"};
  }
  bool multiply(const MatrixProduct& product) override {
    if (library_ != HostLibrary::found) return false;
    const GuardedMemory::Touch touch;
    if (product.type == ComputeType::int8)
      multiply_int8_on_host(product);
    else if (product.type == ComputeType::bfloat16)
      multiply_on_host<Bfloat16>(product);
    else if (product.type == ComputeType::float16)
      multiply_on_host<Float16>(product);
    else
      multiply_on_host<float>(product);
    return true;
  }

 private:
  void copy(void* to, const void* from, std::size_t bytes) {
    const GuardedMemory::Touch touch;
    std::memcpy(to, from, bytes);
  }

  ThreadOrder order_;
  HostLibrary library_;
  LaunchGraphs<HostGraph> graphs_{
      [this](const LaunchList& launches) { return std::make_unique<HostGraph>(launches, order_); }};
};

inline std::unique_ptr<Backend> open_on_host(Numerics numerics = Numerics::exact,
                                             ThreadOrder order = ThreadOrder::ascending) {
  return std::make_unique<CudaBackend>(std::make_unique<HostGpu>(order), numerics);
}

}  // namespace tandem::cuda
