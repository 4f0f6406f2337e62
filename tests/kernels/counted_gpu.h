// A Gpu on the host that counts what is asked of it: copies, lists of launches, products of the
// library, waits and new memory are what a device takes time for besides its work.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "kernels/host_gpu.h"

namespace tandem::cuda {

class CountedGpu final : public Gpu {
 public:
  struct Counts {
    int copies_in = 0, copies_out = 0, lists = 0, syncs = 0, products = 0, allocations = 0;
    std::size_t launches = 0;
  };
  explicit CountedGpu(Counts& counts) : counts_(counts) {}

  int ordinal() const override { return gpu_.ordinal(); }
  std::string name() const override { return gpu_.name(); }
  void* allocate(std::size_t bytes) override {
    ++counts_.allocations;
    return gpu_.allocate(bytes);
  }
  void free(void* device) noexcept override { gpu_.free(device); }
  void* allocate_host(std::size_t bytes) override { return gpu_.allocate_host(bytes); }
  void free_host(void* host) noexcept override { gpu_.free_host(host); }
  void copy_in(void* device, const void* host, std::size_t bytes) override {
    ++counts_.copies_in;
    gpu_.copy_in(device, host, bytes);
  }
  void copy_out(void* host, const void* device, std::size_t bytes) override {
    ++counts_.copies_out;
    gpu_.copy_out(host, device, bytes);
  }
  void sync() override {
    ++counts_.syncs;
    gpu_.sync();
  }
  void run(const LaunchList& launches) override {
    ++counts_.lists;
    counts_.launches += launches.size();
    gpu_.run(launches);
  }
  ProductLibrary product_library() const override { return gpu_.product_library(); }
  bool multiply(const MatrixProduct& product) override {
    ++counts_.products;
    return gpu_.multiply(product);
  }

 private:
  Counts& counts_;
  HostGpu gpu_;
};

}  // namespace tandem::cuda
