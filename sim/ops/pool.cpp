// Maximum and average over windows of an image.
#include "sim/ops/pool.hpp"

#include <algorithm>

#include "sim/base/parallel.hpp"
#include "sim/ops/input_checks.hpp"
#include "sim/ops/places.hpp"

namespace volley {
namespace {

constexpr Index rows_per_block = 32;

// Where a window meets one side of the image: [begin, end).
struct Overlap {
  Index begin, end;
};

Overlap overlap(const Pool& pool, Index window, Index size) {
  const Index first = window * pool.stride() - pool.padding();
  return {std::max(Index{0}, first), std::min(size, first + pool.kernel())};
}

Index taps_along(const Pool& pool, Index windows, Index size) {
  Index sum = 0;
  for (Index window = 0; window < windows; ++window) {
    const Overlap part = overlap(pool, window, size);
    sum += part.end - part.begin;
  }
  return sum;
}

// The taps of one output row (t, b, y', x') in the rows (t, b, y, x) of the input.
struct Window {
  Overlap y, x;
  Index first_row;  // of the image
  Index width;

  Index size() const { return (y.end - y.begin) * (x.end - x.begin); }
  template <class Body>
  void for_each_row(const Body& body) const {
    for (Index row = y.begin; row < y.end; ++row) {
      for (Index column = x.begin; column < x.end; ++column) {
        body(first_row + row * width + column);
      }
    }
  }
};

Window window_of(const Pool& pool, const Shape& in, const Shape& out, Index out_row) {
  const Index column = out_row % out[Axis::X];
  const Index row = out_row / out[Axis::X] % out[Axis::Y];
  const Index image = out_row / (out[Axis::X] * out[Axis::Y]);
  return {overlap(pool, row, in[Axis::Y]), overlap(pool, column, in[Axis::X]),
          image * in[Axis::Y] * in[Axis::X], in[Axis::X]};
}

// Calls body(out row, its window), in parallel.
template <class Body>
void for_each_window(const Call& call, const Shape& in, const Shape& out, const Body& body) {
  const auto& pool = static_cast<const Pool&>(call.op);
  for_each_block(out.rows(), rows_per_block, [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) {
      body(row, window_of(pool, in, out, row));
    }
  });
}

void max_words(const Call& call) {
  const auto& in = std::get<SpikeTensor>(call.in[0]);
  const auto& out = std::get<SpikeTensor>(call.out[0]);
  const Index words = out.words_per_row();
  for (int p = 0; p < out.code().planes; ++p) {
    const bool all_must_fire = out.code().weight(p) < 0;
    const std::uint64_t* from = in.plane(p).data();
    std::uint64_t* to = out.plane_mutable(p).data();
    for_each_window(call, in.shape(), out.shape(), [&](Index out_row, const Window& window) {
      for (Index w = 0; w < words; ++w) {
        std::uint64_t any = 0;
        std::uint64_t all = ~std::uint64_t{0};
        window.for_each_row([&](Index row) {
          any |= from[row * words + w];
          all &= from[row * words + w];
        });
        to[out_row * words + w] = all_must_fire ? all : any;
      }
    });
  }
}

// Whole rows of channels at once: the compiler makes vectors of them.
void max_rows(const Call& call) {
  const auto& in = std::get<Tensor>(call.in[0]);
  const auto& out = std::get<Tensor>(call.out[0]);
  const float* from = in.as<float>().data();
  float* to = out.as_mutable<float>().data();
  const Index channels = out.shape().row();
  for_each_window(call, in.shape(), out.shape(), [&](Index out_row, const Window& window) {
    float* best = to + out_row * channels;
    bool is_first = true;
    window.for_each_row([&](Index row) {
      const float* numbers = from + row * channels;
      for (Index c = 0; c < channels; ++c) {
        best[c] = is_first || numbers[c] > best[c] ? numbers[c] : best[c];
      }
      is_first = false;
    });
  });
}

template <class At>
float greatest(const Window& window, Index column, const At& at) {
  bool is_first = true;
  float best = 0.0f;
  window.for_each_row([&](Index row) {
    const float number = at(row, column);
    if (is_first || number > best) {
      best = number;
    }
    is_first = false;
  });
  return best;
}

void max_reference(const Call& call) {
  const Shape in = spec_of(call.in[0]).shape;
  const Shape out = spec_of(call.out[0]).shape;
  const auto* spikes = std::get_if<SpikeTensor>(&call.out[0]);
  float* numbers = spikes == nullptr ? std::get<Tensor>(call.out[0]).as_mutable<float>().data() : nullptr;
  with_numbers(call.in[0], [&](const auto& at) {
    for_each_window(call, in, out, [&](Index out_row, const Window& window) {
      if (spikes != nullptr) {
        write_row(*spikes, out_row, [&](Index c) { return static_cast<int>(greatest(window, c, at)); });
        return;
      }
      for (Index c = 0; c < out.row(); ++c) {
        numbers[out_row * out.row() + c] = greatest(window, c, at);
      }
    });
  });
}

void average_reference(const Call& call) {
  const auto& op = static_cast<const AveragePool&>(call.op);
  const Shape in = spec_of(call.in[0]).shape;
  const auto& tensor = std::get<Tensor>(call.out[0]);
  float* out = tensor.as_mutable<float>().data();
  const Index channels = tensor.shape().row();
  with_numbers(call.in[0], [&](const auto& at) {
    for_each_window(call, in, tensor.shape(), [&](Index out_row, const Window& window) {
      const auto count = static_cast<float>(op.counts_rim() ? op.kernel() * op.kernel() : window.size());
      for (Index c = 0; c < channels; ++c) {
        float sum = 0.0f;
        window.for_each_row([&](Index row) { sum += at(row, c); });
        out[out_row * channels + c] = sum / count;
      }
    });
  });
}

Verdict wants_numbers(const Operator&, std::span<const ValueSpec> in) {
  return {in[0].is_dense(), "the input is spikes"};
}

Verdict wants_spikes(const Operator&, std::span<const ValueSpec> in) {
  return {in[0].is_spikes(), "the input is dense"};
}

}  // namespace

