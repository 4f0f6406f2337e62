// The text of `tandem inspect`: what was loaded and where each value came from.
#pragma once

#include <string>

#include "api/engine_state.h"

namespace tandem {

std::string describe_engine(EngineState& engine);

}  // namespace tandem
