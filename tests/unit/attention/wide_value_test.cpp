// SSA with values wider than queries, and graded levels that stand for fractions.
#include "attention/spike_attention.hpp"
#include "tests/reference/product_ref.hpp"
#include "tests/unit/attention/family_case.hpp"

namespace volley::test {
namespace {

SpikeAttention made(const Case& entry) {
  return made_with<SpikeAttention>({{"heads", entry.real_or("heads", 0)},
                                    {"scale", entry.real_or("scale", 0)},
                                    {"norm", entry.real_or("norm", 1)},
                                    {"order", entry.word_or("order", "qk_v")}});
}

std::vector<Value> inputs_of(const Case& entry) {
  const Shape q = entry.shape("TBNC");
  const Shape k = q.with(Axis::N, entry.integer_or("M", q[Axis::N]));
  const Shape v = k.with(Axis::C, entry.integer("ratio") * q[Axis::C]);
  return {spikes_of(entry, q, 0), spikes_of(entry, k, 1), spikes_of(entry, v, 2)};
}

TEST(WideValues, KernelsAndCostEqualTheSumOverAllPairs) {
  for (const Case& entry : family_cases(SpikeAttention::op_kind)) {
    SCOPED_TRACE(entry.line);
    const SpikeAttention op = made(entry);
    const auto in = inputs_of(entry);
    const double width = static_cast<double>(entry.integer("C") / op.heads());
    const double norm = entry.real_or("norm", 1);
    const float scale =
        entry.real_or("scale", 0) != 0 ? op.scale() : static_cast<float>(2 / std::sqrt(width));
    CountingTally tally;
    const auto wanted =
        spike_product_reference(token_numbers(in[0]), token_numbers(in[1]), token_numbers(in[2]),
                                {.heads = op.heads(),
                                 .steps = entry.integer("T"),
                                 .factor = scale / static_cast<float>(norm * norm * norm),
                                 .scores_first = entry.word_or("order", "") == "qk_v"},
                                tally);
    expect_reference(op, in, wanted, tally);
    Index dense = 0;
    const bool is_single = entry.integer("T") == 1 && entry.integer("B") == 1;
    for (const Product& product : is_single ? op.products(in) : std::vector<Product>{}) {
      dense += product.dense;
    }
    EXPECT_EQ(dense, is_single ? op.dense_mac(specs_of(in)) : 0);
  }
}

// As the V3 code has it: fractions in float32, one product with 2 / sqrt(d) at the end.
TEST(WideValues, LevelsOfFourAreTheFractionsOfTheirAuthors) {
  const auto op = made_with<SpikeAttention>({{"heads", 1.0}, {"scale", 0.0}, {"norm", 4.0}});
  const Shape shape = tbnc(1, 1, 5, 24);
  const std::vector<Value> in{random_spikes(shape, graded_code(4), 0.5, 1),
                              random_spikes(shape, graded_code(4), 0.5, 2),
                              random_spikes(shape.with(Axis::C, 96), graded_code(4), 0.5, 3)};
  const TokenNumbers q = token_numbers(in[0]), k = token_numbers(in[1]), v = token_numbers(in[2]);
  std::vector<float> wanted;
  for (Index n = 0; n < 5; ++n) {
    for (Index c = 0; c < 96; ++c) {
      float sum = 0;
      for (Index m = 0; m < 5; ++m) {
        float score = 0;
        for (Index i = 0; i < 24; ++i) {
          score += static_cast<float>(q(0, n, i) / 4) * static_cast<float>(k(0, m, i) / 4);
        }
        sum += score * static_cast<float>(v(0, m, c) / 4);
      }
      wanted.push_back(sum * static_cast<float>(2 * std::pow(24.0, -0.5)));
    }
  }
  expect_numbers(run_first(op, in)[0], wanted);
}

TEST(WideValues, ALevelIsAsManyBinarySlots) {
  const Shape shape = tbnc(1, 1, 5, 8);
  const SpikeTensor q = random_spikes(shape, graded_code(4), 0.5, 1);
  const std::vector<Value> keys{random_spikes(shape, graded_code(4), 0.5, 2),
                                random_spikes(shape.with(Axis::C, 32), graded_code(4), 0.5, 3)};
  const auto op = made_with<SpikeAttention>({{"heads", 2.0}, {"scale", 1.0}});
  std::vector<float> sum(5 * 32, 0.0f);
  for (int p = 0; p < 4; ++p) {
    SpikeTensor slot(binary_code(), shape);
    std::copy(q.plane(p).begin(), q.plane(p).end(), slot.plane_mutable(0).begin());
    const auto part = numbers_of(run_first(op, std::vector<Value>{slot, keys[0], keys[1]})[0]);
    for (std::size_t i = 0; i < sum.size(); ++i) {
      sum[i] += part[i];
    }
  }
  expect_numbers(run_first(op, std::vector<Value>{q, keys[0], keys[1]})[0], sum);
}

TEST(WideValues, RefusesWidthsThatAreNoMultipleAndNormsThatAreNoPowerOfTwo) {
  const ValueSpec q = spike_spec(tbnc(1, 1, 2, 4), graded_code(4));
  const auto op = made_with<SpikeAttention>({{"heads", 2.0}});
  expect_refused(op, {q, q, spike_spec(tbnc(1, 1, 2, 6), binary_code())}, "C of v is 6, wanted 4 as in q");
  EXPECT_EQ(op.infer(std::vector{q, q, spike_spec(tbnc(1, 1, 2, 12), binary_code())}, 1)[0],
            dense_spec(tbnc(1, 1, 2, 12)));
  for (const Index norm : {0, 3, 128}) {
    expect_refused(made_with<SpikeAttention>({{"heads", 2.0}, {"norm", static_cast<double>(norm)}}),
                   {q, q, q},
                   "norm is " + std::to_string(norm) +
                       ", wanted a power of two from 1 to 64, so that the division is exact");
  }
}

}  // namespace
}  // namespace volley::test
