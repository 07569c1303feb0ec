// The fuzzer's bytes as a file in memory.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "sim/base/check.hpp"

namespace volley::fuzz {

// Lives as long as the process; each call replaces the content.
inline std::string file_with(const std::uint8_t* bytes, std::size_t size) {
  static const int file = ::memfd_create("fuzz", 0);
  if (::ftruncate(file, 0) != 0 || ::pwrite(file, bytes, size, 0) != static_cast<ssize_t>(size)) {
    std::abort();
  }
  return "/proc/self/fd/" + std::to_string(file);
}

// Refusing is fine; any other end is a finding.
template <class F>
int read_or_refuse(F&& f) {
  try {
    f();
  } catch (const Error&) {
    // refused
  }
  return 0;
}

}  // namespace volley::fuzz
