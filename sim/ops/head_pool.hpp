// Maximum over windows of tokens and channels, head by head.
#pragma once

#include "sim/op/kernel_table.hpp"

namespace volley {

// The greatest value of each 3 x 3 window over tokens and the channels of one head.
//   out[n c] = max over i, j in {-1, 0, 1} of in[n + i, c + j],  c + j in the head of c, n + i in 0 .. N - 1
// in: spikes [T B N C], of any code but bipolar; out: the same. heads: number of heads H, C / H channels each
// [1]. The window runs over token order and channel order, not over the image: so the "Erode" layers of
// Spike-driven Transformer V1 are coded, MaxPool3d (1, 3, 3) on [T B H N d] (Yao et al., NeurIPS 2023,
// dvs_mode of their code). On thermometers max is OR. Cost: compare = taps - 1 for each output, the rim is
// not read.
class HeadPool final : public Operator {
 public:
  static constexpr std::string_view op_kind = "pool.heads";
  static void install(KernelTable& table);

  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  Form wanted_form(std::size_t slot, std::span<const ValueSpec> in) const override;
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  bool silent_on_silence() const override { return true; }
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;

  Index heads() const { return heads_; }

 private:
  Index heads_ = 0;
};

}  // namespace volley
