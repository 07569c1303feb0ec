// STAtten: linear attention of spikes over several steps at once.
#pragma once

#include "attention/heads.hpp"
#include "sim/op/kernel_table.hpp"
#include "sim/op/window.hpp"

namespace volley {

// Spatial-temporal attention: the tokens of `chunk` steps in a row are the tokens of one product.
//   out_t = scale q_t (sum over the steps u of the chunk of t of k_u^T v_u)
// In: q spikes [T B N C], k and v spikes [T B M C]; binary, bipolar or graded; T a multiple of chunk. Out:
// f32 [T B N C], the integer product first and then one multiplication. heads: number of heads H, d = C / H
// [1]. chunk: steps that are merged, at most 1024, 1 is SSA of order q_kv [steps]. scale: factor of the
// product, 1 / side of the token map in the published models of still images [1]. Lee et al., Spiking
// Transformer with Spatial-Temporal Attention, CVPR 2025; the authors round scale k^T v first, which is the
// same when the scale is a power of two.
//
// With chunk > 1 all steps of a chunk must be there: the stepped executor, which has one, is refused.
// Counted, in each step: ac = nnz(k) d + nnz(q) d, as SSA of order q_kv.
class Statten final : public Operator, public Windowed {
 public:
  static constexpr std::string_view op_kind = "attention.statten";
  static constexpr Index most_chunk = 1024;
  static void install(KernelTable& table);

  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  Arity arity() const override { return {3, 3}; }
  Form wanted_form(std::size_t slot, std::span<const ValueSpec> in) const override;
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  TimeUse time_use() const override { return chunk_ > 1 ? TimeUse::window : TimeUse::none; }
  Index window() const override { return is_chunk_right() ? chunk_ : 1; }
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;
  std::vector<Product> products(std::span<const Value> in) const override;
  Index dense_mac(std::span<const ValueSpec> in) const override;

  Index heads() const { return heads_; }
  Index chunk() const { return chunk_; }
  float scale() const { return scale_; }

 private:
  bool is_chunk_right() const { return chunk_ >= 1 && chunk_ <= most_chunk; }

  Index heads_ = 0;
  Index chunk_ = 2;
  float scale_ = 0;
};

}  // namespace volley
