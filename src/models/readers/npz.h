// NumPy's array files: .npy, and .npz, a ZIP archive of them.
// Format: numpy.lib.format, "Format Version 1.0" to "3.0".
//
//   0x93 "NUMPY" | u8 major, minor | u16 (u32 from version 2) length | a Python dict | data
//
// Little-endian numbers only; objects, strings, records and booleans are refused. Matrices in
// Fortran order come out in C order. Cost: one copy for what is compressed, misaligned or in
// Fortran order.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <tandem/options.h>

#include "base/file_io.h"
#include "tensor/tensor.h"

namespace tandem {

struct NpzArray {
  std::string name;  // without ".npy"
  Tensor tensor;
};

// Throws Error: as FileBytes::read and ZipArchive; corrupt; unsupported.
std::vector<NpzArray> read_npz(const std::string& path, const Limits& limits);
// The same of a file that is in memory already.
std::vector<NpzArray> parse_npz(const FileBytes& file, const Limits& limits);

// One .npy in `bytes`, which `owner` keeps alive. `place` names it in messages.
Tensor parse_npy(std::span<const std::byte> bytes, const std::shared_ptr<const void>& owner,
                 const std::string& place);

}  // namespace tandem
