#include "decoding/drafters/callback.h"

#include <exception>
#include <string>

#include <tandem/error.h>

namespace tandem {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw Error(ErrorCode::invalid_argument, "the callback that drafts tokens threw " + what);
}

}  // namespace

std::vector<TokenId> CallbackDrafter::propose(std::span<const TokenId> output, int limit) {
  try {
    return draft_(source_, output, limit);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& exception) {
    fail(exception.what());
  } catch (...) {
    fail("something that is no std::exception");
  }
}

}  // namespace tandem
