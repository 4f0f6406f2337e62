// The backends under test: cpu at each instruction set of this machine with one and two threads,
// the CUDA backend with its kernels run on the host, and, in builds with CUDA, the first GPU. And
// random operands for them.
#pragma once

#include <cmath>
#include <cstring>
#include <memory>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/cpu/backend.h"
#include "kernels/host_gpu.h"
#include "kernels/staged_backend.h"

namespace tandem {

struct BackendCase {
  enum class Kind { cpu, cuda_on_host, cuda };
  Kind kind = Kind::cpu;
  cpu::Isa isa = cpu::Isa::baseline;  // cpu
  int threads = 1;                    // cpu
};

// A device has memory of its own, so its backend is staged.
inline std::unique_ptr<Backend> open(const BackendCase& which,
                                     Numerics numerics = Numerics::exact) {
  if (which.kind == BackendCase::Kind::cuda_on_host)
    return std::make_unique<StagedBackend>(cuda::open_on_host(numerics));
  if (which.kind == BackendCase::Kind::cuda)
    return std::make_unique<StagedBackend>(
        make_backend({.device = Device::cuda(0), .numerics = numerics}));
  return cpu::make_cpu_backend(
      {.device = Device::cpu(), .threads = which.threads, .numerics = numerics}, which.isa);
}

// The same with one thread.
inline std::unique_ptr<Backend> open_single(BackendCase which) {
  which.threads = 1;
  return open(which);
}

inline std::string name_of(const BackendCase& which) {
  if (which.kind == BackendCase::Kind::cuda_on_host) return "cuda_on_host";
  if (which.kind == BackendCase::Kind::cuda) return "cuda_0";
  return std::string(cpu::to_string(which.isa)) + "_" + std::to_string(which.threads);
}

inline void PrintTo(const BackendCase& which, std::ostream* out) {
  *out << name_of(which);
}

inline std::vector<BackendCase> cpu_backends() {
  std::vector<BackendCase> cases;
  for (const cpu::Isa isa :
       {cpu::Isa::baseline, cpu::Isa::avx2, cpu::Isa::avx512, cpu::Isa::avx512_vnni})
    for (const int threads : {1, 2})
      if (isa <= cpu::widest_isa()) cases.push_back({BackendCase::Kind::cpu, isa, threads});
  return cases;
}

// A parametrised suite whose tests see `backend` and `reference`. Skipped where the device is not
// there.
class BackendTest : public testing::TestWithParam<BackendCase> {
 protected:
  void SetUp() override {
    try {
      backend = open(GetParam());
    } catch (const Error& error) {
      if (error.code() != ErrorCode::device) throw;
      GTEST_SKIP() << error.what();
    }
  }

  std::unique_ptr<Backend> backend;
  std::unique_ptr<Backend> reference = make_reference_backend();
};

#define TANDEM_BACKEND_CASES(prefix, suite, ...)                          \
  INSTANTIATE_TEST_SUITE_P(prefix, suite, testing::ValuesIn(__VA_ARGS__), \
                           [](const auto& which) { return name_of(which.param); })

#define TANDEM_FOR_CPU_BACKENDS(suite) TANDEM_BACKEND_CASES(Cpu, suite, cpu_backends())

// The prefix Gpu is the label `gpu` in ctest.
#ifdef TANDEM_CUDA
#define TANDEM_FOR_GPU_BACKENDS(suite) \
  TANDEM_BACKEND_CASES(Gpu, suite, std::vector{BackendCase{BackendCase::Kind::cuda}})
#else
#define TANDEM_FOR_GPU_BACKENDS(suite) static_assert(true)
#endif

#define TANDEM_FOR_ALL_BACKENDS(suite)                                                          \
  TANDEM_FOR_CPU_BACKENDS(suite);                                                               \
  TANDEM_BACKEND_CASES(Cuda, suite, std::vector{BackendCase{BackendCase::Kind::cuda_on_host}}); \
  TANDEM_FOR_GPU_BACKENDS(suite)

// rows x cols floats in a buffer with a wider stride, whose padding is NaN: reading it shows.
class Matrix {
 public:
  Matrix(std::int64_t rows, std::int64_t cols, std::int64_t stride)
      : rows_(rows),
        cols_(cols),
        stride_(stride),
        data_(static_cast<std::size_t>(rows * stride + 1), std::nanf("")) {}
  Matrix(std::int64_t rows, std::int64_t cols) : Matrix(rows, cols, cols + 3) {}

