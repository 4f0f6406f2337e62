// Internal side of <tandem/log.h>: hands a message to the user's sink, if there is one.
#pragma once

#include <string_view>

#include <tandem/log.h>

namespace tandem {

void log_message(LogLevel level, std::string_view message);

}  // namespace tandem
