// Linear neurons whose constants differ from neuron to neuron, as NIR has them.
#pragma once

#include "neurons/firing.hpp"
#include "sim/op/kernel_table.hpp"

namespace volley {

// One neuron for each element of a step:
//   c = current_keep c + current_gain x   (without these weights c = x)
//   h = (keep v + gain c) + offset
// each product and sum rounded to f32. in: f32 [T B ...]. Weights: one number for each element of a sample's
// step (row-major), or one for all: keep, current_keep: share that stays [1]; gain [membrane / current],
// current_gain [current / input]; offset, threshold, reset_value: [membrane]. c[-1] = 0, v[-1] = reset_value,
// or 0 where there is no threshold.
// Source: NIR (J. Pedersen et al., Neuromorphic intermediate representation, Nature Communications 2024):
// LI, CubaLI, I; LIF, CubaLIF, IF; which constants a time step gives is said in models/nir.hpp.
class HeterogeneousNeuron : public Operator {
 public:
  std::vector<WeightSlot> weight_slots() const override;
  void set_weight(std::string_view slot, const std::vector<Index>& sizes,
                  std::span<const float> numbers) override;
  Form wanted_form(std::size_t, std::span<const ValueSpec>) const override { return Form::dense; }
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  TimeUse time_use() const override { return TimeUse::causal; }
  std::unique_ptr<State> make_state(std::span<const ValueSpec> in) const override;
  Cost cost(std::span<const Activity> in, std::span<const Activity>) const override {
    return {.neuron = in[0].spec.shape.count()};
  }

  struct Cell {
    float current, v;
  };
  struct Constants {
    std::vector<float> current_keep, current_gain, keep, gain, offset, threshold, reset_value;
    // Element i of a weight that has one number for all or one for each.
    static float at(const std::vector<float>& numbers, std::size_t i) {
      return numbers[numbers.size() == 1 ? 0 : i];
    }
    bool has_current() const { return !current_keep.empty(); }
  };
  const Constants& neuron_constants() const { return constants_; }

 protected:
  virtual bool fires() const = 0;

 private:
  Constants constants_;
};

// Fires and resets as Firing says, with threshold and reset_value of each neuron. Out "out": binary, "v":
// f32.
class HeterogeneousLif final : public HeterogeneousNeuron {
 public:
  static constexpr std::string_view op_kind = "neuron.heterogeneous_lif";
  static void install(KernelTable& table);
  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  std::vector<std::string_view> output_names() const override { return {"out", "v"}; }
  const Firing& rules() const { return rules_; }

 protected:
  bool fires() const override { return true; }

 private:
  Firing rules_;  // threshold and reset_value are weights
};

// Leaks and never fires. Out: the membrane, f32.
class HeterogeneousLeak final : public HeterogeneousNeuron {
 public:
  static constexpr std::string_view op_kind = "neuron.heterogeneous_leak";
  static void install(KernelTable& table);
  std::string_view kind() const override { return op_kind; }

 protected:
  bool fires() const override { return false; }
};

}  // namespace volley
