#include "kernels/cuda/stream.h"

#include <algorithm>
#include <cstring>
#include <string>

#include <tandem/error.h>

namespace tandem::cuda {
namespace {

constexpr std::size_t kPageBytes = std::size_t{1} << 20;
// Of arrays that gather before an op waits: room for four passes of 512 rows and 24 layers, of
// which each sends the slots and the queries of its attention.
constexpr std::size_t kMostPages = 32;
constexpr std::size_t kMostLaunches = 1024;  // that gather before they are handed over
constexpr std::size_t kUploadAlignment = 64;

[[noreturn]] void refuse(const char* kind, std::size_t bytes) {
  throw Error(ErrorCode::resource_exhausted,
              "cannot allocate " + std::to_string(bytes) + " bytes of " + kind + " memory");
}

}  // namespace

Stream::~Stream() {
  for (const Page& page : pages_) {
    gpu_->free_host(page.host);
    gpu_->free(page.device);
  }
}

void Stream::begin_op() {
  if (page_ >= kMostPages) {
    sync();
  } else if (launches_.size() >= kMostLaunches) {
    submit();
  }
}

// Copies and launches that have gathered, in this order: no launch before these reads the arrays.
void Stream::submit() {
  try {
    copy_page();
    if (launches_.size() > 0) gpu_->run(launches_);
  } catch (...) {
    launches_.clear();
    throw;
  }
  launches_.clear();
}

bool Stream::multiply(const MatrixProduct& product) {
  submit();
  return gpu_->multiply(product);
}

void Stream::copy_in(void* device, const void* host, std::size_t bytes) {
  submit();
  gpu_->copy_in(device, host, bytes);
}

void Stream::copy_out(void* host, const void* device, std::size_t bytes) {
  submit();
  gpu_->copy_out(host, device, bytes);
}

void Stream::drain() {
  submit();
  gpu_->sync();
}

void Stream::sync() {
  drain();
  page_ = offset_ = copied_ = 0;
}

const void* Stream::upload_bytes(const void* values, std::size_t bytes) {
  if (bytes == 0) return nullptr;
  const std::size_t padded = (bytes + kUploadAlignment - 1) / kUploadAlignment * kUploadAlignment;
  while (page_ < pages_.size() && pages_[page_].bytes - offset_ < padded) {
    copy_page();
    ++page_;
    offset_ = copied_ = 0;
  }
  if (page_ == pages_.size()) add_page(padded);
  const Page& page = pages_[page_];
  std::memcpy(page.host + offset_, values, bytes);
  const void* device = page.device + offset_;
  offset_ += padded;
  return device;
}

void Stream::copy_page() {
  if (copied_ == offset_) return;
  const Page& page = pages_[page_];
  gpu_->copy_in(page.device + copied_, page.host + copied_, offset_ - copied_);
  copied_ = offset_;
}

void Stream::add_page(std::size_t bytes) {
  const std::size_t size = std::max(bytes, kPageBytes);
  pages_.reserve(pages_.size() + 1);
  void* device = gpu_->allocate(size);
  if (device == nullptr) refuse("device", size);
  void* host = gpu_->allocate_host(size);
  if (host == nullptr) {
    gpu_->free(device);
    refuse("page-locked", size);
  }
  pages_.push_back({static_cast<std::byte*>(host), static_cast<std::byte*>(device), size});
}

}  // namespace tandem::cuda
