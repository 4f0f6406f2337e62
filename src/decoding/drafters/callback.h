// CallbackDrafter: asks the caller for the draft, so that a drafter can be anything: a translation
// memory, a table of phrases, another program, a model that proposes a whole block at once.
//
// The callback is not trusted: what it proposes beyond the limit, and from the first end token or
// unknown id on, is dropped; whatever it throws ends this request, not its neighbours, with an
// Error{invalid_argument} that quotes the message. An Error passes as it is.
// Cost:           the callback's own, once a pass; it may be called from several threads.
// Laws:           tests/decoding/callback_drafter_test.cc.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include <tandem/strategy.h>

#include "decoding/drafter.h"

namespace tandem {

class CallbackDrafter : public Drafter {
 public:
  CallbackDrafter(DraftFunction draft, std::vector<TokenId> source)
      : draft_(std::move(draft)), source_(std::move(source)) {}

  std::vector<TokenId> propose(std::span<const TokenId> output, int limit) override;

 private:
  DraftFunction draft_;
  std::vector<TokenId> source_;
};

}  // namespace tandem
