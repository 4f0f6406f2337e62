// Calls into code of the caller's: whatever it throws ends this request, not its neighbours, with
// an Error{invalid_argument} that quotes the message. An Error passes as it is.
#pragma once

#include <exception>
#include <string>

#include <tandem/error.h>

namespace tandem {

// `what` says in messages what the callback does.
template <typename Call>
auto call_user(const char* what, const Call& call) {
  const auto fail = [&](const std::string& thrown) {
    return Error(ErrorCode::invalid_argument,
                 std::string("the callback that ") + what + " threw " + thrown);
  };
  try {
    return call();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& exception) {
    throw fail(exception.what());
  } catch (...) {
    throw fail("something that is no std::exception");
  }
}

}  // namespace tandem
