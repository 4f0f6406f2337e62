#include "kernels/cuda/device_memory.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>
#include <utility>

namespace tandem::cuda {
namespace {

constexpr std::size_t kSmallestBlock = 256;
constexpr std::size_t kPageBytes = std::size_t{1} << 20;
constexpr std::size_t kMostPages = 8;  // that pile up before an op waits
constexpr std::size_t kUploadAlignment = 64;

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

[[noreturn]] void refuse(const char* kind, std::size_t bytes) {
  throw Error(ErrorCode::resource_exhausted,
              "cannot allocate " + std::to_string(bytes) + " bytes of " + kind + " memory");
}

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
    std::vector<void*>& idle = idle_[rounded];
    if (!idle.empty()) {
      data = idle.back();
      idle.pop_back();
    }
  }
  if (data == nullptr) data = gpu_->allocate(rounded);
  if (data == nullptr) {  // what lies idle in other sizes may be enough
    release_idle();
    data = gpu_->allocate(rounded);
  }
  if (data == nullptr) refuse("device", bytes);
  return std::make_unique<DeviceBuffer>(shared_from_this(), data, rounded);
}

void DeviceMemory::give_back(void* device, std::size_t rounded) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    idle_[rounded].push_back(device);
  } catch (...) {  // no memory to remember it
    gpu_->free(device);
  }
}

void DeviceMemory::release_idle() noexcept {
  const std::lock_guard lock(mutex_);
  for (auto& [size, blocks] : idle_)
    for (void* block : blocks) gpu_->free(block);
  idle_.clear();
}

Uploads::~Uploads() {
  for (Page& page : pages_) memory_.gpu().free_host(page.host);
}

void Uploads::begin() {
  if (page_ < kMostPages) return;
  memory_.gpu().sync();
  reset();
}

void Uploads::reset() {
  page_ = offset_ = flushed_ = 0;
}

const void* Uploads::upload_bytes(const void* values, std::size_t bytes) {
  if (bytes == 0) return nullptr;
  const std::size_t padded = (bytes + kUploadAlignment - 1) / kUploadAlignment * kUploadAlignment;
  while (page_ < pages_.size() && pages_[page_].device->bytes() - offset_ < padded) {
    flush();
    ++page_;
    offset_ = flushed_ = 0;
  }
  if (page_ == pages_.size()) add_page(padded);
  Page& page = pages_[page_];
  std::memcpy(page.host + offset_, values, bytes);
  const void* device = static_cast<std::byte*>(page.device->data()) + offset_;
  offset_ += padded;
  return device;
}

void Uploads::flush() {
  if (flushed_ == offset_) return;
  Page& page = pages_[page_];
  auto* device = static_cast<std::byte*>(page.device->data());
  memory_.gpu().copy_in(device + flushed_, page.host + flushed_, offset_ - flushed_);
  flushed_ = offset_;
}

void Uploads::add_page(std::size_t bytes) {
  const std::size_t size = std::max(bytes, kPageBytes);
  std::unique_ptr<Buffer> device = memory_.allocate(size);
  pages_.reserve(pages_.size() + 1);
  void* host = memory_.gpu().allocate_host(device->bytes());
  if (host == nullptr) refuse("page-locked", size);
  pages_.push_back({static_cast<std::byte*>(host), std::move(device)});
}

}  // namespace tandem::cuda
