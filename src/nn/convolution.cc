#include "nn/convolution.h"

#include "base/check.h"

namespace tandem {

Convolution::Convolution(Backend& backend, const LinearWeights& weights, std::int64_t kernel,
                         std::int64_t stride, Activation activation, ComputeType type)
    : product_(backend, weights, type), kernel_(kernel), stride_(stride), activation_(activation) {
  TANDEM_CHECK(kernel > 0 && stride > 0 && product_.inputs() % kernel == 0);
}

void Convolution::forward(Backend& backend, ConstMatrixView x, MatrixView out) const {
  TANDEM_CHECK(x.stride() == x.cols() && x.cols() == channels());
  TANDEM_CHECK(out.rows() == output_frames(x.rows()));
  const ConstMatrixView windows(x.raw(), x.dtype(), out.rows(), kernel_ * x.cols(),
                                stride_ * x.cols());
  LinearEpilogue epilogue;
  epilogue.activation = activation_;
  product_.forward(backend, windows, out, epilogue);
}

Tensor convolution_weights(const Tensor& stored) {
  const std::int64_t outputs = stored.shape()[0], channels = stored.shape()[1],
                     kernel = stored.shape()[2];
  Tensor ordered = Tensor::zeros({outputs, kernel * channels}, DType::float32);
  const auto from = stored.data<float>();
  const auto to = ordered.mutable_data<float>();
  for (std::int64_t n = 0; n < outputs; ++n)
    for (std::int64_t c = 0; c < channels; ++c)
      for (std::int64_t k = 0; k < kernel; ++k)
        to[static_cast<std::size_t>((n * kernel + k) * channels + c)] =
            from[static_cast<std::size_t>((n * channels + c) * kernel + k)];
  return ordered;
}

}  // namespace tandem
