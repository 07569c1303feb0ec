// volley run: values of the outputs, and of any node, for some data.
#include <CLI/CLI.hpp>

#include "cli/command.hpp"
#include "cli/html.hpp"
#include "cli/recording.hpp"
#include "cli/trace.hpp"
#include "sim/base/check.hpp"
#include "sim/base/parallel.hpp"

namespace volley::cli {
namespace {

constexpr double default_dt = 1e-4;                      // as import and export have it [s]
constexpr const char* page_profile = "horowitz45-fp32";  // measure --html prices by the one that it is given

struct Options {
  std::string model;
  RunOptions run;
  std::vector<std::string> record;
  std::string output;
  std::optional<double> dt;
  std::string trace;
  HtmlOptions html;
  Format format = Format::table;
};

Port recorded_port(const Graph& graph, const std::string& node) {
  try {
    return graph.port(node, "--record");
  } catch (const Error& error) {
    throw Error(Fault::usage, error.what());
  }
}

void run_command(const Options& options) {
  VOLLEY_CHECK(options.record.empty() || !options.output.empty(), Fault::usage,
               "--record needs --output FILE.npz");
  VOLLEY_CHECK(!options.dt || is_nir_data_name(options.output), Fault::usage,
               "--dt needs --output FILE.nirdata");
  Session session = open_session(options.model, options.run);
  const Graph& graph = session.model.graph;
  RunSettings& settings = session.settings;
  for (const std::string& node : options.record) {
    settings.recorded.insert(recorded_port(graph, node));
  }
  const std::set<Port> recorded = settings.recorded;
  std::set<Port> wanted = recorded;
  for (const GraphOutput& output : graph.outputs()) {
    wanted.insert(output.from);
  }
  Collector collector(wanted, settings.first, session.samples());
  HtmlPage page(options.html, session, options.run.input);
  RunSummary summary;
  with_trace(options.trace, graph, [&](Recorder* trace) {
    std::vector<Recorder*> listeners{&collector, &page.recorder()};
    if (trace != nullptr) {
      listeners.push_back(trace);
    }
    Recorders all(listeners);
    summary =
        run_model(session.runtime, session.model, session.data, settings, all, progress_on_stderr("run"));
  });
  if (!options.output.empty()) {
    write_recording(options.output, graph, collector, recorded, options.dt.value_or(default_dt));
  }
  Report report{"volley.run/1", {}, {}, {}};
  report.facts = {{"model", options.model},
                  {"input", options.run.input},
                  {"samples", summary.samples},
                  {"steps", summary.steps},
                  {"batch", summary.batch},
                  {"executor", std::string(name(settings.order))},
                  {"threads", Index{thread_count()}},
                  {"seed", options.run.seed},
                  {"seconds", summary.seconds},
                  {"latency_ms", summary.seconds * 1e3 / static_cast<double>(summary.samples)},
                  {"activation_bytes", static_cast<Index>(summary.activation_bytes)},
                  {"state_bytes", static_cast<Index>(summary.state_bytes)}};
  Table outputs{
      "outputs", {{"name", "output"}, {"value", "value"}, {"accuracy_percent", "accuracy %", 2}}, {}};
  for (const GraphOutput& output : graph.outputs()) {
    const Tensor& value = collector.values().at(output.from);
    const auto right = accuracy(value, session.data.labels(), settings.first);
    outputs.rows.push_back({output.name, fmt::format("{} {}", name(value.dtype()), text(value.shape())),
                            right ? Cell(*right * 100) : Cell()});
  }
  report.tables.push_back(std::move(outputs));
  if (!options.html.file.empty()) {
    page.write(report, find_profile(page_profile));
  }
  print(report, options.format);
}

}  // namespace

void add_run(CLI::App& app, Run& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("run", "run a model over data");
  command
      ->add_option("model", options->model,
                   "MODEL: a graph file, a folder, or FAMILY:KEY=VALUE,... (see build)")
      ->required();
  add_run_options(*command, options->run);
  command->add_option("--record", options->record, "NODE or NODE:OUTPUT, values that go into --output")
      ->delimiter(',');
  command->add_option("-o,--output", options->output,
                      "FILE.npz for the outputs and what is recorded; or FILE.nirdata, FILE.h5: NIRData");
  command->add_option("--dt", options->dt, "of a step in NIRData [s], 1e-4 unless said");
  command->add_option("--trace", options->trace,
                      "FILE.json: calls of nodes over time, for Perfetto or chrome://tracing");
  add_html_options(*command, options->html);
  add_format_option(*command, options->format);
  command->footer(
      "Example: volley run examples/digits/bsa.txtpb --input digits --record block0.attn:score -o run.npz");
  command->callback([options, &chosen] { chosen = [options] { run_command(*options); }; });
}

}  // namespace volley::cli
