// Depth against width of a self-attention network: planner and analyser.
#pragma once

#include <cmath>
#include <span>
#include <string_view>

#include "sim/base/device_fn.hpp"

namespace volley {

// Where a constant comes from. text: read in the paper's abstract. memory: known from the paper, but its body
// was not at hand to be read again. derived: follows from the others by the argument in docs/analysing.md.
enum class SourceStatus : unsigned char { text, memory, derived };
std::string_view name(SourceStatus status);

// Y. Levine et al., Limits to Depth Efficiencies of Self-Attention, NeurIPS 2020: the width at which a
// network of L layers stops to lose to a deeper one of as many parameters, d(L) = exp(a + b L), fitted to
// language models; N(L) = 12 L d^2 parameters outside embeddings.
struct DepthLaw {
  double a = 5.039, a_error = 0.030;        // ln width
  double b = 0.0555, b_error = 0.0013;      // ln width of a layer
  double parameters_per_square = 12;        // of one layer, over d^2
  double least_depth = 6, most_depth = 48;  // trained for the fit

  double width(double depth) const { return std::exp(a + b * depth); }
  double depth(double width) const { return (std::log(width) - a) / b; }
  // Standard error of ln width at a depth; the covariance of a and b isn't known and is taken as 0.
  double log_width_error(double depth) const { return std::hypot(a_error, depth * b_error); }
  bool fits(double depth) const { return depth >= least_depth && depth <= most_depth; }
};

struct LawConstant {
  std::string_view name;
  double value;
  double error;  // 0: none is stated
  SourceStatus status;
  std::string_view source;
};
std::span<const LawConstant> law_constants();

struct PlanQuestion {
  double parameters = 0;    // outside embeddings; with vocabulary or context: all
  double vocabulary = 0;    // rows of d numbers [1]
  double context = 0;       // rows of d numbers [1]
  Index head_multiple = 1;  // the width is to be a multiple of it
};
struct DepthPlan {
  double depth = 0, depth_error = 0;  // L* and its error at this number of parameters [layers]
  double width = 0, width_error = 0;  // d*
  double fit_width_error = 0;         // of the fitted curve at L*, the depth held fixed
  Index layers = 0;                   // nearest integer, at least 1
  double exact_width = 0;             // that with `layers` gives the parameters
  Index rounded_width = 0;            // nearest multiple, at least one
  double rounded_parameters = 0;
  bool extrapolated = false;  // L* lies outside of what was trained for the fit
};
// L* solves 12 L d^2 + (vocabulary + context) d = N with d = d(L): without the second term
// L* = W(b N e^(-2a) / 6) / 2b, W: Lambert's function (derived). Throws Error (usage) for numbers that are
// not positive or finite.
DepthPlan plan_depth(const PlanQuestion& question, const DepthLaw& law = {});

// By the fit: deeper: a narrower network of more layers is expected to win at this size; wider: the opposite;
// tie: nearer to the curve than its error; outside: the width lies below the fit's shallowest network.
enum class DepthRegime : unsigned char { deeper, wider, tie, outside };
std::string_view name(DepthRegime regime);

struct DepthVerdict {
  double fitted_depth = 0, fitted_depth_error = 0;  // at which the fit would have this width [layers]
  double threshold = 0;                             // log_3 d, of the theorem [layers]
  DepthRegime regime = DepthRegime::outside;
  bool extrapolated = false;  // the model or the fitted depth lies outside of what was trained for the fit
};
// Throws Error (usage) for a depth below 1 or a width below 2.
DepthVerdict judge_depth(double depth, double width, const DepthLaw& law = {});

}  // namespace volley
