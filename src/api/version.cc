#include <zlib.h>

#include <tandem/version.h>

#define TANDEM_STRING_OF(x) #x
#define TANDEM_STRING(x) TANDEM_STRING_OF(x)

namespace tandem {

std::string_view version() noexcept {
  return TANDEM_STRING(TANDEM_VERSION_MAJOR) "." TANDEM_STRING(
      TANDEM_VERSION_MINOR) "." TANDEM_STRING(TANDEM_VERSION_PATCH);
}

std::string library_versions() {
  return std::string("zlib ") + zlibVersion() + '\n';
}

}  // namespace tandem
