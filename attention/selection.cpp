// Selective attention, plain, by popcount, and with vectors along the keys.
#include "attention/selection.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include "attention/head_spikes.hpp"
#include "sim/base/check.hpp"
#include "sim/base/parallel.hpp"

namespace volley {
namespace {

using Rule = SelectiveAttention::Rule;

struct SelectCall {
  explicit SelectCall(const Call& call)
      : op(static_cast<const SelectiveAttention&>(call.op)),
        q(call.in[0]),
        k(call.in[1]),
        v(std::get<Tensor>(call.in[2]).as<float>().data()),
        shape(attention_shape(spec_of(q).shape, spec_of(k).shape, op.heads())),
        out(std::get<Tensor>(call.out[0]).as_mutable<float>().data()) {
    if (call.out.size() > 1 && is_present(call.out[1])) {
      score = std::get<Tensor>(call.out[1]).as_mutable<float>().data();
    }
  }

  // Groups are small attentions of their own.
  Index groups() const { return op.group() == 0 ? 1 : shape.queries / op.group(); }
  Index group_queries() const { return shape.queries / groups(); }
  Index group_keys() const { return shape.keys / groups(); }

  const SelectiveAttention& op;
  const Value &q, &k;
  const float* v;
  AttentionShape shape;
  float* out;
  float* score = nullptr;  // nobody asked for it
};

// One group of one head: rows of q and of k and v, the first channel, the first entry of the score that it
// owns.
struct Unit {
  Unit(const SelectCall& call, Index index) {
    const HeadSlice at(call.shape, index / call.groups());
    const Index group = index % call.groups();
    first_key = group * call.group_keys();
    query_row = at.query_row + group * call.group_queries();
    key_row = at.key_row + first_key;
    channel = at.channel;
    pair = at.pair + group * call.group_queries() * call.shape.keys;
  }

  Index query_row = 0, key_row = 0, channel = 0, pair = 0, first_key = 0;
};

// The keys that a query takes, and their weights: 1 or, of rule constant, the score.
struct Taken {
  std::vector<std::int32_t> keys;
  std::vector<float> weights;

