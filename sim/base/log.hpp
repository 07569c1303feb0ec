// The log on stderr, behind four words.
#pragma once

#include <fmt/core.h>

#include <string_view>

namespace volley::log {

enum class Level { quiet, warn, info, debug };

// Nothing is global but this level and the sink behind it.
void set_level(Level level);
Level level();

void write(Level level, std::string_view text);

template <class... Args>
void warn(fmt::format_string<Args...> text, Args&&... args) {
  write(Level::warn, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void info(fmt::format_string<Args...> text, Args&&... args) {
  write(Level::info, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void debug(fmt::format_string<Args...> text, Args&&... args) {
  write(Level::debug, fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace volley::log
