// The program: parses, calls, and turns errors into exit codes.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <new>

#include "cli/command.hpp"
#include "sim/base/check.hpp"
#include "sim/base/log.hpp"
#include "sim/io/mapped_file.hpp"

namespace {

int report_error(const std::string& text, volley::Fault fault) {
  std::fprintf(stderr, "volley: %s\n", text.c_str());
  return static_cast<int>(fault);
}

}  // namespace

int main(int count, char** words) {
  using namespace volley;
  end_on_cut_file();
  cli::keep_command_line(count, words);
  CLI::App app{"volley runs spiking transformers from their spikes and counts what they cost", "volley"};
  app.set_version_flag("--version", VOLLEY_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  bool verbose = false;
  bool quiet = false;
  app.add_flag("-v,--verbose", verbose, "say more on stderr");
  app.add_flag("-q,--quiet", quiet, "say nothing on stderr but errors");
  cli::Run chosen;
  cli::add_run(app, chosen);
  cli::add_measure(app, chosen);
  cli::add_compare(app, chosen);
  cli::add_inspect(app, chosen);
  cli::add_profiles(app, chosen);
  cli::add_published(app, chosen);
  cli::add_doctor(app, chosen);
  cli::add_import(app, chosen);
  cli::add_export(app, chosen);
  cli::add_verify(app, chosen);
  cli::add_build(app, chosen);
  cli::add_analyze(app, chosen);
  cli::add_data(app, chosen);
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      return app.exit(error);
    }
    return report_error(fmt::format("{}; see volley --help", error.what()), Fault::usage);
  }
  log::set_level(quiet ? log::Level::quiet : verbose ? log::Level::info : log::Level::warn);
  try {
    chosen();
  } catch (const Error& error) {
    return report_error(error.what(), error.fault());
  } catch (const std::bad_alloc&) {
    return report_error("out of memory; a smaller --batch needs less", Fault::run);
  } catch (const std::exception& error) {
    return report_error(error.what(), Fault::run);
  }
  return 0;
}
