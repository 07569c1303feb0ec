// Input that a user may get wrong: what is an Error, what is defined.
#include <cmath>
#include <limits>

#include "attention/bipolar_attention.hpp"
#include "attention/cat.hpp"
#include "attention/cat_logits.hpp"
#include "attention/cat_spikes.hpp"
#include "attention/phase_code.hpp"
#include "attention/primal.hpp"
#include "attention/primal_scores.hpp"
#include "attention/qk_attention.hpp"
#include "attention/resonator_bank.hpp"
#include "attention/selection.hpp"
#include "attention/softmax_attention.hpp"
#include "attention/spike_attention.hpp"
#include "attention/spike_driven_attention.hpp"
#include "attention/statten.hpp"
#include "attention/time_features.hpp"
#include "sim/base/check.hpp"
#include "tests/unit/attention/attention_case.hpp"

namespace volley::test {
namespace {

Shape tokens(Index n, Index channels = 4, Index steps = 1) {
  return {{Axis::T, steps}, {Axis::B, 1}, {Axis::N, n}, {Axis::C, channels}};
}
ValueSpec real(Index n, Index channels = 4) {
  return dense_spec(tokens(n, channels));
}
ValueSpec spikes(Index n, Index channels = 4) {
  return spike_spec(tokens(n, channels), binary_code());
}

// What infer says; empty: it takes them.
std::string refusal(const Operator& op, const std::vector<ValueSpec>& in) {
  try {
    op.infer(in, in[0].shape[Axis::T]);
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::model);
    return error.what();
  }
}

template <class Op>
Op with_heads(const Attributes& more = {}) {
  Attributes attributes{{"heads", 2.0}};
  attributes.insert(more.begin(), more.end());
  return made_with<Op>(attributes);
}

Attributes set(const std::string& name, const std::string& word) {
  return {{name, word}};
}
Attributes set(const std::string& name, double number) {
  return {{name, number}};
}

TEST(BadInput, OtherKeysThanQueriesWhereTheEquationForbidsIt) {
  const std::vector<ValueSpec> dense{real(3), real(5), real(5)};
  const std::vector<ValueSpec> fired{spikes(3), spikes(5), spikes(5)};
  EXPECT_EQ(refusal(with_heads<SpikeAttention>({{"segments", std::vector<double>{1, 2}}}), fired),
            "N of k is 5, wanted 3 as in q: there are segments");
  EXPECT_EQ(refusal(with_heads<SoftmaxAttention>(set("mask", "causal")), dense),
            "N of k is 5, wanted 3 as in q: the mask is causal");
  EXPECT_EQ(refusal(with_heads<SoftmaxAttention>(set("group", 1.0)), dense),
            "N of q and k are 3 and 5, wanted the same multiple of group 1");
  EXPECT_EQ(refusal(with_heads<SelectiveAttention>(set("group", 1.0)), dense),
            "N of q and k are 3 and 5, wanted the same multiple of group 1");
  EXPECT_EQ(refusal(with_heads<CatAttention>(), {real(3, 2), real(5)}), "N of v is 5, wanted 3 as in z");
  EXPECT_EQ(refusal(with_heads<CatSpikes>(), {spikes(3, 2), spikes(5)}), "N of v is 5, wanted 3 as in a");
  EXPECT_EQ(refusal(SpikeDrivenAttention{}, {spikes(3), spikes(5)}), "N of v is 5, wanted 3 as in k");
  EXPECT_EQ(refusal(TokenMask{}, {spikes(3, 2), spikes(5)}), "N of a is 3, wanted 5 as in k");
  EXPECT_EQ(refusal(ColumnMask{}, {spikes(3), spikes(5)}), "N of g is 5, wanted 1: one mask for all tokens");
}

TEST(BadInput, OtherKeysThanQueriesAreTakenElsewhere) {
  const std::vector<ValueSpec> dense{real(3), real(5), real(5)};
  const std::vector<ValueSpec> fired{spikes(3), spikes(5), spikes(5)};
  EXPECT_EQ(refusal(with_heads<SoftmaxAttention>(), dense), "");
  EXPECT_EQ(refusal(with_heads<SelectiveAttention>(), dense), "");
  EXPECT_EQ(refusal(with_heads<CatLogits>(), {real(3), real(5)}), "");
  EXPECT_EQ(refusal(with_heads<BipolarAttention>(), {spikes(3), spikes(5), real(5)}), "");
  EXPECT_EQ(refusal(with_heads<SpikeAttention>(), fired), "");
  EXPECT_EQ(refusal(with_heads<Statten>({{"chunk", 1.0}, {"scale", 1.0}}), fired), "");
}

TEST(BadInput, ValuesThatAreNotThoseOfTheKeys) {
  const std::string wanted = "N of v is 4, wanted 5 as in k";
  EXPECT_EQ(refusal(with_heads<SoftmaxAttention>(), {real(3), real(5), real(4)}), wanted);
  EXPECT_EQ(refusal(with_heads<SelectiveAttention>(), {real(3), real(5), real(4)}), wanted);
  EXPECT_EQ(refusal(with_heads<BipolarAttention>(), {spikes(3), spikes(5), real(4)}), wanted);
  EXPECT_EQ(refusal(with_heads<SpikeAttention>(), {spikes(3), spikes(5), spikes(4)}), wanted);
}

// A map of one frequency, 1 rad per unit of time, which gives sin and cos.
TimeBochner one_frequency() {
  TimeBochner op;
  parse_params(op, "time", set("time_ref", "since_first"));
  op.set_weight("sin_exponent", {1}, std::vector<float>{0});
  op.set_weight("cos_exponent", {1}, std::vector<float>{0});
  return op;
}

TEST(BadInput, StampsThatGoBackwardsAreSpansBelowZero) {
  const std::vector<Value> in{tensor_of(tokens(3, 1), std::vector<float>{5, 3, 6})};
  const auto out = numbers_of(run_first(one_frequency(), in)[0]);
  EXPECT_FLOAT_EQ(out[2], std::sin(-2.0f));
  EXPECT_FLOAT_EQ(out[3], std::cos(-2.0f));

  PhaseCode code;
  parse_params(code, "time", {{"bits", 2.0}, {"time_ref", std::string("since_first")}});
  code.set_weight("omega", {1}, std::vector<float>{1.0f});
  EXPECT_NO_THROW(code.check_values(in));
  const auto spikes_out = numbers_of(run_first(code, in)[0]);
  // Phases 0, -2 and 1 rad: quarters 0, 2 (4.28 of 6.28) and 0.
  EXPECT_EQ(spikes_out, (std::vector<float>{1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0}));
}

TEST(BadInput, AResonatorCannotGoBack) {
  ResonatorBank op;
  op.set_weight("omega", {1}, std::vector<float>{1.0f});
  const std::vector<Value> in{tensor_of(tokens(3, 1), std::vector<float>{1, 1, 1}),
                              tensor_of(tokens(3, 1), std::vector<float>{5, 3, 6})};
  EXPECT_EQ(refusal(op, specs_of(in)), "");  // shapes are right
  try {
    op.check_values(in);
    ADD_FAILURE() << "taken";
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()),
              "stamp 1 of sample 0 (of this batch) is 3, wanted no time before that of the stamp before");
  }
}

