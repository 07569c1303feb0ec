// Phase spikes against whole 128-bit numbers, and the Fourier series that their tables hold.
#include "attention/phase_code.hpp"

#include <cmath>

#include "tests/reference/phase_ref.hpp"
#include "tests/unit/attention/attention_case.hpp"

namespace volley::test {
namespace {

Value ticks_of(const Shape& shape, const std::vector<std::int64_t>& ticks, Dtype dtype = Dtype::i32) {
  const Tensor tensor(dtype, shape);
  for (std::size_t i = 0; i < ticks.size(); ++i) {
    if (dtype == Dtype::i32) {
      tensor.as_mutable<std::int32_t>()[i] = static_cast<std::int32_t>(ticks[i]);
    } else {
      tensor.as_mutable<float>()[i] = static_cast<float>(ticks[i]);
    }
  }
  return tensor;
}

Value line_of(const std::vector<std::int64_t>& ticks, Dtype dtype = Dtype::i32) {
  return ticks_of(tbnc(1, 1, std::ssize(ticks), 1), ticks, dtype);
}

PhaseCode code_with(const std::string& ref, Index bits, const std::vector<float>& omega) {
  auto op = made_with<PhaseCode>({{"time_ref", ref}, {"bits", static_cast<double>(bits)}});
  op.set_weight("omega", {std::ssize(omega)}, omega);
  return op;
}

struct PhaseForm {
  std::string ref;
  Index steps, samples, tokens, bases, bits;
  std::int64_t span;
  Dtype dtype;
  bool has_live;
};

std::vector<std::int64_t> random_ticks(Index count, std::int64_t span, std::uint64_t seed) {
  std::vector<std::int64_t> ticks;
  for (const float x : random_numbers(count, seed)) {
    ticks.push_back(static_cast<std::int64_t>(x * static_cast<float>(span)));
  }
  return ticks;
}

void check(const PhaseForm& form, std::uint64_t seed) {
  const auto omega = random_numbers(form.bases, seed);
  const auto op = code_with(form.ref, form.bits, omega);
  const Shape shape = tbnc(form.steps, form.samples, form.tokens, 1);
  const auto stamps = random_ticks(shape.count(), form.span, seed + 1);
  const auto targets = random_ticks(form.steps * form.samples, form.span, seed + 2);
  std::vector<Value> in{ticks_of(shape, stamps, form.dtype)};
  if (form.ref == "target_span") {
    in.push_back(ticks_of(shape.with(Axis::N, 1), targets, form.dtype));
  }
  std::vector<float> live(stamps.size(), 1.0f);
  if (form.has_live) {
    for (std::size_t i = 0; i < live.size(); i += 3) {
      live[i] = 0;
    }
    in.push_back(tensor_of(shape, live));
  }
  CountingTally tally;
  const auto neurons = static_cast<std::size_t>(form.bases << form.bits);
  std::vector<float> wanted(stamps.size() * neurons, 0.0f);
  for (std::size_t i = 0; i < stamps.size(); ++i) {
    if (live[i] == 0) {
      continue;
    }
    const auto tokens = static_cast<std::size_t>(form.tokens);
    std::int64_t span = stamps[i];
    if (form.ref != "none") {
      tally.count(&Cost::add);
      span = form.ref == "since_first" ? span - stamps[i / tokens * tokens] : targets[i / tokens] - span;
    }
    Index k = 0;
    for (const Index neuron : phase_neurons(span, omega, form.bits, tally)) {
      wanted[i * neurons + static_cast<std::size_t>((k++ << form.bits) + neuron)] = 1;
    }
  }
  EXPECT_NO_THROW(op.check_values(in));
  const auto out = run_first(op, in);
  EXPECT_EQ(numbers_of(out[0]), wanted);
  expect_parity(table_of<PhaseCode>(), op, in);
  EXPECT_EQ(cost_of(op, in, out), tally.cost);
}

TEST(PhaseCode, GivesTheNeuronsOfWholeNumbersAtTheirCost) {
  std::uint64_t seed = 1;
  for (const PhaseForm& form : {PhaseForm{"none", 1, 1, 1, 1, 1, 10, Dtype::f32, false},
                                PhaseForm{"since_first", 2, 2, 7, 3, 5, 1000, Dtype::f32, false},
                                PhaseForm{"target_span", 1, 2, 65, 16, 5, 1 << 30, Dtype::i32, true},
                                PhaseForm{"target_span", 2, 1, 7, 5, 8, 1 << 20, Dtype::i32, false},
                                PhaseForm{"none", 1, 1, 130, 2, 6, 1 << 30, Dtype::i32, true},
                                PhaseForm{"since_first", 1, 3, 64, 1, 12, 1 << 22, Dtype::f32, true},
                                PhaseForm{"target_span", 1, 1, 0, 2, 5, 9, Dtype::i32, false}}) {
    SCOPED_TRACE(form.ref + " " + std::to_string(form.tokens));
    check(form, seed += 10);
  }
}

TEST(PhaseCode, HasOneSpikeForEachFrequencyWhateverTheTime) {
  const auto op = code_with("none", 5, {1.0f, 0.1f, 1e-7f, -0.3f});
  const auto out = run_first(op, std::vector<Value>{line_of({0, -1, 5, 2000000000, -2000000000})});
  EXPECT_EQ(spike_count(std::get<SpikeTensor>(out[0])), 5 * 4);
}

TEST(PhaseCode, IsSilentAndFreeWhereAllIsPadding) {
  const auto op = code_with("target_span", 4, {1.0f, 0.5f});
  std::vector<Value> in;
  in.push_back(line_of({1, 2, 3}));
  in.push_back(line_of({9}));
  in.push_back(tensor_of(tbnc(1, 1, 3, 1), std::vector<float>{0, 0, 0}));
  const auto out = run_first(op, in);
  EXPECT_EQ(spike_count(std::get<SpikeTensor>(out[0])), 0);
  EXPECT_EQ(cost_of(op, in, out), Cost());
}

TEST(PhaseCode, ShiftingAllStampsChangesNothingAndPermutingThemPermutesRows) {
  const auto op = code_with("target_span", 6, {0.7f, 0.03f, 1e-5f});
  const auto out = run_first(op, std::vector<Value>{line_of({3, 50, 50, 7000}), line_of({8000})})[0];
  const std::int64_t far = 2000000000;
  EXPECT_TRUE(same(run_first(op, std::vector<Value>{line_of({far + 3, far + 50, far + 50, far + 7000}),
                                                    line_of({far + 8000})})[0],
                   out));
  EXPECT_TRUE(same(run_first(op, std::vector<Value>{line_of({50, 3, 7000, 50}), line_of({8000})})[0],
                   permuted(out, {1, 0, 3, 2})));
}

// Entry i of a table is the series at the middle of the bin: off by pi / 2^bits of the angle at most.
TEST(PhaseCode, WithATableHoldsAFourierSeriesUpToHalfABin) {
  constexpr double pi = 3.14159265358979323846;
  const float omega = 0.261799388f;  // a day of hours
  for (const Index bits : {5, 8}) {
    const auto op = code_with("none", bits, {omega});
    std::vector<std::int64_t> ticks;
    for (std::int64_t t = 0; t < 500; ++t) {
      ticks.push_back(t);
    }
    const auto spikes = numbers_of(run_first(op, std::vector<Value>{line_of(ticks)})[0]);
    const auto bins = static_cast<std::size_t>(1) << bits;
    for (std::size_t n = 0; n < ticks.size(); ++n) {
      for (std::size_t i = 0; i < bins; ++i) {
        if (spikes[n * bins + i] == 1) {
          const double middle = 2 * pi * (static_cast<double>(i) + 0.5) / static_cast<double>(bins);
          const double angle = static_cast<double>(omega) * static_cast<double>(ticks[n]);
          for (int j = 1; j <= 3; ++j) {
            EXPECT_NEAR(std::cos(j * middle), std::cos(j * angle), j * pi / static_cast<double>(bins) + 1e-9);
          }
        }
      }
    }
  }
}

TEST(PhaseCode, RefusesStampsThatAreNoTicks) {
  const auto op = code_with("target_span", 5, {1.0f});
  const Shape one = tbnc(1, 1, 1, 1);
  const auto error_of = [&](float stamp, float target) {
    try {
      op.check_values(
          std::vector<Value>{tensor_of(one, std::vector{stamp}), tensor_of(one, std::vector{target})});
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(error_of(-3, 2), "");
  EXPECT_EQ(error_of(1.5, 2), "stamp 0 of sample 0 (of this batch) is 1.5, wanted a whole number of ticks");
  EXPECT_EQ(error_of(1, 2.5), "target 0 of sample 0 (of this batch) is 2.5, wanted a whole number of ticks");
  for (const float stamp : {1e30f, -INFINITY, NAN}) {
    EXPECT_NE(error_of(stamp, 0), "") << stamp;
  }
}

TEST(PhaseCode, RefusesWhatDoesNotFit) {
  const ValueSpec stamps = dense_spec(tbnc(1, 2, 3, 1));
  expect_refused(PhaseCode(), {stamps}, "omega is missing");
  const auto op = code_with("target_span", 5, {1.0f, 2.0f});
  const ValueSpec target = dense_spec(tbnc(1, 2, 1, 1));
  EXPECT_EQ(op.infer(std::vector{stamps, target}, 1)[0], spike_spec(tbnc(1, 2, 3, 64), binary_code()));
  expect_refused(op, {dense_spec(tbnc(1, 2, 3, 2)), target},
                 "stamps is f32 [T=1 B=2 N=3 C=2], wanted [T B N C=1]");
  expect_refused(op, {dense_spec(tbnc(1, 2, 3, 1), Dtype::i8), target},
                 "stamps is i8 [T=1 B=2 N=3 C=1], wanted f32 or i32");
  expect_refused(op, {stamps, stamps}, "target is f32 [T=1 B=2 N=3 C=1], wanted f32 [T=1 B=2 N=1 C=1]");
  expect_refused(op, {stamps, target, target}, "live is f32 [T=1 B=2 N=1 C=1], wanted f32 [T=1 B=2 N=3 C=1]");
  expect_refused(code_with("none", 0, {1.0f}), {stamps}, "bits is 0, wanted 1 to 12");
  expect_refused(code_with("none", 13, {1.0f}), {stamps}, "bits is 13, wanted 1 to 12");
  PhaseCode bad;
  EXPECT_THROW(bad.set_weight("omega", {1, 1}, std::vector<float>{1}), Error);
  EXPECT_THROW(bad.set_weight("omega", {1}, std::vector<float>{3.2f}), Error);
  EXPECT_THROW(bad.set_weight("omega", {1}, std::vector<float>{NAN}), Error);
  EXPECT_EQ(bad.wanted_form(0, std::vector{spike_spec(tbnc(1, 2, 3, 1), binary_code())}), Form::dense);
}

}  // namespace
}  // namespace volley::test
