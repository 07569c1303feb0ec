// volley analyze rank: the separation rank of stacks of attention.
#include <CLI/CLI.hpp>
#include <algorithm>

#include "analysis/picture.hpp"
#include "cli/analyze.hpp"
#include "cli/stack_ranks.hpp"
#include "models/families/attention_stack.hpp"
#include "sim/base/check.hpp"

namespace volley::cli {
namespace {

Table make_table() {
  return {"ranks",
          {{"mechanism", "mechanism"},
           {"depth", "depth"},
           {"width", "width"},
           {"templates", "templates"},
           {"most_possible", "most possible"},
           {"draws", "draws"},
           {"rank_mean", "rank, mean", 1},
           {"rank_least", "least"},
           {"rank_most", "most"},
           {"closed_form", "C(d+K, d)"},
           {"effective_rank_mean", "effective rank", 2},
           {"effective_rank_sd", "sd", 2},
           {"saturated_draws", "saturated"},
           {"silent_draws", "silent"}},
          {}};
}

void add_row(Table& table, const std::string& mechanism, Cell depth, Index width, Cell closed,
             const Findings& found) {
  const auto& ranks = found.rank.numbers;
  const bool numerical = !found.effective.numbers.empty();
  table.rows.push_back({mechanism, std::move(depth), width, found.grid.templates, found.most,
                        static_cast<Index>(ranks.size()), found.rank.mean(),
                        static_cast<Index>(*std::ranges::min_element(ranks)),
                        static_cast<Index>(*std::ranges::max_element(ranks)), std::move(closed),
                        numerical ? Cell(found.effective.mean()) : Cell(),
                        numerical ? Cell(found.effective.deviation()) : Cell(), found.saturated,
                        numerical ? Cell(found.silent) : Cell()});
}

void check(const RankOptions& options) {
  VOLLEY_CHECK(options.draws >= 1, Fault::usage, "--draws is {}, wanted 1 or more", options.draws);
  VOLLEY_CHECK(options.steps >= 1, Fault::usage, "T is {}, wanted 1 or more", options.steps);
  VOLLEY_CHECK(options.templates >= 0, Fault::usage, "--templates is {}, wanted 1 or more, or 0 to choose",
               options.templates);
  VOLLEY_CHECK(options.tolerance > 0 && options.tolerance < 1, Fault::usage,
               "--tolerance is {}, wanted a number between 0 and 1", options.tolerance);
  for (const Index depth : options.depths) {
    for (const Index width : options.widths) {
      const StackShape shape{options.tokens, width, options.heads, depth};
      check_stack(shape);
      const bool spikes = options.kind != TemplateKind::any;
      (void)make_grid(options.tokens, spikes ? all_templates(width) : exact_templates(options, shape),
                      options.most_entries);
    }
  }
}

void add_stacks(const Runtime& runtime, const RankOptions& options, Table& table,
                std::vector<Curve>& curves) {
  const Progress progress = progress_on_stderr("rank");
  const auto all =
      static_cast<Index>(options.mechanisms.size() * options.widths.size() * options.depths.size());
  Index done = 0;
  for (const std::string& mechanism : options.mechanisms) {
    for (const Index width : options.widths) {
      Curve curve{fmt::format("{}, d = {}", mechanism, width), {}, {}, {}};
      for (const Index depth : options.depths) {
        const StackShape shape{options.tokens, width, options.heads, depth};
        const bool is_exact = mechanism == exact_mechanism;
        const Findings found =
            is_exact ? find_exact(options, shape) : find_numerical(runtime, options, shape, mechanism);
        const bool has_form = options.tokens == 2 && options.kind == TemplateKind::any &&
                              (is_exact || mechanism == stack_mechanisms[0]);
        const auto closed = has_form ? closed_form_rank(width, depth) : std::nullopt;
        add_row(table, mechanism, depth, width, closed ? Cell(*closed) : Cell(), found);
        curve.x.push_back(static_cast<double>(depth));
        curve.y.push_back(is_exact ? found.rank.mean() : found.effective.mean());
        curve.error.push_back(is_exact ? 0 : found.effective.deviation());
        progress(++done, all);
      }
      if (mechanism != exact_mechanism && width == options.widths.back()) {
        curves.push_back(std::move(curve));
      }
    }
  }
}

void add_remarks(Report& report, const Table& table, const RankOptions& options) {
  report.remarks.push_back(
      "effective rank: exp(-sum p ln p), p = singular values squared over their sum; rank: singular values "
      "above "
      "the tolerance times the first; of exact: in the field of 2^31 - 1, where nothing is rounded");
  report.remarks.push_back(
      "numerical rows are computed in float32: a rank that needs smaller singular values than "
      "1e-7 of the first is not seen");
  for (const auto& row : table.rows) {
    if (std::get<Index>(row[12]) > 0) {
      report.remarks.push_back(
          "saturated: the rank is the greatest that so many templates let through; more could give more");
      break;
    }
  }
  for (const auto& row : table.rows) {
    if (options.kind == TemplateKind::any && std::get<Index>(row[3]) <= std::get<Index>(row[2])) {
      report.remarks.push_back(
          "there are no more templates than the width somewhere: one layer is cut by that");
      break;
    }
  }
  if (options.model.empty()) {
    report.remarks.push_back(
        "weights are random: a rank at the start says nothing of accuracy after training");
  }
}

void rank_command(const RankOptions& options) {
  const Runtime runtime = make_runtime();
  Report report{"volley.analyze.rank/1", {}, {}, {}};
  constexpr const char* kinds[] = {"normal numbers (exact: any in the field)", "all of {0,1}^d",
                                   "all of {-1,1}^d"};
  report.facts = {{"templates", std::string(kinds[static_cast<std::size_t>(options.kind)])},
                  {"tolerance", options.tolerance},
                  {"spiking_steps", options.steps},
                  {"seed", options.seed}};
  Table table = make_table();
  std::vector<Curve> curves;
  if (options.model.empty()) {
    check(options);
    report.facts.push_back({"tokens", options.tokens});
    report.facts.push_back({"heads", options.heads});
    add_stacks(runtime, options, table, curves);
  } else {
    VOLLEY_CHECK(options.picture.empty(), Fault::usage,
                 "--picture is of stacks over depths, not of one MODEL");
    const ModelFindings model = find_of_model(runtime, options);
    add_row(table, options.model, {}, model.width, {}, model.found);
  }
  add_remarks(report, table, options);
  report.tables.push_back(std::move(table));
  if (!options.picture.empty()) {
    VOLLEY_CHECK(!curves.empty(), Fault::usage, "--picture wants a mechanism beside exact");
    write_curves(options.picture,
                 {fmt::format("effective rank, {} tokens, {} draws", options.tokens, options.draws),
                  "depth [layers]", "effective rank of the grid matrix", false, true, curves});
  }
  print(report, options.format);
}

}  // namespace

void add_analyze_rank(CLI::App& analyze, Run& chosen) {
  auto options = std::make_shared<RankOptions>();
  CLI::App* command = analyze.add_subcommand("rank", "separation rank of attention, exact and numerical");
  command->add_option("model", options->model, "MODEL that reads tokens [N C]; without it, stacks are built");
  command
      ->add_option("--mechanisms", options->mechanisms, "of exact,linear,softmax,binary,bipolar; default all")
      ->delimiter(',')
      ->check(CLI::IsMember({exact_mechanism, "linear", "softmax", "binary", "bipolar"}));
  command->add_option("--depths", options->depths, "layers, as 1,2,3")->delimiter(',')->capture_default_str();
  command->add_option("--widths", options->widths, "as 4,8")->delimiter(',')->capture_default_str();
  command->add_option("--tokens", options->tokens, "N; the first half against the others")
      ->capture_default_str();
  command->add_option("--heads", options->heads, "of attention")->capture_default_str();
  command->add_option("--draws", options->draws, "of weights and templates (exact: 2 at most)")
      ->capture_default_str();
  command->add_option("--templates", options->templates, "vectors that a token may be; 0: chosen by the grid")
      ->capture_default_str();
  const std::map<std::string, TemplateKind> kinds{
      {"any", TemplateKind::any}, {"binary", TemplateKind::binary}, {"bipolar", TemplateKind::bipolar}};
  command->add_option("--template-kind", options->kind, "any: random; binary, bipolar: all spike vectors")
      ->transform(CLI::CheckedTransformer(kinds))
      ->option_text("any | binary | bipolar [any]");
  command->add_option("-T,--steps", options->steps, "of spiking stacks")->capture_default_str();
  command
      ->add_option("--tolerance", options->tolerance, "of the numerical rank, times the first singular value")
      ->capture_default_str();
  command->add_option("--most-entries", options->most_entries, "of a grid")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--seed", options->seed, "of weights and templates")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  add_picture_option(*command, options->picture, "effective rank against depth, at the last width");
  add_format_option(*command, options->format);
  command->footer("Example: volley analyze rank --mechanisms exact --depths 1,2,3 --widths 2,3");
  command->callback([options, &chosen] { chosen = [options] { rank_command(*options); }; });
}

}  // namespace volley::cli
