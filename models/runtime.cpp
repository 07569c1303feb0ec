// Runs a model over data, batch by batch.
#include "models/runtime.hpp"

#include <algorithm>
#include <chrono>
#include <memory>

#include "sim/base/check.hpp"

namespace volley {
namespace {

constexpr Index default_steps = 4;

// A plan and the state of its runs; the simulation refers to the plan, so both stay where they are.
struct Session {
  explicit Session(Plan made) : plan(std::move(made)), simulation(plan) {}
  Plan plan;
  Simulation simulation;
};

}  // namespace

bool has_steps(const Graph& graph) {
  const auto domains = infer_domains(graph);
  return std::any_of(domains.begin(), domains.end(), [](Domain domain) { return domain == Domain::steps; });
}

Index steps_of_run(const Model& model, const InputData& data, const RunSettings& settings) {
  VOLLEY_CHECK(!settings.steps || *settings.steps >= 1, Fault::usage, "T is {}, wanted 1 or more",
               *settings.steps);
  if (data.steps()) {
    const Index steps = settings.steps.value_or(*data.steps());
    VOLLEY_CHECK(steps <= *data.steps(), Fault::usage, "T is {}, but {} has {} steps", steps, data.source(),
                 *data.steps());
    return steps;
  }
  return has_steps(model.graph) ? settings.steps.value_or(default_steps) : 1;
}

Plan make_plan(const Runtime& runtime, const Model& model, const RunSettings& settings, Index steps,
               Index batch, bool with_cost) {
  PlanOptions options;
  options.batch = batch;
  options.steps = steps;
  options.chunk = chunk_of(model.graph, settings.order, steps);
  options.passes_over_silence = settings.order == Order::event_driven;
  options.with_cost = with_cost;
  options.recorded = settings.recorded;
  options.kernels = settings.kernels;
  return Plan(model.graph, runtime.kernels, std::move(options));
}

RunSummary run_model(const Runtime& runtime, const Model& model, const InputData& data,
                     const RunSettings& settings, Recorder& recorder, const Progress& progress) {
  const Index end = settings.end.value_or(data.samples());
  VOLLEY_CHECK(settings.first >= 0 && settings.first < end && end <= data.samples(), Fault::usage,
               "samples {}:{} are not in {}, which has {}", settings.first, end, data.source(),
               data.samples());
  VOLLEY_CHECK(settings.batch >= 1, Fault::usage, "batch is {}, wanted 1 or more", settings.batch);
  RunSummary summary;
  summary.samples = end - settings.first;
  summary.steps = steps_of_run(model, data, settings);
  summary.batch = std::min(settings.batch, summary.samples);
  std::unique_ptr<Session> session;
  for (Index at = settings.first; at < end; at += settings.batch) {
    const Index count = std::min(settings.batch, end - at);
    if (!session || session->plan.options().batch != count) {
      session = std::make_unique<Session>(
          make_plan(runtime, model, settings, summary.steps, count, recorder.wants_cost()));
      summary.activation_bytes = std::max(summary.activation_bytes, session->plan.arena_bytes());
      summary.state_bytes = std::max(summary.state_bytes, session->plan.state_bytes());
      summary.weight_bytes = session->plan.weight_bytes();
    }
    const RunInput input{data.batch(at, count, summary.steps), at, settings.seed};
    const auto begin = std::chrono::steady_clock::now();
    session->simulation.reset();
    run(session->simulation, input, recorder);
    summary.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    progress(at + count - settings.first, summary.samples);
  }
  return summary;
}

}  // namespace volley
