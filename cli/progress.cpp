// Progress on stderr: a bar on a terminal, else a line every ten seconds.
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "cli/command.hpp"
#include "sim/base/check.hpp"
#include "sim/base/log.hpp"

namespace volley::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr double seconds_before_first = 1.0;
constexpr double seconds_between_lines = 10.0;
constexpr double seconds_between_bars = 0.1;

class Bar {
 public:
  explicit Bar(std::string what) : what_(std::move(what)), is_terminal_(isatty(STDERR_FILENO) != 0) {}

  void show(Index done, Index total) {
    const double now = std::chrono::duration<double>(Clock::now() - begin_).count();
    if (done == total) {
      if (shown_ && is_terminal_) {
        std::fputs("\r\033[K", stderr);
      }
      return;
    }
    if (now < seconds_before_first ||
        now - last_ < (is_terminal_ ? seconds_between_bars : seconds_between_lines)) {
      return;
    }
    last_ = now;
    shown_ = true;
    const double rate = static_cast<double>(done) / now;
    const std::string line = fmt::format("{}: {}/{} samples, {:.1f}/s, {:.0f} s to go", what_, done, total,
                                         rate, static_cast<double>(total - done) / rate);
    std::fprintf(stderr, is_terminal_ ? "\r\033[K%s" : "%s\n", line.c_str());
  }

 private:
  std::string what_;
  bool is_terminal_;
  Clock::time_point begin_ = Clock::now();
  double last_ = 0;
  bool shown_ = false;
};

}  // namespace

Progress progress_on_stderr(const std::string& what) {
  if (log::level() == log::Level::quiet) {
    return [](Index, Index) {};
  }
  return [bar = Bar(what)](Index done, Index total) mutable { bar.show(done, total); };
}

}  // namespace volley::cli
