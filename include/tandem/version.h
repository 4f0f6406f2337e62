/// The version of the headers and of the library.
#pragma once

#include <string>
#include <string_view>

#include <tandem/export.h>

#define TANDEM_VERSION_MAJOR 0
#define TANDEM_VERSION_MINOR 1
#define TANDEM_VERSION_PATCH 0

namespace tandem {

/// The version of the linked library, such as "0.1.0".
TANDEM_EXPORT std::string_view version() noexcept;

/// The libraries that Tandem runs on, one a line, such as "zlib 1.2.13".
TANDEM_EXPORT std::string library_versions();

}  // namespace tandem
