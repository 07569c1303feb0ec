// The fit of depth against width, its inverse and its errors.
#include "analysis/depth_law.hpp"

#include <algorithm>
#include <boost/math/special_functions/lambert_w.hpp>

#include "sim/base/check.hpp"

namespace volley {
namespace {

constexpr std::string_view paper = "Levine et al., NeurIPS 2020, arXiv 2006.12467";
constexpr LawConstant constants[] = {
    {"a", DepthLaw{}.a, DepthLaw{}.a_error, SourceStatus::memory, paper},
    {"b", DepthLaw{}.b, DepthLaw{}.b_error, SourceStatus::memory, paper},
    {"parameters of a layer over d^2", DepthLaw{}.parameters_per_square, 0, SourceStatus::memory, paper},
    {"least depth of the fit", DepthLaw{}.least_depth, 0, SourceStatus::text, paper},
    {"most depth of the fit", DepthLaw{}.most_depth, 0, SourceStatus::text, paper},
    {"base of the threshold log_3 d", 3, 0, SourceStatus::text, paper},
    {"inverse by Lambert's W", 0, 0, SourceStatus::derived, "from a, b and 12 L d^2"},
    {"change of the ratio on images (factor)", 10, 0, SourceStatus::text, "Wies et al., ICML 2021"},
};

double parameters_at(double depth, double extra, const DepthLaw& law) {
  const double width = law.width(depth);
  return law.parameters_per_square * depth * width * width + extra * width;
}

double depth_without_embeddings(double parameters, const DepthLaw& law) {
  const double argument = 2 * law.b * parameters * std::exp(-2 * law.a) / law.parameters_per_square;
  return boost::math::lambert_w0(argument) / (2 * law.b);
}

// parameters_at rises with the depth. 200 halvings end at neighbouring numbers.
double solve(double parameters, double extra, const DepthLaw& law) {
  double low = 0, high = depth_without_embeddings(parameters, law);
  for (int i = 0; i < 200; ++i) {
    const double middle = 0.5 * (low + high);
    (parameters_at(middle, extra, law) < parameters ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

void check_number(const char* what, double number, bool zero_is_good) {
  VOLLEY_CHECK(std::isfinite(number) && (number > 0 || (zero_is_good && number == 0)), Fault::usage,
               "{} is {}, wanted a {} number", what, number, zero_is_good ? "non-negative" : "positive");
}

}  // namespace

std::string_view name(SourceStatus status) {
  constexpr std::string_view names[] = {"read in the abstract", "from memory", "derived"};
  return names[static_cast<std::size_t>(status)];
}

std::string_view name(DepthRegime regime) {
  constexpr std::string_view names[] = {"room to deepen", "deeper than the language fit supports",
                                        "on the curve within its error", "outside fit"};
  return names[static_cast<std::size_t>(regime)];
}

std::span<const LawConstant> law_constants() {
  return constants;
}

DepthPlan plan_depth(const PlanQuestion& question, const DepthLaw& law) {
  check_number("the number of parameters", question.parameters, false);
  check_number("vocabulary", question.vocabulary, true);
  check_number("context", question.context, true);
  VOLLEY_CHECK(question.head_multiple >= 1, Fault::usage,
               "the width is to be a multiple of {}, wanted 1 or more", question.head_multiple);
  const double extra = question.vocabulary + question.context;
  VOLLEY_CHECK(
      extra * law.width(0) < question.parameters, Fault::usage,
      "vocabulary and context of {} rows need {:.0f} parameters at the width {:.0f} that the fit gives to "
      "no layer at all; the budget is {:.0f}",
      extra, extra * law.width(0), law.width(0), question.parameters);
  DepthPlan plan;
  plan.depth =
      extra > 0 ? solve(question.parameters, extra, law) : depth_without_embeddings(question.parameters, law);
  plan.width = law.width(plan.depth);
  // dN = 0 = N_L dL + N_d d (da + L db + b dL), with the error of da + L db.
  const double layer_part = law.parameters_per_square * plan.depth * plan.width * plan.width;
  const double by_log_width = 2 * layer_part + extra * plan.width;
  const double error = law.log_width_error(plan.depth);
  plan.depth_error = by_log_width * error / (layer_part / plan.depth + law.b * by_log_width);
  plan.width_error = plan.width * plan.depth_error * layer_part / plan.depth / by_log_width;
  plan.fit_width_error = plan.width * error;
  plan.layers = std::max<Index>(1, static_cast<Index>(std::llround(plan.depth)));
  const double square = law.parameters_per_square * static_cast<double>(plan.layers);
  plan.exact_width =
      2 * question.parameters / (extra + std::sqrt(extra * extra + 4 * square * question.parameters));
  const auto multiple = static_cast<double>(question.head_multiple);
  plan.rounded_width = question.head_multiple *
                       std::max<Index>(1, static_cast<Index>(std::llround(plan.exact_width / multiple)));
  const auto rounded = static_cast<double>(plan.rounded_width);
  plan.rounded_parameters = square * rounded * rounded + extra * rounded;
  plan.extrapolated = !law.fits(plan.depth) || plan.width < law.width(law.least_depth);
  return plan;
}

DepthVerdict judge_depth(double depth, double width, const DepthLaw& law) {
  VOLLEY_CHECK(std::isfinite(depth) && depth >= 1, Fault::usage, "the depth is {}, wanted 1 or more", depth);
  VOLLEY_CHECK(std::isfinite(width) && width >= 2, Fault::usage, "the width is {}, wanted 2 or more", width);
  DepthVerdict verdict;
  verdict.fitted_depth = law.depth(width);
  verdict.fitted_depth_error = law.log_width_error(verdict.fitted_depth) / law.b;
  verdict.threshold = std::log(width) / std::log(3.0);
  verdict.extrapolated = !law.fits(verdict.fitted_depth) || !law.fits(depth);
  if (verdict.fitted_depth <= 0) {
    verdict.regime = DepthRegime::outside;
  } else if (std::abs(depth - verdict.fitted_depth) <= verdict.fitted_depth_error) {
    verdict.regime = DepthRegime::tie;
  } else {
    verdict.regime = depth > verdict.fitted_depth ? DepthRegime::wider : DepthRegime::deeper;
  }
  return verdict;
}

}  // namespace volley
