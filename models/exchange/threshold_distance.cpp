// Follows one neuron, then one step that can't fire leaves its membrane unreset.
#include "models/exchange/threshold_distance.hpp"

#include <cmath>

#include "neurons/neurons.hpp"

namespace volley {
namespace {

constexpr float unreachable = 1e30f;

template <class M>
typename M::State state_before_last(const typename M::Params& params, std::span<const float> inputs) {
  const auto derived = M::derive(params);
  auto state = M::fresh(derived);
  for (const float x : inputs.first(inputs.size() - 1)) {
    M::step(derived, state, x);
  }
  return state;
}

// Models whose Params hold a Firing. With reset_time next the membrane that stays is h itself.
template <class M>
float of_firing(const typename M::Params& params, std::span<const float> inputs) {
  auto state = state_before_last<M>(params, inputs);
  auto probe = params;
  if (params.firing.reset_time == ResetTime::now) {
    probe.firing.threshold = unreachable;
  }
  M::step(M::derive(probe), state, inputs.back());
  return std::abs(state.v - params.firing.threshold);
}

float of_ternary(const Ternary::Params& params, std::span<const float> inputs) {
  const float v = state_before_last<Ternary>(params, inputs).v;
  const float u = (params.form == TernaryForm::tsn ? v : params.tau * v) + inputs.back();
  return std::abs(std::abs(u) - params.threshold);
}

float of_graded(const Graded::Params& params, std::span<const float> inputs) {
  const float h = state_before_last<Graded>(params, inputs).v * params.beta + inputs.back();
  const float nearest = std::floor(h) + 0.5f;
  return std::abs(h - std::min(std::max(nearest, 0.5f), static_cast<float>(params.levels) - 0.5f));
}

float of_adaptive(const Adaptive::Params& params, std::span<const float> inputs) {
  const Adaptive::State state = state_before_last<Adaptive>(params, inputs);
  return std::abs(params.alpha * state.v + inputs.back() -
                  (params.threshold + params.beta * state.adaptation));
}

}  // namespace

std::optional<float> threshold_distance(const Operator& op, std::span<const float> inputs) {
  VOLLEY_ASSERT(!inputs.empty());
  if (const auto* lif = dynamic_cast<const NeuronOp<Lif>*>(&op)) {
    return of_firing<Lif>(lif->params(), inputs);
  }
  if (const auto* integrate = dynamic_cast<const NeuronOp<If>*>(&op)) {
    return of_firing<If>(integrate->params(), inputs);
  }
  if (const auto* plif = dynamic_cast<const NeuronOp<Plif>*>(&op)) {
    return of_firing<Plif>(plif->params(), inputs);
  }
  if (const auto* cuba = dynamic_cast<const NeuronOp<CubaLif>*>(&op)) {
    return of_firing<CubaLif>(cuba->params(), inputs);
  }
  if (const auto* ternary = dynamic_cast<const NeuronOp<Ternary>*>(&op)) {
    return of_ternary(ternary->params(), inputs);
  }
  if (const auto* graded = dynamic_cast<const NeuronOp<Graded>*>(&op)) {
    return of_graded(graded->params(), inputs);
  }
  if (const auto* adaptive = dynamic_cast<const NeuronOp<Adaptive>*>(&op)) {
    return of_adaptive(adaptive->params(), inputs);
  }
  return std::nullopt;
}

}  // namespace volley
