// Events in the trace format of Chrome, streamed.
#include "cli/trace.hpp"

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>

#include "sim/base/check.hpp"
#include "sim/io/file.hpp"

namespace volley::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double ns_per_us = 1e3;

std::string json_text(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

// Times in the file are microseconds since the recorder was made.
class ChromeTrace final : public Recorder {
 public:
  ChromeTrace(const std::string& part, const Graph& graph) : out_(part, std::ios::binary), graph_(graph) {
    out_ << R"({"displayTimeUnit":"ms","traceEvents":[)"
         << R"({"name":"process_name","ph":"M","pid":1,"args":{"name":"volley )" << VOLLEY_VERSION << "\"}}";
  }

  bool wants_cost() const override { return true; }
  bool wants_time() const override { return true; }

  void on_time(NodeId node, StepRange steps, std::int64_t nanoseconds) override {
    const auto now = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - begin_).count();
    call_ = {steps, static_cast<double>(now - nanoseconds) / ns_per_us,
             static_cast<double>(nanoseconds) / ns_per_us};
    out_ << fmt::format(
        ",\n{{\"name\":{},\"cat\":{},\"ph\":\"X\",\"pid\":1,\"tid\":1,\"ts\":{:.3f},\"dur\":{:.3f},"
        "\"args\":{{\"first_step\":{},\"steps\":{}}}}}",
        json_text(graph_.node_name(node)), json_text(graph_.op(node).kind()), call_.at_us, call_.spent_us,
        steps.first, steps.count);
  }

  // The steps of one call share its time in equal parts. Neurons may have run in the call of the layer that
  // feeds them.
  void on_cost(NodeId node, Index step, const Cost&, std::span<const Activity>,
               std::span<const Activity> out) override {
    if (!out[0].spec.is_spikes()) {
      return;
    }
    const double share =
        static_cast<double>(step - call_.steps.first) / static_cast<double>(call_.steps.count);
    out_ << fmt::format(",\n{{\"name\":{},\"ph\":\"C\",\"pid\":1,\"ts\":{:.3f},\"args\":{{\"spikes\":{}}}}}",
                        json_text("spikes " + graph_.node_name(node)), call_.at_us + share * call_.spent_us,
                        out[0].spikes);
  }

  void finish(const std::string& path) {
    out_ << "\n]}\n";
    out_.close();
    VOLLEY_CHECK(!out_.fail(), Fault::run, "{}: can't write", path);
  }

 private:
  struct NodeCall {
    StepRange steps;
    double at_us = 0;
    double spent_us = 0;
  };
  std::ofstream out_;
  const Graph& graph_;
  Clock::time_point begin_ = Clock::now();
  NodeCall call_;
};

}  // namespace

void with_trace(const std::string& path, const Graph& graph, const std::function<void(Recorder*)>& run) {
  if (path.empty()) {
    run(nullptr);
    return;
  }
  write_whole(path, [&](const std::string& part) {
    ChromeTrace trace(part, graph);
    run(&trace);
    trace.finish(path);
  });
}

}  // namespace volley::cli
