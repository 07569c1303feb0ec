// Every family: published counts, the same bits in all loop orders, sane rates, what each layer reads.
#include "models/families/families.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "models/number_rules.hpp"
#include "sim/base/check.hpp"
#include "sim/graph/value_domains.hpp"
#include "tests/support/models.hpp"

namespace volley {
namespace {

struct Reduced {
  std::string name, family;
  Settings settings;
  Index steps = 2;
  bool is_stepped = true;  // can it run step by step?
};

Settings merged(Settings more, const Settings& base) {
  more.insert(base.begin(), base.end());
  return more;
}

// One of each variant, small enough to run in a moment.
const std::vector<Reduced>& reduced() {
  static const Settings small{
      {"dim", "32"}, {"heads", "4"}, {"depth", "2"}, {"classes", "3"}, {"image", "16"}};
  static const Settings frames{{"variant", "dvs"}, {"channels", "2"}};
  static const Settings v1_frames{{"picture", "frames"}, {"channels", "2"}, {"dvs_mode", "true"}};
  static const Settings meta{{"dims", "8/16/32/48"}, {"heads", "4"},   {"blocks3", "2"},
                             {"blocks4", "1"},       {"classes", "3"}, {"image", "32"}};
  static const Settings srf{{"dims", "16/32/48"}, {"heads", "1/2/3"}, {"pairs", "1/1/2"},
                            {"group", "16"},      {"classes", "3"},   {"image", "16"}};
  static const std::vector<Reduced> all{
      {"spikformer_cifar", "spikformer", small},
      {"spikformer_imagenet", "spikformer", merged({{"variant", "imagenet"}}, small)},
      {"spikformer_dvs", "spikformer", merged(frames, small)},
      {"spikingformer_cifar", "spikingformer", small},
      {"spikingformer_imagenet", "spikingformer", merged({{"variant", "imagenet"}}, small)},
      {"spikingformer_dvs", "spikingformer", merged(frames, small)},
      {"qkformer_cifar", "qkformer", merged({{"depth", "3"}, {"dim", "64"}}, small)},
      {"qkformer_imagenet", "qkformer",
       merged({{"variant", "imagenet"}, {"depth", "4"}, {"dim", "64"}}, small)},
      {"qkformer_dvs", "qkformer", merged({{"mlp_ratio", "1"}}, merged(frames, small))},
      {"sdt_v1", "sdt-v1", small},
      {"sdt_v1_pooled", "sdt-v1", merged({{"pooling", "1111"}, {"plif", "true"}}, small)},
      {"sdt_v1_dvs", "sdt-v1", merged(v1_frames, small)},
      {"sdt_v2", "sdt-v2", meta},
      {"sdt_v3", "sdt-v3", meta, 1},
      {"spikingresformer", "spikingresformer", merged({{"image", "64"}, {"dims", "16/32/48"}}, srf)},
      {"spikingresformer_cifar", "spikingresformer", merged({{"variant", "cifar"}}, srf)},
      {"spikingresformer_dvsg", "spikingresformer", merged({{"variant", "dvsg"}}, srf)},
      {"statten", "statten", small, 4, false},
      {"statten_dvs", "statten", merged({{"chunk", "4"}, {"plif", "true"}}, merged(v1_frames, small)), 4,
       false},
      {"statten_sdsa", "statten", merged({{"attention", "sdsa"}}, merged(v1_frames, small))},
  };
  return all;
}

class Families : public testing::TestWithParam<std::size_t> {
 protected:
  const Reduced& entry() const { return reduced()[GetParam()]; }
  BuiltModel built() const { return build_family(entry().family, "", entry().settings, 1); }
  InputData data(const Model& model) const {
    return {model.graph, random_arrays(model.graph, 2, entry().steps, 1), {}, "random"};
  }
  RunSettings settings(Order order) const {
    RunSettings made;
    made.order = order;
    made.steps = entry().steps;
    return made;
  }
};

TEST_P(Families, RunSteppedAndLayeredWithTheSameBitsAndCosts) {
  for (const Folding folding : {Folding::fold, Folding::keep}) {
    const Model model = make_model(test::runtime(), built(), folding);
    const test::Result layered = test::run_all(model, data(model), settings(Order::layered));
    EXPECT_EQ(text(layered.values.at(model.graph.outputs()[0].from).shape()), "[T=1 B=2 C=3]");
    if (entry().is_stepped) {
      EXPECT_TRUE(test::same(test::run_all(model, data(model), settings(Order::stepped)), layered));
      EXPECT_TRUE(test::same(test::run_all(model, data(model), settings(Order::event_driven)), layered));
    } else {
      EXPECT_THROW(test::run_all(model, data(model), settings(Order::stepped)), Error);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Reduced, Families, testing::Range(std::size_t{0}, reduced().size()),
                         [](const auto& entry) { return reduced()[entry.param].name; });

// Dead and saturated layers make a random model useless. Attention may fire often: one spike opens a mask.
class FamilyRates : public testing::TestWithParam<const char*> {};

TEST_P(FamilyRates, AreSaneInRandomModels) {
  const Model model = load_model(test::runtime(), GetParam());
  const Index steps = has_steps(model.graph) ? 4 : 1;
  const InputData data(model.graph, random_arrays(model.graph, 1, steps, 1), {}, "random");
  const test::Result result = test::run_all(model, data, {}, test::Watch::spikes);
  const auto specs = infer_specs(model.graph, 1, steps);
  std::vector<double> rates;
  for (const NodeId node : model.graph.order()) {
    if (!model.graph.op(node).kind().starts_with("neuron.")) {
      continue;
    }
    const ValueSpec& spec = specs[node][0];
    const auto& spikes = result.spikes.at(node);
    const auto places = static_cast<double>(spec.shape.count() * spec.code.planes);
    rates.push_back(static_cast<double>(std::accumulate(spikes.begin(), spikes.end(), Index{0})) / places);
    EXPECT_LT(rates.back(), 0.9) << model.graph.node_name(node);
  }
  std::sort(rates.begin(), rates.end());
  EXPECT_GT(rates[rates.size() / 10], 0.002);
  EXPECT_GT(rates[rates.size() / 2], 0.05);
  EXPECT_LT(rates[rates.size() / 2], 0.35);
}

INSTANTIATE_TEST_SUITE_P(
    NearPublishedSizes, FamilyRates,
    testing::Values("spikformer:dim=96,heads=4,depth=2", "spikingformer:dim=96,heads=4,depth=2",
                    "qkformer:dim=128,depth=3", "sdt-v1:dim=128", "statten:dim=128",
                    "sdt-v2:dims=16/32/64/96,heads=2,blocks3=2,blocks4=1,image=64,classes=10",
                    "sdt-v3:dims=16/32/64/96,heads=4,blocks3=2,blocks4=1,image=64,classes=10",
                    "spikingresformer:size=cifar10,dims=64/64/128,heads=1/1/2,pairs=1/1/1"),
    [](const auto& entry) {
      std::string name(entry.param);
      name.resize(name.find(':'));
      name.erase(std::remove(name.begin(), name.end(), '-'), name.end());
      return name;
    });

// By the first layer that reads numbers of this kind; "": no layer does. The layer of the image aside.
std::map<std::string, std::string> kinds_of_layers(const Model& model, Index steps) {
  const auto sets = infer_numbers(model.graph, number_rules(), steps);
  std::map<std::string, std::string> first;
  for (const NodeDescription& described : model.description.nodes) {
    const auto found = model.graph.find(described.name);
    if (!found || (described.op != "linear" && described.op != "conv2d")) {
      continue;
    }
    const NodeId node = *found;
    const InEdge edge = model.graph.in_edges(node)[0];
    if (dynamic_cast<const InputOp*>(&model.graph.op(edge.from.node)) == nullptr) {
      first.emplace(name(numbers_on(edge, sets).kind()), model.graph.node_name(node));
    }
  }
  return first;
}

std::map<std::string, std::string> kinds_of(const std::string& which, Folding folding = Folding::fold) {
  for (const Reduced& entry : reduced()) {
    if (entry.name == which) {
      const BuiltModel built = build_family(entry.family, "", entry.settings, 1);
      return kinds_of_layers(make_model(test::runtime(), built, folding), entry.steps);
    }
  }
  return {};
}

using Kinds = std::map<std::string, std::string>;

TEST(FamilyLayers, BehindIntegerResidualsReadIntegers) {
  EXPECT_EQ(kinds_of("spikformer_cifar"), (Kinds{{"binary", "patch_embed.proj_conv1"},
                                                 {"integer", "block.0.attn.q_linear"},
                                                 {"multiples", "head"}}));
  EXPECT_EQ(kinds_of("qkformer_imagenet"), (Kinds{{"binary", "patch_embed1.proj1_conv"},
                                                  {"integer", "stage1.0.tssa.q_conv"},
                                                  {"multiples", "head"}}));
}

TEST(FamilyLayers, BehindMembraneShortcutsReadSpikes) {
  EXPECT_EQ(kinds_of("spikingformer_imagenet"),
            (Kinds{{"binary", "patch_embed.proj1_conv"}, {"real", "head"}}));
  EXPECT_EQ(kinds_of("sdt_v1"), (Kinds{{"binary", "patch_embed.proj_conv1"}}));
  EXPECT_EQ(kinds_of("sdt_v1_dvs"), (Kinds{{"binary", "patch_embed.proj_conv1"}}));
  EXPECT_EQ(kinds_of("statten"), (Kinds{{"binary", "patch_embed.proj_conv1"}}));
  EXPECT_EQ(kinds_of("spikingresformer_cifar"), (Kinds{{"binary", "layers.0.0.W"}, {"real", "classifier"}}));
}

TEST(FamilyLayers, OfStattenDvsReadIntegersInProj) {
  EXPECT_EQ(kinds_of("statten_dvs"),
            (Kinds{{"binary", "patch_embed.proj_conv1"}, {"integer", "block.0.attn.proj_conv"}}));
}

TEST(FamilyLayers, OfSdtV2ReadRealNumbersBehindADepthwiseConvolution) {
  EXPECT_EQ(kinds_of("sdt_v2"),
            (Kinds{{"binary", "ConvBlock1_1.0.Conv.pwconv1"}, {"real", "ConvBlock1_1.0.Conv.pwconv2"}}));
}

TEST(FamilyLayers, OfSdtV3ReadIntegersAllTheWay) {
  EXPECT_EQ(kinds_of("sdt_v3"), (Kinds{{"integer", "ConvBlock1_1.0.Conv.pwconv1.0"}}));
}

TEST(Family, HasTheParametersOfTheAuthorsLessThoseThatNothingReads) {
  Index known = 0;
  for (const Family& family : families()) {
    for (const FamilySize& size : family.sizes) {
      SCOPED_TRACE(family.name + " " + size.name);
      const BuiltModel model = family.build(size.settings, 0, Draw::sizes);
      const Index count = model.parameter_count();
      std::printf("%-17s %-17s %11lld\n", family.name.c_str(), size.name.c_str(),
                  static_cast<long long>(count));
      if (size.of_authors > 0) {
        EXPECT_EQ(count, size.of_authors - size.unread);
        ++known;
      } else if (size.published_m > 0) {
        const double unit = size.published_m >= 100 ? 0.1 : 0.01;  // printed digits, rounded or cut off
        EXPECT_GT(static_cast<double>(count) / 1e6, size.published_m - unit / 2 - 1e-9);
        EXPECT_LT(static_cast<double>(count) / 1e6, size.published_m + unit);
        ++known;
      }
      EXPECT_TRUE(std::all_of(model.weights.begin(), model.weights.end(),
                              [](const auto& entry) { return entry.second.numbers.empty(); }));
    }
  }
  EXPECT_EQ(known, 37);
}

// The gesture model of the authors has 2,709,792 numbers and one more for each neuron.
TEST(Family, CountsLearnedTimeConstants) {
  const BuiltModel model = build_family("spikingresformer", "gesture", {}, 0, Draw::sizes);
  const auto& nodes = model.description.nodes;
  const auto neurons = std::count_if(nodes.begin(), nodes.end(),
                                     [](const NodeDescription& node) { return node.op == "neuron.plif"; });
  EXPECT_EQ(model.parameter_count(), 2'709'792 + neurons);
}

TEST(Family, NamesTensorsAsPublishedCheckpoints) {
  const auto has = [](const char* family, const char* size, std::initializer_list<const char*> keys) {
    const BuiltModel model = build_family(family, size, {}, 0, Draw::sizes);
    for (const char* key : keys) {
      EXPECT_TRUE(model.weights.contains(key)) << family << " " << key;
    }
  };
  has("spikformer", "cifar10-4-384",
      {"patch_embed.proj_conv3.weight", "patch_embed.rpe_bn.running_var", "block.3.attn.q_linear.bias",
       "block.0.attn.proj_bn.running_mean", "block.0.mlp.fc2_linear.weight", "head.bias"});
  has("spikformer", "imagenet-8-512", {"block.7.attn.q_conv.weight", "block.7.mlp.fc1_conv.bias"});
  has("spikingformer", "cifar10-4-384", {"patch_embed.block4_conv.weight", "block.0.mlp.mlp1_bn.weight"});
  has("spikingformer", "imagenet-8-384", {"patch_embed.proj4_bn.bias", "block.0.attn.proj_conv.bias"});
  has("qkformer", "cifar10-4-384",
      {"patch_embed1.proj_res_conv.weight", "patch_embed3.proj4_bn.weight", "stage1.0.tssa.q_conv.weight",
       "stage3.1.ssa.v_bn.running_var", "stage3.1.mlp.mlp2_conv.bias"});
  has("qkformer", "imagenet-10-768", {"stage3.6.attn.proj_conv.bias", "stage2.1.mlp.fc1_conv.weight"});
  has("qkformer", "gesture-2-256", {"patch_embed2.proj_conv.weight", "stage2.0.ssa.q_conv.weight"});
  has("sdt-v1", "imagenet-8-768", {"block.7.attn.q_conv.weight", "block.0.mlp.fc2_bn.running_mean"});
  has("sdt-v2", "imagenet-8-384",
      {"downsample1_1.encode_conv.bias", "ConvBlock2_2.0.Conv.pwconv2.weight", "ConvBlock1_1.0.bn2.weight",
       "block3.5.attn.q_conv.0.body.0.weight", "block3.5.attn.q_conv.0.body.1.bn.running_mean",
       "block4.1.attn.proj_conv.0.body.2.0.weight", "block4.1.attn.proj_conv.0.body.2.1.weight",
       "block4.1.attn.proj_conv.0.body.2.2.bias", "block4.1.attn.proj_conv.1.running_var"});
  has("sdt-v3", "imagenet-t",
      {"ConvBlock1_1.0.Conv.dwconv.0.weight", "block3.0.conv.pwconv2.1.bias", "block4.0.attn.v_conv.0.weight",
       "block4.0.attn.proj_conv.1.running_mean", "block4.1.mlp.fc1_conv.bias"});
  has("spikingresformer", "imagenet-ti",
      {"prologue.0.weight", "prologue.1.bn.weight", "layers.1.0.norm.bn.bias", "layers.1.1.W.weight",
       "layers.1.1.firing_rate_x", "layers.1.1.firing_rate_attn", "layers.1.1.norm_proj.bn.running_var",
       "layers.0.1.up.1.weight", "layers.0.1.conv.0.1.weight", "layers.0.1.down.2.bn.weight",
       "classifier.weight"});
  has("spikingresformer", "gesture", {"layers.0.0.activation_attn.w"});
}

TEST(Family, RefusesWhatItCanNotBuild) {
  const auto error = [](const std::string& spec) {
    try {
      (void)build_family_spec(spec);
    } catch (const Error& caught) {
      EXPECT_EQ(caught.fault(), Fault::usage);
      return std::string(caught.what());
    }
    return std::string();
  };
  EXPECT_THROW((void)find_family("resnet"), Error);
  EXPECT_EQ(error("sdt-v3:size=huge"),
            "sdt-v3: size is 'huge', wanted one of: imagenet-s, imagenet-t, imagenet-m, imagenet-l");
  EXPECT_NE(error("spikformer:dime=3").find("'dime=3' sets nothing, the keys are: variant, image"),
            std::string::npos);
  EXPECT_NE(error("spikformer:dim").find("'dim' is not KEY=VALUE"), std::string::npos);
  EXPECT_NE(error("spikformer:dim=many").find("dim is 'many', wanted an integer"), std::string::npos);
  EXPECT_NE(error("spikformer:seed=-1").find("seed is '-1'"), std::string::npos);
  EXPECT_NE(error("spikformer:variant=large").find("wanted cifar | imagenet | dvs"), std::string::npos);
  EXPECT_NE(error("sdt-v1:plif=1").find("wanted true or false"), std::string::npos);
  EXPECT_NE(error("sdt-v1:pooling=011").find("four flags"), std::string::npos);
  EXPECT_NE(error("sdt-v1:heads=7").find("wanted a divisor of dim 512"), std::string::npos);
  EXPECT_NE(error("spikingformer:image=30").find("multiple of 4"), std::string::npos);
  EXPECT_NE(error("qkformer:depth=2").find("1 or more"), std::string::npos);
  EXPECT_NE(error("qkformer:dim=40,heads=8").find("heads is 8, wanted a divisor of dim 10"),
            std::string::npos);
  EXPECT_NE(error("qkformer:variant=dvs,dim=256,heads=16,image=128,depth=4").find("depth of dvs is 4"),
            std::string::npos);
  EXPECT_NE(error("sdt-v2:dims=8/16/32").find("dims has 3 numbers"), std::string::npos);
  EXPECT_NE(error("sdt-v2:dims=7/16/32/32").find("multiple of 2"), std::string::npos);
  EXPECT_NE(error("sdt-v2:dims=8//32/32").find("dims is ''"), std::string::npos);
  EXPECT_NE(error("sdt-v3:levels=3").find("power of two"), std::string::npos);
  EXPECT_NE(error("spikingresformer:heads=1/2").find("has 2 numbers, wanted 3"), std::string::npos);
  EXPECT_NE(error("spikingresformer:group=48").find("group is 48"), std::string::npos);
  EXPECT_NE(error("statten:chunk=0").find("chunk is 0"), std::string::npos);
  EXPECT_NE(error("linear-attention:heads=3").find("heads is 3"), std::string::npos);
}

TEST(LinearAttention, IsTheTripleProductOfEachHead) {
  const Settings settings{{"tokens", "5"}, {"dim", "6"}, {"heads", "2"}, {"depth", "3"}};
  const BuiltModel built = build_family("linear-attention", "", settings, 3);
  const Model model = make_model(test::runtime(), built);
  EXPECT_EQ(model.parameters, 3 * 4 * 6 * 6);
  const InputData data(model.graph, random_arrays(model.graph, 1, 1, 4), {}, "random");
  const test::Result result = test::run_all(model, data, {});
  const auto input = result.values.at({*model.graph.find("tokens"), 0}).as<float>();
  std::vector<double> x(input.begin(), input.end());
  const auto layer = [&](const std::string& tensor, const std::vector<double>& in) {
    const auto& weight = built.weights.at(tensor).numbers;
    std::vector<double> out(30, 0.0);
    for (std::size_t i = 0; i < 180; ++i) {
      out[i / 36 * 6 + i / 6 % 6] += double{weight[i % 36]} * in[i / 36 * 6 + i % 6];
    }
    return out;
  };
  for (int l = 0; l < 3; ++l) {
    const std::string path = fmt::format("layer.{}.", l);
    const auto q = layer(path + "q.weight", x);
    const auto k = layer(path + "k.weight", x);
    const auto v = layer(path + "v.weight", x);
    std::vector<double> y(30, 0.0);
    for (std::size_t n = 0; n < 5; ++n) {
      for (std::size_t m = 0; m < 5; ++m) {
        for (std::size_t h = 0; h < 2; ++h) {
          double score = 0;
          for (std::size_t c = 3 * h; c < 3 * h + 3; ++c) {
            score += q[n * 6 + c] * k[m * 6 + c];
          }
          for (std::size_t c = 3 * h; c < 3 * h + 3; ++c) {
            y[n * 6 + c] += score * v[m * 6 + c];
          }
        }
      }
    }
    x = layer(path + "proj.weight", y);
  }
  const auto out = result.values.at(model.graph.outputs()[0].from).as<float>();
  const double size = std::abs(
      *std::max_element(x.begin(), x.end(), [](double a, double b) { return std::abs(a) < std::abs(b); }));
  for (std::size_t i = 0; i < 30; ++i) {
    EXPECT_NEAR(double{out[i]}, x[i], 1e-5 * size);  // float32 sums of up to 6 products, 9 layers deep
  }
}

}  // namespace
}  // namespace volley