void Pool::visit(ParamVisitor& visitor) {
  visitor.integer("kernel", kernel_, "side of the window [pixels]");
  visitor.integer("stride", stride_, "from window to window [pixels], 0 for the kernel's side");
  visitor.integer("padding", padding_, "rim around the image [pixels]");
}

Form Pool::wanted_form(std::size_t slot, std::span<const ValueSpec> in) const {
  return spikes_or_dense(in[slot]);
}

Shape Pool::out_shape(const ValueSpec& in) const {
  VOLLEY_CHECK(kernel_ >= 1, Fault::model, "kernel is {}, wanted 1 or more", kernel_);
  VOLLEY_CHECK(stride_ >= 0, Fault::model, "stride is {}, wanted 0 or more", stride_);
  VOLLEY_CHECK(padding_ >= 0 && padding_ <= kernel_ / 2, Fault::model,
               "padding is {}, wanted 0 to {}, half of the kernel", padding_, kernel_ / 2);
  require_numbers(in, "in");
  require_axes(in, "in", {Axis::T, Axis::B, Axis::Y, Axis::X, Axis::C});
  Shape shape = in.shape;
  for (const Axis axis : {Axis::Y, Axis::X}) {
    const Index least = std::max(Index{1}, kernel_ - 2 * padding_);
    VOLLEY_CHECK(shape[axis] >= least, Fault::model, "in is {}, wanted {} of at least {}", text(in),
                 letter(axis), least);
    shape = shape.with(axis, out_size(shape[axis]));
  }
  return shape;
}

Index Pool::outputs(const Shape& in) const {
  return in.count() / (in[Axis::Y] * in[Axis::X]) * out_size(in[Axis::Y]) * out_size(in[Axis::X]);
}

Index Pool::taps(const Shape& in) const {
  return in.count() / (in[Axis::Y] * in[Axis::X]) * taps_along(*this, out_size(in[Axis::Y]), in[Axis::Y]) *
         taps_along(*this, out_size(in[Axis::X]), in[Axis::X]);
}

void MaxPool::install(KernelTable& table) {
  table.add(op_kind, {"words", Device::cpu, Exactness::bits, wants_spikes, max_words});
  table.add(op_kind, {"rows", Device::cpu, Exactness::bits, wants_numbers, max_rows});
  table.add(op_kind, {"reference", Device::cpu, Exactness::bits, accepts_all, max_reference});
}

std::vector<ValueSpec> MaxPool::infer(std::span<const ValueSpec> in, Index) const {
  ValueSpec out = in[0];
  out.shape = out_shape(in[0]);
  return {out};
}

Cost MaxPool::cost(std::span<const Activity> in, std::span<const Activity>) const {
  const Shape& shape = in[0].spec.shape;
  Cost cost;
  cost.compare = taps(shape) - outputs(shape);
  return cost;
}

void AveragePool::install(KernelTable& table) {
  table.add(op_kind, {"reference", Device::cpu, Exactness::bits, accepts_all, average_reference});
}

void AveragePool::visit(ParamVisitor& visitor) {
  Pool::visit(visitor);
  visitor.flag("count_include_pad", count_include_pad_, "divide by the whole window at the rim too");
}

std::vector<ValueSpec> AveragePool::infer(std::span<const ValueSpec> in, Index) const {
  return {dense_spec(out_shape(in[0]))};
}

Cost AveragePool::cost(std::span<const Activity> in, std::span<const Activity>) const {
  const Shape& shape = in[0].spec.shape;
  Cost cost;
  cost.add = taps(shape) - outputs(shape);
  cost.special = outputs(shape);
  return cost;
}

}  // namespace volley
