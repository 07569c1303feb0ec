// volley analyze depth: how deep for how wide, by the fit to language models.
#include <CLI/CLI.hpp>
#include <cmath>

#include "analysis/depth_law.hpp"
#include "analysis/picture.hpp"
#include "cli/analyze.hpp"
#include "models/attention_depth.hpp"
#include "sim/base/check.hpp"

namespace volley::cli {
namespace {

struct DepthOptions {
  std::string model;
  std::optional<double> parameters;
  std::optional<double> depth;
  std::optional<double> width;
  double vocabulary = 0;
  double context = 0;
  Index head_multiple = 1;
  std::string picture;
  Format format = Format::table;
};

struct Point {
  std::string name;
  double depth, width, error;
};

constexpr const char* scope =
    "the fit is of autoregressive language models with dense softmax attention (depths 6 to 48); on images "
    "the "
    "best ratio changed tenfold (Wies et al. 2021). It is no law for spiking or vision networks";

Table constants_table() {
  Table table{"constants",
              {{"constant", "constant"},
               {"value", "value", 4},
               {"error", "+-", 4},
               {"status", "status"},
               {"source", "source"}},
              {}};
  const auto number = [](double value) { return value > 0 ? Cell(value) : Cell(); };
  for (const LawConstant& each : law_constants()) {
    table.rows.push_back({std::string(each.name), number(each.value), number(each.error),
                          std::string(name(each.status)), std::string(each.source)});
  }
  return table;
}

std::string yes_or_no(bool answer) {
  return answer ? "yes" : "no";
}

void add_plan(Report& report, const PlanQuestion& question, std::vector<Point>& points) {
  const DepthPlan plan = plan_depth(question);
  Table table{"plan", {{"quantity", "quantity"}, {"value", "value"}, {"error", "+-"}}, {}};
  table.rows = {{std::string("depth L* [layers]"), plan.depth, plan.depth_error},
                {std::string("width d*"), plan.width, plan.width_error},
                {std::string("width of the fit at L*"), plan.width, plan.fit_width_error},
                {std::string("nearest number of layers"), plan.layers, {}},
                {std::string("width with that many"), plan.exact_width, {}},
                {fmt::format("the same, a multiple of {}", question.head_multiple), plan.rounded_width, {}},
                {std::string("parameters then"), plan.rounded_parameters, {}}};
  report.facts.push_back({"parameters", question.parameters});
  report.facts.push_back({"counted", std::string(question.vocabulary + question.context > 0
                                                     ? "all, with (vocabulary + context) d of embeddings"
                                                     : "without embeddings: 12 L d^2")});
  report.facts.push_back({"planned_depth", plan.depth});
  report.facts.push_back({"planned_width", plan.width});
  report.facts.push_back({"extrapolated", yes_or_no(plan.extrapolated)});
  report.tables.push_back(std::move(table));
  if (plan.extrapolated) {
    report.remarks.push_back(
        fmt::format("extrapolated: the fit was made of 6 to 48 layers ({:.0f} to {:.0f} wide)",
                    DepthLaw{}.width(6), DepthLaw{}.width(48)));
  }
  report.remarks.push_back("errors: those of a and b alone, whose covariance isn't known and is taken as 0");
  points.push_back({"plan", plan.depth, plan.width, plan.width_error});
}

void add_verdict(Report& report, double depth, double width, std::vector<Point>& points) {
  const DepthVerdict verdict = judge_depth(depth, width);
  report.facts.push_back({"depth", depth});
  report.facts.push_back({"width", width});
  report.facts.push_back({"fit_regime", std::string(name(verdict.regime))});
  report.facts.push_back({"fit_depth_of_this_width", verdict.fitted_depth});
  report.facts.push_back({"fit_depth_error", verdict.fitted_depth_error});
  report.facts.push_back({"extrapolated", yes_or_no(verdict.extrapolated)});
  report.facts.push_back({"theory_threshold_log3_width", verdict.threshold});
  report.facts.push_back(
      {"theory_regime", std::string(depth < verdict.threshold ? "depth-efficient: L < log_3 d"
                                                              : "depth-inefficient: L >= log_3 d")});
  if (verdict.regime == DepthRegime::outside) {
    report.remarks.push_back(
        fmt::format("outside fit: it gives a width below {:.0f} to no depth at all", DepthLaw{}.width(0)));
  } else if (verdict.extrapolated) {
    report.remarks.push_back("extrapolated: the depth, or that of the fit, lies outside of 6 to 48 layers");
  }
  report.remarks.push_back(
      "theory: of networks without softmax, normalisation and feed-forward layers; its threshold is lower "
      "than the "
      "fitted one, of which it explains the exponential form alone");
  points.push_back({"this network", depth, width, 0});
}

// The network's parts that the law speaks of: width so that the sum of squares over the layers stays.
void add_model(Report& report, const DepthOptions& options, std::vector<Point>& points) {
  const Runtime runtime = make_runtime();
  const Model model = load_model(runtime, options.model);
  const Index steps = has_steps(model.graph) ? 4 : 1;
  const auto layers = attention_layers(make_plan(runtime, model, {}, steps, 1, false));
  VOLLEY_CHECK(!layers.empty(), Fault::model, "'{}' has no attention: no depth to speak of", options.model);
  Table table{"layers", {{"layer", "layer"}, {"node", "node"}, {"width", "width"}}, {}};
  double squares = 0;
  for (const AttentionLayer& layer : layers) {
    table.rows.push_back({static_cast<Index>(table.rows.size() + 1), layer.node, layer.width});
    squares += static_cast<double>(layer.width) * static_cast<double>(layer.width);
  }
  const auto depth = static_cast<double>(layers.size());
  report.facts.push_back({"model", options.model});
  report.facts.push_back({"parameters", model.parameters});
  add_verdict(report, depth, std::sqrt(squares / depth), points);
  if (table.rows.front()[2] != table.rows.back()[2]) {
    report.remarks.push_back(
        "layers differ in width: it is the root of the mean square, which keeps 12 L d^2");
  }
  report.tables.push_back(std::move(table));
}

void draw(const std::string& path, const std::vector<Point>& points) {
  Curves curves{"width against depth at which deeper stops to help (fit to language models)",
                "layers L",
                "width d",
                false,
                true,
                {}};
  const DepthLaw law;
  double most = law.most_depth;
  for (const Point& point : points) {
    most = std::max(most, point.depth);
  }
  Curve fit{"fit", {}, {}, {}};
  for (double depth = 0; depth <= most + 4; depth += 4) {
    fit.x.push_back(depth);
    fit.y.push_back(law.width(depth));
    fit.error.push_back(law.width(depth) * law.log_width_error(depth));
  }
  curves.curves.push_back(std::move(fit));
  for (const Point& point : points) {
    curves.curves.push_back({point.name, {point.depth}, {point.width}, {point.error}});
  }
  write_curves(path, curves);
}

void depth_command(const DepthOptions& options) {
  const bool by_shape = options.depth || options.width;
  const int questions = (options.model.empty() ? 0 : 1) + (options.parameters ? 1 : 0) + (by_shape ? 1 : 0);
  VOLLEY_CHECK(questions == 1, Fault::usage,
               "depth wants one of: --parameters N; --depth L and --width D; MODEL");
  VOLLEY_CHECK(!by_shape || (options.depth && options.width), Fault::usage,
               "--depth and --width go together");
  Report report{"volley.analyze.depth/1", {}, {}, {}};
  std::vector<Point> points;
  if (options.parameters) {
    add_plan(report, {*options.parameters, options.vocabulary, options.context, options.head_multiple},
             points);
  } else if (by_shape) {
    add_verdict(report, *options.depth, *options.width, points);
  } else {
    add_model(report, options, points);
  }
  report.tables.push_back(constants_table());
  report.remarks.push_back(scope);
  if (!options.picture.empty()) {
    draw(options.picture, points);
  }
  print(report, options.format);
}

}  // namespace

void add_analyze_depth(CLI::App& analyze, Run& chosen) {
  auto options = std::make_shared<DepthOptions>();
  CLI::App* command = analyze.add_subcommand("depth", "depth against width: planner, and regime of a model");
  command->add_option("model", options->model, "MODEL whose depth and width are judged");
  command->add_option("--parameters", options->parameters, "plan for so many, without embeddings");
  command->add_option("--vocabulary", options->vocabulary,
                      "rows of an embedding; then --parameters is all of them");
  command->add_option("--context", options->context, "rows of learned positions; as --vocabulary");
  command->add_option("--head-multiple", options->head_multiple, "the width is to be a multiple of it")
      ->capture_default_str();
  command->add_option("--depth", options->depth, "layers of a network to judge, with --width");
  command->add_option("--width", options->width, "of a network to judge");
  add_picture_option(*command, options->picture, "the fitted curve and the answer");
  add_format_option(*command, options->format);
  command->footer("Example: volley analyze depth --parameters 350e6 --head-multiple 64");
  command->callback([options, &chosen] { chosen = [options] { depth_command(*options); }; });
}

}  // namespace volley::cli
