// Options that all commands share, and what they mean.
#include <CLI/CLI.hpp>
#include <charconv>

#include "cli/command.hpp"
#include "sim/base/check.hpp"
#include "sim/base/log.hpp"
#include "sim/base/parallel.hpp"

namespace volley::cli {
namespace {

std::optional<Index> number_of(std::string_view text) {
  Index number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

// "a:b", ":b", "a:" or one number for one sample.
void read_range(const std::string& text, RunSettings& settings) {
  const auto colon = text.find(':');
  const std::string_view view = text;
  const std::string_view begin = view.substr(0, colon);
  const std::string_view end = colon == std::string::npos ? std::string_view() : view.substr(colon + 1);
  const auto first = begin.empty() ? std::optional<Index>(0) : number_of(begin);
  const auto last = end.empty() ? std::nullopt : number_of(end);
  VOLLEY_CHECK(first && (end.empty() || last), Fault::usage, "--samples is '{}', wanted a:b", text);
  settings.first = *first;
  settings.end = colon == std::string::npos ? std::optional(*first + 1) : last;
}

}  // namespace

void add_run_options(CLI::App& app, RunOptions& options) {
  app.add_option("-i,--input", options.input,
                 "DATA: digits | fashion | random[:SAMPLES] | idx:IMAGES,LABELS | events:FILE,... "
                 "(recordings of an event "
                 "camera; events-by-time: frames of equal time) | FILE.npz with arrays named "
                 "as the inputs")
      ->required();
  app.add_option("-T,--steps", options.steps, "time steps (default: those of the data, else 4)");
  app.add_option("--samples", options.samples, "range a:b of samples (default: all)");
  app.add_option("--batch", options.batch, "samples in one go")->capture_default_str();
  app.add_option("--executor", options.executor, "loop order; the result is the same")
      ->check(CLI::IsMember({"layered", "stepped", "event_driven"}))
      ->capture_default_str();
  app.add_option("-t,--threads", options.threads, "threads (default: all cores)")->check(CLI::PositiveNumber);
  app.add_option("--seed", options.seed, "seed of random encoders and random data")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_flag("--unfolded", options.unfolded, "keep batch norms as nodes of their own");
  add_weights_option(app, options.weights);
  app.add_option("--kernel", options.kernels, "OP=NAME: take this kernel when it accepts (see inspect)");
}

void add_weights_option(CLI::App& app, std::string& weights) {
  app.add_option("--weights", weights,
                 "f32, or i8: weights of layers that read spikes in 8 bits, a scale for each output")
      ->check(CLI::IsMember({"f32", "i8"}))
      ->capture_default_str();
}

void add_format_option(CLI::App& app, Format& format) {
  const std::map<std::string, Format> words{
      {"table", Format::table}, {"json", Format::json}, {"csv", Format::csv}, {"md", Format::md}};
  app.add_option("--format", format, "of stdout: table | json | csv | md")
      ->transform(CLI::CheckedTransformer(words, CLI::ignore_case))
      ->default_str("table")
      ->option_text("table | json | csv | md [table]");
}

namespace {

std::string names_of(std::span<const Kernel> kernels) {
  std::string all;
  for (const Kernel& kernel : kernels) {
    all += (all.empty() ? "" : ", ") + std::string(kernel.name);
  }
  return all;
}

void read_kernels(const std::vector<std::string>& entries, const Runtime& runtime, RunSettings& settings) {
  for (const std::string& entry : entries) {
    const auto equals = entry.find('=');
    VOLLEY_CHECK(equals != std::string::npos, Fault::usage, "--kernel is '{}', wanted OP=NAME", entry);
    const std::string kind = entry.substr(0, equals);
    const std::string kernel = entry.substr(equals + 1);
    const auto known = runtime.kernels.all(kind);
    VOLLEY_CHECK(!known.empty(), Fault::usage,
                 "--kernel is '{}', but no op is named '{}', did you mean '{}'?", entry, kind,
                 runtime.registry.nearest(kind));
    const bool is_known =
        std::any_of(known.begin(), known.end(), [&](const Kernel& one) { return one.name == kernel; });
    VOLLEY_CHECK(is_known, Fault::usage, "--kernel is '{}', wanted one of: {}", entry, names_of(known));
    settings.kernels[kind] = kernel;
  }
}

RunSettings settings_of(const RunOptions& options, const Runtime& runtime) {
  RunSettings settings;
  settings.steps = options.steps;
  settings.batch = options.batch;
  settings.order = order_named(options.executor);
  settings.seed = static_cast<std::uint64_t>(options.seed);
  VOLLEY_CHECK(!settings.steps || *settings.steps >= 1, Fault::usage, "-T is {}, wanted 1 or more",
               *settings.steps);
  VOLLEY_CHECK(settings.batch >= 1, Fault::usage, "--batch is {}, wanted 1 or more", settings.batch);
  if (!options.samples.empty()) {
    read_range(options.samples, settings);
  }
  read_kernels(options.kernels, runtime, settings);
  if (options.threads > 0) {
    set_thread_count(options.threads);
  }
  return settings;
}

}  // namespace

Session open_session(const std::string& spec, const RunOptions& options) {
  Runtime runtime = make_runtime();
  RunSettings settings = settings_of(options, runtime);
  Model model = load_model(runtime, spec, options.unfolded ? Folding::keep : Folding::fold);
  if (options.weights == "i8") {
    round_model(model);
  }
  for (const std::string& note : model.notes) {
    log::info("{}", note);
  }
  InputData data = open_data(options.input, model.graph, options);
  settings.end = settings.end.value_or(data.samples());
  VOLLEY_CHECK(settings.first >= 0 && settings.first < *settings.end && *settings.end <= data.samples(),
               Fault::usage, "samples {}:{} are not in {}, which has {}", settings.first, *settings.end,
               data.source(), data.samples());
  return {std::move(runtime), std::move(model), std::move(settings), std::move(data)};
}

}  // namespace volley::cli