  static Matrix random(std::int64_t rows, std::int64_t cols, unsigned seed, float range = 1.0F) {
    Matrix matrix(rows, cols);
    std::mt19937 generator(seed);
    std::uniform_real_distribution<float> uniform(-range, range);
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < cols; ++c) matrix.at(r, c) = uniform(generator);
    return matrix;
  }

  std::int64_t rows() const { return rows_; }
  std::int64_t cols() const { return cols_; }
  float& at(std::int64_t r, std::int64_t c) {
    return data_[static_cast<std::size_t>(r * stride_ + c)];
  }
  float at(std::int64_t r, std::int64_t c) const {
    return data_[static_cast<std::size_t>(r * stride_ + c)];
  }
  MatrixView view() { return {data_.data(), DType::float32, rows_, cols_, stride_}; }
  ConstMatrixView view() const { return {data_.data(), DType::float32, rows_, cols_, stride_}; }
  // A copy of some rows with another stride.
  Matrix rows_from(std::int64_t first, std::int64_t count) const {
    Matrix part(count, cols_, cols_ + 1);
    for (std::int64_t r = 0; r < count; ++r)
      for (std::int64_t c = 0; c < cols_; ++c) part.at(r, c) = at(first + r, c);
    return part;
  }

  // What lies between the rows must still be the NaN that was put there.
  bool padding_is_untouched() const {
    for (std::int64_t r = 0; r < rows_; ++r)
      for (std::int64_t c = cols_; c < stride_; ++c)
        if (!std::isnan(at(r, c))) return false;
    return true;
  }

 private:
  std::int64_t rows_, cols_, stride_;
  std::vector<float> data_;
};

// The nearest half of each element, rows one after another.
class NarrowMatrix {
 public:
  explicit NarrowMatrix(const Matrix& matrix) : rows_(matrix.rows()), cols_(matrix.cols()) {
    for (std::int64_t r = 0; r < rows_; ++r)
      for (std::int64_t c = 0; c < cols_; ++c) bits_.push_back(float_to_half(matrix.at(r, c)));
  }

  void clear() { bits_.assign(bits_.size(), 0); }
  const std::vector<std::uint16_t>& bits() const { return bits_; }
  MatrixView view() { return {bits_.data(), DType::float16, rows_, cols_, cols_}; }
  ConstMatrixView view() const { return {bits_.data(), DType::float16, rows_, cols_, cols_}; }
  Matrix widened() const {
    Matrix wide(rows_, cols_);
    for (std::int64_t r = 0; r < rows_; ++r)
      for (std::int64_t c = 0; c < cols_; ++c)
        wide.at(r, c) = half_to_float(bits_[static_cast<std::size_t>(r * cols_ + c)]);
    return wide;
  }

 private:
  std::int64_t rows_, cols_;
  std::vector<std::uint16_t> bits_;
};

inline void expect_bits_equal(const Matrix& got, const Matrix& expected, const std::string& what) {
  for (std::int64_t r = 0; r < expected.rows(); ++r)
    for (std::int64_t c = 0; c < expected.cols(); ++c) {
      const float a = got.at(r, c), b = expected.at(r, c);
      ASSERT_EQ(std::memcmp(&a, &b, sizeof a), 0)
          << what << " at " << r << ", " << c << ": " << a << " is not " << b;
    }
}

inline void expect_near(const Matrix& got, const Matrix& expected, float tolerance,
                        const std::string& what) {
  for (std::int64_t r = 0; r < expected.rows(); ++r)
    for (std::int64_t c = 0; c < expected.cols(); ++c)
      ASSERT_NEAR(got.at(r, c), expected.at(r, c), tolerance) << what << " at " << r << ", " << c;
  EXPECT_TRUE(got.padding_is_untouched()) << what;
}

inline Tensor tensor_of(const Matrix& matrix) {
  Tensor tensor = Tensor::zeros({matrix.rows(), matrix.cols()}, DType::float32);
  const auto data = tensor.mutable_data<float>();
  for (std::int64_t r = 0; r < matrix.rows(); ++r)
    for (std::int64_t c = 0; c < matrix.cols(); ++c)
      data[static_cast<std::size_t>(r * matrix.cols() + c)] = matrix.at(r, c);
  return tensor;
}

}  // namespace tandem
