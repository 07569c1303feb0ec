// Primal attention: kernels, weights, checks.
#include "attention/primal.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include "attention/cat.hpp"
#include "attention/weighted_rows.hpp"
#include "sim/base/check.hpp"
#include "sim/base/parallel.hpp"

namespace volley {
namespace {

constexpr std::string_view rule_words[] = {"fixed", "min", "all"};
constexpr std::string_view trace_words[] = {"raw", "data"};
constexpr std::array<std::string_view, PrimalAttention::slot_count> slot_names{
    "we", "wr", "lambda", "concate_weight", "concate_bias"};
constexpr std::array<std::string_view, 3> input_names{"q", "k", "x"};

std::size_t at(Index i) {
  return static_cast<std::size_t>(i);
}

std::string text_of(const std::vector<Index>& sizes) {
  std::string out = "[";
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    out += (i == 0 ? "" : " ") + std::to_string(sizes[i]);
  }
  return out + "]";
}

// Vectors along the columns; the bits are those of the plain loop.
void multiply_by_rows(const MatrixSizes& sizes, const float* a, const float* b, float* out) {
  thread_local std::vector<std::int32_t> all;
  all.resize(std::max(all.size(), at(sizes.inner)));
  std::iota(all.begin(), all.end(), 0);
  const auto inner = std::span<const std::int32_t>(all).first(at(sizes.inner));
  for (Index row = 0; row < sizes.rows; ++row) {
    sum_rows({inner, {a + row * sizes.inner, at(sizes.inner)}}, b, sizes.columns, sizes.columns,
             out + row * sizes.columns);
  }
}

// One call, as both kernels read it.
struct PrimalCall {
  explicit PrimalCall(const Call& call)
      : op(static_cast<const PrimalAttention&>(call.op)),
        shape(op.shape(spec_of(call.in[0]).shape)),
        weights(call.constants) {
    for (std::size_t i = 0; i < call.in.size(); ++i) {
      in[i] = std::get<Tensor>(call.in[i]).as<float>().data();
    }
    for (std::size_t i = 0; i < call.out.size(); ++i) {
      out[i] = is_present(call.out[i]) ? std::get<Tensor>(call.out[i]).as_mutable<float>().data() : nullptr;
    }
  }
  const float* weight(PrimalAttention::Slot slot) const {
    return std::get<Tensor>(weights[slot]).as<float>().data();
  }

  const PrimalAttention& op;
  PrimalShape shape;
  std::span<const Value> weights;
  std::array<const float*, 3> in{};
  std::array<float*, 4> out{};  // out, e, r, objective; nullptr: nobody asked for it
};

double dot(const float* a, const float* b, Index count) {
  double sum = 0;
  for (Index i = 0; i < count; ++i) {
    sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  }
  return sum;
}

// The share of one head in the objective, times the number of heads.
double objective_of(const PrimalCall& call, Index head, const PrimalHead& numbers) {
  const auto [steps, samples, heads, tokens, width, rows, rank] = call.shape;
  const float* lambda = call.weight(PrimalAttention::lambda) + head * rank;
  double squares = 0;
  for (Index n = 0; n < 2 * tokens; ++n) {
    for (Index a = 0; a < rank; ++a) {
      const double score =
          static_cast<double>(lambda[a]) * static_cast<double>(numbers.scores[at(n * rank + a)]);
      squares += score * score;
    }
  }
  const bool is_raw = call.op.trace() == PrimalAttention::Trace::raw;
  const Index first = head * rows * rank;
  const double trace = is_raw ? dot(call.weight(PrimalAttention::we) + first,
                                    call.weight(PrimalAttention::wr) + first, rows * rank)
                              : dot(numbers.project_e.data(), numbers.project_r.data(), width * rank);
  return squares / (2 * static_cast<double>(tokens)) - trace;
}

void store_scores(const PrimalCall& call, Index sample, Index head, const PrimalHead& numbers) {
  const auto [steps, samples, heads, tokens, width, rows, rank] = call.shape;
  for (const std::size_t side : {std::size_t{0}, std::size_t{1}}) {
    for (Index n = 0; call.out[1 + side] != nullptr && n < tokens; ++n) {
      std::copy_n(numbers.scores.data() + (2 * n + static_cast<Index>(side)) * rank, rank,
                  call.out[1 + side] + ((sample * tokens + n) * heads + head) * rank);
    }
  }
}

void run_sample(const PrimalCall& call, Index sample, Multiply multiply) {
  thread_local PrimalHead numbers;
  thread_local std::vector<float> mixed;  // [N d]
  const auto [steps, samples, heads, tokens, width, rows, rank] = call.shape;
  const Index first = sample * tokens * call.shape.channels();
  const PrimalTokens rows_in{call.in[0] + first, call.in[1] + first,
                             call.op.is_causal() ? nullptr : call.in[2] + first};
  const float* bias = call.weight(PrimalAttention::concate_bias);
  double objective = 0;
  mixed.resize(at(tokens * width));
  for (Index head = 0; head < heads; ++head) {
    compute_head(call.op, call.shape, call.weights, rows_in, head, multiply, numbers);
    store_scores(call, sample, head, numbers);
    objective += call.out[3] != nullptr ? objective_of(call, head, numbers) : 0;
    multiply({tokens, 2 * rank, width}, numbers.scores.data(), call.weight(PrimalAttention::concate_weight),
             mixed.data());
    for (Index n = 0; n < tokens; ++n) {
      float* out = call.out[0] + first + n * call.shape.channels() + head * width;
      for (Index c = 0; c < width; ++c) {
        out[c] = mixed[at(n * width + c)] + bias[c];
      }
    }
  }
  if (call.out[3] != nullptr) {
    call.out[3][sample] = static_cast<float>(objective / static_cast<double>(heads));
  }
}

void run_reference(const Call& any_call) {
  const PrimalCall call(any_call);
  for (Index sample = 0; sample < call.shape.all_samples(); ++sample) {
    run_sample(call, sample, multiply_plainly);
  }
}

void run_rows(const Call& any_call) {
  const PrimalCall call(any_call);
  for_each_block(call.shape.all_samples(), 1,
                 [&](Index sample, Index) { run_sample(call, sample, multiply_by_rows); });
}

}  // namespace

