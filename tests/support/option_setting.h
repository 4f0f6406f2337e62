// A request before its options are resolved, over a vocabulary of 100 tokens of which 0 ends an
// output, and what resolution must refuse.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "decoding/search_options.h"
#include "support/expect_error.h"

namespace tandem::testing {

struct Setting {
  Request request;
  GenerationOptions defaults;
  SearchContext context;
  Limits limits;
  std::vector<TokenId> source{4, 5, 6, 0};
  std::vector<TokenId> prefix;

  Setting() {
    context.vocabulary_size = 100;
    defaults.eos_token_id = {0};
    defaults.decoder_start_token_id = 99;
  }
  SearchOptions resolve() {
    context.model_defaults = &defaults;
    context.source = source;
    context.prefix = prefix;
    return tandem::resolve(request, context, limits);
  }
  GenerationOptions& keys() { return request.generation; }
};

// A change after which nothing can be resolved.
struct Refusal {
  std::string name;
  std::function<void(Setting&)> change;
  ErrorCode code;
  std::string key;       // must stand in the message
  std::string expected;  // must stand in the message
};

inline Refusal out_of_range(const std::string& name, std::function<void(Setting&)> change,
                            const std::string& key, const std::string& expected) {
  return {name, std::move(change), ErrorCode::invalid_argument, key, expected};
}

// Each is refused with its code and a message that names the key and the range.
inline void expect_refused(const std::vector<Refusal>& refusals) {
  for (const Refusal& refusal : refusals) {
    SCOPED_TRACE(refusal.name);
    for (const std::string& named : {refusal.key, refusal.expected}) {
      Setting setting;
      refusal.change(setting);
      expect_error([&] { setting.resolve(); }, refusal.code, named);
    }
  }
}

}  // namespace tandem::testing
