// A backend whose memory is elsewhere, under tests that hold matrices of the host: each op copies
// its matrices to the device, runs there, and copies back what it may have written. Matrices that
// begin at one place are one matrix on the device too, so ops run in place where the test does.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kernels/backend.h"

namespace tandem {

class StagedBackend final : public Backend {
 public:
  explicit StagedBackend(std::unique_ptr<Backend> device) : device_(std::move(device)) {}

  Device device() const override { return device_->device(); }
  std::string name() const override { return device_->name(); }
  DType cache_type(ComputeType type) const override { return device_->cache_type(type); }
  bool prefers_running_ahead() const override { return device_->prefers_running_ahead(); }
  std::unique_ptr<Buffer> allocate(std::size_t bytes) override { return device_->allocate(bytes); }
  void to_device(void* device, const void* host, std::size_t bytes) override {
    device_->to_device(device, host, bytes);
  }
  void to_host(void* host, const void* device, std::size_t bytes) override {
    device_->to_host(host, device, bytes);
  }
  void sync() override { device_->sync(); }

  std::shared_ptr<const PackedLinear> pack(const LinearWeights& weights,
                                           ComputeType type) override {
    return device_->pack(weights, type);
  }
  std::shared_ptr<const PackedLinear> select_outputs(
      const PackedLinear& weights, std::span<const std::int32_t> columns) override {
    return device_->select_outputs(weights, columns);
  }
  void linear(ConstMatrixView x, const PackedLinear& weights, const LinearEpilogue& epilogue,
              MatrixView out) override {
    Stage stage(*device_);
    LinearEpilogue staged = epilogue;
    staged.residual = stage.in(epilogue.residual);
    device_->linear(stage.in(x), weights, staged, stage.out(out));
  }

  void embed(ConstMatrixView table, TokenIds ids, float scale, ConstMatrixView positions,
             std::span<const std::int32_t> position_ids, MatrixView out) override {
    Stage stage(*device_);
    const std::unique_ptr<Buffer> chosen = device_->allocate(ids.size() * sizeof(Candidate));
    if (ids.chosen() != nullptr) {
      device_->to_device(chosen->data(), ids.chosen(), ids.size() * sizeof(Candidate));
      ids = TokenIds(static_cast<const Candidate*>(chosen->data()), ids.size());
    }
    device_->embed(stage.in(table), ids, scale, stage.in(positions), position_ids, stage.out(out));
  }
  void layer_norm(ConstMatrixView x, ConstMatrixView gain, ConstMatrixView bias, float epsilon,
                  MatrixView out) override {
    Stage stage(*device_);
    device_->layer_norm(stage.in(x), stage.in(gain), stage.in(bias), epsilon, stage.out(out));
  }
  void rms_norm(ConstMatrixView x, ConstMatrixView gain, float epsilon, MatrixView out) override {
    Stage stage(*device_);
    device_->rms_norm(stage.in(x), stage.in(gain), epsilon, stage.out(out));
  }
  void activate(ConstMatrixView x, Activation activation, MatrixView out) override {
    Stage stage(*device_);
    device_->activate(stage.in(x), activation, stage.out(out));
  }
  void add(ConstMatrixView a, ConstMatrixView b, MatrixView out) override {
    Stage stage(*device_);
    device_->add(stage.in(a), stage.in(b), stage.out(out));
  }
  void multiply(ConstMatrixView a, ConstMatrixView b, MatrixView out) override {
    Stage stage(*device_);
    device_->multiply(stage.in(a), stage.in(b), stage.out(out));
  }
  void scatter_rows(ConstMatrixView from, std::span<const std::int32_t> to_rows,
                    MatrixView to) override {
    Stage stage(*device_);
    device_->scatter_rows(stage.in(from), to_rows, stage.out(to));
  }
  void gather_rows(ConstMatrixView from, std::span<const std::int32_t> rows,
                   MatrixView out) override {
    Stage stage(*device_);
    device_->gather_rows(stage.in(from), rows, stage.out(out));
  }

  void attention(ConstMatrixView queries, std::span<const AttentionGroup> groups,
                 const AttentionShape& shape, MatrixView out,
                 float* const* weights_of_head0) override {
    Stage stage(*device_);
    AttentionShape staged = shape;
    staged.distance_bias = stage.in(shape.distance_bias);
    std::vector<AttentionGroup> there(groups.begin(), groups.end());
    for (AttentionGroup& group : there) {
      group.keys = stage.in(group.keys);
      group.values = stage.in(group.values);
    }
    device_->attention(stage.in(queries), there, staged, stage.out(out), weights_of_head0);
  }
  void ssru(ConstMatrixView candidate, ConstMatrixView forget,
            std::span<const std::int32_t> previous_slots, std::span<const std::int32_t> slots,
            MatrixView states, MatrixView out) override {
    Stage stage(*device_);
    device_->ssru(stage.in(candidate), stage.in(forget), previous_slots, slots, stage.out(states),
                  stage.out(out));
  }

  void select(MatrixView logits, std::span<const SelectQuery> queries,
              std::span<SelectAnswer> answers, Candidate* out, std::size_t out_stride) override {
    Stage stage(*device_);
    device_->select(stage.out(logits), queries, answers, out, out_stride);
  }
  void select_best(MatrixView logits, std::span<const SelectQuery> queries,
                   Candidate* best) override {
    Stage stage(*device_);
    const std::size_t bytes = queries.size() * sizeof(Candidate);
    const std::unique_ptr<Buffer> there = device_->allocate(bytes);
    device_->select_best(stage.out(logits), queries, static_cast<Candidate*>(there->data()));
    device_->to_host(best, there->data(), bytes);
  }

 private:
  // The matrices of one op.
  class Stage {
   public:
    explicit Stage(Backend& device) : device_(device) {}
    ~Stage() noexcept(false) {
      for (const auto& [host, copy] : copies_)
        if (copy.written) device_.to_host(const_cast<void*>(host), copy.buffer->data(), copy.bytes);
    }
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;

    ConstMatrixView in(ConstMatrixView view) {
      if (view.rows() == 0) return view;
      return {copy_of(view).buffer->data(), view.dtype(), view.rows(), view.cols(), view.stride()};
    }
    MatrixView out(MatrixView view) {
      if (view.rows() == 0) return view;
      Copy& copy = copy_of(view);
      copy.written = true;
      return {copy.buffer->data(), view.dtype(), view.rows(), view.cols(), view.stride()};
    }

   private:
    struct Copy {
      std::unique_ptr<Buffer> buffer;
      std::size_t bytes = 0;
      bool written = false;
    };

    // From the first element to the last, with what lies between the rows.
    Copy& copy_of(ConstMatrixView view) {
      const auto elements =
          static_cast<std::size_t>((view.rows() - 1) * view.stride() + view.cols());
      const std::size_t bytes = elements * size_of(view.dtype());
      Copy& copy = copies_[view.raw()];
      if (!copy.buffer) {
        copy.buffer = device_.allocate(bytes);
        copy.bytes = bytes;
        device_.to_device(copy.buffer->data(), view.raw(), bytes);
      }
      TANDEM_CHECK(copy.bytes == bytes);
      return copy;
    }

    Backend& device_;
    std::map<const void*, Copy> copies_;
  };

  std::unique_ptr<Backend> device_;
};

}  // namespace tandem
