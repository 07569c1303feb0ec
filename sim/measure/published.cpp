// Published energies, worked out again from shapes and rates.
#include "sim/measure/published.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>
#include <utility>

#include "sim/base/check.hpp"

namespace volley {
namespace {

constexpr double giga = 1e9;
constexpr double half_hundredth = 0.005;
constexpr double half_thousandth = 0.0005;
constexpr Index imagenet_steps = 4;
constexpr Index imagenet_side = 224;
constexpr Index imagenet_classes = 1000;

// Published AC and MAC, in G, priced.
double papers_mj(double mac, double ac_giga) {
  return millijoules(papers_energy(mac, ac_giga * giga));
}

void add_spikformer(std::vector<PublishedRow>& rows) {
  struct Line {
    const char* model;
    Index dim;
    double ops_giga, published_mj;
  };
  for (const Line& line :
       {Line{"Spikformer-8-384", 384, 6.82, 7.734}, Line{"Spikformer-8-512", 512, 11.09, 11.577},
        Line{"Spikformer-10-512", 512, 13.67, 13.899}, Line{"Spikformer-8-768", 768, 22.09, 21.477}}) {
    PublishedRow row{line.model,
                     "energy mJ",
                     "4.6 pJ x MAC of shapes + 0.9 pJ x published OPs",
                     line.published_mj,
                     papers_mj(static_cast<double>(spikformer_mac(line.dim)), line.ops_giga),
                     papers_mj(0, half_hundredth) + half_thousandth,
                     "Spikformer, ICLR 2023; OPs by Spikingformer's README",
                     ""};
    if (line.dim != 512) {
      row.remark = fmt::format(
          "cannot follow: {} is 0.9 x {} + 1.596, the MAC term of dim 512 (0.347 G) in a model whose own is "
          "{:.3f} G",
          line.published_mj, line.ops_giga, static_cast<double>(spikformer_mac(line.dim)) / giga);
    }
    rows.push_back(std::move(row));
    rows.push_back({line.model, "energy mJ",
                    "0.9 pJ x published OPs + 1.596 mJ, the constant of all four rows", line.published_mj,
                    papers_mj(0, line.ops_giga) + 1.596, half_thousandth,
                    "Spikformer, ICLR 2023; OPs by Spikingformer's README", ""});
  }
}

void add_spikingformer(std::vector<PublishedRow>& rows) {
  const std::string log = "Spikingformer, log of energy_consumption_calculation";
  rows.push_back({"Spikingformer-8-512", "MAC G", "T x first convolution + head with bias, from shapes",
                  0.347329512, static_cast<double>(spikformer_mac(512)) / giga, 0, log, ""});
  rows.push_back({"Spikingformer-8-512", "energy mJ", "4.6 pJ x MAC of shapes + 0.9 pJ x published AC",
                  7.4635, papers_mj(static_cast<double>(spikformer_mac(512)), 6.51754), 0.00006, log, ""});
  rows.push_back({"Spikingformer-8-512", "energy mJ", "4.6 and 0.9 pJ x the module totals of the same log",
                  7.4635, papers_mj(0.454 * giga, 6.548), half_hundredth, log,
                  "cannot follow: the totals 0.454 G MAC and 6.548 G AC, printed three lines later, are not "
                  "what the energy was formed from"});
  rows.push_back({"Spikingformer-8-512", "attention AC G",
                  "T h N d^2 (min(r_k, r_v) + r_q), rates of the README", std::nullopt,
                  fork_attention_ac(imagenet_steps, 8, 196, 64, spikingformer_8_512_rates()) / giga, 0, log,
                  "part of the 6.51754 G AC; the rates of the other layers are not in this list"});
  struct Line {
    const char* model;
    Index dim;
    double ops_giga, published_mj;
  };
  for (const Line& line :
       {Line{"Spikingformer-8-384", 384, 3.88, 4.69}, Line{"Spikingformer-8-768", 768, 12.54, 13.68}}) {
    rows.push_back({line.model, "energy mJ", "4.6 pJ x MAC of shapes + 0.9 pJ x published OPs",
                    line.published_mj,
                    papers_mj(static_cast<double>(spikformer_mac(line.dim)), line.ops_giga),
                    papers_mj(0, half_hundredth) + half_hundredth, "Spikingformer, README", ""});
  }
  for (const auto& [model, published] :
       {std::pair{"Spikformer-8-384", 12.43}, std::pair{"Spikformer-8-512", 18.82},
        std::pair{"Spikformer-8-768", 32.07}}) {
    rows.push_back(
        {model, "energy mJ", "integer inputs counted as MAC", published, std::nullopt, half_hundredth,
         "Spikingformer, README, its recount",
         "needs the rates of each layer; with the first convention the same model has another energy"});
  }
}

void add_resformer(std::vector<PublishedRow>& rows) {
  for (const auto& [model, sop, published] :
       {std::tuple{"SpikingResformer-Ti", 2.73, 2.46}, std::tuple{"SpikingResformer-M", 6.07, 5.46}}) {
    rows.push_back({model, "energy mJ", "0.9 pJ x published SOP; first convolution and classifier left out",
                    published, papers_mj(0, sop), papers_mj(0, half_hundredth) + half_hundredth,
                    "SpikingResformer, CVPR 2024", ""});
  }
}

void add_spike_driven(std::vector<PublishedRow>& rows) {
  struct Line {
    const char* model;
    Index dim;
    double published_mj;
  };
  for (const Line& line :
       {Line{"SDT-V1-8-384", 384, 3.90}, Line{"SDT-V1-6-512", 512, 3.56}, Line{"SDT-V1-8-512", 512, 4.50},
        Line{"SDT-V1-10-512", 512, 5.53}, Line{"SDT-V1-8-768", 768, 6.09}}) {
    const auto conv = static_cast<double>(first_conv_mac(imagenet_steps, imagenet_side, line.dim / 8));
    const double first = papers_mj(conv, 0);
    PublishedRow row{line.model,
                     "energy mJ",
                     "4.6 pJ x T x first convolution + 0.9 pJ x SOP of each layer",
                     line.published_mj,
                     std::nullopt,
                     half_hundredth,
                     "Spike-driven Transformer, NeurIPS 2023",
                     ""};
    row.remark = fmt::format(
        "SOP not published; the first convolution takes {:.3f} mJ, {:.2f} G SOP would fill the rest", first,
        (line.published_mj - first) / papers_mj(0, 1));
    if (line.dim == 768) {
      const double large = papers_mj(static_cast<double>(first_conv_mac(imagenet_steps, 288, 96)), 0);
      row.remark += fmt::format(
          "; at 288 x 288, where its accuracy 77.07 was measured, it would take {:.3f} mJ", large);
    }
    rows.push_back(std::move(row));
  }
}

void add_others(std::vector<PublishedRow>& rows) {
  rows.push_back({"ANN Transformer-8-512", "energy mJ", "4.6 pJ x 8.33 G MAC", 38.34,
                  papers_mj(8.33 * giga, 0), papers_mj(half_hundredth * giga, 0) + half_hundredth,
                  "Spikformer, ICLR 2023; MAC worked out", ""});
  rows.push_back({"Spikformer, CIFAR-10", "energy mJ", "the fork's script: only modules named conv or head",
                  0.246, papers_mj(0.0053 * giga, 0.2458), half_thousandth, "issue spikformer#23",
                  "its projections and MLPs are named q_linear, fc1_linear, ... and were not summed"});
  rows.push_back(
      {"Spikformer, CIFAR-10", "energy mJ", "4.6 and 0.9 pJ x the module totals of the same printout", 0.246,
       papers_mj(1.073 * giga, 0.285), half_thousandth, "issue spikformer#23",
       "cannot follow: the totals 1.073 G MAC and 0.285 G AC give 21 times the energy that was printed"});
  rows.push_back({"QKFormer-10-384", "energy mJ", "not stated for integer inputs", 15.13, std::nullopt,
                  half_hundredth, "QKFormer, README",
                  "needs the rates of each layer; the variant with binary inputs is given as 5.52 mJ"});
  rows.push_back({"Loihi in KerasSpiking", "pJ per synaptic operation", "23.6 pJ", 27.1, 23.6, 0.05,
                  "KerasSpiking, ModelEnergy.devices",
                  "cannot follow: 27.1 is 23.6 pJ + 3.5, and 3.5 is a time in ns"});
}

}  // namespace

Picojoules papers_energy(double mac, double ac) {
  return Operations(mac) * papers_mac + Operations(ac) * papers_ac;
}

Index first_conv_mac(Index steps, Index image, Index channels) {
  constexpr Index taps = 3 * 3 * 3;
  return steps * image * image * channels * taps;
}

Index head_mac(Index dim, Index classes) {
  return dim * classes + classes;
}

Index spikformer_mac(Index dim) {
  return first_conv_mac(imagenet_steps, imagenet_side, dim / 8) + head_mac(dim, imagenet_classes);
}

double fork_attention_ac(Index steps, Index heads, Index tokens, Index head_dim,
                         std::span<const BlockRates> blocks) {
  const auto dense = static_cast<double>(steps * heads * tokens * head_dim * head_dim);
  double sum = 0;
  for (const BlockRates& block : blocks) {
    sum += dense * (std::min(block.k, block.v) + block.q);
  }
  return sum;
}

std::span<const BlockRates> spikingformer_8_512_rates() {
  static constexpr std::array<BlockRates, 8> rates{{{0.172, 0.036, 0.070},
                                                    {0.116, 0.040, 0.072},
                                                    {0.107, 0.044, 0.075},
                                                    {0.082, 0.050, 0.077},
                                                    {0.064, 0.043, 0.071},
                                                    {0.077, 0.031, 0.073},
                                                    {0.070, 0.024, 0.073},
                                                    {0.097, 0.028, 0.080}}};
  return rates;
}

double spike_driven_attention_ac(Index steps, double rate, Index tokens, Index dim) {
  return static_cast<double>(steps * tokens * dim) * rate;
}

std::optional<double> PublishedRow::difference() const {
  return published && ours ? std::optional(*ours - *published) : std::nullopt;
}

bool PublishedRow::agrees() const {
  constexpr double float_noise = 1e-9;  // sums of decimals in binary
  const auto by = difference();
  return by && std::abs(*by) <= rounding + float_noise;
}

std::vector<PublishedRow> published_rows() {
  std::vector<PublishedRow> rows;
  add_spikingformer(rows);
  add_spikformer(rows);
  add_resformer(rows);
  add_spike_driven(rows);
  add_others(rows);
  return rows;
}

}  // namespace volley
