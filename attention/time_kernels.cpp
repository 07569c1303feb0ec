// Features of time: sines and cosines of phases in float64.
#include <cmath>

#include "attention/time_features.hpp"
#include "sim/base/parallel.hpp"

namespace volley {
namespace {

constexpr Index tokens_per_block = 64;

// The stamps of a value, f32 or i32, in float64: exact.
class Stamps {
 public:
  explicit Stamps(const Value& value) {
    const auto& tensor = std::get<Tensor>(value);
    if (tensor.dtype() == Dtype::i32) {
      ticks_ = tensor.as<std::int32_t>().data();
    } else {
      numbers_ = tensor.as<float>().data();
    }
  }
  double operator[](Index i) const {
    return ticks_ != nullptr ? static_cast<double>(ticks_[i]) : static_cast<double>(numbers_[i]);
  }

 private:
  const std::int32_t* ticks_ = nullptr;
  const float* numbers_ = nullptr;
};

// body(t, features of the token) for each token, in blocks.
template <class Body>
void for_each_token(const Call& call, const Body& body) {
  const TimeRef ref = static_cast<const TimeFeatures&>(call.op).time_ref();
  const auto& out = std::get<Tensor>(call.out[0]);
  const Index tokens = out.shape()[Axis::N];
  const Index features = out.shape().row();
  float* numbers = out.as_mutable<float>().data();
  const Stamps stamps(call.in[0]);
  const Stamps targets(call.in.back());  // read with target_span only
  for_each_block(out.shape().rows(), tokens_per_block, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      double t = stamps[i];
      if (ref == TimeRef::since_first) {
        t -= stamps[i / tokens * tokens];
      } else if (ref == TimeRef::target_span) {
        t = targets[i / tokens] - t;
      }
      body(t, numbers + i * features);
    }
  });
}

void bochner_reference(const Call& call) {
  const auto& op = static_cast<const TimeBochner&>(call.op);
  const std::span<const double> omega = op.frequencies();
  if (op.form() == TimeBochner::Map::textbook) {
    const double scale = std::sqrt(1.0 / static_cast<double>(omega.size()));
    for_each_token(call, [&](double t, float* out) {
      for (const double w : omega) {
        *out++ = static_cast<float>(scale * std::cos(w * t));
        *out++ = static_cast<float>(scale * std::sin(w * t));
      }
    });
    return;
  }
  const std::span<const double> beta = op.beta();
  for_each_token(call, [&](double t, float* out) {
    for (std::size_t i = 0; i < omega.size(); ++i) {
      const double phase = omega[i] * t;
      const double wave = i < omega.size() / 2 ? std::sin(phase) : std::cos(phase);
      out[i] = static_cast<float>(beta.empty() ? wave : beta[i] * wave);
    }
  });
}

// One base frequency: waves(j) gives sine and cosine of harmonic j = 0 .. d - 1.
struct Wave {
  double sine, cosine;
};
template <class Waves>
float* write_base(const TimeMercer& op, std::size_t i, const Waves& waves, float* out) {
  const auto degree = static_cast<std::size_t>(op.degree());
  if (op.form() == TimeMercer::Map::textbook) {
    const double* c = op.coefficients().data() + i * (2 * degree + 1);
    *out++ = static_cast<float>(c[0]);
    for (std::size_t j = 0; j < degree; ++j) {
      const auto [sine, cosine] = waves(j);
      *out++ = static_cast<float>(c[2 * j + 1] * cosine);
      *out++ = static_cast<float>(c[2 * j + 2] * sine);
    }
    return out;
  }
  const double* a = op.coefficients().data() + i * 2 * degree;
  double sum = 0;
  for (std::size_t j = 0; j < degree; ++j) {
    const auto [sine, cosine] = waves(j);
    sum += a[j] * sine + a[degree + j] * cosine;
  }
  *out++ = static_cast<float>(op.bias().empty() ? sum : sum + op.bias()[i]);
  return out;
}

void mercer_reference(const Call& call) {
  const auto& op = static_cast<const TimeMercer&>(call.op);
  const auto degree = static_cast<std::size_t>(op.degree());
  const std::span<const double> omega = op.frequencies();
  for_each_token(call, [&](double t, float* out) {
    for (std::size_t i = 0; i < omega.size() / degree; ++i) {
      const auto waves = [&](std::size_t j) {
        const double phase = omega[i * degree + j] * t;
        return Wave{std::sin(phase), std::cos(phase)};
      };
      out = write_base(op, i, waves, out);
    }
  });
}

// One sine and one cosine per base; the harmonics by the addition theorem, each from the one before.
void mercer_harmonics(const Call& call) {
  const auto& op = static_cast<const TimeMercer&>(call.op);
  const auto degree = static_cast<std::size_t>(op.degree());
  const std::span<const double> omega = op.frequencies();
  for_each_token(call, [&](double t, float* out) {
    for (std::size_t i = 0; i < omega.size() / degree; ++i) {
      const double phase = omega[i * degree] * t;
      const Wave first{std::sin(phase), std::cos(phase)};
      Wave next{0.0, 1.0};
      const auto waves = [&](std::size_t) {
        next = {next.sine * first.cosine + next.cosine * first.sine,
                next.cosine * first.cosine - next.sine * first.sine};
        return next;
      };
      out = write_base(op, i, waves, out);
    }
  });
}

Verdict wants_harmonics(const Operator& op, std::span<const ValueSpec>) {
  const bool are_harmonics = static_cast<const TimeMercer&>(op).form() != TimeMercer::Map::flex;
  return {are_harmonics, "the periods of flex are free"};
}

}  // namespace

void TimeBochner::install(KernelTable& table) {
  table.add(op_kind, {.name = "reference", .run = bochner_reference});
}

void TimeMercer::install(KernelTable& table) {
  table.add(op_kind, {.name = "harmonics",
                      .exactness = Exactness::tolerance,
                      .accepts = wants_harmonics,
                      .run = mercer_harmonics});
  table.add(op_kind, {.name = "reference", .run = mercer_reference});
}

}  // namespace volley
