// Stacks of attention, their depth as the graph shows it, and one number of their output.
#include "models/families/attention_stack.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "models/attention_depth.hpp"
#include "models/template_run.hpp"
#include "tests/support/message.hpp"
#include "tests/support/models.hpp"

namespace volley {
namespace {

using test::message;

BuiltModel stack(StackMechanism mechanism, Index depth = 2) {
  return build_attention_stack({3, 8, 2, depth, mechanism, 5, Draw::numbers});
}

constexpr StackMechanism all[] = {StackMechanism::linear, StackMechanism::softmax, StackMechanism::binary,
                                  StackMechanism::bipolar};

std::vector<float> tokens(Index samples) {
  std::vector<float> numbers(static_cast<std::size_t>(samples * 3 * 8));
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = 1.5f * std::sin(static_cast<float>(i * i % 997));
  }
  return numbers;
}

TEST(AttentionStack, HasEqualParametersForAllMechanisms) {
  for (const StackMechanism mechanism : all) {
    EXPECT_EQ(stack(mechanism).parameter_count(), 2 * 4 * 8 * 8);
  }
}

TEST(AttentionStack, DrawsTheSameWeightsButForAFactor) {
  const auto linear = stack(StackMechanism::linear).weights, binary = stack(StackMechanism::binary).weights;
  for (const char* name : {"layer.0.q.weight", "layer.1.proj.weight"}) {
    const auto& a = linear.at(name).numbers;
    const auto& b = binary.at(name).numbers;
    const double factor = double{b[0]} / double{a[0]};
    for (std::size_t i = 0; i < a.size(); ++i) {
      EXPECT_NEAR(double{b[i]}, factor * double{a[i]}, 1e-6);
    }
  }
}

TEST(AttentionStack, RunsAndSaysSomethingInEachMechanism) {
  for (const StackMechanism mechanism : all) {
    const Model model = make_model(test::runtime(), stack(mechanism));
    const auto numbers = run_on_tokens(test::runtime(), model, tokens(40), 40, 4);
    ASSERT_EQ(numbers.size(), 40u);
    double squares = 0;
    for (const double number : numbers) {
      squares += number * number;
    }
    EXPECT_GT(squares, 0) << static_cast<int>(mechanism);
  }
}

// Samples are alone: one of them by itself gives the same number.
TEST(TemplateRun, GivesTheFirstNumberOfEachSample) {
  for (const StackMechanism mechanism : all) {
    const Model model = make_model(test::runtime(), stack(mechanism));
    const std::vector<float> many = tokens(1100);
    const auto numbers = run_on_tokens(test::runtime(), model, many, 1100, 2);
    for (const Index sample : {0, 1, 1023, 1024, 1099}) {
      const std::vector<float> alone(many.begin() + sample * 24, many.begin() + (sample + 1) * 24);
      EXPECT_EQ(run_on_tokens(test::runtime(), model, alone, 1, 2).front(),
                numbers[static_cast<std::size_t>(sample)]);
    }
  }
}

TEST(TemplateRun, RefusesWhatIsNoStackOfTokens) {
  const Model picture = load_model(test::runtime(), "spikformer:dim=32,heads=4,depth=1,image=16");
  EXPECT_NE(message([&] { token_input(picture); }).find("wanted dense tokens [N C] without steps"),
            std::string::npos);
  const Model model = make_model(test::runtime(), stack(StackMechanism::linear));
  EXPECT_NE(message([&] {
              run_on_tokens(test::runtime(), model, std::vector<float>(24, 1e30f), 1, 1);
            }).find("no rank of that"),
            std::string::npos);
}

std::vector<AttentionLayer> layers_of(const Model& model) {
  return attention_layers(make_plan(test::runtime(), model, {}, 4, 1, false));
}

TEST(AttentionDepth, IsThatOfTheStack) {
  for (const StackMechanism mechanism : all) {
    for (const Index depth : {1, 2, 5}) {
      const Model model = make_model(test::runtime(), stack(mechanism, depth));
      const auto layers = layers_of(model);
      ASSERT_EQ(layers.size(), static_cast<std::size_t>(depth));
      EXPECT_EQ(layers.front().node, "layer.0.attention");
      EXPECT_EQ(layers.back().width, 8);
    }
  }
}

// Several attention nodes in one layer count once; an early exit or a residual changes nothing.
TEST(AttentionDepth, IsThatOfPublishedFamilies) {
  const auto depth = [](const char* spec) { return layers_of(load_model(test::runtime(), spec)).size(); };
  EXPECT_EQ(depth("spikformer:dim=32,heads=4,depth=3,image=16"), 3u);
  EXPECT_EQ(depth("sdt-v1:dim=32,heads=4,depth=3,image=16"), 3u);
  EXPECT_EQ(depth("qkformer:dim=32,heads=4,depth=3,image=16"), 3u);
}

// The queries of DSSA are two in one, those of CAT one number a head: the width is that of the stream.
TEST(AttentionDepth, WidthIsThatOfTheStream) {
  const auto width = [](const char* file) {
    return layers_of(load_model(test::runtime(), std::string(VOLLEY_SOURCE_DIR "/examples/") + file))
        .back()
        .width;
  };
  EXPECT_EQ(width("spiking_family/dssa.txtpb"), 48);
  EXPECT_EQ(width("cat/cat.txtpb"), 64);
  EXPECT_EQ(width("spiking_family/efficient_sdsa.txtpb"), 48);
  EXPECT_EQ(width("primal/primal.txtpb"), 64);
}

TEST(AttentionStack, RefusesSizesThatCannotBe) {
  EXPECT_NE(message([] {
              build_attention_stack({3, 8, 3, 1, StackMechanism::softmax, 0, Draw::sizes});
            }).find("heads is 3"),
            std::string::npos);
  EXPECT_NE(message([] {
              build_attention_stack({3, 8, 2, 0, StackMechanism::binary, 0, Draw::sizes});
            }).find("tokens and depth"),
            std::string::npos);
}

}  // namespace
}  // namespace volley
