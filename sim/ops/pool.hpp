// Maximum and average over windows of an image.
#pragma once

#include "sim/op/kernel_table.hpp"

namespace volley {

// What both poolings share: a square window that moves over Y and X.
// in: dense f32 or spikes [T B Y X C]; out: [T B Y' X' C], Y' = floor((Y + 2 padding - kernel) / stride) + 1.
// kernel: side of the window [pixels]. stride: from window to window [pixels], 0 for the kernel's side.
// padding: rim around the image [pixels], at most half of the kernel, so that each window meets the image.
class Pool : public Operator {
 public:
  void visit(ParamVisitor& visitor) override;
  Form wanted_form(std::size_t slot, std::span<const ValueSpec> in) const override;
  bool silent_on_silence() const override { return true; }

  Index kernel() const { return kernel_; }
  Index stride() const { return stride_ == 0 ? kernel_ : stride_; }
  Index padding() const { return padding_; }

 protected:
  Shape out_shape(const ValueSpec& in) const;  // throws Error: all checks of both
  Index out_size(Index size) const { return (size + 2 * padding_ - kernel_) / stride() + 1; }
  Index outputs(const Shape& in) const;  // numbers that come out
  Index taps(const Shape& in) const;     // reads of all of them; the rim is not read

 private:
  Index kernel_ = 2;
  Index stride_ = 0;
  Index padding_ = 0;
};

// The greatest value of each window; the rim counts as -infinity.
//   out[y x c] = max over (i, j) of the window of in[y stride + i - padding, x stride + j - padding, c]
// Spikes stay spikes of the same code. On thermometers and binary spikes max is OR; of a bipolar pair the
// plus plane is OR, and minus is left only where all taps are minus: AND. Cost: compare = taps - 1 for each
// output, whatever the form: an OR is a comparison. Source: max_pool2d of PyTorch; on spikes, Zhou et al.,
// Spikformer, 2023 (spiking patch splitting).
class MaxPool final : public Pool {
 public:
  static constexpr std::string_view op_kind = "pool.max";
  static void install(KernelTable& table);
  std::string_view kind() const override { return op_kind; }
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;
};

// The mean of each window, as dense f32; the rim counts as 0.
//   out[y x c] = (sum over (i, j) ascending of in[...]) / n, n = kernel^2, or the taps inside the image when
//   count_include_pad is false
// Cost: add = taps - 1 and special = 1 (the division) for each output, of spikes too.
// Source: avg_pool2d of PyTorch.
class AveragePool final : public Pool {
 public:
  static constexpr std::string_view op_kind = "pool.average";
  static void install(KernelTable& table);
  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;

  bool counts_rim() const { return count_include_pad_; }

 private:
  bool count_include_pad_ = true;
};

}  // namespace volley
