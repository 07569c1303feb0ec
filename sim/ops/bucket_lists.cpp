// Lists the inputs of a token by the steps in which they fire.
#include "sim/ops/bucket_lists.hpp"

namespace volley {
namespace {

std::size_t at(Index i) {
  return static_cast<std::size_t>(i);
}

// Inputs that fire in any of the steps, once each.
Index firing_inputs(const SpikeTensor& spikes, Index steps) {
  const std::span<const std::uint64_t> words = spikes.plane(0);
  const std::size_t step_words = words.size() / at(steps);
  Index count = 0;
  for (std::size_t w = 0; w < step_words; ++w) {
    std::uint64_t any = 0;
    for (Index t = 0; t < steps; ++t) {
      any |= words[at(t) * step_words + w];
    }
    count += popcount(any);
  }
  return count;
}

}  // namespace

bool buckets_pay(const SpikeTensor& spikes, Index steps, const WeightLayout& layout) {
  // Measured on 512 -> 2048 and 1536 -> 384, T = 4, rates 0.02 to 0.5, in additions of one row in a list:
  // what one in a bucket takes, the loops over a token's buckets, and filling them, for each input.
  constexpr double row_cost = 1.35;
  constexpr double loop_cost = 41.0;
  constexpr double fill_cost = 2.3;
  if (!layout.fits_16 || spikes.code() != binary_code() || steps < 2 || steps > bucket_steps) {
    return false;
  }
  const double rows_of_one =
      static_cast<double>(layout.depth * steps) / static_cast<double>(spikes.shape().count());
  const double listed = static_cast<double>(spike_count(spikes)) * rows_of_one;
  const double bucketed = static_cast<double>(firing_inputs(spikes, steps)) * rows_of_one;
  const double fill = fill_cost * static_cast<double>(layout.depth) / static_cast<double>(layout.words());
  return listed > row_cost * bucketed + loop_cost + fill;
}

void BucketBuilder::start(Index depth, Index input_rows, Index steps) {
  depth_ = depth;
  input_rows_ = input_rows;
  steps_ = steps;
  const std::size_t capacity = at(most_entries + (depth + patterns * list_step) + list_slack);
  if (rows_.size() < capacity) {
    rows_.resize(capacity);
  }
  if (parts_.size() < at(patterns * (depth + list_slack))) {
    parts_.resize(at(patterns * (depth + list_slack)));
  }
  clear();
}

void BucketBuilder::clear() {
  tokens_ = 0;
  end_ = 0;
  begins_.clear();
  for (Index p = 0; p < patterns; ++p) {
    ends_[at(p)] = parts_.data() + p * (depth_ + list_slack);
  }
}

void BucketBuilder::append_plane(const SpikeTensor& spikes, int plane, Index row, Index first_bit,
                                 Index count, Index base) {
  std::array<std::uint64_t, bucket_steps> bits{};
  for (; count > 0; count -= 64) {
    for (Index t = 0; t < steps_; ++t) {
      bits[at(t)] =
          bits_of(spikes.row(plane, row + t * input_rows_).data(), first_bit, std::min<Index>(count, 64));
    }
    if ((bits[0] | bits[1] | bits[2] | bits[3]) != 0) {
      list_patterns(bits, base, ends_);
    }
    first_bit += 64;
    base += 64;
  }
}

void BucketBuilder::end_token() {
  begins_.resize(at(tokens_ * patterns));
  for (Index p = 0; p < patterns; ++p) {
    begins_.push_back(end_);
    const std::uint16_t* part = parts_.data() + p * (depth_ + list_slack);
    end_ =
        std::copy(part, static_cast<const std::uint16_t*>(ends_[at(p)]), rows_.data() + end_) - rows_.data();
    for (; end_ % list_step != 0; ++end_) {
      rows_[at(end_)] = static_cast<std::uint16_t>(depth_);
    }
    ends_[at(p)] = parts_.data() + p * (depth_ + list_slack);
  }
  begins_.push_back(end_);
  ++tokens_;
}

}  // namespace volley
