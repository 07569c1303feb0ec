// Bits to numbers and back, a lane per channel.
#include "attention/primal_bits.hpp"

#include <algorithm>
#include <cstring>

#include "attention/overlap.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention/primal_bits_hwy.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace volley::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr hn::ScalableTag<float> floats;

// out[i] = weight where bit i is set, else 0; added to what is there if `is_more`. count <= 64.
HWY_INLINE void NumbersOfBits(std::uint64_t bits, Index count, float weight, bool is_more, float* out) {
  const auto lanes = static_cast<Index>(hn::Lanes(floats));
  const auto number = hn::Set(floats, weight);
  Index i = 0;
  for (; i + lanes <= count; i += lanes) {
    std::uint8_t bytes[8];
    const std::uint64_t some = bits >> i;
    std::memcpy(bytes, &some, sizeof(bytes));
    const auto one = hn::IfThenElseZero(hn::LoadMaskBits(floats, bytes), number);
    hn::StoreU(is_more ? hn::Add(one, hn::LoadU(floats, out + i)) : one, floats, out + i);
  }
  for (; i < count; ++i) {
    const float one = ((bits >> i) & 1u) != 0 ? weight : 0.0f;
    out[i] = is_more ? out[i] + one : one;
  }
}

// Bit i of the first: scores[i] >= limit, of the second: scores[i] <= -limit. count <= 64.
HWY_INLINE void BitsOfScores(const float* scores, Index count, float limit, std::uint64_t* words) {
  const auto lanes = static_cast<Index>(hn::Lanes(floats));
  words[0] = words[1] = 0;
  Index i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto score = hn::LoadU(floats, scores + i);
    std::uint64_t above = 0;
    std::uint64_t below = 0;
    std::uint8_t bytes[8] = {};
    hn::StoreMaskBits(floats, hn::Ge(score, hn::Set(floats, limit)), bytes);
    std::memcpy(&above, bytes, sizeof(above));
    hn::StoreMaskBits(floats, hn::Le(score, hn::Set(floats, -limit)), bytes);
    std::memcpy(&below, bytes, sizeof(below));
    words[0] |= above << i;
    words[1] |= below << i;
  }
  for (; i < count; ++i) {
    words[0] |= std::uint64_t{scores[i] >= limit} << i;
    words[1] |= std::uint64_t{scores[i] <= -limit} << i;
  }
}

// One plane of bits, `words` of which are a row; the numbers are added to what is there if `is_more`.
void UnpackPlane(const std::uint64_t* plane, Index words, const BitBlock& block, float weight, bool is_more,
                 float* out, Index* events) {
  for (Index n = 0; n < block.rows; ++n) {
    const std::uint64_t* row = plane + (block.row + n) * words;
    Index count = 0;
    for (Index w = 0; 64 * w < block.width; ++w) {
      const std::uint64_t bits = slice_word(row, block.first, block.width, w);
      count += popcount(bits);
      NumbersOfBits(bits, std::min<Index>(64, block.width - 64 * w), weight, is_more,
                    out + n * block.width + 64 * w);
    }
    if (events != nullptr) {
      events[n] = count + (is_more ? events[n] : 0);
    }
  }
}

// planes: those of +1 and of -1.
void FireBlock(const float* scores, Index stride, const float* limits, const BitBlock& block, Index words,
               std::uint64_t* const* planes) {
  for (Index n = 0; n < block.rows; ++n) {
    for (Index i = 0; i < block.width; i += 64) {
      std::uint64_t fired[2];
      BitsOfScores(scores + n * stride + i, std::min<Index>(64, block.width - i), limits[n], fired);
      const Index shift = (block.first + i) % 64;
      const Index place = (block.row + n) * words + (block.first + i) / 64;
      for (const int plane : {0, 1}) {
        planes[plane][place] |= fired[plane] << shift;
        if (shift > 0 && fired[plane] >> (64 - shift) != 0) {
          planes[plane][place + 1] |= fired[plane] >> (64 - shift);
        }
      }
    }
  }
}

}  // namespace volley::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace volley {

HWY_EXPORT(UnpackPlane);
HWY_EXPORT(FireBlock);

void unpack_block(const SpikeTensor& spikes, const BitBlock& block, float* out, Index* events) {
  const SpikeCode code = spikes.code();
  for (int p = 0; p < code.planes; ++p) {
    HWY_DYNAMIC_DISPATCH(UnpackPlane)
    (spikes.plane(p).data(), spikes.words_per_row(), block, static_cast<float>(code.weight(p)), p > 0, out,
     events);
  }
}

void fire_block(const float* scores, Index stride, const float* limits, const BitBlock& block,
                const SpikeTensor& out) {
  std::uint64_t* planes[] = {out.plane_mutable(0).data(), out.plane_mutable(1).data()};
  HWY_DYNAMIC_DISPATCH(FireBlock)(scores, stride, limits, block, out.words_per_row(), planes);
}

}  // namespace volley
#endif
