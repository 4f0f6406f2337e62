// Features::read_npy: the file format of npz.h, and its conversion.

#include <tandem/error.h>
#include <tandem/features.h>

#include "base/file_io.h"
#include "models/readers/npz.h"

namespace tandem {

Features Features::read_npy(const std::string& path, std::size_t max_bytes) {
  const FileBytes file = FileBytes::read(path, max_bytes, "features");
  const Tensor stored = parse_npy(file.bytes(), file.owner(), path);
  if (stored.shape().rank() != 2)
    throw Error(ErrorCode::invalid_argument, path + " has the shape " + stored.shape().to_string() +
                                                 "; expected two axes: channels and frames");
  const DType type = stored.dtype();
  if (type != DType::float32 && type != DType::float64 && type != DType::float16)
    throw Error(ErrorCode::unsupported,
                path + " has the type " + std::string(to_string(type)) + "; expected a float type");
  const Tensor values = stored.to_float32();
  const auto data = values.data<float>();
  return {stored.shape()[0], stored.shape()[1], {data.begin(), data.end()}};
}

}  // namespace tandem
