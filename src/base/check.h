// TANDEM_CHECK: states what must hold inside the library. A failure is a defect of Tandem and is
// thrown as Error{internal} with the place; it never aborts. Input of the caller or of a file is
// checked with explicit Errors instead, whose messages speak to the user.
#pragma once

#include <string>

#include <tandem/error.h>

namespace tandem {

[[noreturn]] inline void check_failed(const char* condition, const char* file, int line) {
  throw Error(ErrorCode::internal, std::string("check failed: ") + condition + " at " + file + ":" +
                                       std::to_string(line));
}

}  // namespace tandem

#define TANDEM_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::tandem::check_failed(#condition, __FILE__, __LINE__))

// In hot loops: checked in debug builds only.
#ifdef NDEBUG
#define TANDEM_DCHECK(condition) static_cast<void>(0)
#else
#define TANDEM_DCHECK(condition) TANDEM_CHECK(condition)
#endif
