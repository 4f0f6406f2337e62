#include "models/input_checks.h"

#include <string>

#include <tandem/error.h>

namespace tandem {

void check_token(TokenId token, TokenId lowest, std::int64_t vocabulary, const char* side) {
  if (token >= lowest && token < vocabulary) return;
  throw Error(ErrorCode::invalid_argument, std::string("the ") + side + " has the token id " +
                                               std::to_string(token) + "; expected 0 to " +
                                               std::to_string(vocabulary - 1));
}

void check_positions(std::int64_t needed, std::int64_t available, const char* side) {
  if (available == 0 || needed <= available) return;
  throw Error(ErrorCode::invalid_argument,
              std::string("the ") + side + " has " + std::to_string(needed) +
                  " tokens; the model has positions for " + std::to_string(available));
}

}  // namespace tandem
