// STAtten against a sum over all pairs, its window, and its products.
#include "attention/statten.hpp"

#include "attention/spike_attention.hpp"
#include "tests/reference/product_ref.hpp"
#include "tests/unit/attention/family_case.hpp"

namespace volley::test {
namespace {

Statten made(double heads, double chunk, double scale) {
  return made_with<Statten>({{"heads", heads}, {"chunk", chunk}, {"scale", scale}});
}

Statten made(const Case& entry) {
  return made(entry.real_or("heads", 0), entry.real_or("chunk", 0), entry.real_or("scale", 0));
}

std::vector<Value> inputs_of(const Case& entry) {
  const Shape q = entry.shape("TBNC");
  const Shape k = q.with(Axis::N, entry.integer_or("M", q[Axis::N]));
  return {spikes_of(entry, q, 0), spikes_of(entry, k, 1), spikes_of(entry, k, 2)};
}

std::vector<Value> binary_inputs(const Shape& shape) {
  return {random_spikes(shape, binary_code(), 0.3, 1), random_spikes(shape, binary_code(), 0.3, 2),
          random_spikes(shape, binary_code(), 0.3, 3)};
}

TEST(Statten, KernelsAndCostEqualTheSumOverAllPairsOfAChunk) {
  for (const Case& entry : family_cases(Statten::op_kind)) {
    SCOPED_TRACE(entry.line);
    const Statten op = made(entry);
    const auto in = inputs_of(entry);
    CountingTally tally;
    const auto wanted = spike_product_reference(
        token_numbers(in[0]), token_numbers(in[1]), token_numbers(in[2]),
        {.heads = op.heads(), .steps = entry.integer("T"), .chunk = op.chunk(), .factor = op.scale()}, tally);
    expect_reference(op, in, wanted, tally);
  }
}

TEST(Statten, AChunkOfOneIsSsaOfEachStep) {
  const auto in = binary_inputs(tbnc(4, 2, 7, 64));
  const auto ssa = made_with<SpikeAttention>({{"heads", 2.0}, {"scale", 0.25}, {"order", "q_kv"}});
  const Statten op = made(2, 1, 0.25);
  EXPECT_EQ(op.time_use(), TimeUse::none);
  const auto out = run_first(op, in);
  EXPECT_TRUE(same(out[0], run_first(ssa, in)[0]));
  EXPECT_EQ(cost_of(op, in, out), cost_of(ssa, in, run_first(ssa, in)));
}

TEST(Statten, AStepSeesTheOtherStepsOfItsChunkAndNoMore) {
  const auto in = binary_inputs(tbnc(4, 1, 7, 64));
  const Statten op = made(2, 2, 0.125);
  EXPECT_EQ(op.time_use(), TimeUse::window);
  EXPECT_EQ(op.window(), 2);
  const auto before = run_first(op, in)[0];
  std::vector<Value> changed{in[0], copy_of(in[1]), in[2]};
  for (std::uint64_t& word : std::get<SpikeTensor>(steps_of(changed[1], 1, 1)).plane_mutable(0)) {
    word = ~word;
  }
  const auto after = run_first(op, changed)[0];
  EXPECT_FALSE(same(steps_of(after, 0, 1), steps_of(before, 0, 1)));
  EXPECT_FALSE(same(steps_of(after, 1, 1), steps_of(before, 1, 1)));
  EXPECT_TRUE(same(steps_of(after, 2, 2), steps_of(before, 2, 2)));
}

TEST(Statten, RefusesStepsThatAreNotWholeChunks) {
  const auto specs = [](Index steps) {
    return std::vector<ValueSpec>(3, spike_spec(tbnc(steps, 1, 2, 4), binary_code()));
  };
  expect_refused(
      made(2, 2, 1), specs(1),
      "T is 1 in one call, below chunk 2: all steps of a chunk are needed at once; run it layered, "
      "with T a multiple of chunk");
  expect_refused(made(2, 2, 1), specs(5), "T is 5, wanted a multiple of chunk 2");
  expect_refused(made(2, 0, 1), specs(4), "chunk is 0, wanted 1 to 1024");
  expect_refused(made(2, 1025, 1), specs(4), "chunk is 1025, wanted 1 to 1024");
  EXPECT_EQ(made(2, 2, 1).infer(specs(4), 4)[0], dense_spec(tbnc(4, 1, 2, 4)));
}

TEST(Statten, RefusesRealInputsAndAMissingScale) {
  const ValueSpec q = spike_spec(tbnc(2, 1, 2, 4), binary_code());
  const std::vector<ValueSpec> in{q, dense_spec(q.shape), q};
  EXPECT_EQ(made(1, 2, 1).wanted_form(1, in), Form::dense);
  EXPECT_EQ(made(1, 2, 1).wanted_form(0, in), Form::spikes);
  expect_refused(made(1, 2, 1), in, "k is f32, wanted spikes: put a neuron before it");
  EXPECT_THROW(made_with<Statten>({{"heads", 1.0}}), Error);
}

TEST(Statten, SumsThatNeedMoreThan32BitsGoToTheReference) {
  const ValueSpec q = spike_spec(tbnc(2, 1, 70, 128), graded_code(64));
  const std::vector<ValueSpec> in{q, q, q};
  const KernelTable table = table_of<Statten>();
  EXPECT_EQ(table.choose(made(1, 2, 1), in, Device::cpu).kernel->name, "reference");
  EXPECT_EQ(table.choose(made(64, 2, 1), in, Device::cpu).kernel->name, "linear");
}

TEST(Statten, DenseWorkIsThatOfSsaOnTheTokensOfTheChunk) {
  const ValueSpec q = spike_spec(tbnc(4, 3, 5, 16), binary_code());
  EXPECT_EQ(made(4, 2, 1).dense_mac(std::vector{q, q, q}), 3 * (4 / 2) * 4 * (10 + 10) * 4 * 4);
}

PairTally key_value_pairs(const AttentionNumbers& in, Index first, Index chunk, Index h) {
  PairTally tally{.of_a = Events::counts, .of_b = Events::counts};
  for (Index t = first; t < first + chunk; ++t) {
    for (Index m = 0; m < in.keys; ++m) {
      for (Index i = 0; i < in.width; ++i) {
        for (Index c = 0; c < in.width; ++c) {
          tally.pair(static_cast<double>(in.k[in.key(t, m, h, i)]),
                     static_cast<double>(in.v[in.key(t, m, h, c)]));
        }
      }
    }
  }
  return tally;
}

PairTally query_pairs(const AttentionNumbers& in, Index first, Index chunk, Index h) {
  PairTally tally{.of_a = Events::counts, .of_b = Events::counts};
  for (Index i = 0; i < in.width; ++i) {
    for (Index c = 0; c < in.width; ++c) {
      double key_value = 0;
      for (Index t = first; t < first + chunk; ++t) {
        for (Index m = 0; m < in.keys; ++m) {
          key_value += static_cast<double>(in.k[in.key(t, m, h, i)] * in.v[in.key(t, m, h, c)]);
        }
      }
      for (Index t = first; t < first + chunk; ++t) {
        for (Index n = 0; n < in.queries; ++n) {
          tally.pair(static_cast<double>(in.q[in.query(t, n, h, i)]), key_value);
        }
      }
    }
  }
  return tally;
}

TEST(Statten, ItsProductsAreThoseOfEachChunk) {
  for (const Case& entry : family_cases(Statten::op_kind)) {
    SCOPED_TRACE(entry.line);
    if (entry.integer("B") != 1) {
      continue;
    }
    const Statten op = made(entry);
    const auto in = inputs_of(entry);
    const AttentionNumbers numbers = attention_numbers(in, op.heads());
    const auto products = op.products(in);
    ASSERT_EQ(static_cast<Index>(products.size()), 2 * op.heads() * (numbers.steps / op.chunk()));
    std::size_t next = 0;
    Index ac = 0;
    for (Index first = 0; first < numbers.steps; first += op.chunk()) {
      for (Index h = 0; h < op.heads(); ++h) {
        EXPECT_EQ(products[next].head, h);
        EXPECT_EQ(products[next].name, "k^T v");
        ac += products[next].units_a;
        expect_product(products[next++], key_value_pairs(numbers, first, op.chunk(), h));
        EXPECT_EQ(products[next].name, "q kv");
        ac += products[next].units_a;
        expect_product(products[next++], query_pairs(numbers, first, op.chunk(), h));
      }
    }
    EXPECT_EQ(ac, cost_of(op, in, run_first(op, in)).ac);
  }
}

}  // namespace
}  // namespace volley::test
