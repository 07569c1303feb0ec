// Cuts heads out of rows of bits.
#include "attention/head_spikes.hpp"

namespace volley {

void HeadSpikes::cut(const SpikeTensor& spikes, Index row, Index tokens, Index channel, Index width) {
  tokens_ = tokens;
  width_words_ = (width + 63) / 64;
  code_ = spikes.code();
  words_.resize(static_cast<std::size_t>(code_.planes * width_words_ * tokens));
  const Index row_words = spikes.words_per_row();
  std::uint64_t* out = words_.data();
  for (int p = 0; p < code_.planes; ++p) {
    const std::uint64_t* first = spikes.plane(p).data() + row * row_words;
    for (Index w = 0; w < width_words_; ++w) {
      for (Index n = 0; n < tokens; ++n) {
        *out++ = slice_word(first + n * row_words, channel, width, w);
      }
    }
  }
}

WeightedRows<std::int32_t> HeadSpikes::events(Index n) {
  channels_.clear();
  weights_.clear();
  const HeadBits head = bits();
  for (Index w = 0; w < width_words_; ++w) {
    const Index at = w * tokens_ + n;
    std::uint64_t any = 0;
    for (int p = 0; p < code_.planes; ++p) {
      any |= head.plane(p)[at];
    }
    for (; any != 0; any &= any - 1) {
      const int bit = lowest_bit(any);
      std::int32_t value = 0;
      for (int p = 0; p < code_.planes; ++p) {
        value += code_.weight(p) * static_cast<std::int32_t>((head.plane(p)[at] >> bit) & 1u);
      }
      channels_.push_back(static_cast<std::int32_t>(64 * w + bit));
      weights_.push_back(value);
    }
  }
  return {channels_, weights_};
}

void HeadSpikes::values_into(std::vector<std::int32_t>& values, Index stride) const {
  values.assign(static_cast<std::size_t>(tokens_ * stride), 0);
  const HeadBits head = bits();
  for (int p = 0; p < code_.planes; ++p) {
    const std::int32_t weight = code_.weight(p);
    for (Index w = 0; w < width_words_; ++w) {
      for (Index n = 0; n < tokens_; ++n) {
        std::int32_t* row = values.data() + n * stride + 64 * w;
        for (std::uint64_t word = head.plane(p)[w * tokens_ + n]; word != 0; word &= word - 1) {
          row[lowest_bit(word)] += weight;
        }
      }
    }
  }
}

}  // namespace volley
