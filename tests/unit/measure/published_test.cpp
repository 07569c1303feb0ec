// Published numbers from shapes and rates.
#include "sim/measure/published.hpp"

#include <gtest/gtest.h>

#include <map>

namespace volley {
namespace {

TEST(Published, MacOfSpikformersFollowsFromShapes) {
  EXPECT_EQ(first_conv_mac(4, 224, 64), 346816512);
  EXPECT_EQ(head_mac(512, 1000), 513000);
  EXPECT_EQ(spikformer_mac(512), 347329512);
  EXPECT_EQ(spikformer_mac(384), 260497384);
  EXPECT_EQ(spikformer_mac(768), 520993768);
}

TEST(Published, SpikingformerLogIsReproduced) {
  const double ours = millijoules(papers_energy(static_cast<double>(spikformer_mac(512)), 6.51754e9));
  EXPECT_NEAR(ours, 7.4635, 0.00005);
}

TEST(Published, ForkAttentionFollowsFromTheRates) {
  const std::vector<BlockRates> two{{0.2, 0.3, 0.1}, {0.5, 0.25, 1.0}};
  EXPECT_DOUBLE_EQ(fork_attention_ac(4, 2, 3, 8, two), 4 * 2 * 3 * 64 * (0.1 + 0.2 + 0.25 + 0.5));
  // q sums to 0.785, the smaller of k and v (always k) to 0.296; T h N d^2 = 25690112.
  ASSERT_EQ(spikingformer_8_512_rates().size(), 8u);
  EXPECT_NEAR(fork_attention_ac(4, 8, 196, 64, spikingformer_8_512_rates()), 25690112 * 1.081, 1.0);
  EXPECT_DOUBLE_EQ(spike_driven_attention_ac(4, 0.25, 196, 512), 100352);
}

TEST(Published, EachRowSaysWhetherItAgrees) {
  std::map<std::string, std::vector<bool>> agrees;
  for (const PublishedRow& row : published_rows()) {
    EXPECT_FALSE(row.model.empty() || row.what.empty() || row.convention.empty() || row.source.empty());
    if (row.difference()) {
      agrees[row.model].push_back(row.agrees());
      EXPECT_TRUE(row.agrees() || !row.remark.empty()) << row.model << " differs by " << *row.difference();
    } else {
      EXPECT_FALSE(row.remark.empty()) << row.model << " is not worked out, and nothing says why";
    }
  }
  const std::vector<bool> yes{true};
  EXPECT_EQ(agrees["Spikingformer-8-512"], (std::vector<bool>{true, true, false}));
  EXPECT_EQ(agrees["Spikingformer-8-384"], yes);
  EXPECT_EQ(agrees["Spikingformer-8-768"], yes);
  EXPECT_EQ(agrees["Spikformer-8-384"], (std::vector<bool>{false, true}));
  EXPECT_EQ(agrees["Spikformer-8-512"], (std::vector<bool>{true, true}));
  EXPECT_EQ(agrees["Spikformer-10-512"], (std::vector<bool>{true, true}));
  EXPECT_EQ(agrees["Spikformer-8-768"], (std::vector<bool>{false, true}));
  EXPECT_EQ(agrees["SpikingResformer-Ti"], yes);
  EXPECT_EQ(agrees["SpikingResformer-M"], yes);
  EXPECT_EQ(agrees["ANN Transformer-8-512"], yes);
  EXPECT_EQ(agrees["Spikformer, CIFAR-10"], (std::vector<bool>{true, false}));
  EXPECT_EQ(agrees["Loihi in KerasSpiking"], (std::vector<bool>{false}));
}

TEST(Published, DifferencesAreWhatTheyAre) {
  for (const PublishedRow& row : published_rows()) {
    if (row.model == "Spikformer-8-384" && row.ours && !row.remark.empty()) {
      EXPECT_NEAR(*row.difference(), 0.9 * 6.82 + 4.6 * 0.260497384 - 7.734, 1e-9);
      EXPECT_NE(row.remark.find("0.260 G"), std::string::npos);
    }
    if (row.model == "Spikformer, CIFAR-10" && !row.agrees()) {
      EXPECT_NEAR(*row.ours, 5.1923, 1e-9);
    }
  }
}

}  // namespace
}  // namespace volley
