#include "models/families/family.h"

#include <array>

#include "models/families/bart.h"
#include "models/families/blenderbot.h"
#include "models/families/blenderbot_small.h"
#include "models/families/fsmt.h"
#include "models/families/m2m_100.h"
#include "models/families/marian.h"
#include "models/families/mbart.h"
#include "models/families/pegasus.h"
#include "models/families/t5.h"
#include "models/families/whisper.h"

namespace tandem {
namespace {

struct Family {
  std::string_view model_type;
  FamilyLoader load;
};

constexpr std::array kFamilies{
    Family{"marian", load_marian},
    Family{"bart", load_bart},
    Family{"mbart", load_mbart},
    Family{"m2m_100", load_m2m_100},
    Family{"pegasus", load_pegasus},
    Family{"blenderbot", load_blenderbot},
    Family{"blenderbot-small", load_blenderbot_small},
    Family{"fsmt", load_fsmt},
    Family{"t5", load_t5},
    Family{"mt5", load_t5},
    Family{"umt5", load_t5},
    Family{"whisper", load_whisper},
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
