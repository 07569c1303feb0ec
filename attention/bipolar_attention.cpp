// BSA, plain and by popcount with shifts along the channels.
#include "attention/bipolar_attention.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "attention/bipolar_call.hpp"
#include "attention/head_spikes.hpp"
#include "attention/shiftmax.hpp"
#include "attention/softmax_attention.hpp"
#include "sim/base/parallel.hpp"

namespace volley {
namespace {

constexpr std::string_view normalise_words[] = {"shiftmax", "softmax", "none"};
constexpr std::string_view arithmetic_words[] = {"exact", "qmn"};
using Normalise = BipolarAttention::Normalise;
using Arithmetic = BipolarAttention::Arithmetic;

// One row of the score: the entries that are not cut, in ascending order of their keys.
class ScoreRow {
 public:
  explicit ScoreRow(Index keys = 0) { resize(keys); }
  void resize(Index keys) {
    for (auto* numbers : {&x, &keys_, &shifts_}) {
      numbers->resize(static_cast<std::size_t>(keys));
    }
    weights_.resize(static_cast<std::size_t>(keys));
  }

  // From x. Precondition: keys >= 1.
  void normalise(const BipolarAttention& op);

  WeightedRows<float> kept() const {
    return {std::span(keys_).first(count_), std::span(weights_).first(count_)};
  }
  // Of the kept entries; only Shiftmax has them.
  std::span<const std::int32_t> shifts() const { return std::span(shifts_).first(count_); }
  bool underflows() const { return underflows_; }  // is a kept weight below the smallest float32?

  std::vector<std::int32_t> x;  // q k^T

 private:
  void shiftmax(const BipolarAttention& op);

