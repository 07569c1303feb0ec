// The fit of depth against width: its inverse, the published table, errors and refusals.
#include "analysis/depth_law.hpp"

#include <gtest/gtest.h>

#include "sim/base/check.hpp"
#include "tests/support/message.hpp"

namespace volley {
namespace {

using test::message;

TEST(DepthLaw, PlannedDepthGivesTheParametersBack) {
  const DepthLaw law;
  for (double depth = 0.5; depth < 120; depth *= 1.7) {
    const double width = std::exp(5.039 + 0.0555 * depth);
    const DepthPlan plan = plan_depth({.parameters = 12 * depth * width * width});
    EXPECT_NEAR(plan.depth, depth, 1e-6);
    EXPECT_NEAR(plan.width, width, 1e-9 * width);
    EXPECT_EQ(plan.extrapolated, depth < 6 || depth > 48);
  }
}

TEST(DepthLaw, WithEmbeddingsTheTotalIsMetAsWell) {
  const DepthLaw law;
  const double depth = 20, width = law.width(depth);
  const PlanQuestion question{.parameters = 12 * depth * width * width + 51000 * width,
                              .vocabulary = 50000,
                              .context = 1000,
                              .head_multiple = 64};
  const DepthPlan plan = plan_depth(question);
  EXPECT_NEAR(plan.depth, depth, 1e-6);
  EXPECT_EQ(plan.layers, 20);
  EXPECT_NEAR(plan.exact_width, width, 1e-9 * width);
  EXPECT_EQ(plan.rounded_width, 448);  // of 468
  EXPECT_NEAR(plan.rounded_parameters, 12 * 20 * 448.0 * 448 + 51000 * 448.0, 1);
}

// Depths and widths that the paper proposes for the sizes of GPT-3 and for 10^12 parameters.
TEST(DepthLaw, AgreesWithTheTableInWidthAndDepth) {
  struct Row {
    double parameters, depth, width;
  };
  // Sizes are those of the trained shapes, 12 L d^2.
  const Row rows[] = {{12 * 12 * 768.0 * 768, 23, 555},
                      {12 * 24 * 1024.0 * 1024, 32, 886},
                      {12 * 24 * 1536.0 * 1536, 38, 1220},
                      {12 * 24 * 2048.0 * 2048, 42, 1550},
                      {12 * 32 * 2560.0 * 2560, 47, 2110},
                      {12 * 32 * 4096.0 * 4096, 54, 3150},
                      {12 * 40 * 5140.0 * 5140, 60, 4200},
                      {12 * 96 * 12288.0 * 12288, 80, 13500},
                      {1e12, 95, 30100}};
  for (const Row& row : rows) {
    const DepthPlan plan = plan_depth({.parameters = row.parameters});
    EXPECT_NEAR(plan.depth, row.depth, 0.7) << row.width;
    EXPECT_NEAR(plan.width, row.width, 0.015 * row.width);
  }
}

// Central differences of the solution in a and b, added in squares.
TEST(DepthLaw, ErrorsAreThoseOfTheSolutionMoved) {
  for (const double rows : {0.0, 30000.0}) {
    const PlanQuestion question{.parameters = 3e8, .vocabulary = rows};
    const auto moved = [&](double da, double db) {
      DepthLaw law;
      law.a += da;
      law.b += db;
      return plan_depth(question, law);
    };
    const DepthLaw law;
    const double step = 1e-3;
    const auto up = moved(step * law.a_error, 0), down = moved(-step * law.a_error, 0);
    const auto right = moved(0, step * law.b_error), left = moved(0, -step * law.b_error);
    const DepthPlan plan = plan_depth(question);
    EXPECT_NEAR(plan.depth_error, std::hypot(up.depth - down.depth, right.depth - left.depth) / (2 * step),
                1e-4);
    EXPECT_NEAR(plan.width_error, std::hypot(up.width - down.width, right.width - left.width) / (2 * step),
                1e-2);
    EXPECT_NEAR(plan.fit_width_error, plan.width * std::hypot(0.030, plan.depth * 0.0013), 1e-9 * plan.width);
  }
}

TEST(DepthLaw, JudgesBySideOfTheCurve) {
  const DepthVerdict deep = judge_depth(24, 384);
  EXPECT_NEAR(deep.fitted_depth, (std::log(384.0) - 5.039) / 0.0555, 1e-12);
  EXPECT_EQ(deep.regime, DepthRegime::wider);
  EXPECT_FALSE(deep.extrapolated);
  EXPECT_EQ(judge_depth(12, 768).regime, DepthRegime::deeper);
  EXPECT_EQ(judge_depth(16, 384).regime, DepthRegime::tie);
  EXPECT_EQ(judge_depth(2, 64).regime, DepthRegime::outside);
  EXPECT_TRUE(judge_depth(4, 384).extrapolated);
  EXPECT_NEAR(judge_depth(4, 81).threshold, 4, 1e-12);
}

TEST(DepthLaw, EachConstantNamesItsSource) {
  EXPECT_GE(law_constants().size(), 7u);
  for (const LawConstant& constant : law_constants()) {
    EXPECT_FALSE(constant.source.empty());
    EXPECT_FALSE(name(constant.status).empty());
  }
}

TEST(DepthLaw, RefusesNumbersThatCannotBe) {
  EXPECT_EQ(message([] { plan_depth({.parameters = 0}); }),
            "the number of parameters is 0, wanted a positive number");
  EXPECT_EQ(message([] { plan_depth({.parameters = std::nan("")}); }),
            "the number of parameters is nan, wanted a positive number");
  EXPECT_EQ(message([] { plan_depth({.parameters = 1e8, .vocabulary = -1}); }),
            "vocabulary is -1, wanted a non-negative number");
  EXPECT_EQ(message([] { plan_depth({.parameters = 1e8, .context = -1}); }),
            "context is -1, wanted a non-negative number");
  EXPECT_EQ(message([] { plan_depth({.parameters = 1e8, .head_multiple = 0}); }),
            "the width is to be a multiple of 0, wanted 1 or more");
  EXPECT_NE(
      message([] { plan_depth({.parameters = 1e6, .vocabulary = 50000}); }).find("the budget is 1000000"),
      std::string::npos);
  EXPECT_EQ(message([] { judge_depth(0, 64); }), "the depth is 0, wanted 1 or more");
  EXPECT_EQ(message([] { judge_depth(1, 1); }), "the width is 1, wanted 2 or more");
}

}  // namespace
}  // namespace volley
