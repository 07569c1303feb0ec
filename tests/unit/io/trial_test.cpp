// Code that comes back, that never does, and that crashes.
#include "sim/io/trial.hpp"

#include <gtest/gtest.h>

#include <csignal>

#include "sim/base/check.hpp"

namespace volley {
namespace {

TEST(Trial, SaysWhatBecameOfTheChild) {
  EXPECT_EQ(on_trial(5, [] {}), Trial::ends);
  EXPECT_EQ(on_trial(5, [] { fail(Fault::model, "bad file"); }), Trial::ends);
  EXPECT_EQ(on_trial(5, [] { std::raise(SIGTERM); }), Trial::dies);
  EXPECT_EQ(on_trial(1,
                     [] {
                       for (volatile int turn = 0; turn == 0;) {
                       }
                     }),
            Trial::hangs);
}

TEST(Trial, LeavesThisProcessAsItWas) {
  int here = 1;
  EXPECT_EQ(on_trial(5, [&] { here = 2; }), Trial::ends);
  EXPECT_EQ(here, 1);
}

}  // namespace
}  // namespace volley
