#include "nn/mel_front_end.h"

#include <string>
#include <utility>

#include <tandem/error.h>

#include "base/check.h"

namespace tandem {
namespace {

constexpr std::int64_t kPadding = 1;  // frames of zeros on each side

std::string shape_text(std::int64_t channels, std::int64_t frames) {
  return "[" + std::to_string(channels) + ", " + std::to_string(frames) + "]";
}

// [frames + 2 * kPadding, channels]: time outermost, with the padding.
std::vector<float> padded_frames(const Features& features) {
  const auto channels = static_cast<std::size_t>(features.channels);
  const auto frames = static_cast<std::size_t>(features.frames);
  std::vector<float> padded((frames + 2 * kPadding) * channels, 0.0F);
  for (std::size_t c = 0; c < channels; ++c)
    for (std::size_t t = 0; t < frames; ++t)
      padded[(t + kPadding) * channels + c] = features.values[c * frames + t];
  return padded;
}

}  // namespace

MelFrontEnd::MelFrontEnd(Backend& backend, std::span<const LinearWeights> convolutions,
                         Parameter positions, ComputeType type)
    : positions_(std::move(positions)) {
  TANDEM_CHECK(convolutions.size() == kConvolutions);
  first_ = Convolution(backend, convolutions[0], kKernel, /*stride=*/1, Activation::gelu_erf, type);
  second_ =
      Convolution(backend, convolutions[1], kKernel, /*stride=*/2, Activation::gelu_erf, type);
}

void MelFrontEnd::check(const Features& features) const {
  const bool consistent = features.channels > 0 && features.frames > 0 &&
                          features.values.size() / static_cast<std::size_t>(features.channels) ==
                              static_cast<std::size_t>(features.frames) &&
                          features.values.size() % static_cast<std::size_t>(features.channels) == 0;
  if (consistent && features.channels == channels() && features.frames == frames()) return;
  throw Error(ErrorCode::invalid_argument,
              "the features have the shape " + shape_text(features.channels, features.frames) +
                  " and " + std::to_string(features.values.size()) + " values; this model takes " +
                  shape_text(channels(), frames()),
              "pad or cut the spectrum to the model's window");
}

void MelFrontEnd::forward(Backend& backend, std::span<const Features* const> sources, MatrixView x,
                          Workspace& workspace) const {
  const std::int64_t rows = frames() + 2 * kPadding;
  const std::vector<float> zeros(static_cast<std::size_t>(kPadding * first_.outputs()), 0.0F);
  const std::size_t zero_bytes = zeros.size() * sizeof(float);
  for (std::size_t s = 0; s < sources.size(); ++s) {
    check(*sources[s]);
    const std::vector<float> host = padded_frames(*sources[s]);
    const MatrixView input = workspace.features.matrix(backend, rows, channels());
    backend.to_device(input.raw(), host.data(), host.size() * sizeof(float));
    const MatrixView middle = workspace.convolved.matrix(backend, rows, first_.outputs());
    backend.to_device(middle.raw(), zeros.data(), zero_bytes);
    backend.to_device(middle.slice_rows(rows - kPadding, kPadding).raw(), zeros.data(), zero_bytes);
    first_.forward(backend, input, middle.slice_rows(kPadding, frames()));
    const MatrixView out = x.slice_rows(static_cast<std::int64_t>(s) * positions(), positions());
    second_.forward(backend, middle, out);
    backend.add(out, positions_.view(), out);
  }
}

}  // namespace tandem
