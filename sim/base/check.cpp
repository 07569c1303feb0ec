// The end of a program that found a mistake of its own.
#include "sim/base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace volley {

void assertion_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "volley: internal error: %s is false at %s:%d; please report it\n", condition, file,
               line);
  std::abort();
}

}  // namespace volley