template <class Op>
Op primal_with_indices(const std::vector<double>& indices) {
  Op op = made_with<Op>({{"heads", 1.0}, {"rank_multi", 2.0}, {"indices", indices}});
  for (const WeightSlot& slot : op.weight_slots()) {
    const std::vector<Index> sizes = slot.name == "concate_weight" ? std::vector<Index>{4, 2}
                                     : slot.name == "concate_bias" ? std::vector<Index>{4}
                                     : slot.name == "lambda"       ? std::vector<Index>{1, 1}
                                                                   : std::vector<Index>{1, 2, 1};
    Index count = 1;
    for (const Index size : sizes) {
      count *= size;
    }
    op.set_weight(slot.name, sizes, std::vector<float>(static_cast<std::size_t>(count), 0.5f));
  }
  return op;
}

TEST(BadInput, AnIndexOfPrimalAttentionThatIsNoToken) {
  const std::string wanted = "index 3 is no token, wanted 0 to 2";
  const std::vector<ValueSpec> dense{real(3), real(3), real(3)};
  const std::vector<ValueSpec> fired{spikes(3), spikes(3), spikes(3)};
  EXPECT_EQ(refusal(primal_with_indices<PrimalAttention>({0, 3}), dense), wanted);
  EXPECT_EQ(refusal(primal_with_indices<PrimalScores>({0, 3}), fired), wanted);
  EXPECT_EQ(refusal(primal_with_indices<PrimalAttention>({0, -1}), dense),
            "index -1 is no token, wanted 0 to 2");
  EXPECT_EQ(refusal(primal_with_indices<PrimalAttention>({2, 0}), dense), "");
  EXPECT_EQ(refusal(primal_with_indices<PrimalAttention>({2, 0}), {real(3), real(2), real(3)}),
            "k is [T=1 B=1 N=2 C=4], wanted [T=1 B=1 N=3 C=4] as q");
}

