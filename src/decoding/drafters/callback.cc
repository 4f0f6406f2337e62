#include "decoding/drafters/callback.h"

#include "decoding/user_callback.h"

namespace tandem {

std::vector<TokenId> CallbackDrafter::propose(std::span<const TokenId> output, int limit) {
  return call_user("drafts tokens", [&] { return draft_(source_, output, limit); });
}

}  // namespace tandem