  std::vector<std::int32_t> keys_, shifts_;
  std::vector<float> weights_;
  std::size_t count_ = 0;
  bool underflows_ = false;
};

void ScoreRow::shiftmax(const BipolarAttention& op) {
  const Index gamma = shiftmax_gamma(x);
  const Index most = op.cuts() ? op.max_shift() : std::numeric_limits<std::int32_t>::max();
  count_ = 0;
  underflows_ = false;
  for (std::size_t m = 0; m < x.size(); ++m) {  // without a branch: a cut entry is written over by the next
    const Index shift = gamma - x[m];
    keys_[count_] = static_cast<std::int32_t>(m);
    shifts_[count_] = static_cast<std::int32_t>(shift);
    weights_[count_] = power_of_two(shift);
    count_ += shift <= most ? 1 : 0;
    underflows_ = underflows_ || (shift <= most && shift > largest_shift);
  }
}

void ScoreRow::normalise(const BipolarAttention& op) {
  if (op.normalise() == Normalise::shiftmax) {
    shiftmax(op);
    return;
  }
  count_ = x.size();
  underflows_ = false;
  for (std::size_t m = 0; m < x.size(); ++m) {
    keys_[m] = static_cast<std::int32_t>(m);
    weights_[m] = static_cast<float>(x[m]);
  }
  if (op.normalise() == Normalise::softmax) {
    softmax_row(weights_);
  }
}

// v in fixed point: round half to even, saturated where int64 would not hold the sum of a row.
std::int64_t fixed_point(float number, int frac_bits) {
  constexpr double most = 0x1p62;
  const double scaled = std::nearbyint(std::ldexp(static_cast<double>(number), frac_bits));
  return std::isnan(scaled) ? 0 : static_cast<std::int64_t>(std::clamp(scaled, -most, most));
}

std::int64_t shifted_down(std::int64_t number, Index shift) {
  return number >> std::min<Index>(shift, 63);
}

// From fixed point: the sum is rounded once.
float from_fixed_point(std::int64_t sum, int frac_bits) {
  return std::ldexp(static_cast<float>(sum), -frac_bits);
}

void store_score(const BipolarCall& call, Index first, const ScoreRow& row) {
  if (call.score == nullptr) {
    return;
  }
  std::fill_n(call.score + first, call.shape.keys, 0.0f);
  const auto kept = row.kept();
  for (std::size_t i = 0; i < kept.rows.size(); ++i) {
    call.score[first + kept.rows[i]] = kept.weights[i];
  }
}

// One number of the output, by the definition. v: the first value of its column.
float value_product(const BipolarCall& call, const ScoreRow& row, const float* v) {
  const auto kept = row.kept();
  float sum = 0;
  std::int64_t fixed_sum = 0;
  for (std::size_t i = 0; i < kept.rows.size(); ++i) {
    const float value = v[kept.rows[i] * call.shape.channels()];
    if (call.op.arithmetic() == Arithmetic::qmn) {
      fixed_sum += shifted_down(fixed_point(value, call.op.frac_bits()), row.shifts()[i]);
    } else if (call.op.normalise() == Normalise::shiftmax) {
      sum += shifted(value, row.shifts()[i]);
    } else {
      sum += kept.weights[i] * value;
    }
  }
  return call.op.arithmetic() == Arithmetic::qmn ? from_fixed_point(fixed_sum, call.op.frac_bits()) : sum;
}

void run_reference(const Call& any_call) {
  const BipolarCall call(any_call);
  const auto [steps, samples, heads, queries, keys, width] = call.shape;
  ScoreRow row(keys);
  for (Index slice = 0; slice < call.shape.slices(); ++slice) {
    const HeadSlice at(call.shape, slice);
    for (Index n = 0; n < queries; ++n) {
      for (Index m = 0; m < keys; ++m) {
        std::int32_t sum = 0;
        for (Index c = at.channel; c < at.channel + width; ++c) {
          sum += call.q.at(at.query_row + n, c) * call.k.at(at.key_row + m, c);
        }
        row.x[static_cast<std::size_t>(m)] = sum;
      }
      row.normalise(call.op);
      store_score(call, at.pair + n * keys, row);
      for (Index c = at.channel; c < at.channel + width; ++c) {
        call.out[(at.query_row + n) * call.shape.channels() + c] =
            value_product(call, row, call.v + at.key_row * call.shape.channels() + c);
      }
    }
  }
}

struct Scratch {
  HeadSpikes q, k;
  ScoreRow row;
  std::vector<float> values;               // v of the head, [M d]: close together for the caches
  std::vector<std::int64_t> fixed_values;  // the same in fixed point, for qmn
  std::vector<std::int64_t> sums;
};

void gather_values(const BipolarCall& call, const HeadSlice& at, Scratch& scratch) {
  scratch.values.clear();
  for (Index m = 0; m < call.shape.keys; ++m) {
    const float* v = call.v + (at.key_row + m) * call.shape.channels() + at.channel;
    scratch.values.insert(scratch.values.end(), v, v + call.shape.width);
  }
  if (call.op.arithmetic() != Arithmetic::qmn) {
    return;
  }
  scratch.fixed_values.clear();
  for (const float value : scratch.values) {
    scratch.fixed_values.push_back(fixed_point(value, call.op.frac_bits()));
  }
}

void fixed_point_product(const BipolarCall& call, Scratch& scratch, float* out) {
  const auto width = static_cast<std::size_t>(call.shape.width);
  const auto keys = scratch.row.kept().rows;
  const auto shifts = scratch.row.shifts();
  scratch.sums.assign(width, 0);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::int64_t* v = scratch.fixed_values.data() + keys[i] * call.shape.width;
    for (std::size_t c = 0; c < width; ++c) {
      scratch.sums[c] += shifted_down(v[c], shifts[i]);
    }
  }
  for (std::size_t c = 0; c < width; ++c) {
    out[c] = from_fixed_point(scratch.sums[c], call.op.frac_bits());
  }
}

// One row of the output: v times powers of two, as far as float32 has them.
void row_product(const BipolarCall& call, const HeadSlice& at, Scratch& scratch, float* out) {
  if (call.op.arithmetic() == Arithmetic::qmn) {
    fixed_point_product(call, scratch, out);
    return;
  }
  if (scratch.row.underflows()) {
    for (Index c = 0; c < call.shape.width; ++c) {
      out[c] = value_product(call, scratch.row, call.v + at.key_row * call.shape.channels() + at.channel + c);
    }
    return;
  }
  sum_rows(scratch.row.kept(), scratch.values.data(), call.shape.width, call.shape.width, out);
}

void run_bits(const Call& any_call) {
  const BipolarCall call(any_call);
  for_each_block(call.shape.slices(), 1, [&](Index slice, Index) {
    bipolar_rows(call, HeadSlice(call.shape, slice), 0, call.shape.queries);
  });
}

}  // namespace