void expect_all_zero(const Value& value) {
  for (const float number : numbers_of(value)) {
    ASSERT_EQ(number, 0.0f);
  }
}

// Every kernel that takes the inputs: the first output, and all others, are 0.
template <class Op>
void expect_zero_from_all_kernels(const Op& op, const std::vector<Value>& in) {
  const KernelTable table = table_of<Op>();
  for (const Kernel& kernel : table.all(Op::op_kind)) {
    if (kernel.accepts(op, specs_of(in)).ok) {
      SCOPED_TRACE(kernel.name);
      for (const Value& out : run_op(op, kernel, in)) {
        expect_all_zero(out);
      }
    }
  }
}

TEST(BadInput, AllTokensMaskedGiveZeroWhateverStandsThere) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const Index n : {3, 70, 300}) {
    SCOPED_TRACE(n);
    const Value nothing = tensor_of(tokens(n, 1), std::vector<float>(static_cast<std::size_t>(n), 0.0f));
    const Value poison = tensor_of(tokens(n), std::vector<float>(static_cast<std::size_t>(4 * n), nan));
    const Value x = random_dense(tokens(n), 1);
    expect_zero_from_all_kernels(with_heads<SoftmaxAttention>(), {x, poison, poison, nothing});
    expect_zero_from_all_kernels(with_heads<SoftmaxAttention>(set("mask", "causal")),
                                 {x, poison, poison, nothing});
    const Value z = random_dense(tokens(n, 2), 2);
    expect_zero_from_all_kernels(with_heads<CatAttention>(), {z, x, nothing});
    expect_zero_from_all_kernels(with_heads<CatAttention>(set("causal", "rel")), {z, x, nothing});
    expect_zero_from_all_kernels(with_heads<CatAttention>(set("causal", "abs")), {z, x, nothing});
  }
}

TEST(BadInput, AllTokensPaddingAreSilentInThePhaseCodeAndZeroInPrimalAttention) {
  PhaseCode code;
  code.set_weight("omega", {1}, std::vector<float>{1.0f});
  const Value nothing = tensor_of(tokens(3, 1), std::vector<float>{0, 0, 0});
  expect_zero_from_all_kernels(code, {tensor_of(tokens(3, 1), std::vector<float>{5, 3, 6}), nothing});
  const auto primal = primal_with_indices<PrimalAttention>({0, 1});
  const Value x = random_dense(tokens(3), 1);
  expect_all_zero(run_first(primal, std::vector<Value>{x, x, x, nothing})[0]);
}

TEST(BadInput, AnEmptySequenceIsRefusedByAttention) {
  const std::string wanted = "N of q is 0, wanted at least 1";
  EXPECT_EQ(refusal(with_heads<SoftmaxAttention>(), {real(0), real(0), real(0)}), wanted);
  EXPECT_EQ(refusal(with_heads<SoftmaxAttention>(), {real(3), real(0), real(0)}),
            "N of k is 0, wanted at least 1");
  EXPECT_EQ(refusal(with_heads<SpikeAttention>(), {spikes(0), spikes(0), spikes(0)}), wanted);
  EXPECT_EQ(refusal(with_heads<TokenSum>(), {spikes(0)}), wanted);
  EXPECT_EQ(refusal(with_heads<CatAttention>(), {real(0, 2), real(0)}), "N of z is 0, wanted at least 1");
}

