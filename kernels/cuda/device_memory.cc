#include "kernels/cuda/device_memory.h"

#include <algorithm>
#include <bit>
#include <string>
#include <utility>

namespace tandem::cuda {
namespace {

constexpr std::size_t kSmallestBlock = 256;

class DeviceBuffer final : public Buffer {
 public:
  DeviceBuffer(std::shared_ptr<DeviceMemory> memory, void* data, std::size_t rounded)
      : memory_(std::move(memory)), data_(data), rounded_(rounded) {}
  ~DeviceBuffer() override { memory_->give_back(data_, rounded_); }
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;

  void* data() override { return data_; }
  std::size_t bytes() const override { return rounded_; }

 private:
  std::shared_ptr<DeviceMemory> memory_;
  void* data_;
  std::size_t rounded_;
};

}  // namespace

std::size_t rounded_size(std::size_t bytes) {
  if (bytes <= kSmallestBlock) return kSmallestBlock;
  const std::size_t step = std::max(kSmallestBlock, std::bit_floor(bytes) / 8);
  const std::size_t rest = bytes % step;
  const std::size_t missing = rest == 0 ? 0 : step - rest;
  return bytes + missing < bytes ? bytes : bytes + missing;
}

DeviceMemory::~DeviceMemory() {
  release_idle();
}

std::unique_ptr<Buffer> DeviceMemory::allocate(std::size_t bytes) {
  const std::size_t rounded = rounded_size(bytes);
  void* data = nullptr;
  {
    const std::lock_guard lock(mutex_);
    std::vector<void*>& idle = blocks_[rounded].idle;
    if (!idle.empty()) {
      data = idle.back();
      idle.pop_back();
    }
  }
  if (data == nullptr) data = take_new(rounded);
  if (data == nullptr)
    throw Error(ErrorCode::resource_exhausted,
                "cannot allocate " + std::to_string(bytes) + " bytes of device memory");
  return std::make_unique<DeviceBuffer>(shared_from_this(), data, rounded);
}

void* DeviceMemory::take_new(std::size_t rounded) {
  {
    const std::lock_guard lock(mutex_);
    Blocks& blocks = blocks_[rounded];
    blocks.idle.reserve(blocks.all + 1);
  }
  void* data = stream_.allocate(rounded);
  if (data == nullptr) {  // what lies idle in other sizes may be enough
    stream_.drain();
    release_idle();
    data = stream_.allocate(rounded);
  }
  if (data != nullptr) {
    const std::lock_guard lock(mutex_);
    ++blocks_[rounded].all;
  }
  return data;
}

void DeviceMemory::give_back(void* device, std::size_t rounded) noexcept {
  const std::lock_guard lock(mutex_);
  blocks_.find(rounded)->second.idle.push_back(device);
}

void DeviceMemory::release_idle() noexcept {
  const std::lock_guard lock(mutex_);
  for (auto& [size, blocks] : blocks_) {
    for (void* block : blocks.idle) stream_.free(block);
    blocks.all -= blocks.idle.size();
    blocks.idle.clear();
  }
}

}  // namespace tandem::cuda
