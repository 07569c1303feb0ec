// Joins values of the same shape.
#include "sim/ops/merge.hpp"

#include <algorithm>
#include <array>

#include "sim/base/parallel.hpp"
#include "sim/ops/input_checks.hpp"
#include "sim/ops/places.hpp"

namespace volley {
namespace {

constexpr Index numbers_per_block = 4096;
constexpr Index words_per_block = 1024;
constexpr Index rows_per_block = 32;

bool is_counted(const ValueSpec& spec) {
  return spec.is_spikes() && spec.code.coding != Coding::bipolar;
}

void check_same_shape(std::span<const ValueSpec> in) {
  require_step_and_batch(in[0], "input 0");
  for (std::size_t slot = 1; slot < in.size(); ++slot) {
    VOLLEY_CHECK(in[slot].shape == in[0].shape, Fault::model, "input {} is {}, wanted {} as input 0", slot,
                 text(in[slot]), text(in[0].shape));
  }
}

// Planes of all inputs, one after another: there are at most max_planes of them.
struct PlaneList {
  std::array<const std::uint64_t*, max_planes> planes{};
  std::array<int, MergeAdd::most_inputs> levels{};  // of each input
  std::size_t inputs = 0;

  explicit PlaneList(std::span<const Value> in) : inputs(in.size()) {
    std::size_t next = 0;
    for (std::size_t slot = 0; slot < inputs; ++slot) {
      const auto& spikes = std::get<SpikeTensor>(in[slot]);
      levels[slot] = spikes.code().planes;
      for (int p = 0; p < levels[slot]; ++p) {
        planes[next++] = spikes.plane(p).data();
      }
    }
  }
};

// total[k - 1] says where a sum is at least k. Adds a value of `levels` more: the new sum is at least k
// where, for some i, the old is at least i and the value at least k - i. Downward in k, so that what is read
// is still old.
void add_thermometer(std::uint64_t* total, int total_levels, const std::uint64_t* part, int levels) {
  for (int k = total_levels + levels; k >= 1; --k) {
    std::uint64_t reached = 0;
    for (int i = std::max(0, k - levels); i <= std::min(k, total_levels); ++i) {
      const std::uint64_t old = i == 0 ? ~std::uint64_t{0} : total[i - 1];
      reached |= i == k ? old : old & part[k - i - 1];
    }
    total[k - 1] = reached;
  }
}

void add_words(const Call& call) {
  const auto& out = std::get<SpikeTensor>(call.out[0]);
  const PlaneList list(call.in);
  for_each_block(out.rows() * out.words_per_row(), words_per_block, [&](Index begin, Index end) {
    for (Index w = begin; w < end; ++w) {
      std::array<std::uint64_t, max_planes> total{};
      std::array<std::uint64_t, max_planes> part{};
      int total_levels = 0;
      for (std::size_t slot = 0; slot < list.inputs; ++slot) {
        const int levels = list.levels[slot];
        for (int p = 0; p < levels; ++p) {
          part[static_cast<std::size_t>(p)] = list.planes[static_cast<std::size_t>(total_levels + p)][w];
        }
        add_thermometer(total.data(), total_levels, part.data(), levels);
        total_levels += levels;
      }
      for (int p = 0; p < total_levels; ++p) {
        out.plane_mutable(p)[static_cast<std::size_t>(w)] = total[static_cast<std::size_t>(p)];
      }
    }
  });
}

void add_spikes(const Call& call, const SpikeTensor& out) {
  for_each_block(out.rows(), rows_per_block, [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) {
      write_row(out, row, [&](Index column) {
        int sum = 0;
        for (const Value& in : call.in) {
          sum += std::get<SpikeTensor>(in).at(row, column);
        }
        return sum;
      });
    }
  });
}

void add_reference(const Call& call) {
  if (const auto* spikes = std::get_if<SpikeTensor>(&call.out[0])) {
    add_spikes(call, *spikes);
    return;
  }
  std::array<const float*, MergeAdd::most_inputs> in{};
  for (std::size_t slot = 0; slot < call.in.size(); ++slot) {
    in[slot] = std::get<Tensor>(call.in[slot]).as<float>().data();
  }
  const auto out = std::get<Tensor>(call.out[0]).as_mutable<float>();
  for_each_block(static_cast<Index>(out.size()), numbers_per_block, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      float sum = in[0][i];
      for (std::size_t slot = 1; slot < call.in.size(); ++slot) {
        sum += in[slot][i];
      }
      out[static_cast<std::size_t>(i)] = sum;
    }
  });
}

void multiply_words(const Call& call) {
  const auto a = std::get<SpikeTensor>(call.in[0]).plane(0);
  const auto b = std::get<SpikeTensor>(call.in[1]).plane(0);
  const auto out = std::get<SpikeTensor>(call.out[0]).plane_mutable(0);
  for_each_block(static_cast<Index>(out.size()), words_per_block, [&](Index begin, Index end) {
    for (auto w = static_cast<std::size_t>(begin); w < static_cast<std::size_t>(end); ++w) {
      out[w] = a[w] & b[w];
    }
  });
}

