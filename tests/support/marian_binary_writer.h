// Writes Marian's binary container (bytes in memory), so that tests can make any model, valid or
// not.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "support/test_files.h"

namespace tandem {

class MarianBinaryWriter {
 public:
  struct Item {
    std::string name;
    std::uint64_t type = 0x0404;  // float32
    std::vector<std::int32_t> shape;
    std::string data;  // as stored, with multiplier and padding
  };

  MarianBinaryWriter& add(Item item) {
    items_.push_back(std::move(item));
    return *this;
  }
  MarianBinaryWriter& add_floats(const std::string& name, const std::vector<std::int32_t>& shape,
                                 const std::vector<float>& values) {
    Item item{name, 0x0404, shape, ""};
    for (const float value : values) append(item.data, value);
    return add(std::move(item));
  }
  // int8 values in the order in which they are stored.
  MarianBinaryWriter& add_intgemm8(const std::string& name, const std::vector<std::int32_t>& shape,
                                   const std::vector<int>& stored, float multiplier) {
    Item item{name, 0x4101, shape, ""};
    for (const int value : stored) append(item.data, static_cast<std::int8_t>(value));
    append(item.data, multiplier);
    return add(std::move(item));
  }
  MarianBinaryWriter& add_yaml(const std::string& text) {
    const auto length = static_cast<std::int32_t>(text.size() + 1);
    return add({"special:model.yml", 0x0101, {length}, text + '\0'});
  }

  std::string bytes(std::uint64_t padding = 0) const {
    std::string file;
    append<std::uint64_t>(file, 1);
    append<std::uint64_t>(file, items_.size());
    for (const Item& item : items_) {
      append<std::uint64_t>(file, item.name.size() + 1);
      append(file, item.type);
      append<std::uint64_t>(file, item.shape.size());
      append<std::uint64_t>(file, item.data.size());
    }
    for (const Item& item : items_) file += item.name + '\0';
    for (const Item& item : items_)
      for (const std::int32_t extent : item.shape) append(file, extent);
    append(file, padding);
    file.append(padding, '\0');
    for (const Item& item : items_) file += item.data;
    return file;
  }

 private:
  std::vector<Item> items_;
};

}  // namespace tandem