void PrimalAttention::install(KernelTable& table) {
  table.add(op_kind, {.name = "rows", .run = run_rows});
  table.add(op_kind, {.name = "reference", .run = run_reference});
}

void PrimalAttention::visit(ParamVisitor& visitor) {
  visitor.integer("heads", heads_, "number of heads [1]", Need::required);
  visitor.flag("causal", causal_, "means over the tokens so far, and weights that don't depend on x");
  visitor.choice_of("n_rule", n_rule_, rule_words, "what n must be: s rank_multi, at most N, N itself");
  visitor.integer("rank_multi", rank_multi_, "sampled tokens per score [1]");
  visitor.integers("indices", indices_, "the sampled tokens, none: evenly from the first to the last [1]");
  visitor.real("eps", eps_, "least length that a row is divided by [1]");
  visitor.choice_of("trace", trace_, trace_words, "objective: trace of the weights or of their data form");
}

std::vector<WeightSlot> PrimalAttention::weight_slots() const {
  std::vector<WeightSlot> slots;
  for (const std::string_view name : slot_names) {
    slots.push_back({name});
  }
  return slots;
}

void PrimalAttention::set_weight(std::string_view slot, const std::vector<Index>& sizes,
                                 std::span<const float> numbers) {
  const auto which =
      static_cast<std::size_t>(std::find(slot_names.begin(), slot_names.end(), slot) - slot_names.begin());
  VOLLEY_ASSERT(which < slot_count);
  constexpr std::array<std::size_t, slot_count> axes{3, 3, 2, 2, 1};
  VOLLEY_CHECK(sizes.size() == axes[which], Fault::model, "{} has {} axes, wanted {}", slot, sizes.size(),
               axes[which]);
  VOLLEY_CHECK(std::all_of(sizes.begin(), sizes.end(), [](Index size) { return size > 0; }), Fault::model,
               "{} is {}, wanted no empty axis", slot, text_of(sizes));
  std::vector<float> own(numbers.begin(), numbers.end());
  if (which == concate_weight) {
    for (Index row = 0; row < sizes[0]; ++row) {
      for (Index column = 0; column < sizes[1]; ++column) {
        own[at(column * sizes[0] + row)] = numbers[at(row * sizes[1] + column)];
      }
    }
  }
  weight_sizes_[which] = sizes;
  weights_[which] = tensor_of({{Axis::C, static_cast<Index>(own.size())}}, own);
}

PrimalShape PrimalAttention::shape(const Shape& q) const {
  const auto& sizes = weight_sizes_[we];
  return {q[Axis::T], q[Axis::B], heads_, q[Axis::N], q[Axis::C] / heads_, sizes[1], sizes[2]};
}

Index PrimalAttention::sampled(Index row, Index tokens) const {
  if (!indices_.empty()) {
    return indices_[at(row)];
  }
  const Index last = weight_sizes_[we][1] - 1;
  return last == 0 ? 0 : row * (tokens - 1) / last;
}