void multiply_spikes(const Call& call, const SpikeTensor& out) {
  const PlaceReader a(std::get<SpikeTensor>(call.in[0]));
  const PlaceReader b(std::get<SpikeTensor>(call.in[1]));
  for_each_block(out.rows(), rows_per_block, [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) {
      write_row(out, row, [&](Index column) { return a(row, column) * b(row, column); });
    }
  });
}

// A selection and not a product: what is not let through may be infinite.
void select_numbers(const SpikeTensor& gate, const Tensor& numbers, const Tensor& out) {
  const PlaceReader is_open(gate);
  const auto from = numbers.as<float>();
  const auto to = out.as_mutable<float>();
  const Index columns = out.shape().row();
  for_each_block(out.shape().rows(), rows_per_block, [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) {
      for (Index column = 0; column < columns; ++column) {
        const auto i = static_cast<std::size_t>(row * columns + column);
        to[i] = is_open(row, column) != 0 ? from[i] : 0.0f;
      }
    }
  });
}

void multiply_reference(const Call& call) {
  if (const auto* spikes = std::get_if<SpikeTensor>(&call.out[0])) {
    multiply_spikes(call, *spikes);
    return;
  }
  const auto& out = std::get<Tensor>(call.out[0]);
  for (const std::size_t slot : {std::size_t{0}, std::size_t{1}}) {
    if (const auto* gate = std::get_if<SpikeTensor>(&call.in[slot])) {
      select_numbers(*gate, std::get<Tensor>(call.in[1 - slot]), out);
      return;
    }
  }
  const auto a = std::get<Tensor>(call.in[0]).as<float>();
  const auto b = std::get<Tensor>(call.in[1]).as<float>();
  const auto to = out.as_mutable<float>();
  for_each_block(static_cast<Index>(to.size()), numbers_per_block, [&](Index begin, Index end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      to[i] = a[i] * b[i];
    }
  });
}

Verdict wants_all_spikes(const Operator&, std::span<const ValueSpec> in) {
  return {std::all_of(in.begin(), in.end(), [](const ValueSpec& spec) { return spec.is_spikes(); }),
          "an input is dense"};
}

}  // namespace

void MergeAdd::install(KernelTable& table) {
  table.add(op_kind, {"words", Device::cpu, Exactness::bits, wants_all_spikes, add_words});
  table.add(op_kind, {"reference", Device::cpu, Exactness::bits, accepts_all, add_reference});
}

Form MergeAdd::wanted_form(std::size_t, std::span<const ValueSpec> in) const {
  return std::all_of(in.begin(), in.end(), is_counted) ? Form::spikes : Form::dense;
}

std::vector<ValueSpec> MergeAdd::infer(std::span<const ValueSpec> in, Index) const {
  check_same_shape(in);
  if (!std::all_of(in.begin(), in.end(), is_counted)) {
    for (std::size_t slot = 0; slot < in.size(); ++slot) {
      require_f32(in[slot], fmt::format("input {}", slot));
    }
    return {dense_spec(in[0].shape)};
  }
  int levels = 0;
  for (const ValueSpec& spec : in) {
    levels += spec.code.planes;
  }
  VOLLEY_CHECK(levels <= max_planes, Fault::model, "the sum of these spikes has {} levels, wanted at most {}",
               levels, max_planes);
  return {spike_spec(in[0].shape, graded_code(levels))};
}

Cost MergeAdd::cost(std::span<const Activity> in, std::span<const Activity>) const {
  Cost cost;
  for (std::size_t slot = 1; slot < in.size(); ++slot) {
    cost.add += in[slot].spec.is_spikes() ? in[slot].spikes : in[slot].spec.shape.count();
  }
  return cost;
}

void MergeMultiply::install(KernelTable& table) {
  table.add(op_kind, {"words", Device::cpu, Exactness::bits, wants_all_spikes, multiply_words});
  table.add(op_kind, {"reference", Device::cpu, Exactness::bits, accepts_all, multiply_reference});
}

Form MergeMultiply::wanted_form(std::size_t slot, std::span<const ValueSpec> in) const {
  return in[slot].is_spikes() && in[slot].code == binary_code() ? Form::spikes : Form::dense;
}

std::vector<ValueSpec> MergeMultiply::infer(std::span<const ValueSpec> in, Index) const {
  check_same_shape(in);
  bool all_spikes = true;
  for (std::size_t slot = 0; slot < in.size(); ++slot) {
    if (wanted_form(slot, in) == Form::dense) {
      require_f32(in[slot], fmt::format("input {}", slot));
      all_spikes = false;
    }
  }
  return {all_spikes ? spike_spec(in[0].shape, binary_code()) : dense_spec(in[0].shape)};
}

Cost MergeMultiply::cost(std::span<const Activity> in, std::span<const Activity>) const {
  const Index places = in[0].spec.shape.count();
  Cost cost;
  (in[0].spec.is_dense() && in[1].spec.is_dense() ? cost.mac : cost.compare) = places;
  return cost;
}

Index MergeMultiply::dense_mac(std::span<const ValueSpec> in) const {
  return in[0].shape.count();
}

}  // namespace volley
