/// The one exception type of the library.
///
/// Every failure that a caller can cause or meet (a bad file, a bad option, no memory) is thrown as
/// `Error` with a code to branch on and a message that says what was being done, what was expected
/// and what was found. The library never aborts and never prints.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include <tandem/export.h>

namespace tandem {

enum class ErrorCode {
  not_found,           ///< a file, a language or a model part that should be there is not
  corrupt,             ///< a file contradicts its own format: truncated, bad offset, bad checksum
  unsupported,         ///< understood, but not something this build or this model can do
  invalid_argument,    ///< a request or an option is out of its range
  unsatisfiable,       ///< a constraint admits no output at all
  resource_exhausted,  ///< a limit (see Limits) or the memory would be exceeded
  cancelled,           ///< the caller asked to stop
  device,              ///< the accelerator failed
  internal             ///< a defect in Tandem
};

/// The name used in messages and in JSON answers, such as "invalid_argument".
TANDEM_EXPORT std::string_view to_string(ErrorCode code) noexcept;

/// What the library throws. `what()` is "code: message" and, when there is one, " (hint)".
class TANDEM_EXPORT Error : public std::runtime_error {
 public:
  Error(ErrorCode code, std::string message, std::string hint = {});

  ErrorCode code() const noexcept { return code_; }
  /// What went wrong, in one sentence, without the code.
  const std::string& message() const noexcept { return message_; }
  /// What to do about it; empty when there is no advice to give.
  const std::string& hint() const noexcept { return hint_; }

 private:
  ErrorCode code_;
  std::string message_;
  std::string hint_;
};

}  // namespace tandem
