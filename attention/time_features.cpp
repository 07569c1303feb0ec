// Features of time: their weights, checks and counts.
#include "attention/time_features.hpp"

#include <algorithm>
#include <cmath>

#include "sim/base/check.hpp"

namespace volley {
namespace {

void check_stamps(const ValueSpec& spec, std::string_view name) {
  const auto& extents = spec.shape.extents;
  const std::vector<Axis> axes{Axis::T, Axis::B, Axis::N, Axis::C};
  const bool fits = std::equal(extents.begin(), extents.end(), axes.begin(), axes.end(),
                               [](const Extent& extent, Axis axis) { return extent.axis == axis; });
  VOLLEY_CHECK(fits && spec.shape[Axis::C] == 1, Fault::model, "{} is {}, wanted [T B N C=1]", name,
               text(spec));
  VOLLEY_CHECK(spec.is_dense() && (spec.dtype == Dtype::f32 || spec.dtype == Dtype::i32), Fault::model,
               "{} is {}, wanted f32 or i32", name, text(spec));
}

void append_powers(const std::vector<float>& exponents, std::vector<double>& frequencies) {
  for (const float p : exponents) {
    frequencies.push_back(std::pow(10.0, -static_cast<double>(p)));
  }
}

}  // namespace

void TimeFeatures::visit(ParamVisitor& visitor) {
  visitor.choice_of("time_ref", time_ref_, {"none", "since_first", "target_span"},
                    "where time starts: at 0, at token 0, or back from the input target");
}

Operator::Arity TimeFeatures::arity() const {
  const std::size_t inputs = time_ref_ == TimeRef::target_span ? 2 : 1;
  return {inputs, inputs};
}

void TimeFeatures::set_weight(std::string_view slot, const std::vector<Index>& sizes,
                              std::span<const float> numbers) {
  const bool are_finite =
      std::all_of(numbers.begin(), numbers.end(), [](float x) { return std::isfinite(x); });
  VOLLEY_CHECK(are_finite, Fault::model, "{} holds a number that is not finite", slot);
  weights_[std::string(slot)] = {sizes, {numbers.begin(), numbers.end()}};
  constants_.clear();
  for (const auto& entry : weights_) {
    const Weight& weight = entry.second;
    constants_.emplace_back(tensor_of({{Axis::C, std::ssize(weight.numbers)}}, weight.numbers));
  }
  collect();
}

const TimeFeatures::Weight* TimeFeatures::weight(std::string_view slot) const {
  const auto found = weights_.find(slot);
  return found == weights_.end() ? nullptr : &found->second;
}

const TimeFeatures::Weight& TimeFeatures::require_weight(std::string_view slot, std::size_t axes) const {
  const Weight* found = weight(slot);
  VOLLEY_CHECK(found != nullptr, Fault::model, "{} is missing", slot);
  VOLLEY_CHECK(found->sizes.size() == axes && !found->numbers.empty(), Fault::model,
               "{} has {} axes and {} numbers, wanted {} axes and no empty one", slot, found->sizes.size(),
               found->numbers.size(), axes);
  return *found;
}

void TimeFeatures::require_sizes(std::string_view slot, const Weight& weight,
                                 const std::vector<Index>& wanted) {
  const auto words = [](const std::vector<Index>& sizes) {
    std::string text;
    for (const Index size : sizes) {
      text += (text.empty() ? "" : " ") + std::to_string(size);
    }
    return text;
  };
  VOLLEY_CHECK(weight.sizes == wanted, Fault::model, "{} is [{}], wanted [{}]", slot, words(weight.sizes),
               words(wanted));
}

std::vector<ValueSpec> TimeFeatures::infer(std::span<const ValueSpec> in, Index) const {
  check_weights();
  check_stamps(in[0], "stamps");
  const Shape& shape = in[0].shape;
  if (time_ref_ == TimeRef::target_span) {
    const ValueSpec wanted = dense_spec(shape.with(Axis::N, 1), in[0].dtype);
    VOLLEY_CHECK(in[1] == wanted, Fault::model, "target is {}, wanted {}", text(in[1]), text(wanted));
  }
  return {dense_spec(shape.with(Axis::C, features()))};
}

Cost TimeFeatures::cost(std::span<const Activity> in, std::span<const Activity>) const {
  const Index tokens = in[0].spec.shape.count();
  Cost cost = cost_of_token();
  cost.mac *= tokens;
  cost.special *= tokens;
  cost.add = tokens * (cost.add + (time_ref_ == TimeRef::none ? 0 : 1));
  return cost;
}

Index TimeFeatures::dense_mac(std::span<const ValueSpec> in) const {
  return in[0].shape.count() * cost_of_token().mac;
}

void TimeBochner::visit(ParamVisitor& visitor) {
  TimeFeatures::visit(visitor);
  visitor.choice_of("form", form_, {"nonparametric", "textbook"},
                    "sines, then cosines, of free frequencies; or the pairs of the equation");
}

std::vector<WeightSlot> TimeBochner::weight_slots() const {
  if (form_ == Map::textbook) {
    return {{"omega"}};
  }
  return {{"sin_exponent"}, {"cos_exponent"}, {"beta", Need::optional}};
}

void TimeBochner::collect() {
  frequencies_.clear();
  for (const std::string_view slot : {"sin_exponent", "cos_exponent"}) {
    if (const Weight* exponents = weight(slot)) {
      append_powers(exponents->numbers, frequencies_);
    }
  }
  if (const Weight* omega = weight("omega")) {
    frequencies_.assign(omega->numbers.begin(), omega->numbers.end());
  }
  if (const Weight* beta = weight("beta")) {
    beta_.assign(beta->numbers.begin(), beta->numbers.end());
  }
}

void TimeBochner::check_weights() const {
  if (form_ == Map::textbook) {
    require_weight("omega", 1);
    return;
  }
  const auto& sizes = require_weight("sin_exponent", 1).sizes;
  require_sizes("cos_exponent", require_weight("cos_exponent", 1), sizes);
  if (const Weight* beta = weight("beta")) {
    require_sizes("beta", *beta, {2 * sizes[0]});
  }
}

Index TimeBochner::features() const {
  return std::ssize(frequencies_) * (form_ == Map::textbook ? 2 : 1);
}

Cost TimeBochner::cost_of_token() const {
  Cost cost;
  cost.mac = std::ssize(frequencies_) + std::ssize(beta_);
  cost.special = features();
  return cost;
}

void TimeMercer::visit(ParamVisitor& visitor) {
  TimeFeatures::visit(visitor);
  visitor.choice_of("form", form_, {"summed", "flex", "textbook"},
                    "a series summed per base, of harmonics or of free periods; or all terms side by side");
}

std::string_view TimeMercer::base_slot() const {
  return form_ == Map::summed ? "exponent" : form_ == Map::flex ? "period" : "omega";
}

std::vector<WeightSlot> TimeMercer::weight_slots() const {
  if (form_ == Map::textbook) {
    return {{"omega"}, {"coefficient"}};
  }
  return {{base_slot()}, {"coefficient"}, {"bias", Need::optional}};
}

void TimeMercer::collect() {
  if (const Weight* bias = weight("bias")) {
    bias_.assign(bias->numbers.begin(), bias->numbers.end());
  }
  const Weight* base = weight(base_slot());
  const Weight* coefficient = weight("coefficient");
  if (base == nullptr || coefficient == nullptr) {
    return;
  }
  degree_ = coefficient->sizes.empty() ? 0 : coefficient->sizes.back() / 2;
  coefficients_.assign(coefficient->numbers.begin(), coefficient->numbers.end());
  frequencies_.clear();
  if (form_ == Map::flex) {
    for (const float period : base->numbers) {
      frequencies_.push_back(1.0 / static_cast<double>(period));
    }
    return;
  }
  std::vector<double> bases(base->numbers.begin(), base->numbers.end());
  if (form_ == Map::summed) {
    bases.clear();
    append_powers(base->numbers, bases);
  } else {
    for (double& number : coefficients_) {
      number = std::sqrt(number);
    }
  }
  for (const double w : bases) {
    for (Index j = 1; j <= degree_; ++j) {
      frequencies_.push_back(static_cast<double>(j) * w);
    }
  }
}

void TimeMercer::check_weights() const {
  const Weight& base = require_weight(base_slot(), form_ == Map::flex ? 2 : 1);
  const Weight& coefficient = require_weight("coefficient", 2);
  const Index bases = base.sizes[0];
  const Index constants = form_ == Map::textbook ? 1 : 0;
  const Index wanted_degree = form_ == Map::flex ? base.sizes[1] : std::max(Index{1}, degree_);
  require_sizes("coefficient", coefficient, {bases, 2 * wanted_degree + constants});
  if (form_ == Map::textbook) {
    const bool has_negative =
        std::any_of(coefficient.numbers.begin(), coefficient.numbers.end(), [](float c) { return c < 0; });
    VOLLEY_CHECK(!has_negative, Fault::model,
                 "coefficient holds a number below 0, wanted none: it is rooted");
  }
  if (form_ == Map::flex) {
    const bool has_zero = std::count(base.numbers.begin(), base.numbers.end(), 0.0f) > 0;
    VOLLEY_CHECK(!has_zero, Fault::model, "period holds a 0");
  }
  if (const Weight* bias = weight("bias")) {
    require_sizes("bias", *bias, {bases});
  }
}

Index TimeMercer::features() const {
  const Index bases = std::ssize(frequencies_) / degree_;
  return form_ == Map::textbook ? bases * (2 * degree_ + 1) : bases;
}

Cost TimeMercer::cost_of_token() const {
  Cost cost;
  cost.mac = 3 * std::ssize(frequencies_);  // the phase and two coefficients
  cost.add = std::ssize(bias_);
  cost.special = 2 * std::ssize(frequencies_);
  return cost;
}

}  // namespace volley
