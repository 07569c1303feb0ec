// What an Error says.
#pragma once

#include <functional>
#include <string>

#include "sim/base/check.hpp"

namespace volley::test {

inline std::string message(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace volley::test
