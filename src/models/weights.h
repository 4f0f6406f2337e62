// The named tensors of a model file, and the strict way to take them: a tensor that is missing, has
// another shape, or is never used is an error that names file, tensor, expected and found.
#pragma once

#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tensor/tensor.h"

namespace tandem {

// One tensor as stored. int8 tensors carry how to read them: value = q * scale.
struct Weight {
  Tensor tensor;
  std::vector<float> scales;  // int8: 1 entry, or one for each row; empty otherwise
};

class WeightMap {
 public:
  // `origin` is the file or directory, for messages.
  explicit WeightMap(std::string origin) : origin_(std::move(origin)) {}

  // Throws Error{corrupt} for a name that is there already.
  void add(const std::string& name, Weight weight);

  bool contains(const std::string& name) const { return weights_.count(name) != 0; }
  const std::string& origin() const { return origin_; }
  const std::map<std::string, Weight>& all() const { return weights_; }

  // The tensor, which must have this shape (-1: any extent), and marks it used.
  // Throws Error{corrupt}: "FILE: tensor 'NAME' is missing; expected [..]", or "... has shape [..], expected [..]".
  const Weight& take(const std::string& name, std::initializer_list<std::int64_t> shape);
  // The same, or null when there is none.
  const Weight* take_if_present(const std::string& name, std::initializer_list<std::int64_t> shape);
  // Marks a tensor used that is deliberately not read, such as a tied copy or training state.
  void ignore(const std::string& name) { used_.insert(name); }

  // Takes `prefix` from all names that begin with it: of a model that was saved inside another one.
  void drop_prefix(const std::string& prefix);

  // Throws Error{corrupt} that lists tensors that nobody took.
  void check_all_used() const;

 private:
  std::string origin_;
  std::map<std::string, Weight> weights_;
  std::set<std::string> used_;
};

}  // namespace tandem
