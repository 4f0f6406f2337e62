// What a call refuses: the tandem::Error that it throws, by code and message.
#pragma once

#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tandem/error.h>

namespace tandem {

// A failure of the test, and `internal`, if there is none.
template <class Call>
std::pair<ErrorCode, std::string> refusal_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return {error.code(), error.message()};
  }
  ADD_FAILURE() << "was accepted";
  return {ErrorCode::internal, ""};
}

template <class Call>
void expect_error(const Call& call, ErrorCode code, const std::string& named) {
  const auto [found, message] = refusal_of(call);
  EXPECT_EQ(found, code) << message;
  EXPECT_THAT(message, ::testing::HasSubstr(named));
}

// Of a file that is broken.
template <class Call>
std::string corrupt_message(const Call& call) {
  const auto [code, message] = refusal_of(call);
  EXPECT_EQ(code, ErrorCode::corrupt) << message;
  return message;
}

}  // namespace tandem