void bipolar_rows(const BipolarCall& call, const HeadSlice& at, Index first, Index count) {
  thread_local Scratch scratch;
  const AttentionShape& shape = call.shape;
  scratch.q.cut(call.q, at.query_row + first, count, at.channel, shape.width);
  scratch.k.cut(call.k, at.key_row, shape.keys, at.channel, shape.width);
  scratch.row.resize(shape.keys);
  gather_values(call, at, scratch);
  for (Index n = 0; n < count; ++n) {
    overlap_row(scratch.q.bits(), n, scratch.k.bits(), scratch.row.x.data());
    scratch.row.normalise(call.op);
    store_score(call, at.pair + (first + n) * shape.keys, scratch.row);
    row_product(call, at, scratch, call.out + (at.query_row + first + n) * shape.channels() + at.channel);
  }
}

void BipolarAttention::install(KernelTable& table) {
  table.add(op_kind, {.name = "blocks", .accepts = accepts_bipolar_blocks, .run = run_bipolar_blocks});
  table.add(op_kind, {.name = "bits", .run = run_bits});
  table.add(op_kind, {.name = "reference", .run = run_reference});
}

void BipolarAttention::visit(ParamVisitor& visitor) {
  visitor.integer("heads", heads_, "number of heads [1]", Need::required);
  visitor.choice_of("normalise", normalise_, normalise_words, "what makes weights of the integer scores");
  visitor.choice_of("arithmetic", arithmetic_, arithmetic_words,
                    "exact floats, or fixed point with frac_bits");
  visitor.integer("max_shift", max_shift_, "weights below 2^-max_shift become 0, -1 keeps all [bits]");
  visitor.integer("frac_bits", frac_bits_, "binary places of v, required for qmn [bits]");
}

Form BipolarAttention::wanted_form(std::size_t slot, std::span<const ValueSpec> in) const {
  return slot == 2 || in[slot].is_dense() ? Form::dense : Form::spikes;  // infer refuses real q and k
}

void BipolarAttention::check_parameters() const {
  const bool is_shiftmax = normalise_ == Normalise::shiftmax;
  VOLLEY_CHECK(max_shift_ >= -1 && max_shift_ <= largest_shift, Fault::model,
               "max_shift is {}, wanted -1 (no cut) to {}", max_shift_, largest_shift);
  VOLLEY_CHECK(is_shiftmax || max_shift_ == -1, Fault::model,
               "max_shift is {}, wanted only with normalise shiftmax", max_shift_);
  if (arithmetic_ == Arithmetic::qmn) {
    VOLLEY_CHECK(is_shiftmax, Fault::model, "arithmetic is qmn, wanted only with normalise shiftmax");
    VOLLEY_CHECK(frac_bits_ >= 0 && frac_bits_ <= most_frac_bits, Fault::model,
                 "frac_bits is {}, wanted 0 to {}: arithmetic qmn needs it", frac_bits_, most_frac_bits);
  }
}

std::vector<ValueSpec> BipolarAttention::infer(std::span<const ValueSpec> in, Index) const {
  check_parameters();
  const AttentionShape shape = check_attention(in, heads_);
  for (const std::size_t slot : {std::size_t{0}, std::size_t{1}}) {
    check_spikes(in, slot);
    VOLLEY_CHECK(in[slot].code.coding != Coding::graded, Fault::model,
                 "{} is {}, wanted binary or bipolar spikes", attention_input(slot), domain(in[slot]));
  }
  check_dense(in, 2);
  return {dense_spec(shape.out()), dense_spec(shape.score())};
}

Cost BipolarAttention::cost(std::span<const Activity> in, std::span<const Activity> out) const {
  const AttentionShape shape = attention_shape(in[0].spec.shape, in[1].spec.shape, heads_);
  const Index pairs = shape.pairs();
  Cost cost;
  cost.ac = in[0].spikes * shape.keys;
  switch (normalise_) {
    case Normalise::shiftmax: {
      const Index kept = cuts() ? out[1].spikes : pairs;
      cost.shift = pairs + kept * shape.width;
      cost.add = pairs;
      cost.compare = pairs + shape.slices() * shape.queries;
      cost.ac += kept * shape.width;
      break;
    }
    case Normalise::softmax:
      cost.compare = pairs;
      cost.add = 2 * pairs;
      cost.special = 2 * pairs;
      cost.mac = pairs * shape.width;
      break;
    case Normalise::none:
      cost.mac = pairs * shape.width;
      break;
  }
  return cost;
}

Index BipolarAttention::dense_mac(std::span<const ValueSpec> in) const {
  const AttentionShape shape = attention_shape(in[0].shape, in[1].shape, heads_);
  return 2 * shape.pairs() * shape.width;
}

}  // namespace volley
