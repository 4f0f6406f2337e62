// Sinusoidal position tables (Vaswani et al. 2017, section 3.5) in the two forms that models were
// trained with. Both put the sines in the first half of a row and the cosines in the second;
// position 0 is row 0. They differ in the rate, and a model run with the wrong one differs in the
// fourth digit, so the form is chosen by the file format and never guessed.
#pragma once

#include <cstdint>

#include "tensor/tensor.h"

namespace tandem {

// Rate 10000^(-2i / D): Hugging Face's Marian and Pegasus. Computed in float64 and rounded once, as
// transformers does. [positions, D] float32; any D > 0.
Tensor sinusoid_paper(std::int64_t positions, std::int64_t dim);

// Rate 10000^(-i / (D/2 - 1)): Tensor2Tensor, fairseq, native Marian, M2M100. Computed in float32
// throughout, as Marian does. D must be even and at least 4.
Tensor sinusoid_tensor2tensor(std::int64_t positions, std::int64_t dim);

}  // namespace tandem
