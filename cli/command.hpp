// What all commands share: their options, the model, the data, progress and output.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "models/runtime.hpp"
#include "sim/measure/energy.hpp"
#include "sim/measure/ledger.hpp"
#include "sim/measure/report.hpp"

namespace CLI {
class App;
}

namespace volley::cli {

enum class Format : std::uint8_t { table, json, csv, md };

// Options of every command that runs a model.
struct RunOptions {
  std::string input;
  std::optional<Index> steps;
  std::string samples;  // "a:b"
  Index batch = 32;
  std::string executor = "layered";
  int threads = 0;  // 0: all cores
  Index seed = 0;
  bool unfolded = false;
  std::string weights = "f32";
  std::vector<std::string> kernels;  // "linear=reference"
};
void add_run_options(CLI::App& app, RunOptions& options);
void add_weights_option(CLI::App& app, std::string& weights);
void add_format_option(CLI::App& app, Format& format);

// DATA: "digits", "fashion", "random" or "random:SAMPLES", "idx:IMAGES,LABELS", "events:FILE,...", an .npz
// file, or NIRData.
InputData open_data(const std::string& spec, const Graph& graph, const RunOptions& options);
// The files that open_data reads for it; none for random data.
std::vector<std::string> data_files(const std::string& spec);

// A model with its data and how to run it; settings.end is set and lies in the data.
struct Session {
  Runtime runtime;
  Model model;
  RunSettings settings;
  InputData data;

  Index samples() const { return *settings.end - settings.first; }
};
// Throws Error (usage) for a range, a thread count or a kernel that can't be.
Session open_session(const std::string& model, const RunOptions& options);

// Progress on stderr: a bar that is rewritten on a terminal, else a line every ten seconds.
Progress progress_on_stderr(const std::string& what);

// Index of the largest value in each row of [1 S classes]; nothing when the model has no output of this
// shape.
std::optional<double> accuracy(const Tensor& logits, const std::vector<Index>& labels, Index first);

// stdout gets the report in the format; a file, when named, the JSON.
void print(const Report& report, Format format, const std::string& json_file = {});
std::string as_json(const Report& report);
// Facts and remarks behind "# "; a table each with a head line of keys; numbers in full.
std::string as_csv(const Report& report);
// Facts and remarks as lists, tables with pipes; numbers as in the text form.
std::string as_markdown(const Report& report);

Profile find_profile(const std::string& id_or_file);
std::string profile_folder();     // of those that come with volley
std::string checkpoint_folder();  // families of checkpoints
std::string command_line();
void keep_command_line(int count, char** words);

// One function a command: adds it to the app; `chosen` gets what to run.
using Run = std::function<void()>;
void add_run(CLI::App& app, Run& chosen);
void add_measure(CLI::App& app, Run& chosen);
void add_compare(CLI::App& app, Run& chosen);
void add_inspect(CLI::App& app, Run& chosen);
void add_profiles(CLI::App& app, Run& chosen);
void add_published(CLI::App& app, Run& chosen);
void add_doctor(CLI::App& app, Run& chosen);
void add_import(CLI::App& app, Run& chosen);
void add_export(CLI::App& app, Run& chosen);
void add_verify(CLI::App& app, Run& chosen);
void add_build(CLI::App& app, Run& chosen);
void add_analyze(CLI::App& app, Run& chosen);
void add_data(CLI::App& app, Run& chosen);

}  // namespace volley::cli
