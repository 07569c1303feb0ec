// Softmax attention of 32 queries at once, a lane per query.
#include <algorithm>
#include <limits>

#include "attention/query_lanes.hpp"
#include "attention/softmax_call.hpp"
#include "sim/base/parallel.hpp"

namespace volley {
namespace {

constexpr Index keys_at_once = 128;  // their scores stay in the first cache between exp and the product
constexpr Index least_queries = 8;   // below, most lanes would be idle

struct Scratch {
  std::vector<LaneRow<float>> q, score, out;  // [d], [keys], [d]
  std::vector<float> keys, values;            // the rows that key_mask lets through, close together
  std::vector<Index> positions;               // of the keys that some query of the part sees
};

// Queries of a block that see the same keys, but for a causal mask, and those keys.
struct Part {
  HeadSlice at;
  Index first = 0, queries = 0;
  const float *k = nullptr, *v = nullptr;  // rows of the keys
  Index stride = 0;
};

// The queries from `first` on, up to `end`, that are of one group.
Index same_group(const SoftmaxCall& call, Index first, Index end, Index key) {
  Index n = first + 1;
  while (n < end && (!call.op.has_mask() || call.op.sees(n, key))) {
    ++n;
  }
  return n - first;
}

// Lists the keys and packs their rows where key_mask leaves gaps.
void gather_keys(const SoftmaxCall& call, Index first_key, Part& part, Scratch& scratch) {
  const Index last = part.first + part.queries - 1;
  const Index row = part.at.key_row;
  const Index channels = call.shape.channels();
  scratch.positions.clear();
  for (Index m = first_key; m < call.shape.keys && (!call.op.has_mask() || call.op.sees(last, m)); ++m) {
    if (call.key_mask == nullptr || call.key_mask[row + m] != 0.0f) {
      scratch.positions.push_back(m);
    }
  }
  if (call.key_mask == nullptr) {
    part.k = call.k + (row + first_key) * channels + part.at.channel;
    part.v = call.v + (row + first_key) * channels + part.at.channel;
    part.stride = channels;
    return;
  }
  scratch.keys.clear();
  scratch.values.clear();
  for (const Index m : scratch.positions) {
    const Index from = (row + m) * channels + part.at.channel;
    scratch.keys.insert(scratch.keys.end(), call.k + from, call.k + from + call.shape.width);
    scratch.values.insert(scratch.values.end(), call.v + from, call.v + from + call.shape.width);
  }
  part.k = scratch.keys.data();
  part.v = scratch.values.data();
  part.stride = call.shape.width;
}

void gather_queries(const SoftmaxCall& call, const Part& part, Scratch& scratch) {
  scratch.q.assign(static_cast<std::size_t>(call.shape.width), {});
  for (Index lane = 0; lane < part.queries; ++lane) {
    const float* q =
        call.q + (part.at.query_row + part.first + lane) * call.shape.channels() + part.at.channel;
    for (Index c = 0; c < call.shape.width; ++c) {
      scratch.q[static_cast<std::size_t>(c)].lane[lane] = q[c] * call.scale;
    }
  }
}

// How many of the listed keys a query sees: those at the front.
Index allowed_keys(const SoftmaxCall& call, const Scratch& scratch, Index n) {
  if (!call.op.is_causal()) {
    return static_cast<Index>(scratch.positions.size());
  }
  return std::upper_bound(scratch.positions.begin(), scratch.positions.end(), n) - scratch.positions.begin();
}

void mask_future(const SoftmaxCall& call, const Part& part, Scratch& scratch) {
  const auto keys = static_cast<Index>(scratch.positions.size());
  for (Index lane = 0; call.op.is_causal() && lane < part.queries; ++lane) {
    for (Index i = allowed_keys(call, scratch, part.first + lane); i < keys; ++i) {
      scratch.score[static_cast<std::size_t>(i)].lane[lane] = -std::numeric_limits<float>::infinity();
    }
  }
}

LaneProduct value_product(const SoftmaxCall& call, const Part& part, const Scratch& scratch, Index key,
                          Index keys) {
  return {part.v + key * part.stride, 1,      part.stride, call.shape.width, keys,
          scratch.score.data() + key, key > 0};
}

// 0 times infinity would leak through a causal mask: each lane alone, over the keys that it sees.
void multiply_apart(const SoftmaxCall& call, const Part& part, Scratch& scratch) {
  const Index seen_by_all = allowed_keys(call, scratch, part.first);
  const auto keys = static_cast<Index>(scratch.positions.size());
  const Exponents masked =
      exponents_of(part.v + seen_by_all * part.stride, part.stride, keys - seen_by_all, call.shape.width);
  if (masked.greatest < 255) {
    return;
  }
  std::vector<LaneRow<float>>& alone = scratch.q;  // no longer needed
  for (Index lane = 0; lane < part.queries; ++lane) {
    const Index seen = allowed_keys(call, scratch, part.first + lane);
    multiply_lanes(value_product(call, part, scratch, 0, seen), alone.data());
    for (std::size_t c = 0; c < alone.size(); ++c) {
      scratch.out[c].lane[lane] = alone[c].lane[lane];
    }
  }
}

void store(const SoftmaxCall& call, const Part& part, const Scratch& scratch, const LaneRow<float>& sums) {
  const auto [steps, samples, heads, queries, keys, width] = call.shape;
  for (Index lane = 0; lane < part.queries; ++lane) {
    const Index n = part.first + lane;
    const Index allowed = allowed_keys(call, scratch, n);
    const float factor = allowed == 0 ? 0.0f : 1.0f / sums.lane[lane];
    float* out = call.out + (part.at.query_row + n) * call.shape.channels() + part.at.channel;
    for (Index c = 0; c < width; ++c) {
      out[c] = allowed == 0 ? 0.0f : scratch.out[static_cast<std::size_t>(c)].lane[lane] * factor;
    }
    if (call.score != nullptr) {
      float* score = call.score + part.at.pair + n * keys;
      std::fill_n(score, keys, 0.0f);
      for (Index i = 0; i < allowed; ++i) {
        const auto at = static_cast<std::size_t>(i);
        score[scratch.positions[at]] = scratch.score[at].lane[lane] * factor;
      }
    }
  }
}

void run_part(const SoftmaxCall& call, const Part& part, Scratch& scratch) {
  const Index width = call.shape.width;
  const auto keys = static_cast<Index>(scratch.positions.size());
  LaneRow<float> sums{};
  scratch.score.resize(static_cast<std::size_t>(keys));
  scratch.out.resize(static_cast<std::size_t>(width));
  if (keys > 0) {
    gather_queries(call, part, scratch);
    multiply_lanes({part.k, part.stride, 1, keys, width, scratch.q.data()}, scratch.score.data());
    mask_future(call, part, scratch);
    const LaneRow<float> greatest = greatest_of_lanes(scratch.score.data(), keys);
    for (Index key = 0; key < keys; key += keys_at_once) {
      const Index count = std::min(keys_at_once, keys - key);
      exponentials_of_lanes(scratch.score.data() + key, count, greatest, sums);
      multiply_lanes(value_product(call, part, scratch, key, count), scratch.out.data());
    }
    if (call.op.is_causal()) {
      multiply_apart(call, part, scratch);
    }
  }
  store(call, part, scratch, sums);
}

}  // namespace

Verdict accepts_softmax_blocks(const Operator& op, std::span<const ValueSpec> in) {
  const auto& attention = static_cast<const SoftmaxAttention&>(op);
  const AttentionShape shape = attention_shape(in[0].shape, in[1].shape, attention.heads());
  if (std::min(shape.queries, attention.dense_mac(in) / (2 * shape.slices() * shape.queries * shape.width)) <
      least_queries) {
    return {false, "fewer than 8 queries, or keys that a query sees"};
  }
  return {};
}

void run_softmax_blocks(const Call& any_call) {
  const SoftmaxCall call(any_call);
  const Index blocks = (call.shape.queries + query_lanes - 1) / query_lanes;
  for_each_block(call.shape.slices() * blocks, 1, [&](Index block, Index) {
    thread_local Scratch scratch;
    const Index end = std::min(call.shape.queries, (block % blocks + 1) * query_lanes);
    Part part{HeadSlice(call.shape, block / blocks), block % blocks * query_lanes};
    for (; part.first < end; part.first += part.queries) {
      Index first_key = 0;
      while (!call.op.sees(part.first, first_key)) {
        ++first_key;
      }
      part.queries = same_group(call, part.first, end, first_key);
      gather_keys(call, first_key, part, scratch);
      run_part(call, part, scratch);
    }
  });
}

}  // namespace volley
