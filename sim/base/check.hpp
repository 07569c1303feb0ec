// Errors: the user's mistakes (Error) and ours (VOLLEY_ASSERT).
#pragma once

#include <fmt/core.h>

#include <stdexcept>
#include <string>

namespace volley {

// What went wrong, and so the exit code of the program (docs/cli.md).
enum class Fault : int {
  run = 1,         // the run failed
  usage = 2,       // a flag or a range that can't be
  model = 3,       // a model or data file that is malformed or not supported
  comparison = 4,  // a comparison or threshold was not met
};

// A mistake of the user. The text says what and where, what was got and what was wanted.
class Error : public std::runtime_error {
 public:
  Error(Fault fault, const std::string& text) : std::runtime_error(text), fault_(fault) {}
  Fault fault() const { return fault_; }

 private:
  Fault fault_;
};

template <class... Args>
[[noreturn]] void fail(Fault fault, fmt::format_string<Args...> text, Args&&... args) {
  throw Error(fault, fmt::format(text, std::forward<Args>(args)...));
}

[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);

}  // namespace volley

// VOLLEY_CHECK(condition, fault, "text {}", args...): the user's mistake, thrown as Error.
#define VOLLEY_CHECK(condition, ...) \
  do {                               \
    if (!(condition)) {              \
      ::volley::fail(__VA_ARGS__);   \
    }                                \
  } while (false)

// VOLLEY_ASSERT(condition): our mistake; no file and no flag can reach it.
#define VOLLEY_ASSERT(condition)                                  \
  do {                                                            \
    if (!(condition)) {                                           \
      ::volley::assertion_failed(#condition, __FILE__, __LINE__); \
    }                                                             \
  } while (false)
