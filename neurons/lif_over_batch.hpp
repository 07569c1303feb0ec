// LIF whose membrane passes from sample to sample, as some published code runs it.
#pragma once

#include "neurons/lif.hpp"

namespace volley {

// Equation and parameters of Lif, but one neuron serves all samples of a batch: its steps are those of sample
// 0, 1 .. B-1 in step 0, then of all samples in step 1, and so on (T * B steps). So a sample's spikes depend
// on the samples beside it; with B = 1 it is neuron.lif. in: f32 [T B ...]; out "out": binary, "v": f32. tau:
// [steps]. threshold, reset_value: [membrane]. The rest are words. Source: C. Zhou et al., QKFormer, NeurIPS
// 2024, released code: proj_lif of the last stage is called on [T*B C N]. For comparisons with that code
// only.
class LifOverBatch final : public Operator {
 public:
  static constexpr std::string_view op_kind = "neuron.lif_over_batch";
  static void install(KernelTable& table);

  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override { params_.visit(visitor); }
  std::vector<std::string_view> output_names() const override { return {"out", "v"}; }
  Form wanted_form(std::size_t, std::span<const ValueSpec>) const override { return Form::dense; }
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  TimeUse time_use() const override { return TimeUse::causal; }
  std::unique_ptr<State> make_state(std::span<const ValueSpec> in) const override;
  Cost cost(std::span<const Activity> in, std::span<const Activity>) const override {
    return {.neuron = in[0].spec.shape.count()};
  }
  Lif::Derived derived() const { return Lif::derive(params_); }

 private:
  Lif::Params params_;
};

}  // namespace volley
