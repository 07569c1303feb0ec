// Softmax attention, plain and with vectors along keys and channels.
#include "attention/softmax_attention.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "attention/softmax_call.hpp"
#include "attention/weighted_rows.hpp"
#include "sim/base/check.hpp"
#include "sim/base/parallel.hpp"

namespace volley {
namespace {

// row: of the allowed keys, ascending; the score of the others is 0.
template <class Key>
void store_score(const SoftmaxCall& call, Index first, std::span<const Key> allowed,
                 std::span<const float> row) {
  if (call.score == nullptr) {
    return;
  }
  std::fill_n(call.score + first, call.shape.keys, 0.0f);
  for (std::size_t i = 0; i < row.size(); ++i) {
    call.score[first + allowed[i]] = row[i];
  }
}

void run_reference(const Call& any_call) {
  const SoftmaxCall call(any_call);
  const auto [steps, samples, heads, queries, keys, width] = call.shape;
  std::vector<float> row;
  std::vector<Index> allowed;
  for (Index slice = 0; slice < call.shape.slices(); ++slice) {
    const HeadSlice at(call.shape, slice);
    for (Index n = 0; n < queries; ++n) {
      const Index query = (at.query_row + n) * call.shape.channels() + at.channel;
      row.clear();
      allowed.clear();
      for (Index m = 0; m < keys; ++m) {
        if (!call.is_allowed(at, n, m)) {
          continue;
        }
        const Index key = (at.key_row + m) * call.shape.channels() + at.channel;
        float sum = 0;
        for (Index c = 0; c < width; ++c) {
          sum += call.q[query + c] * call.k[key + c];
        }
        row.push_back(sum * call.scale);
        allowed.push_back(m);
      }
      softmax_row(row);
      store_score<Index>(call, at.pair + n * keys, allowed, row);
      for (Index c = 0; c < width; ++c) {
        float sum = 0;
        for (std::size_t i = 0; i < allowed.size(); ++i) {
          sum += row[i] * call.v[(at.key_row + allowed[i]) * call.shape.channels() + at.channel + c];
        }
        call.out[query + c] = sum;
      }
    }
  }
}

struct RowScratch {
  std::vector<float> keys;    // [d M]: a lane is a key
  std::vector<float> values;  // [M d]: close together for the caches
  std::vector<float> row;
  std::vector<std::int32_t> channels;  // 0, 1, 2, ...
  std::vector<std::int32_t> live;      // keys that key_mask lets through
};

void gather_head(const SoftmaxCall& call, const HeadSlice& at, RowScratch& scratch) {
  const auto [steps, samples, heads, queries, keys, width] = call.shape;
  scratch.keys.resize(static_cast<std::size_t>(keys * width));
  scratch.values.clear();
  for (Index m = 0; m < keys; ++m) {
    const Index row = (at.key_row + m) * call.shape.channels() + at.channel;
    for (Index c = 0; c < width; ++c) {
      scratch.keys[static_cast<std::size_t>(c * keys + m)] = call.k[row + c];
    }
    scratch.values.insert(scratch.values.end(), call.v + row, call.v + row + width);
  }
}

void list_live_keys(const SoftmaxCall& call, const HeadSlice& at, RowScratch& scratch) {
  scratch.live.clear();
  for (Index m = 0; m < call.shape.keys; ++m) {
    if (call.key_mask == nullptr || call.key_mask[at.key_row + m] != 0.0f) {
      scratch.live.push_back(static_cast<std::int32_t>(m));
    }
  }
}

// The score of query n with the allowed keys, moved to the front of scratch.row.
void score_row(const SoftmaxCall& call, const float* query, std::span<const std::int32_t> allowed,
               RowScratch& scratch) {
  const auto width = static_cast<std::size_t>(call.shape.width);
  const Index first = allowed.front();
  sum_rows({scratch.channels, {query, width}}, scratch.keys.data() + first, call.shape.keys,
           allowed.back() - first + 1, scratch.row.data());
  for (std::size_t i = 0; i < allowed.size(); ++i) {
    scratch.row[i] = scratch.row[static_cast<std::size_t>(allowed[i] - first)] * call.scale;
  }
}

// Both products are weighted sums of rows: of k^T along the keys, of v along the channels.
void run_rows(const Call& any_call) {
  const SoftmaxCall call(any_call);
  for_each_block(call.shape.slices(), 1, [&](Index slice, Index) {
    thread_local RowScratch scratch;
    const auto [steps, samples, heads, queries, keys, width] = call.shape;
    const HeadSlice at(call.shape, slice);
    scratch.channels.resize(static_cast<std::size_t>(width));
    std::iota(scratch.channels.begin(), scratch.channels.end(), 0);
    scratch.row.resize(static_cast<std::size_t>(keys));
    gather_head(call, at, scratch);
    list_live_keys(call, at, scratch);
    const std::span<const std::int32_t> live = scratch.live;
    std::size_t begin = 0;  // what a query sees is one stretch of the live keys, and it moves forward
    std::size_t end = 0;
    for (Index n = 0; n < queries; ++n) {
      const Index query = (at.query_row + n) * call.shape.channels() + at.channel;
      while (begin < live.size() && !call.op.sees(n, live[begin]) && live[begin] < n) {
        ++begin;
      }
      end = std::max(begin, end);
      while (end < live.size() && call.op.sees(n, live[end])) {
        ++end;
      }
      const auto allowed = live.subspan(begin, end - begin);
      const auto row = std::span(scratch.row).first(allowed.size());
      if (!allowed.empty()) {
        score_row(call, call.q + query, allowed, scratch);
        softmax_row(row);
      }
      store_score(call, at.pair + n * keys, allowed, std::span<const float>(row));
      sum_rows({allowed, row}, scratch.values.data(), width, width, call.out + query);
    }
  });
}

}  // namespace

void softmax_row(std::span<float> row) {
  float greatest = row.empty() ? 0.0f : row[0];
  for (const float number : row) {
    greatest = std::max(greatest, number);
  }
  float sum = 0;
  for (float& number : row) {
    number = std::exp(number - greatest);
    sum += number;
  }
  for (float& number : row) {
    number /= sum;
  }
}

void SoftmaxAttention::install(KernelTable& table) {
  table.add(op_kind, {.name = "blocks",
                      .exactness = Exactness::tolerance,
                      .accepts = accepts_softmax_blocks,
                      .run = run_softmax_blocks});
  table.add(op_kind, {.name = "rows", .run = run_rows});
  table.add(op_kind, {.name = "reference", .run = run_reference});
}

void SoftmaxAttention::visit(ParamVisitor& visitor) {
  visitor.integer("heads", heads_, "number of heads [1]", Need::required);
  visitor.real("scale", scale_, "factor of q k^T, 0 stands for 1 / sqrt(C / heads) [1]");
  visitor.choice_of("mask", mask_, {"none", "causal"}, "causal: query n sees keys m <= n alone");
  visitor.integer("group", group_, "tokens see their own group of so many alone, 0: all [tokens]");
  groups_.visit(visitor);
}

float SoftmaxAttention::scale(Index width) const {
  return scale_ != 0 ? scale_ : 1.0f / std::sqrt(static_cast<float>(width));
}

std::vector<ValueSpec> SoftmaxAttention::infer(std::span<const ValueSpec> in, Index) const {
  const AttentionShape shape = check_attention(in.first(softmax_key_mask_slot), heads_);
  for (std::size_t slot = 0; slot < softmax_key_mask_slot; ++slot) {
    check_dense(in, slot);
  }
  VOLLEY_CHECK(!is_causal() || shape.keys == shape.queries, Fault::model,
               "N of k is {}, wanted {} as in q: the mask is causal", shape.keys, shape.queries);
  VOLLEY_CHECK(group_ >= 0, Fault::model, "group is {}, wanted 0 or more", group_);
  VOLLEY_CHECK(group_ == 0 || (shape.keys == shape.queries && shape.keys % group_ == 0), Fault::model,
               "N of q and k are {} and {}, wanted the same multiple of group {}", shape.queries, shape.keys,
               group_);
  VOLLEY_CHECK(group_ == 0 || !groups_.is_set(), Fault::model, "group and segments are given, wanted one");
  groups_.check(shape);
  if (in.size() > softmax_key_mask_slot) {
    const ValueSpec wanted = dense_spec(in[1].shape.with(Axis::C, 1));
    VOLLEY_CHECK(in[softmax_key_mask_slot] == wanted, Fault::model, "key_mask is {}, wanted {}",
                 text(in[softmax_key_mask_slot]), text(wanted));
  }
  return {dense_spec(shape.out()), dense_spec(shape.score())};
}

std::vector<Axis> SoftmaxAttention::activity_axes(std::size_t slot) const {
  return slot == softmax_key_mask_slot ? std::vector{Axis::N} : std::vector<Axis>{};
}

Cost SoftmaxAttention::cost(std::span<const Activity> in, std::span<const Activity>) const {
  const AttentionShape shape = attention_shape(in[0].spec.shape, in[1].spec.shape, heads_);
  const bool has_key_mask = in.size() > softmax_key_mask_slot;
  Index pairs = 0;
  for (Index m = 0; m < shape.keys; ++m) {
    const Index times = has_key_mask ? in[softmax_key_mask_slot].marginal[static_cast<std::size_t>(m)]
                                     : shape.steps * shape.samples;
    pairs += shape.heads * times * queries_of(shape, m);
  }
  Cost cost;
  cost.mac = 2 * pairs * shape.width;
  cost.compare = pairs;
  cost.add = 2 * pairs;
  cost.special = 2 * pairs;
  return cost;
}

Index SoftmaxAttention::dense_mac(std::span<const ValueSpec> in) const {
  const AttentionShape shape = attention_shape(in[0].shape, in[1].shape, heads_);
  Index pairs = 0;
  for (Index m = 0; m < shape.keys; ++m) {
    pairs += shape.slices() * queries_of(shape, m);
  }
  return 2 * pairs * shape.width;
}

Index SoftmaxAttention::queries_of(const AttentionShape& shape, Index key) const {
  if (groups_.is_set()) {
    const Index size = groups_.size_of(key);
    return is_causal() ? groups_.first_of(key) + size - key : size;
  }
  const Index group = group_ == 0 ? shape.queries : group_;
  return is_causal() ? group - key % group : group;
}

}  // namespace volley
