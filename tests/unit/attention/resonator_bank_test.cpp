// Resonators against the sum over all pairs, and the kernel that they are.
#include "attention/resonator_bank.hpp"

#include <algorithm>

#include "tests/reference/resonator_ref.hpp"
#include "tests/unit/attention/attention_case.hpp"

namespace volley::test {
namespace {

struct BankForm {
  Index sequences, tokens, width, bases;
  bool is_spiking, has_gain, has_query;
  float tau;
};

std::vector<float> rising(Index sequences, Index tokens, std::uint64_t seed) {
  std::vector<float> stamps;
  for (Index s = 0; s < sequences; ++s) {
    float t = 0;
    for (const float x : random_numbers(tokens, seed + static_cast<std::uint64_t>(s))) {
      t += std::floor((x + 1) * 20);  // some are equal
      stamps.push_back(t);
    }
  }
  return stamps;
}

ResonatorBank bank_of(const ResonatorNumbers& in) {
  auto op = made_with<ResonatorBank>({{"tau", in.tau}});
  op.set_weight("omega", {std::ssize(in.omega)}, in.omega);
  if (!in.gain.empty()) {
    op.set_weight("gain", {std::ssize(in.gain)}, in.gain);
  }
  return op;
}

TEST(ResonatorBank, IsTheSumOverAllPairsAtTheCostOfOneWalk) {
  std::uint64_t seed = 1;
  for (const BankForm& form :
       {BankForm{1, 1, 1, 1, true, false, false, 0}, BankForm{2, 7, 63, 3, true, true, true, 0},
        BankForm{1, 65, 64, 5, false, true, false, 30}, BankForm{3, 7, 65, 2, false, false, true, 9},
        BankForm{1, 130, 130, 4, true, false, true, 0}, BankForm{1, 0, 5, 2, false, true, true, 3}}) {
    SCOPED_TRACE(seed);
    ResonatorNumbers numbers;
    numbers.sequences = form.sequences;
    numbers.tokens = form.tokens;
    numbers.width = form.width;
    numbers.tau = static_cast<double>(form.tau);
    numbers.is_spiking = form.is_spiking;
    numbers.omega = random_numbers(form.bases, ++seed);
    numbers.gain = form.has_gain ? random_numbers(form.bases, ++seed) : std::vector<float>{};
    numbers.stamps = rising(form.sequences, form.tokens, ++seed);
    const Shape shape = tbnc(1, form.sequences, form.tokens, form.width);
    const Shape times = tbnc(1, form.sequences, form.tokens, 1);
    const Value v = form.is_spiking ? Value(random_spikes(shape, binary_code(), 0.3, ++seed))
                                    : Value(tensor_of(shape, random_numbers(shape.count(), ++seed)));
    numbers.v = numbers_of(v);
    std::vector<Value> in{v, tensor_of(times, numbers.stamps)};
    if (form.has_query) {
      for (const float stamp : numbers.stamps) {
        numbers.queries.push_back(stamp + 2.5f);
      }
      in.push_back(tensor_of(times, numbers.queries));
    }
    const auto op = bank_of(numbers);
    EXPECT_NO_THROW(op.check_values(in));
    const auto out = run_first(op, in);
    const auto got = numbers_of(out[0]);
    const auto wanted = resonator_reference(numbers);
    ASSERT_EQ(got.size(), wanted.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      ASSERT_NEAR(got[i], wanted[i], 1e-5f * std::max(1.0f, std::abs(wanted[i]))) << i;
    }
    expect_parity(table_of<ResonatorBank>(), op, in);
    CountingTally tally;
    tally_resonators(numbers, tally);
    EXPECT_EQ(cost_of(op, in, out), tally.cost);
  }
}

ResonatorNumbers one_channel(const std::vector<float>& stamps) {
  ResonatorNumbers numbers;
  numbers.tokens = std::ssize(stamps);
  numbers.width = 1;
  numbers.stamps = stamps;
  numbers.omega = {0.5f, 1.25f, 0.0078125f};
  numbers.v.assign(stamps.size(), 1.0f);
  return numbers;
}

std::vector<float> run_of(const ResonatorNumbers& numbers) {
  const Shape shape = tbnc(1, 1, numbers.tokens, 1);
  return numbers_of(run_first(bank_of(numbers), std::vector<Value>{tensor_of(shape, numbers.v),
                                                                   tensor_of(shape, numbers.stamps)})[0]);
}

TEST(ResonatorBank, DependsOnDifferencesOfTimeAlone) {
  EXPECT_EQ(run_of(one_channel({0, 3, 3, 10, 1000})),
            run_of(one_channel({16000000, 16000003, 16000003, 16000010, 16001000})));
}

TEST(ResonatorBank, AtOneTimeAddsTheEvents) {
  EXPECT_EQ(run_of(one_channel({5, 5, 5})), (std::vector<float>{3, 6, 9}));  // three resonators at phase 0
}

// v^T K v at the last event of all: the energy of the bank.
TEST(ResonatorBank, DampedHasAKernelWithoutNegativeForms) {
  ResonatorNumbers numbers = one_channel({0, 1, 4, 9, 9, 20, 33});
  numbers.tau = 12;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const auto x = random_numbers(numbers.tokens, seed);
    long double form = 0;
    for (std::size_t n = 0; n < x.size(); ++n) {
      for (std::size_t m = 0; m < x.size(); ++m) {
        const auto span = static_cast<long double>(std::abs(numbers.stamps[n] - numbers.stamps[m]));
        form += static_cast<long double>(x[n] * x[m]) * numbers.kernel(span);
      }
    }
    EXPECT_GE(form, -1e-5L);
  }
}

TEST(ResonatorBank, RefusesTimesThatGoBackwards) {
  const auto op = bank_of(one_channel({0}));
  const Shape shape = tbnc(1, 2, 2, 1);
  const auto error_of = [&](const std::vector<float>& stamps, const std::vector<float>& queries) {
    std::vector<Value> in;
    for (const auto& numbers : {std::vector<float>{1, 1, 1, 1}, stamps, queries}) {
      in.push_back(tensor_of(shape, numbers));
    }
    try {
      op.check_values(in);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(error_of({5, 6, 0, 0}, {5, 6, 0, 0}), "");
  EXPECT_EQ(error_of({0, 1, 3, 2}, {9, 9, 9, 9}),
            "stamp 1 of sample 1 (of this batch) is 2, wanted no time before that of the stamp before");
  EXPECT_EQ(error_of({0, 1, 2, 3}, {0, 0.5, 9, 9}),
            "query 1 of sample 0 (of this batch) is 0.5, wanted 1 or later: the time of its event");
  EXPECT_NE(error_of({0, NAN, 2, 3}, {9, 9, 9, 9}), "");
}

TEST(ResonatorBank, RefusesWhatDoesNotFit) {
  const ValueSpec v = dense_spec(tbnc(1, 2, 3, 4));
  const ValueSpec stamps = dense_spec(tbnc(1, 2, 3, 1));
  ResonatorBank op;
  expect_refused(op, {v, stamps}, "omega is missing");
  op.set_weight("omega", {2}, std::vector<float>{1, 2});
  EXPECT_EQ(op.infer(std::vector{v, stamps}, 1)[0], v);
  expect_refused(op, {v, dense_spec(tbnc(1, 2, 2, 1))},
                 "stamps is f32 [T=1 B=2 N=2 C=1], wanted f32 [T=1 B=2 N=3 C=1]");
  expect_refused(op, {v, stamps, v}, "query is f32 [T=1 B=2 N=3 C=4], wanted f32 [T=1 B=2 N=3 C=1]");
  expect_refused(op, {spike_spec(v.shape, bipolar_code()), stamps},
                 "v is bipolar [T=1 B=2 N=3 C=4], wanted f32 or binary");
  expect_refused(op, {dense_spec({{Axis::T, 1}, {Axis::B, 2}, {Axis::C, 4}}), stamps},
                 "v is f32 [T=1 B=2 C=4], wanted [T B N C]");
  op.set_weight("gain", {1}, std::vector<float>{1});
  expect_refused(op, {v, stamps}, "gain is [1], wanted [2]");
  EXPECT_THROW(op.set_weight("omega", {2, 1}, std::vector<float>{1, 2}), Error);
  EXPECT_THROW(op.set_weight("gain", {1}, std::vector<float>{NAN}), Error);
  auto damped = made_with<ResonatorBank>({{"tau", -1.0}});
  damped.set_weight("omega", {1}, std::vector<float>{1});
  expect_refused(damped, {v, stamps}, "tau is -1, wanted 0 or more");
  EXPECT_EQ(damped.wanted_form(0, std::vector{spike_spec(v.shape, bipolar_code())}), Form::dense);
  EXPECT_EQ(damped.wanted_form(0, std::vector{spike_spec(v.shape, binary_code())}), Form::spikes);
}

}  // namespace
}  // namespace volley::test
