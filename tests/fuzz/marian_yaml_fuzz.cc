#include "fuzz/fuzz_target.h"
#include "models/readers/marian_yaml.h"

namespace tandem {

void fuzz_one(const FileBytes& file) {
  const MarianYaml yaml = MarianYaml::parse(
      {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()}, "fuzz");
  yaml.integers("a", 0, 9);
  yaml.number("b");
}

}  // namespace tandem
