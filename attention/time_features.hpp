// Time stamps to features whose inner products depend on time differences.
#pragma once

#include <map>

#include "sim/op/kernel_table.hpp"

namespace volley {

enum class TimeRef : std::uint8_t { none, since_first, target_span };

// What both maps of time share: the stamp of each token to its features, each step alone.
//   t = stamp (none),  stamp - stamp of token 0 (since_first),  target - stamp (target_span)
// In: stamps f32 or i32 [T B N C=1]; with target_span also target [T B N=1 C=1] of the same type. Out: f32
// [T B N C], C by the map.
// time_ref: none, since_first or target_span. The unit of time is that of the stamps.
// Xu et al., Self-attention with functional time representation learning, NeurIPS 2019, and its code.
//
// Differences, phases and sums are float64, rounded once at the end: a float32 phase is noise from 10^7 rad
// on. Ticks in i32 are exact to 2^31, stamps in f32 to 2^24. Token 0 is the first whatever it holds: padding
// on the left carries the stamp of the first event. Stamps that go backwards give spans below 0, on which
// both maps are defined. An empty sequence stays empty. Counted per token: an addition for the difference, a
// mac per phase and per coefficient, a special per sine and cosine. A constant factor of all features is not:
// it folds into the weights behind.
class TimeFeatures : public Operator {
 public:
  void visit(ParamVisitor& visitor) override;
  Arity arity() const override;
  void set_weight(std::string_view slot, const std::vector<Index>& sizes,
                  std::span<const float> numbers) override;
  Form wanted_form(std::size_t, std::span<const ValueSpec>) const override { return Form::dense; }
  std::vector<ValueSpec> infer(std::span<const ValueSpec> in, Index steps) const override;
  std::span<const Value> constants() const override { return constants_; }
  Cost cost(std::span<const Activity> in, std::span<const Activity> out) const override;
  Index dense_mac(std::span<const ValueSpec> in) const override;

  TimeRef time_ref() const { return time_ref_; }
  std::span<const double> frequencies() const { return frequencies_; }  // [rad per unit of time]

 protected:
  struct Weight {
    std::vector<Index> sizes;
    std::vector<float> numbers;
  };
  const Weight* weight(std::string_view slot) const;  // nullptr: not set
  // Throws Error unless it is there with so many axes, none empty.
  const Weight& require_weight(std::string_view slot, std::size_t axes) const;
  static void require_sizes(std::string_view slot, const Weight& weight, const std::vector<Index>& wanted);

  virtual void collect() = 0;              // what kernels read, from the weights that are there
  virtual void check_weights() const = 0;  // throws Error
  virtual Index features() const = 0;      // C of the output; the weights are right
  virtual Cost cost_of_token() const = 0;  // without the difference

  std::vector<double> frequencies_;

 private:
  TimeRef time_ref_ = TimeRef::none;
  std::map<std::string, Weight, std::less<>> weights_;
  std::vector<Value> constants_;
};

// Random Fourier features of a translation-invariant kernel (Bochner).
//   nonparametric: out = beta . [sin(t 10^-p_1), sin(t 10^-p_2), ..., cos(t 10^-r_1), cos(t 10^-r_2), ...]
//   textbook: out = sqrt(1 / k) [cos w_1 t, sin w_1 t, ..., cos w_k t, sin w_k t]
// Inputs, time_ref and what is counted: TimeFeatures. C of out: 2 n (nonparametric) or 2 k (textbook).
// form: nonparametric (time_encoding of the authors' code) or textbook (their equation of the feature map).
// Weights of nonparametric: sin_exponent p [n], cos_exponent r [n] [1], beta [2 n] (1 without it) [1]. Of
// textbook: omega w [k] [rad per unit of time].
// Source: TimeFeatures.
class TimeBochner final : public TimeFeatures {
 public:
  static constexpr std::string_view op_kind = "time.bochner";
  static void install(KernelTable& table);

  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  std::vector<WeightSlot> weight_slots() const override;

  enum class Map : std::uint8_t { nonparametric, textbook };
  Map form() const { return form_; }
  std::span<const double> beta() const { return beta_; }  // empty: all are 1

 private:
  void collect() override;
  void check_weights() const override;
  Index features() const override;
  Cost cost_of_token() const override;

  Map form_ = Map::nonparametric;
  std::vector<double> beta_;
};

// Fourier series of k base frequencies with d harmonics each (Mercer).
//   summed, flex: out_i = sum_j (a_i,j sin(w_ij t) + a_i,d+j cos(w_ij t)) + b_i, j = 1 .. d
//   textbook: out = [..., sqrt c_i,1, sqrt c_i,2 cos w_i t, sqrt c_i,3 sin w_i t, sqrt c_i,4 cos 2 w_i t,
//   ...]
// Inputs, time_ref and what is counted: TimeFeatures. C of out: k, or k (2 d + 1) (textbook).
// form: summed (basis_time_encode of the authors' code), flex (basis_time_encode_flex), textbook.
// Weights of summed: exponent p [k] [1], w_ij = j 10^-p_i. Of flex: period P [k d] [units of time per rad],
// w_ij = 1 / P_ij. Of both: coefficient a [k 2d] [1], bias b [k] (0 without it) [1]. Of textbook: omega w [k]
// [rad per unit of time], coefficient c [k 2d+1], none below 0 [1].
// Source: TimeFeatures.
class TimeMercer final : public TimeFeatures {
 public:
  static constexpr std::string_view op_kind = "time.mercer";
  static void install(KernelTable& table);

  std::string_view kind() const override { return op_kind; }
  void visit(ParamVisitor& visitor) override;
  std::vector<WeightSlot> weight_slots() const override;

  enum class Map : std::uint8_t { summed, flex, textbook };
  Map form() const { return form_; }
  Index degree() const { return degree_; }                                // d
  std::span<const double> coefficients() const { return coefficients_; }  // row-major; sqrt c of textbook
  std::span<const double> bias() const { return bias_; }                  // empty: all are 0

 private:
  std::string_view base_slot() const;
  void collect() override;
  void check_weights() const override;
  Index features() const override;
  Cost cost_of_token() const override;

  Map form_ = Map::summed;
  Index degree_ = 0;
  std::vector<double> coefficients_;
  std::vector<double> bias_;
};

}  // namespace volley
