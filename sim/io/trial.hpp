// Runs code that may never come to an end, in a process that can be ended.
#pragma once

#include <cstdint>
#include <functional>

namespace volley {

enum class Trial : std::uint8_t { ends, hangs, dies };

// Calls f in a child process and says what became of it: it came back or threw, it used more than `seconds`
// of processor time, or a signal ended the child. What f changes stays in the child. f starts no threads.
// Throws Error (run) when there is no child.
Trial on_trial(int seconds, const std::function<void()>& f);

}  // namespace volley
