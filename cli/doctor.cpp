// volley doctor: what this build and this machine can do.
#include <CLI/CLI.hpp>

#include "cli/command.hpp"
#include "sim/base/parallel.hpp"

namespace volley::cli {
namespace {

std::string cpu_features() {
  std::string all;
  const auto note = [&](bool has, const char* name) {
    all += has ? (all.empty() ? "" : " ") + std::string(name) : "";
  };
  note(__builtin_cpu_supports("avx2") != 0, "avx2");
  note(__builtin_cpu_supports("fma") != 0, "fma");
  note(__builtin_cpu_supports("avx512f") != 0, "avx512f");
  note(__builtin_cpu_supports("avx512bw") != 0, "avx512bw");
  note(__builtin_cpu_supports("avx512vpopcntdq") != 0, "avx512vpopcntdq");
  return all.empty() ? "none" : all;
}

void doctor_command(Format format) {
  const Runtime runtime = make_runtime();
  Report report{"volley.doctor/1", {}, {}, {}};
  report.facts = {{"volley", std::string(VOLLEY_VERSION)},
                  {"compiler", "g++ " + std::string(__VERSION__)},
                  {"cpu_features", cpu_features()},
                  {"threads", Index{thread_count()}},
                  {"devices", std::string("cpu (this build has no other)")}};
  Table ops{"ops", {{"op", "op"}, {"kernels", "kernels on the cpu, in order of preference"}}, {}};
  for (const std::string& kind : runtime.registry.kinds()) {
    std::string names;
    for (const Kernel& kernel : runtime.kernels.all(kind)) {
      names += (names.empty() ? "" : ", ") + std::string(kernel.name);
    }
    ops.rows.push_back({kind, names});
  }
  report.tables.push_back(std::move(ops));
  print(report, format);
}

}  // namespace

void add_doctor(CLI::App& app, Run& chosen) {
  auto format = std::make_shared<Format>(Format::table);
  CLI::App* command = app.add_subcommand("doctor", "show what this build and this machine can do");
  add_format_option(*command, *format);
  command->footer("Example: volley doctor --format json");
  command->callback([format, &chosen] { chosen = [format] { doctor_command(*format); }; });
}

}  // namespace volley::cli
