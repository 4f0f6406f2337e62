// Expects a tandem::Error with a code, whose message names something.
#pragma once

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tandem/error.h>

namespace tandem {

template <class Action>
void expect_error(Action action, ErrorCode code, const std::string& named) {
  try {
    action();
    ADD_FAILURE() << "no error that names '" << named << "'";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_THAT(error.message(), ::testing::HasSubstr(named));
  }
}

}  // namespace tandem
