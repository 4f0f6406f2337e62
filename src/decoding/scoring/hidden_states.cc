#include <string>

#include <tandem/error.h>
#include <tandem/output.h>

namespace tandem {

std::span<const float> HiddenStates::at(std::size_t position) const {
  if (position >= positions)
    throw Error(ErrorCode::invalid_argument,
                "there is no hidden state of position " + std::to_string(position) +
                    "; expected less than " + std::to_string(positions));
  return std::span(values).subspan(position * width, width);
}

std::vector<float> HiddenStates::mean() const {
  std::vector<double> sums(width, 0.0);
  for (std::size_t p = 0; p < positions; ++p)
    for (std::size_t d = 0; d < width; ++d) sums[d] += values[p * width + d];
  std::vector<float> mean;
  for (const double sum : sums)
    mean.push_back(positions == 0 ? 0.0F
                                  : static_cast<float>(sum / static_cast<double>(positions)));
  return mean;
}

}  // namespace tandem
