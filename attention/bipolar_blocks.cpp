// BSA of 32 queries at once, a lane per query.
#include <algorithm>
#include <limits>

#include "attention/bipolar_call.hpp"
#include "attention/head_spikes.hpp"
#include "attention/query_lanes.hpp"
#include "sim/base/parallel.hpp"

namespace volley {
namespace {

constexpr Index keys_at_once = 128;                 // their weights stay in the first cache
constexpr Index queries_at_once = 8 * query_lanes;  // share the bits of k
constexpr Index least_queries = 8;                  // below, most lanes would be idle

struct Scratch {
  HeadSpikes q, k;
  std::vector<std::uint64_t> q_words;        // as HeadBits says, for all lanes
  std::vector<LaneRow<std::int32_t>> x;      // q k^T, [M]
  std::vector<LaneRow<float>> weights, out;  // [M], [d]
};

// The bits of up to query_lanes tokens of q; lanes without a token are silent.
HeadBits bits_of_lanes(const BipolarCall& call, const HeadSlice& at, Index first, Index count,
                       Scratch& scratch) {
  scratch.q.cut(call.q, at.query_row + first, count, at.channel, call.shape.width);
  HeadBits bits = scratch.q.bits();
  const Index rows = bits.code.planes * bits.width_words;
  scratch.q_words.assign(static_cast<std::size_t>(rows * query_lanes), 0);
  for (Index row = 0; row < rows; ++row) {
    std::copy_n(bits.words + row * count, count, scratch.q_words.data() + row * query_lanes);
  }
  bits.words = scratch.q_words.data();
  bits.tokens = query_lanes;
  return bits;
}

// Out and score of the lanes.
void store(const BipolarCall& call, const HeadSlice& at, Index first, Index count, const Scratch& scratch) {
  for (Index lane = 0; lane < count; ++lane) {
    float* out = call.out + (at.query_row + first + lane) * call.shape.channels() + at.channel;
    for (Index c = 0; c < call.shape.width; ++c) {
      out[c] = scratch.out[static_cast<std::size_t>(c)].lane[lane];
    }
    float* score = call.score + (at.pair + (first + lane) * call.shape.keys);
    for (Index m = 0; call.score != nullptr && m < call.shape.keys; ++m) {
      score[m] = scratch.weights[static_cast<std::size_t>(m)].lane[lane];
    }
  }
}

// false: the numbers want rows. A product with a power of two is exact unless it leaves the floats, so a
// fused multiply-add rounds as often as the reference; a cut entry is + 0, which changes no sum of finite
// numbers.
bool run_lanes(const BipolarCall& call, const HeadSlice& at, Index first, Index count,
               const Exponents& exponents, Scratch& scratch) {
  const Index keys = call.shape.keys;
  const HeadBits q = bits_of_lanes(call, at, first, count, scratch);
  overlap_lanes(q, scratch.k.bits(), scratch.x.data());
  const Index most = call.op.cuts() ? call.op.max_shift() : std::numeric_limits<std::int32_t>::max();
  const LaneShifts shifts = shiftmax_lanes(scratch.x.data(), keys, most, scratch.weights.data());
  if (!shifts.is_exact || exponents.least <= shifts.greatest || exponents.greatest >= 255) {
    return false;
  }
  for (Index key = 0; key < keys; key += keys_at_once) {
    const Index channels = call.shape.channels();
    multiply_lanes({.a = call.v + (at.key_row + key) * channels + at.channel,
                    .a_row = 1,
                    .a_step = channels,
                    .rows = call.shape.width,
                    .terms = std::min(keys_at_once, keys - key),
                    .b = scratch.weights.data() + key,
                    .add = key > 0},
                   scratch.out.data());
  }
  store(call, at, first, count, scratch);
  return true;
}

}  // namespace

Verdict accepts_bipolar_blocks(const Operator& any_op, std::span<const ValueSpec> in) {
  const auto& op = static_cast<const BipolarAttention&>(any_op);
  if (op.normalise() != BipolarAttention::Normalise::shiftmax ||
      op.arithmetic() != BipolarAttention::Arithmetic::exact) {
    return {false, "not Shiftmax in exact floats"};
  }
  if (in[0].shape[Axis::N] < least_queries) {
    return {false, "fewer than 8 queries"};
  }
  return {};
}

void run_bipolar_blocks(const Call& any_call) {
  const BipolarCall call(any_call);
  const AttentionShape& shape = call.shape;
  const Index parts = (shape.queries + queries_at_once - 1) / queries_at_once;
  for_each_block(shape.slices() * parts, 1, [&](Index part, Index) {
    thread_local Scratch scratch;
    const HeadSlice at(shape, part / parts);
    scratch.k.cut(call.k, at.key_row, shape.keys, at.channel, shape.width);
    scratch.x.resize(static_cast<std::size_t>(shape.keys));
    scratch.weights.resize(scratch.x.size());
    scratch.out.resize(static_cast<std::size_t>(shape.width));
    const Exponents exponents = exponents_of(call.v + at.key_row * shape.channels() + at.channel,
                                             shape.channels(), shape.keys, shape.width);
    const Index begin = part % parts * queries_at_once;
    const Index end = std::min(shape.queries, begin + queries_at_once);
    for (Index first = begin; first < end; first += query_lanes) {
      const Index count = std::min(query_lanes, end - first);
      if (!run_lanes(call, at, first, count, exponents, scratch)) {
        bipolar_rows(call, at, first, count);
      }
    }
  });
}

}  // namespace volley
