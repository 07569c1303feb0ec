// Published energies, worked out again from shapes and rates.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/base/device_fn.hpp"
#include "sim/base/units.hpp"

namespace volley {

// E_MAC and E_AC of the papers: Horowitz 2014, 45 nm, float32 multiply 3.7 + add 0.9 pJ, and add 0.9 pJ.
constexpr PicojoulesPerOperation papers_mac{4.6};
constexpr PicojoulesPerOperation papers_ac{0.9};

// E = E_MAC x (the first convolution, T times, and what else is real) + E_AC x (all that spikes cause).
// Source: Zhou et al., Spikformer, ICLR 2023.
Picojoules papers_energy(double mac, double ac);

// Products of the first convolution of a Spikformer on colour images, taps on padding included:
// T x image^2 x channels x 3 x 3 x 3, stride 1. channels: dim / 8 in the networks for ImageNet.
Index first_conv_mac(Index steps, Index image, Index channels);
// Classifier, once, a bias counted as one product.
Index head_mac(Index dim, Index classes);
// Both, of Spikformer and Spikingformer at T = 4, 224 x 224, 1000 classes.
Index spikformer_mac(Index dim);

// Rates of q, k and v of one block.
struct BlockRates {
  double q, k, v;
};
// The fork's count of q (k^T v) over all blocks: T heads N d^2 (min(r_k, r_v) + r_q).
// Source: Spikingformer, energy_consumption_calculation.
double fork_attention_ac(Index steps, Index heads, Index tokens, Index head_dim,
                         std::span<const BlockRates> blocks);
// The rates that its README lists for Spikingformer-8-512.
std::span<const BlockRates> spikingformer_8_512_rates();
// Additions of the spike-driven attention in the formula of its paper: T r N D. Yao et al., 2023.
double spike_driven_attention_ac(Index steps, double rate, Index tokens, Index dim);

struct PublishedRow {
  std::string model;
  std::string what;                 // quantity and unit: "energy mJ", "MAC G", ...
  std::string convention;           // how the number is formed
  std::optional<double> published;  // in that unit; nothing: the source gives no number
  std::optional<double> ours;       // nothing: rates that it needs are not published
  double rounding = 0;  // half a unit of the last digit that was published, and of what ours is made of
  std::string source;
  std::string remark;  // why a number cannot follow from its own convention, or what is missing

  // ours - published
  std::optional<double> difference() const;
  bool agrees() const;  // both are there and the difference is rounding
};
std::vector<PublishedRow> published_rows();

}  // namespace volley
