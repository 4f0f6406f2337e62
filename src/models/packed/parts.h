// What a packed file holds of a model, part by part: the one list that the writer fills a file from
// and the reader fills a model from. The shapes are those that the spec asks for, so that a file
// that contradicts its spec is refused before anything is computed with it.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "models/model_spec.h"
#include "models/model_weights.h"

namespace tandem {

class PartVisitor {
 public:
  virtual ~PartVisitor() = default;

  // One product that gives the outputs of all `stack`, one after another: nn/linear.h,
  // stack_outputs. [outputs, inputs]; outputs -1: any number. Returns the outputs that it has.
  virtual std::int64_t product(const std::string& name, std::span<LinearWeights* const> stack,
                               std::int64_t outputs, std::int64_t inputs) = 0;
  // A float32 tensor [rows, columns]; rows -1: any number of at least `least_rows`; rows 0: a
  // vector [columns]. `twin`, where there is one, is an earlier table that may be the same.
  struct TableShape {
    std::int64_t rows = 0, columns = 0, least_rows = 1;
  };
  virtual void table(const std::string& name, Tensor& tensor, const TableShape& shape,
                     const Tensor* twin) = 0;
};

// `weights` have as many layers and alternatives as the spec says: those of a family, or
// empty_weights(spec).
void visit_parts(const ModelSpec& spec, ModelWeights& weights, PartVisitor& visitor);

// All layers that the spec asks for, without tensors.
ModelWeights empty_weights(const ModelSpec& spec);

}  // namespace tandem
