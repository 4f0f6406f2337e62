/// Where the library's messages go. The default is silence: nothing is ever printed. An engine says
/// what it has loaded (info) and which keys of its generation_config.json it does not know
/// (warning).
#pragma once

#include <functional>
#include <string_view>

#include <tandem/export.h>

namespace tandem {

enum class LogLevel { debug, info, warning };

/// Receives one message without a line end. Called from any thread; must not throw.
using LogSink = std::function<void(LogLevel, std::string_view)>;

/// Installs the sink for the whole process; an empty one restores silence. Thread-safe.
TANDEM_EXPORT void set_log_sink(LogSink sink);

}  // namespace tandem
