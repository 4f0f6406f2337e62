// The names that a language has in ISO 639, as the one that multilingual models are listed under.
#pragma once

#include <string_view>

namespace tandem {

// The ISO 639-3 code for a language in lower case that is given by its code of ISO 639-1 ("de"),
// 639-2 ("ger", "deu") or 639-3. A macrolanguage is the member that models are trained on ("ara" is
// Standard Arabic, "arb"), as in the list of FLORES-200; what has no entry is itself.
std::string_view model_language(std::string_view code);

}  // namespace tandem
