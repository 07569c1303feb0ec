// volley analyze: what attention means. One file a kind.
#include <CLI/CLI.hpp>

#include "cli/analyze.hpp"

namespace volley::cli {

void add_analyze(CLI::App& app, Run& chosen) {
  CLI::App* command = app.add_subcommand("analyze", "what attention maps mean");
  command->require_subcommand(1);
  add_analyze_causal(*command, chosen);
  add_analyze_recovery(*command, chosen);
  add_analyze_spectrum(*command, chosen);
  add_analyze_flow(*command, chosen);
  add_analyze_fidelity(*command, chosen);
  add_analyze_depth(*command, chosen);
  add_analyze_rank(*command, chosen);
}

}  // namespace volley::cli
