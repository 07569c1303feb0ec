// Slices of bits and overlaps against loops over single spikes.
#include "attention/overlap.hpp"

#include <gtest/gtest.h>

#include "attention/head_spikes.hpp"
#include "tests/support/random_values.hpp"
#include "tests/unit/attention/attention_case.hpp"

namespace volley::test {
namespace {

constexpr Index sizes[] = {1, 15, 16, 32, 63, 64, 65, 128, 130};

TEST(SliceWord, HasTheBitsOfEveryFirstAndWidth) {
  const SpikeTensor spikes = random_spikes({{Axis::N, 1}, {Axis::C, 260}}, binary_code(), 0.5, 1);
  for (Index first = 0; first < 130; ++first) {
    for (const Index width : sizes) {
      for (Index b = 0; b < (width + 63) / 64 * 64; ++b) {
        const std::uint64_t word = slice_word(spikes.row(0, 0).data(), first, width, b / 64);
        const int wanted = b < width ? spikes.at(0, first + b) : 0;
        ASSERT_EQ(static_cast<int>(word >> (b % 64) & 1u), wanted) << first << " " << width << " " << b;
      }
    }
  }
}

TEST(HeadSpikes, ListsAndNumbersAreTheSpikes) {
  for (const SpikeCode code : {binary_code(), bipolar_code(), graded_code(4)}) {
    const SpikeTensor spikes = random_spikes({{Axis::N, 9}, {Axis::C, 200}}, code, 0.3, 2);
    HeadSpikes head;
    head.cut(spikes, 2, 7, 65, 130);
    std::vector<std::int32_t> numbers;
    head.values_into(numbers, 144);
    for (Index n = 0; n < 7; ++n) {
      std::vector<std::int32_t> wanted(144, 0);
      for (Index c = 0; c < 130; ++c) {
        wanted[static_cast<std::size_t>(c)] = spikes.at(2 + n, 65 + c);
      }
      EXPECT_TRUE(std::equal(wanted.begin(), wanted.end(), numbers.begin() + n * 144))
          << text(code) << " " << n;
      std::vector<std::int32_t> listed(144, 0);
      const auto events = head.events(n);
      for (std::size_t i = 0; i < events.rows.size(); ++i) {
        EXPECT_NE(events.weights[i], 0);
        listed[static_cast<std::size_t>(events.rows[i])] = events.weights[i];
      }
      EXPECT_EQ(listed, wanted) << text(code) << " " << n;
    }
  }
}

TEST(OverlapRow, IsTheProductOfAnyTwoCodesAtAnyTail) {
  const std::vector<SpikeCode> codes{binary_code(), bipolar_code(), graded_code(3)};
  for (const SpikeCode q_code : codes) {
    for (const SpikeCode k_code : codes) {
      for (const Index width : sizes) {
        for (const Index keys : {1, 7, 8, 9, 49}) {
          const SpikeTensor q = random_spikes({{Axis::N, 3}, {Axis::C, width}}, q_code, 0.6, 3);
          const SpikeTensor k = random_spikes({{Axis::N, keys}, {Axis::C, width}}, k_code, 0.6, 4);
          HeadSpikes q_head;
          HeadSpikes k_head;
          q_head.cut(q, 0, 3, 0, width);
          k_head.cut(k, 0, keys, 0, width);
          std::vector<std::int32_t> score(static_cast<std::size_t>(keys), -1);
          overlap_row(q_head.bits(), 2, k_head.bits(), score.data());
          for (Index m = 0; m < keys; ++m) {
            int wanted = 0;
            for (Index c = 0; c < width; ++c) {
              wanted += q.at(2, c) * k.at(m, c);
            }
            ASSERT_EQ(score[static_cast<std::size_t>(m)], wanted)
                << text(q_code) << " " << text(k_code) << " " << width;
            ASSERT_EQ(code_overlap(q_head.bits(), 2, k_head.bits(), m), wanted);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace volley::test
