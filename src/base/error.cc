#include <tandem/error.h>

#include <utility>

namespace tandem {
namespace {

std::string describe(ErrorCode code, const std::string& message, const std::string& hint) {
  std::string text(to_string(code));
  text += ": ";
  text += message;
  if (!hint.empty()) text += " (" + hint + ")";
  return text;
}

}  // namespace

std::string_view to_string(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::corrupt: return "corrupt";
    case ErrorCode::unsupported: return "unsupported";
    case ErrorCode::invalid_argument: return "invalid_argument";
    case ErrorCode::unsatisfiable: return "unsatisfiable";
    case ErrorCode::resource_exhausted: return "resource_exhausted";
    case ErrorCode::cancelled: return "cancelled";
    case ErrorCode::device: return "device";
    case ErrorCode::internal: return "internal";
  }
  return "internal";
}

Error::Error(ErrorCode code, std::string message, std::string hint)
    : std::runtime_error(describe(code, message, hint)),
      code_(code),
      message_(std::move(message)),
      hint_(std::move(hint)) {}

}  // namespace tandem
