// The variables of a CTranslate2 model under the names of the newest revision of its specs, with
// quantised weights and their scales as one thing: what families/ctranslate2.h reads.
//
// Revision 1 has OpenNMT-tf's names ("transformer/encoder/layer_0/multi_head/conv1d/kernel:0").
// int8 rows have a scale each, value = q / scale, and stay int8. int16 weights have one for all
// (1000 if the file has none) and become float32 here, since no backend multiplies in int16.
// Source: OpenNMT/CTranslate2, src/models/transformer.cc and src/models/model.cc.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>

#include "kernels/backend.h"
#include "models/readers/ctranslate2_model_file.h"
#include "models/weights.h"
#include "nn/norm.h"

namespace tandem {

class CTranslate2Variables {
 public:
  // Throws Error{corrupt} for a weight whose scale is missing, misshapen or not positive.
  explicit CTranslate2Variables(CTranslate2ModelFile file);

  const std::string& origin() const { return weights_.origin(); }
  std::uint32_t version() const { return version_; }
  const std::string& spec() const { return spec_; }
  std::uint32_t revision() const { return revision_; }

  bool contains(const std::string& name) const { return weights_.contains(name); }
  // True if a variable begins so, such as "encoder/layer_3/".
  bool contains_scope(const std::string& scope) const;
  const WeightMap& weights() const { return weights_; }

  // Facts, which are scalars. Nothing when the variable is not there. Throws Error{corrupt} for
  // another shape or type.
  std::optional<std::int64_t> integer(const std::string& name);
  std::optional<double> number(const std::string& name);
  bool flag(const std::string& name, bool fallback);
  // A string as int8 characters.
  std::optional<std::string> text(const std::string& name);
  // The first of two names that is there: facts had no scope before revision 5.
  std::optional<std::int64_t> integer_of(const std::string& side, const std::string& name);

  // Weights (-1: any extent). Throws Error{corrupt} that names file, variable, expected and found.
  // `<name>/weight` [outputs, inputs], int8 or float32, and `<name>/bias` if it is there.
  LinearWeights linear(const std::string& name, std::int64_t outputs, std::int64_t inputs);
  // `<name>/weight` [V, D] as float32. The same tensor for names of the same bytes.
  Tensor table(const std::string& name, std::int64_t dim);
  Tensor floats(const std::string& name, std::initializer_list<std::int64_t> shape);
  // `<name>/gamma` and, if it is there, `<name>/beta`.
  NormWeights norm(const std::string& name, std::int64_t dim);

  void ignore(const std::string& name) { weights_.ignore(name); }
  void check_all_used() const { weights_.check_all_used(); }

 private:
  const Weight& take_matrix(const std::string& name, std::initializer_list<std::int64_t> shape);
  const Tensor* scalar(const std::string& name);

  std::uint32_t version_;
  std::string spec_;
  std::uint32_t revision_;
  WeightMap weights_;
  std::map<const std::byte*, Tensor> tables_;  // by the bytes in the file
};

}  // namespace tandem