TEST(BadInput, AnEmptySequenceOfStampsStaysEmpty) {
  const std::vector<Value> stamps{tensor_of(tokens(0, 1), {})};
  EXPECT_TRUE(numbers_of(run_first(one_frequency(), stamps)[0]).empty());
  PhaseCode code;
  code.set_weight("omega", {1}, std::vector<float>{1.0f});
  EXPECT_NO_THROW(code.check_values(stamps));
  EXPECT_TRUE(numbers_of(run_first(code, stamps)[0]).empty());
  ResonatorBank bank;
  bank.set_weight("omega", {1}, std::vector<float>{1.0f});
  const std::vector<Value> in{tensor_of(tokens(0), {}), stamps[0]};
  EXPECT_NO_THROW(bank.check_values(in));
  EXPECT_TRUE(numbers_of(run_first(bank, in)[0]).empty());
}

// Spikes of n tokens; the first token is silent.
Value first_silent(Index n, SpikeCode code, std::uint64_t seed) {
  auto numbers = numbers_of(random_spikes(tokens(n), code, 0.7, seed));
  std::fill_n(numbers.begin(), 4, 0.0f);
  return pack(tensor_of(tokens(n), numbers), code);
}

std::vector<float> first_token(const Value& value) {
  const auto numbers = numbers_of(value);
  return {numbers.begin(), numbers.begin() + 4};
}

TEST(BadInput, ASilentQueryGetsZeroFromIntegers) {
  const std::vector<Value> in{first_silent(5, binary_code(), 1),
                              random_spikes(tokens(5), binary_code(), 0.7, 2),
                              random_spikes(tokens(5), binary_code(), 0.7, 3)};
  EXPECT_EQ(first_token(run_first(with_heads<SpikeAttention>(), in)[0]), std::vector<float>(4, 0.0f));
  EXPECT_EQ(first_token(run_first(with_heads<SpikeAttention>(set("order", "q_kv")), in)[0]),
            std::vector<float>(4, 0.0f));
}

TEST(BadInput, ASilentQueryWeighsAllKeysAlikeByShiftmaxAndByTheNearestKeys) {
  const Value v = tensor_of(
      tokens(5), std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20});
  const std::vector<Value> in{first_silent(5, bipolar_code(), 1),
                              random_spikes(tokens(5), bipolar_code(), 0.7, 2), v};
  // Sums of the columns: 45, 50, 55, 60.
  EXPECT_EQ(first_token(run_first(with_heads<SelectiveAttention>(), in)[0]),
            (std::vector<float>{9, 10, 11, 12}));
  // Five keys: 2^-3 each, 5 / 8 together.
  EXPECT_EQ(first_token(run_first(with_heads<BipolarAttention>(), in)[0]),
            (std::vector<float>{45 / 8.0f, 50 / 8.0f, 55 / 8.0f, 60 / 8.0f}));
  EXPECT_EQ(first_token(run_first(with_heads<BipolarAttention>(set("max_shift", 3.0)), in)[0]),
            (std::vector<float>{45 / 8.0f, 50 / 8.0f, 55 / 8.0f, 60 / 8.0f}));
  EXPECT_EQ(first_token(run_first(with_heads<BipolarAttention>(set("max_shift", 2.0)), in)[0]),
            std::vector<float>(4, 0.0f));  // all of them are cut
}

TEST(BadInput, AQueryOfZerosTakesTheMeanBySoftmaxAndTheBiasByPrimalAttention) {
  auto numbers = numbers_of(random_dense(tokens(5), 1));
  std::fill_n(numbers.begin(), 4, 0.0f);
  const Value zero_first = tensor_of(tokens(5), numbers);
  const Value v = tensor_of(tokens(5), std::vector<float>(20, 2.0f));
  const auto mean =
      first_token(run_first(with_heads<SoftmaxAttention>(), std::vector<Value>{zero_first, v, v})[0]);
  for (const float number : mean) {
    EXPECT_FLOAT_EQ(number, 2.0f);
  }
  // e and r of a row of zeros are 0, not NaN: what is left is concate_bias.
  const auto op = primal_with_indices<PrimalAttention>({0, 1});
  EXPECT_EQ(first_token(run_first(op, std::vector<Value>{zero_first, zero_first, v})[0]),
            std::vector<float>(4, 0.5f));
  // Of spikes: a silent query never fires, whatever the threshold.
  const Value silent = first_silent(5, bipolar_code(), 1);
  const auto scores = numbers_of(
      run_first(primal_with_indices<PrimalScores>({0, 1}), std::vector<Value>{silent, silent, silent})[0]);
  EXPECT_EQ(scores[0], 0.0f);
  EXPECT_EQ(scores[1], 0.0f);
}

}  // namespace
}  // namespace volley::test
