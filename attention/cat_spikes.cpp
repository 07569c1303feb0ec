// Rolled sums of spikes: plain loops, whole rolled tables added at once, transforms.
#include "attention/cat_spikes.hpp"

#include <algorithm>
#include <cmath>

#include "attention/cat_call.hpp"
#include "attention/cat_fft.hpp"
#include "sim/base/check.hpp"
#include "sim/base/parallel.hpp"

namespace volley {
namespace {

constexpr std::string_view direction_words[] = {"corr", "conv"};
constexpr Index rows_per_block = 32;

using cat::at;

struct SpikesCall {
  explicit SpikesCall(const Call& call)
      : op(static_cast<const CatSpikes&>(call.op)),
        a(std::get<SpikeTensor>(call.in[0])),
        v(std::get<SpikeTensor>(call.in[1])),
        shape(op.shape(v.shape())),
        out(std::get<SpikeTensor>(call.out[0])) {
    if (call.out.size() > 1 && is_present(call.out[1])) {
      sum = std::get<Tensor>(call.out[1]).as_mutable<float>().data();
    }
  }

  const CatSpikes& op;
  const SpikeTensor &a, &v;
  CatShape shape;
  const SpikeTensor& out;
  float* sum = nullptr;  // nobody asked for it
};

void set_bit(const SpikesCall& call, Index row, Index channel) {
  call.out.plane_mutable(0)[at(row * call.out.words_per_row() + channel / 64)] |= std::uint64_t{1}
                                                                                  << (channel % 64);
}

void run_reference(const Call& any_call) {
  const SpikesCall call(any_call);
  const auto [steps, samples, heads, tokens, width] = call.shape;
  const auto bits = call.out.plane_mutable(0);
  std::fill(bits.begin(), bits.end(), 0);
  for (Index s = 0; s < call.shape.slices(); ++s) {
    const Index head = s % heads;
    const Index first_row = s / heads * tokens;
    Index kernel_spikes = 0;
    for (Index k = 0; k < tokens; ++k) {
      kernel_spikes += call.a.at(first_row + k, head);
    }
    for (Index i = 0; i < tokens; ++i) {
      for (Index c = head * width; c < (head + 1) * width; ++c) {
        Index sum = 0;
        for (Index j = 0; j < tokens; ++j) {
          const Index k = ((call.op.is_conv() ? i - j : j - i) + tokens) % tokens;
          sum += call.a.at(first_row + k, head) * call.v.at(first_row + j, c);
        }
        if (call.sum != nullptr) {
          call.sum[(first_row + i) * call.shape.channels() + c] = static_cast<float>(sum);
        }
        if (static_cast<float>(sum) >= call.op.bar(kernel_spikes)) {
          set_bit(call, first_row + i, c);
        }
      }
    }
  }
}

struct Scratch {
  HeadSpikes spikes;
  std::vector<std::int32_t> doubled, kernel, ones;  // v of the head twice, [2 N d]; its rows to be added
  std::vector<float> values, column, products;
  std::vector<std::complex<float>> spectrum;
};

// What one head works on. kernel: the tokens whose kernel spiked.
struct HeadTask {
  const SpikesCall& call;
  Scratch& scratch;
  std::int32_t* sums;  // [N d]
};

// A roll of v by k is the window of the doubled table from row k on.
void sum_rolls(const HeadTask& task) {
  auto& [spikes, doubled, kernel, ones, values, column, products, spectrum] = task.scratch;
  const Index tokens = task.call.shape.tokens;
  const Index width = task.call.shape.width;
  doubled.resize(at(2 * tokens * width));
  std::copy_n(doubled.begin(), tokens * width, doubled.begin() + tokens * width);
  if (task.call.op.is_conv()) {
    for (std::int32_t& k : kernel) {
      k = static_cast<std::int32_t>(tokens) - k;
    }
    std::reverse(kernel.begin(), kernel.end());
  }
  ones.assign(kernel.size(), 1);
  sum_rows({kernel, ones}, doubled.data(), width, tokens * width, task.sums);
}

// The sums are integers: rounding takes away what the transform erred by.
void sum_by_transform(const HeadTask& task) {
  auto& [spikes, doubled, kernel, ones, values, column, products, spectrum] = task.scratch;
  const Index tokens = task.call.shape.tokens;
  const Index width = task.call.shape.width;
  values.assign(doubled.begin(), doubled.end());
  column.assign(at(tokens), 0.0f);
  for (const std::int32_t k : kernel) {
    column[at(task.call.op.is_conv() ? k : (tokens - k) % tokens)] = 1.0f;
  }
  spectrum.resize(at(circulant_length(tokens)));
  transform_column(column, spectrum);
  products.resize(at(tokens * width));
  multiply_circulant(spectrum, values.data(), width, tokens, width, products.data(), width);
  std::transform(products.begin(), products.end(), task.sums,
                 [](float sum) { return static_cast<std::int32_t>(std::lround(sum)); });
}

// A transform of this length errs by less than a tenth: its error is about 1e-7 log2(N) |a| |v|, at most
// 1e-7 log2(N) N levels.
bool rounds_right(Index tokens, const SpikeCode& code) {
  constexpr Index most = 1 << 15;
  Index levels = 0;
  for (int plane = 0; plane < code.planes; ++plane) {
    levels += std::abs(code.weight(plane));
  }
  return tokens * levels <= most;
}

// Returns the kernel spikes.
Index sum_head(const SpikesCall& call, Index slice, Scratch& scratch, std::int32_t* sums) {
  const auto [steps, samples, heads, tokens, width] = call.shape;
  const Index head = slice % heads;
  const Index first_row = slice / heads * tokens;
  scratch.spikes.cut(call.v, first_row, tokens, head * width, width);
  scratch.spikes.values_into(scratch.doubled, width);
  scratch.kernel.clear();
  for (Index k = 0; k < tokens; ++k) {
    if (call.a.at(first_row + k, head) != 0) {
      scratch.kernel.push_back(static_cast<std::int32_t>(k));
    }
  }
  const auto count = static_cast<Index>(scratch.kernel.size());
  if (rounds_right(tokens, call.v.code()) && !cat::takes_events(count * width, tokens, width)) {
    sum_by_transform({call, scratch, sums});
  } else {
    sum_rolls({call, scratch, sums});
  }
  return count;
}

// Heads share the words of a row, so their sums are all there before the rows are compared.
void run_fast(const Call& any_call) {
  const SpikesCall call(any_call);
  const Index table = call.shape.tokens * call.shape.width;
  thread_local std::vector<std::int32_t> all_sums, all_counts;
  all_sums.resize(at(call.shape.slices() * table));
  all_counts.resize(at(call.shape.slices()));
  const std::span sums(all_sums), counts(all_counts);
  for_each_block(call.shape.slices(), 1, [&](Index s, Index) {
    thread_local Scratch scratch;
    counts[at(s)] = static_cast<std::int32_t>(sum_head(call, s, scratch, sums.data() + s * table));
  });
  const auto bits = call.out.plane_mutable(0);
  for_each_block(call.out.rows(), rows_per_block, [&](Index begin, Index end) {
    const auto [steps, samples, heads, tokens, width] = call.shape;
    const auto words = call.out.words_per_row();
    std::fill(bits.begin() + begin * words, bits.begin() + end * words, 0);
    for (Index row = begin; row < end; ++row) {
      for (Index c = 0; c < heads * width; ++c) {
        const Index slice = row / tokens * heads + c / width;
        const auto sum = static_cast<float>(sums[at(slice * table + row % tokens * width + c % width)]);
        if (call.sum != nullptr) {
          call.sum[row * heads * width + c] = sum;
        }
        if (sum >= call.op.bar(counts[at(slice)])) {
          set_bit(call, row, c);
        }
      }
    }
  });
}

}  // namespace

void CatSpikes::install(KernelTable& table) {
  table.add(op_kind, {.name = "rolls_or_fft", .run = run_fast});
  table.add(op_kind, {.name = "reference", .run = run_reference});
}

void CatSpikes::visit(ParamVisitor& visitor) {
  visitor.integer("heads", heads_, "number of heads, one kernel each [1]", Need::required);
  visitor.choice_of("direction", direction_, direction_words,
                    "kernel spike of token j for token i: that of j - i (corr) or of i - j (conv)");
  visitor.real("threshold", threshold_, "of the mean of v over the kernel spikes, above 0 [1]");
}

CatShape CatSpikes::shape(const Shape& v) const {
  return {v[Axis::T], v[Axis::B], heads_, v[Axis::N], v[Axis::C] / heads_};
}

float CatSpikes::bar(Index kernel_spikes) const {
  return threshold_ * static_cast<float>(std::max<Index>(kernel_spikes, 1));
}

std::vector<ValueSpec> CatSpikes::infer(std::span<const ValueSpec> in, Index) const {
  check_cat_tokens(in[0], "a");
  check_cat_tokens(in[1], "v");
  const Shape& a = in[0].shape;
  const Shape& v = in[1].shape;
  for (const Axis axis : {Axis::T, Axis::B, Axis::N}) {
    VOLLEY_CHECK(v[axis] == a[axis], Fault::model, "{} of v is {}, wanted {} as in a", letter(axis), v[axis],
                 a[axis]);
  }
  VOLLEY_CHECK(heads_ >= 1, Fault::model, "heads is {}, wanted at least 1", heads_);
  VOLLEY_CHECK(a[Axis::C] == heads_, Fault::model, "C of a is {}, wanted heads {}: one kernel for each",
               a[Axis::C], heads_);
  VOLLEY_CHECK(v[Axis::C] % heads_ == 0, Fault::model, "C of v is {}, wanted a multiple of heads {}",
               v[Axis::C], heads_);
  VOLLEY_CHECK(in[0].is_spikes() && in[0].code == binary_code(), Fault::model,
               "a is {}, wanted binary spikes", domain(in[0]));
  VOLLEY_CHECK(in[1].is_spikes(), Fault::model, "v is {}, wanted spikes", domain(in[1]));
  VOLLEY_CHECK(threshold_ > 0, Fault::model, "threshold is {}, wanted a number above 0", threshold_);
  return {spike_spec(v, binary_code()), dense_spec(v)};
}

std::vector<Axis> CatSpikes::activity_axes(std::size_t) const {
  return {Axis::B, Axis::C};
}

Cost CatSpikes::cost(std::span<const Activity> in, std::span<const Activity>) const {
  const CatShape sizes = shape(in[1].spec.shape);
  Cost cost;
  cost.ac = in[0].spikes;
  for (Index c = 0; c < sizes.samples * sizes.channels(); ++c) {
    cost.ac += in[0].marginal[at(c / sizes.width)] * in[1].marginal[at(c)];
  }
  cost.mac = sizes.samples * sizes.heads;
  cost.compare = sizes.samples * sizes.tokens * sizes.channels();
  return cost;
}

Index CatSpikes::dense_mac(std::span<const ValueSpec> in) const {
  const CatShape sizes = shape(in[1].shape);
  return sizes.slices() * sizes.tokens * sizes.tokens * sizes.width;
}

// Every kernel spike meets every value of its head once.
std::vector<Product> CatSpikes::products(std::span<const Value> in) const {
  const Tensor a = as_dense(in[0]);
  const Tensor v = as_dense(in[1]);
  const CatShape sizes = shape(v.shape());
  const Operand all_values = operand_of(v.as<float>());
  std::vector<Product> products(at(heads_));
  for (Index h = 0; h < heads_; ++h) {
    Product& product = products[at(h)];
    product.name = product_names::score_value;
    product.head = h;
    product.driven = Driven::b;
    product.a.numbers = Numbers::binary;
    product.b.numbers = all_values.numbers;
    Index kernel_spikes = 0;
    for (Index n = 0; n < sizes.tokens; ++n) {
      kernel_spikes += a.as<float>()[at(n * heads_ + h)] != 0 ? 1 : 0;
      for (Index c = 0; c < sizes.width; ++c) {
        const float value = v.as<float>()[at((n * heads_ + h) * sizes.width + c)];
        product.b.nonzero += value != 0 ? 1 : 0;
        product.b.units += static_cast<Index>(std::abs(value));
      }
    }
    product.b.size = sizes.tokens * sizes.width;
    product.a.size = sizes.tokens * sizes.tokens;
    product.a.nonzero = product.a.units = kernel_spikes * sizes.tokens;
    product.dense = product.dense_padded = product.a.size * sizes.width;
    product.event_a = product.units_a = product.a.nonzero * sizes.width;
    product.event_b = product.b.nonzero * sizes.tokens;
    product.units_b = product.b.units * sizes.tokens;
    product.coincidence = kernel_spikes * product.b.nonzero;
  }
  return products;
}

}  // namespace volley
