// The one place that knows spdlog.
#include "sim/base/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace volley::log {
namespace {

spdlog::logger& sink() {
  static spdlog::logger logger = [] {
    spdlog::logger made("volley", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made.set_pattern("volley: %l: %v");
    made.set_level(spdlog::level::warn);
    return made;
  }();
  return logger;
}

Level& current() {
  static Level level = Level::warn;
  return level;
}

spdlog::level::level_enum translated(Level level) {
  switch (level) {
    case Level::quiet:
      return spdlog::level::off;
    case Level::warn:
      return spdlog::level::warn;
    case Level::info:
      return spdlog::level::info;
    case Level::debug:
      return spdlog::level::debug;
  }
  return spdlog::level::off;
}

}  // namespace

void set_level(Level level) {
  current() = level;
  sink().set_level(translated(level));
}

Level level() {
  return current();
}

void write(Level level, std::string_view text) {
  sink().log(translated(level), "{}", text);
}

}  // namespace volley::log