  WeightedRows<float> rows() const { return {keys, weights}; }
};

// row: scores of one query. Precondition: it is not empty.
void take(const SelectiveAttention& op, Index width, std::span<const float> row, Taken& taken) {
  taken.keys.resize(row.size());
  taken.weights.resize(row.size());
  if (!op.takes()) {
    std::iota(taken.keys.begin(), taken.keys.end(), 0);
    const float scale = op.scale(width);
    std::transform(row.begin(), row.end(), taken.weights.begin(), [&](float x) { return scale * x; });
    return;
  }
  const float least = op.rule() == Rule::top ? *std::max_element(row.begin(), row.end()) : op.threshold();
  std::size_t count = 0;
  for (std::size_t m = 0; m < row.size(); ++m) {  // without a branch: who is left is written over by the next
    taken.keys[count] = static_cast<std::int32_t>(m);
    count += row[m] >= least ? 1 : 0;
  }
  taken.keys.resize(count);
  taken.weights.assign(count, 1.0f);
}

float divisor(const SelectiveAttention& op, const Taken& taken) {
  return op.takes() && !taken.keys.empty() ? static_cast<float>(taken.keys.size()) : 1.0f;
}

// n: of the query in its unit.
void store_score(const SelectCall& call, const Unit& unit, Index n, const Taken& taken) {
  if (call.score == nullptr) {
    return;
  }
  float* row = call.score + unit.pair + n * call.shape.keys;
  std::fill_n(row, call.shape.keys, 0.0f);
  for (std::size_t i = 0; i < taken.keys.size(); ++i) {
    row[unit.first_key + taken.keys[i]] = taken.weights[i] / divisor(call.op, taken);
  }
}

float number_at(const Value& value, Index row, Index column) {
  if (const auto* spikes = std::get_if<SpikeTensor>(&value)) {
    return static_cast<float>(spikes->at(row, column));
  }
  const auto& dense = std::get<Tensor>(value);
  return dense.as<float>()[static_cast<std::size_t>(row * dense.shape().row() + column)];
}

void run_reference(const Call& any_call) {
  const SelectCall call(any_call);
  const Index width = call.shape.width;
  std::vector<float> row(static_cast<std::size_t>(call.group_keys()));
  Taken taken;
  for (Index index = 0; index < call.shape.slices() * call.groups(); ++index) {
    const Unit unit(call, index);
    for (Index n = 0; n < call.group_queries(); ++n) {
      for (Index m = 0; m < call.group_keys(); ++m) {
        float sum = 0;
        for (Index c = unit.channel; c < unit.channel + width; ++c) {
          sum += number_at(call.q, unit.query_row + n, c) * number_at(call.k, unit.key_row + m, c);
        }
        row[static_cast<std::size_t>(m)] = sum;
      }
      take(call.op, width, row, taken);
      store_score(call, unit, n, taken);
      for (Index c = unit.channel; c < unit.channel + width; ++c) {
        float sum = 0;
        for (std::size_t i = 0; i < taken.keys.size(); ++i) {
          sum += taken.weights[i] * call.v[(unit.key_row + taken.keys[i]) * call.shape.channels() + c];
        }
        call.out[(unit.query_row + n) * call.shape.channels() + c] = sum / divisor(call.op, taken);
      }
    }
  }
}

struct Scratch {
  HeadSpikes q, k;
  std::vector<std::int32_t> overlaps, channels;
  std::vector<float> row, keys, values;  // keys [d M]: a lane is a key; values [M d]
  Taken taken;
};

// The head's part of rows of the dense tokens, close together.
void gather(const SelectCall& call, const float* numbers, const Unit& unit, std::vector<float>& out) {
  out.clear();
  for (Index m = 0; m < call.group_keys(); ++m) {
    const float* row = numbers + (unit.key_row + m) * call.shape.channels() + unit.channel;
    out.insert(out.end(), row, row + call.shape.width);
  }
}

void write_query(const SelectCall& call, const Unit& unit, Index n, Scratch& scratch) {
  const Index width = call.shape.width;
  take(call.op, width, scratch.row, scratch.taken);
  store_score(call, unit, n, scratch.taken);
  float* out = call.out + (unit.query_row + n) * call.shape.channels() + unit.channel;
  sum_rows(scratch.taken.rows(), scratch.values.data(), width, width, out);
  const float count = divisor(call.op, scratch.taken);
  for (Index c = 0; c < width; ++c) {
    out[c] /= count;
  }
}

// body(unit, scratch) for each, small ones together.
template <class Body>
void for_each_unit(const SelectCall& call, const Body& body) {
  constexpr Index keys_per_block = 256;
  const Index block = std::max(Index{1}, keys_per_block / call.group_keys());
  for_each_block(call.shape.slices() * call.groups(), block, [&](Index begin, Index end) {
    thread_local Scratch scratch;
    scratch.row.resize(static_cast<std::size_t>(call.group_keys()));
    for (Index index = begin; index < end; ++index) {
      const Unit unit(call, index);
      gather(call, call.v, unit, scratch.values);
      body(unit, scratch);
    }
  });
}

void run_bits(const Call& any_call) {
  const SelectCall call(any_call);
  const auto& q = std::get<SpikeTensor>(call.q);
  const auto& k = std::get<SpikeTensor>(call.k);
  for_each_unit(call, [&](const Unit& unit, Scratch& scratch) {
    scratch.q.cut(q, unit.query_row, call.group_queries(), unit.channel, call.shape.width);
    scratch.k.cut(k, unit.key_row, call.group_keys(), unit.channel, call.shape.width);
    scratch.overlaps.resize(scratch.row.size());
    for (Index n = 0; n < call.group_queries(); ++n) {
      overlap_row(scratch.q.bits(), n, scratch.k.bits(), scratch.overlaps.data());
      std::copy(scratch.overlaps.begin(), scratch.overlaps.end(), scratch.row.begin());
      write_query(call, unit, n, scratch);
    }
  });
}

// q k^T as weighted sums of the rows of k^T.
void run_rows(const Call& any_call) {
  const SelectCall call(any_call);
  const float* q = std::get<Tensor>(call.q).as<float>().data();
  const float* k = std::get<Tensor>(call.k).as<float>().data();
  for_each_unit(call, [&](const Unit& unit, Scratch& scratch) {
    const Index width = call.shape.width;
    const Index keys = call.group_keys();
    scratch.channels.resize(static_cast<std::size_t>(width));
    std::iota(scratch.channels.begin(), scratch.channels.end(), 0);
    scratch.keys.resize(static_cast<std::size_t>(keys * width));
    for (Index m = 0; m < keys; ++m) {
      for (Index c = 0; c < width; ++c) {
        scratch.keys[static_cast<std::size_t>(c * keys + m)] =
            k[(unit.key_row + m) * call.shape.channels() + unit.channel + c];
      }
    }
    for (Index n = 0; n < call.group_queries(); ++n) {
      const float* query = q + (unit.query_row + n) * call.shape.channels() + unit.channel;
      sum_rows({scratch.channels, {query, static_cast<std::size_t>(width)}}, scratch.keys.data(), keys, keys,
               scratch.row.data());
      write_query(call, unit, n, scratch);
    }
  });
}

Verdict wants_spikes(const Operator&, std::span<const ValueSpec> in) {
  return in[0].is_spikes() ? Verdict{} : Verdict{false, "q and k are dense"};
}

Verdict wants_dense(const Operator&, std::span<const ValueSpec> in) {
  return in[0].is_dense() ? Verdict{} : Verdict{false, "q and k are spikes"};
}

}  // namespace

void SelectiveAttention::install(KernelTable& table) {
  table.add(op_kind, {.name = "bits", .accepts = wants_spikes, .run = run_bits});
  table.add(op_kind, {.name = "rows", .accepts = wants_dense, .run = run_rows});
  table.add(op_kind, {.name = "reference", .run = run_reference});
}

void SelectiveAttention::visit(ParamVisitor& visitor) {
  visitor.integer("heads", heads_, "number of heads [1]", Need::required);
  visitor.choice_of("rule", rule_, {"top", "threshold", "constant"},
                    "who is taken: keys of the greatest score, of enough, or all by their score");
  visitor.real("threshold", threshold_, "least score that rule threshold takes [1]");
  visitor.real("scale", scale_, "factor of rule constant, 0 stands for 1 / (C / heads) [1]");
  visitor.integer("group", group_, "tokens see their own group of so many alone, 0: all [tokens]");
}

Form SelectiveAttention::wanted_form(std::size_t slot, std::span<const ValueSpec> in) const {
  const bool both = in.size() > 1 && in[0].is_spikes() && in[1].is_spikes();
  return slot < 2 && both ? Form::spikes : Form::dense;
}

std::vector<ValueSpec> SelectiveAttention::infer(std::span<const ValueSpec> in, Index) const {
  const AttentionShape shape = check_attention(in, heads_);
  for (std::size_t slot = in[0].is_spikes() && in[1].is_spikes() ? 2 : 0; slot < in.size(); ++slot) {
    check_dense(in, slot);
  }
  VOLLEY_CHECK(rule_ == Rule::threshold || threshold_ == 0, Fault::model,
               "threshold is {}, wanted only with rule threshold", threshold_);
  VOLLEY_CHECK(rule_ == Rule::constant || scale_ == 0, Fault::model,
               "scale is {}, wanted only with rule constant", scale_);
  VOLLEY_CHECK(group_ >= 0, Fault::model, "group is {}, wanted 0 or more", group_);
  VOLLEY_CHECK(group_ == 0 || (shape.keys == shape.queries && shape.keys % group_ == 0), Fault::model,
               "N of q and k are {} and {}, wanted the same multiple of group {}", shape.queries, shape.keys,
               group_);
  return {dense_spec(shape.out()), dense_spec(shape.score())};
}

Cost SelectiveAttention::cost(std::span<const Activity> in, std::span<const Activity> out) const {
  const AttentionShape shape = attention_shape(in[0].spec.shape, in[1].spec.shape, heads_);
  const Index pairs = shape.slices() * shape.queries * seen(shape);
  Cost cost;
  if (in[0].spec.is_spikes()) {
    cost.ac = in[0].spikes * seen(shape);
  } else {
    cost.mac = pairs * shape.width;
  }
  if (rule_ == Rule::constant) {
    cost.mac += pairs * shape.width;
    return cost;
  }
  cost.compare = rule_ == Rule::top ? 2 * pairs : pairs;
  cost.ac += out[1].spikes * shape.width;
  cost.special = shape.slices() * shape.queries * shape.width;
  return cost;
}

Index SelectiveAttention::dense_mac(std::span<const ValueSpec> in) const {
  const AttentionShape shape = attention_shape(in[0].shape, in[1].shape, heads_);
  return 2 * shape.slices() * shape.queries * seen(shape) * shape.width;
}

}  // namespace volley