void PrimalAttention::check_weights(const PrimalShape& sizes) const {
  const std::array<std::vector<Index>, slot_count> wanted{
      std::vector<Index>{heads_, causal_ ? sizes.width : sizes.rows, sizes.rank},
      {heads_, sizes.rows, sizes.rank},
      {heads_, sizes.rank},
      {sizes.width, 2 * sizes.rank},
      {sizes.width}};
  for (std::size_t slot = 0; slot < slot_count; ++slot) {
    VOLLEY_CHECK(weight_sizes_[slot] == wanted[slot], Fault::model, "{} is {}, wanted {}", slot_names[slot],
                 text_of(weight_sizes_[slot]), text_of(wanted[slot]));
  }
}

void PrimalAttention::check_sampling(const PrimalShape& sizes) const {
  VOLLEY_CHECK(rank_multi_ >= 1, Fault::model, "rank_multi is {}, wanted at least 1", rank_multi_);
  const Index fixed = sizes.rank * rank_multi_;
  const Index wanted = n_rule_ == NRule::all   ? sizes.tokens
                       : n_rule_ == NRule::min ? std::min(sizes.tokens, fixed)
                                               : fixed;
  VOLLEY_CHECK(sizes.rows == wanted, Fault::model, "we has {} rows, wanted {} by n_rule {}", sizes.rows,
               wanted, rule_words[static_cast<std::size_t>(n_rule_)]);
  VOLLEY_CHECK(indices_.empty() || static_cast<Index>(indices_.size()) == sizes.rows, Fault::model,
               "there are {} indices, wanted {} as rows of we", indices_.size(), sizes.rows);
  for (const Index index : indices_) {
    VOLLEY_CHECK(index >= 0 && index < sizes.tokens, Fault::model, "index {} is no token, wanted 0 to {}",
                 index, sizes.tokens - 1);
  }
}

std::vector<ValueSpec> PrimalAttention::infer(std::span<const ValueSpec> in, Index) const {
  for (std::size_t slot = 0; slot < slot_count; ++slot) {
    VOLLEY_CHECK(!weight_sizes_[slot].empty(), Fault::model, "{} is missing", slot_names[slot]);
  }
  VOLLEY_CHECK(in.size() == (causal_ ? 2u : 3u), Fault::model, "there are {} inputs, wanted {}", in.size(),
               causal_ ? "q and k alone: it is causal" : "q, k and x");
  for (std::size_t i = 0; i < in.size(); ++i) {
    check_cat_tokens(in[i], input_names[i]);
    VOLLEY_CHECK(in[i].shape == in[0].shape, Fault::model, "{} is {}, wanted {} as q", input_names[i],
                 text(in[i].shape), text(in[0].shape));
    VOLLEY_CHECK(in[i].is_dense() && in[i].dtype == Dtype::f32, Fault::model, "{} is {}, wanted dense f32",
                 input_names[i], domain(in[i]));
  }
  const Shape& q = in[0].shape;
  VOLLEY_CHECK(heads_ >= 1, Fault::model, "heads is {}, wanted at least 1", heads_);
  VOLLEY_CHECK(q[Axis::C] % heads_ == 0, Fault::model, "C of q is {}, wanted a multiple of heads {}",
               q[Axis::C], heads_);
  VOLLEY_CHECK(eps_ > 0, Fault::model, "eps is {}, wanted more than 0", eps_);
  VOLLEY_CHECK(!causal_ || trace_ == Trace::raw, Fault::model,
               "trace is data, wanted raw: causal weights don't depend on x");
  const PrimalShape sizes = shape(q);
  check_weights(sizes);
  if (!causal_) {
    check_sampling(sizes);
  }
  const ValueSpec scores = dense_spec(q.with(Axis::C, heads_ * sizes.rank));
  return {dense_spec(q), scores, scores,
          dense_spec({{Axis::T, sizes.steps}, {Axis::B, sizes.samples}, {Axis::C, 1}})};
}

Index PrimalAttention::dense_mac(std::span<const ValueSpec> in) const {
  const auto sizes = shape(in[0].shape);
  const Index projections = causal_ ? 0 : 2 * sizes.rows * sizes.width * sizes.rank;
  const Index of_token = 4 * sizes.width * sizes.rank;
  return sizes.all_samples() * sizes.heads * (projections + sizes.tokens * of_token);
}

Cost PrimalAttention::cost(std::span<const Activity> in, std::span<const Activity>) const {
  const PrimalShape sizes = shape(in[0].spec.shape);
  const Index rows = sizes.all_samples() * sizes.heads * sizes.tokens;
  const Index means = causal_ ? 2 * rows * sizes.width : 0;
  const std::array<ValueSpec, 1> q{in[0].spec};
  Cost cost;
  cost.mac = dense_mac(q) + 2 * rows * sizes.width;
  cost.compare = 2 * rows;
  cost.add = rows * sizes.width + means;
  cost.special = 2 * rows * (sizes.width + 1) + means;
  return cost;
}

}  // namespace volley
