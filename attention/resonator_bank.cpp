// Resonators: advanced from event to event, read at query times.
#include "attention/resonator_bank.hpp"

#include <algorithm>
#include <cmath>
#include <complex>

#include "sim/base/check.hpp"
#include "sim/base/parallel.hpp"

namespace volley {
namespace {

constexpr std::size_t query_slot = 2;

// One sequence: v, stamps and queries of its tokens; state [k C].
struct Sequence {
  const Value& v;
  const float* stamps;
  const float* queries;  // nullptr: the stamps
  float* out;
  Index first_row, tokens, width;

  double value(Index n, Index c) const {
    if (const auto* spikes = std::get_if<SpikeTensor>(&v)) {
      const std::uint64_t word = spikes->row(0, first_row + n)[static_cast<std::size_t>(c / 64)];
      return static_cast<double>(word >> (c % 64) & 1);
    }
    const auto numbers = std::get<Tensor>(v).as<float>();
    return static_cast<double>(numbers[static_cast<std::size_t>((first_row + n) * width + c)]);
  }
};

double decay_of(const ResonatorBank& op, double interval) {
  return op.tau() > 0 ? std::exp(-interval / op.tau()) : 1.0;
}

std::complex<double> phasor(double omega, double interval, double decay) {
  const double phase = omega * interval;
  return {decay * std::cos(phase), decay * std::sin(phase)};
}

void advance(const ResonatorBank& op, const Sequence& sequence, Index n,
             std::vector<std::complex<double>>& state) {
  const auto width = static_cast<std::size_t>(sequence.width);
  const double interval =
      n == 0 ? 0.0 : static_cast<double>(sequence.stamps[n]) - static_cast<double>(sequence.stamps[n - 1]);
  const double decay = decay_of(op, interval);
  for (std::size_t k = 0; k < op.omega().size(); ++k) {
    const auto turn = phasor(op.omega()[k], interval, decay);
    for (std::size_t c = 0; c < width; ++c) {
      auto& ringing = state[k * width + c];
      ringing = {ringing.real() * turn.real() - ringing.imag() * turn.imag() +
                     sequence.value(n, static_cast<Index>(c)),
                 ringing.real() * turn.imag() + ringing.imag() * turn.real()};
    }
  }
}

void read(const ResonatorBank& op, const Sequence& sequence, Index n,
          const std::vector<std::complex<double>>& state, std::vector<double>& sums) {
  const auto width = static_cast<std::size_t>(sequence.width);
  const double interval = sequence.queries == nullptr ? 0.0
                                                      : static_cast<double>(sequence.queries[n]) -
                                                            static_cast<double>(sequence.stamps[n]);
  const double decay = decay_of(op, interval);
  sums.assign(width, 0.0);
  for (std::size_t k = 0; k < op.omega().size(); ++k) {
    auto turn = phasor(op.omega()[k], interval, decay);
    turn *= op.gain().empty() ? 1.0 : op.gain()[k];
    for (std::size_t c = 0; c < width; ++c) {
      const auto ringing = state[k * width + c];
      sums[c] += ringing.real() * turn.real() - ringing.imag() * turn.imag();
    }
  }
  for (std::size_t c = 0; c < width; ++c) {
    sequence.out[static_cast<std::size_t>(n) * width + c] = static_cast<float>(sums[c]);
  }
}

void recurrent(const Call& call) {
  const auto& op = static_cast<const ResonatorBank&>(call.op);
  const auto& out = std::get<Tensor>(call.out[0]);
  const Index tokens = out.shape()[Axis::N];
  const Index width = out.shape().row();
  const float* stamps = std::get<Tensor>(call.in[1]).as<float>().data();
  const float* queries =
      call.in.size() > query_slot ? std::get<Tensor>(call.in[query_slot]).as<float>().data() : nullptr;
  float* numbers = out.as_mutable<float>().data();
  for_each_block(tokens == 0 ? 0 : out.shape().rows() / tokens, 1, [&](Index begin, Index end) {
    thread_local std::vector<std::complex<double>> state;
    thread_local std::vector<double> sums;
    for (Index s = begin; s < end; ++s) {
      const Index row = s * tokens;
      const Sequence sequence{
          call.in[0], stamps + row, queries == nullptr ? nullptr : queries + row, numbers + row * width, row,
          tokens,     width};
      state.assign(op.omega().size() * static_cast<std::size_t>(width), {});
      for (Index n = 0; n < tokens; ++n) {
        advance(op, sequence, n, state);
        read(op, sequence, n, state, sums);
      }
    }
  });
}

}  // namespace

void ResonatorBank::install(KernelTable& table) {
  table.add(op_kind, {.name = "reference", .run = recurrent});
}

void ResonatorBank::visit(ParamVisitor& visitor) {
  visitor.real("tau", tau_, "time constant of the damping, 0: none [unit of time]");
}

void ResonatorBank::set_weight(std::string_view slot, const std::vector<Index>& sizes,
                               std::span<const float> numbers) {
  VOLLEY_CHECK(sizes.size() == 1 && sizes[0] >= 1, Fault::model, "{} has {} axes, wanted [k], k >= 1", slot,
               sizes.size());
  for (const float number : numbers) {
    VOLLEY_CHECK(std::isfinite(number), Fault::model, "{} holds a number that is not finite", slot);
  }
  const bool is_omega = slot == "omega";
  (is_omega ? omega_ : gain_).assign(numbers.begin(), numbers.end());
  constants_[is_omega ? 0 : 1] = tensor_of({{Axis::C, sizes[0]}}, numbers);
}

Form ResonatorBank::wanted_form(std::size_t slot, std::span<const ValueSpec> in) const {
  const bool is_binary = in[slot].is_spikes() && in[slot].code == binary_code();
  return slot == 0 && is_binary ? Form::spikes : Form::dense;
}

std::vector<ValueSpec> ResonatorBank::infer(std::span<const ValueSpec> in, Index) const {
  VOLLEY_CHECK(!omega_.empty(), Fault::model, "omega is missing");
  VOLLEY_CHECK(gain_.empty() || gain_.size() == omega_.size(), Fault::model, "gain is [{}], wanted [{}]",
               gain_.size(), omega_.size());
  VOLLEY_CHECK(tau_ >= 0, Fault::model, "tau is {}, wanted 0 or more", tau_);
  const auto& extents = in[0].shape.extents;
  const std::vector<Axis> axes{Axis::T, Axis::B, Axis::N, Axis::C};
  VOLLEY_CHECK(std::equal(extents.begin(), extents.end(), axes.begin(), axes.end(),
                          [](const Extent& extent, Axis axis) { return extent.axis == axis; }),
               Fault::model, "v is {}, wanted [T B N C]", text(in[0]));
  VOLLEY_CHECK(in[0] == dense_spec(in[0].shape) || in[0] == spike_spec(in[0].shape, binary_code()),
               Fault::model, "v is {}, wanted f32 or binary", text(in[0]));
  const ValueSpec wanted = dense_spec(in[0].shape.with(Axis::C, 1));
  for (std::size_t slot = 1; slot < in.size(); ++slot) {
    VOLLEY_CHECK(in[slot] == wanted, Fault::model, "{} is {}, wanted {}",
                 slot == query_slot ? "query" : "stamps", text(in[slot]), text(wanted));
  }
  return {dense_spec(in[0].shape)};
}

void ResonatorBank::check_values(std::span<const Value> in) const {
  const auto& stamps = std::get<Tensor>(in[1]);
  const Index tokens = stamps.shape()[Axis::N];
  const Index samples = stamps.shape()[Axis::B];
  const auto numbers = stamps.as<float>();
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const Index n = static_cast<Index>(i) % tokens;
    const Index sample = static_cast<Index>(i) / tokens % samples;
    VOLLEY_CHECK(
        std::isfinite(numbers[i]) && (n == 0 || numbers[i] >= numbers[i - 1]), Fault::model,
        "stamp {} of sample {} (of this batch) is {}, wanted no time before that of the stamp before", n,
        sample, numbers[i]);
    if (in.size() > query_slot) {
      const float query = std::get<Tensor>(in[query_slot]).as<float>()[i];
      VOLLEY_CHECK(std::isfinite(query) && query >= numbers[i], Fault::model,
                   "query {} of sample {} (of this batch) is {}, wanted {} or later: the time of its event",
                   n, sample, query, numbers[i]);
    }
  }
}

