#include "models/families/family.h"

#include <array>

#include "models/families/marian.h"
#include "models/families/t5.h"

namespace tandem {
namespace {

struct Family {
  std::string_view model_type;
  FamilyLoader load;
};

constexpr std::array kFamilies{
    Family{"marian", load_marian},
    Family{"t5", load_t5},
    Family{"mt5", load_t5},
    Family{"umt5", load_t5},
};

}  // namespace

FamilyLoader find_family(std::string_view model_type) {
  for (const Family& family : kFamilies)
    if (family.model_type == model_type) return family.load;
  return nullptr;
}

std::vector<std::string_view> known_families() {
  std::vector<std::string_view> names;
  for (const Family& family : kFamilies) names.push_back(family.model_type);
  return names;
}

}  // namespace tandem
