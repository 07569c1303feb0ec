// fork, a limit of processor time, and what waitpid says.
#include "sim/io/trial.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>

#include "sim/base/check.hpp"

namespace volley {
namespace {

[[noreturn]] void be_tried(int seconds, const std::function<void()>& f) {
  const rlimit time{static_cast<rlim_t>(seconds), static_cast<rlim_t>(seconds) + 1};
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CPU, &time);
  ::setrlimit(RLIMIT_CORE, &none);
  try {
    f();
  } catch (const std::exception&) {
    // the parent will see the same
  }
  ::_exit(0);
}

}  // namespace

Trial on_trial(int seconds, const std::function<void()>& f) {
  const pid_t child = ::fork();
  VOLLEY_CHECK(child >= 0, Fault::run, "can't start a process: {}", std::strerror(errno));
  if (child == 0) {
    be_tried(seconds, f);
  }
  int status = 0;
  pid_t ended = 0;
  do {
    ended = ::waitpid(child, &status, 0);
  } while (ended < 0 && errno == EINTR);
  VOLLEY_CHECK(ended == child, Fault::run, "can't wait for a process: {}", std::strerror(errno));
  if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL)) {
    return Trial::hangs;
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? Trial::ends : Trial::dies;
}

}  // namespace volley