Cost ResonatorBank::cost_of(Index sequences, const ValueSpec& v, bool has_query) const {
  const Index k = std::ssize(omega_);
  const Index events = v.shape.rows();
  const Index advances = events - sequences;
  const Index width = v.shape.row();
  const Index damped = tau_ > 0 ? 1 : 0;
  Cost cost;
  cost.mac = advances * (k + 4 * k * width + damped * 2 * k);
  cost.special = advances * (2 * k + damped);
  if (has_query) {
    cost.mac += events * (k + 2 * k * width + damped * 2 * k + (gain_.empty() ? 0 : 2 * k));
    cost.special += events * (2 * k + damped);
  } else {
    (gain_.empty() ? cost.add : cost.mac) += events * k * width;
  }
  return cost;
}

Cost ResonatorBank::cost(std::span<const Activity> in, std::span<const Activity>) const {
  const ValueSpec& v = in[0].spec;
  const Index sequences = v.shape.count() == 0 ? 0 : v.shape.rows() / v.shape[Axis::N];
  Cost cost = cost_of(sequences, v, in.size() > query_slot);
  (v.is_spikes() ? cost.ac : cost.add) += in[0].spikes * std::ssize(omega_);
  return cost;
}

Index ResonatorBank::dense_mac(std::span<const ValueSpec> in) const {
  const Index sequences = in[0].shape.count() == 0 ? 0 : in[0].shape.rows() / in[0].shape[Axis::N];
  const Cost cost = cost_of(sequences, in[0], in.size() > query_slot);
  return cost.mac + in[0].shape.count() * std::ssize(omega_);
}

}  // namespace volley
