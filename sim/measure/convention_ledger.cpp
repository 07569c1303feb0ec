// Sums of counts in 64 bits, checked.
#include "sim/measure/convention_ledger.hpp"

#include <cmath>

#include "sim/base/check.hpp"

namespace volley {
namespace {

void add_checked(Index& sum, Index count) {
  VOLLEY_CHECK(!__builtin_add_overflow(sum, count, &sum), Fault::run,
               "a count leaves 64 bits; measure fewer samples");
}

Index nonzero_count(const Value& value) {
  const Tensor dense = as_dense(value);
  Index count = 0;
  for (const float number : dense.as<float>()) {
    count += number != 0.0f ? 1 : 0;
  }
  return count;
}

bool is_executed(const Convention& convention) {
  return convention.id == conventions().front().id;
}

}  // namespace

Tally& Tally::operator+=(const Tally& other) {
  add_checked(ac, other.ac);
  add_checked(mac, other.mac);
  ac_by_rate += other.ac_by_rate;
  counted += other.counted;
  missed += other.missed;
  return *this;
}

Spread spread_of(std::span<const double> values) {
  Spread spread;
  const auto count = static_cast<double>(values.size());
  for (const double value : values) {
    spread.mean += value / count;
  }
  for (const double value : values) {
    spread.deviation += (value - spread.mean) * (value - spread.mean) / count;
  }
  spread.deviation = std::sqrt(spread.deviation);
  return spread;
}

void ConventionLedger::on_cost(NodeId node, Index step, const Cost& cost, std::span<const Activity>,
                               std::span<const Activity>) {
  costs_[{node, step}] += cost;
}

void ConventionLedger::on_products(NodeId node, Index step, Index sample, std::span<const Product> products) {
  Sums& of_sample = samples_[{sample, node}];
  for (const Product& product : products) {
    add(rows_[{node, product.head, step}], product);
    add(of_sample, product);
    if (product.b.is_weight) {
      weights_[node] = product.b;
    }
  }
}

void ConventionLedger::on_value(Port, StepRange, Index, const Value& value) {
  activation_places_ += spec_of(value).shape.count();
  active_places_ += nonzero_count(value);
}

void ConventionLedger::add(Sums& sums, const Product& product) const {
  sums.resize(conventions_.size());
  for (std::size_t i = 0; i < conventions_.size(); ++i) {
    const auto count = conventions_[i]->count(product);
    if (!count) {
      ++sums[i].tally.missed;
      continue;
    }
    sums[i].tally += {count->ac, count->mac, count->ac_by_rate, 1, 0};
    sums[i].ac_by_rate_of_v += count->ac_by_rate_of_v;
  }
}

std::map<NodeId, std::vector<bool>> ConventionLedger::sides() const {
  std::map<NodeId, std::vector<double>> by_k_less_by_v;
  for (const auto& [key, sums] : rows_) {
    auto& differences = by_k_less_by_v[std::get<0>(key)];
    differences.resize(conventions_.size());
    for (std::size_t i = 0; i < conventions_.size(); ++i) {
      differences[i] += sums[i].tally.ac_by_rate - sums[i].ac_by_rate_of_v;
    }
  }
  std::map<NodeId, std::vector<bool>> sides;
  for (const auto& [node, differences] : by_k_less_by_v) {
    for (const double difference : differences) {
      sides[node].push_back(difference > 0);
    }
  }
  return sides;
}

std::vector<Tally> ConventionLedger::resolved(const Sums& sums, const std::vector<bool>& side) const {
  std::vector<Tally> tallies;
  for (std::size_t i = 0; i < conventions_.size(); ++i) {
    tallies.push_back(sums[i].tally);
    tallies.back().ac_by_rate = side[i] ? sums[i].ac_by_rate_of_v : sums[i].tally.ac_by_rate;
  }
  return tallies;
}

std::vector<Tally> ConventionLedger::without_products(Index ac, Index mac) const {
  std::vector<Tally> tallies;
  for (const Convention* convention : conventions_) {
    tallies.push_back(is_executed(*convention) ? Tally{ac, mac, 0, 1, 0} : Tally{0, 0, 0, 0, 1});
  }
  return tallies;
}

bool ConventionLedger::has_products(NodeId node) const {
  const auto at = rows_.lower_bound({node, -1, 0});
  return at != rows_.end() && std::get<0>(at->first) == node;
}

std::vector<ConventionLedger::Row> ConventionLedger::rows() const {
  const auto side = sides();
  std::vector<Row> rows;
  for (const auto& [key, sums] : rows_) {
    const auto [node, head, step] = key;
    rows.push_back({node, head, step, resolved(sums, side.at(node))});
  }
  for (const auto& [key, cost] : costs_) {
    const auto [node, step] = key;
    if (!has_products(node) && (cost.ac > 0 || cost.mac > 0)) {
      rows.push_back({node, -1, step, without_products(cost.ac, cost.mac)});
    }
  }
  return rows;
}

std::vector<ConventionLedger::SampleRow> ConventionLedger::samples() const {
  const auto side = sides();
  std::vector<SampleRow> rows;
  std::set<Index> seen;
  for (const auto& [key, sums] : samples_) {
    const auto [sample, node] = key;
    seen.insert(sample);
    rows.push_back({sample, node, resolved(sums, side.at(node))});
  }
  const auto samples = static_cast<Index>(seen.size());
  for (const auto& [key, cost] : costs_) {
    const NodeId node = key.first;
    if (has_products(node) || (cost.ac == 0 && cost.mac == 0)) {
      continue;
    }
    Index place = 0;
    for (const Index sample : seen) {  // what does not divide goes to the first samples
      const auto part = [&](Index count) { return count / samples + (place < count % samples ? 1 : 0); };
      rows.push_back({sample, node, without_products(part(cost.ac), part(cost.mac))});
      ++place;
    }
  }
  return rows;
}

std::optional<double> ConventionLedger::connection_sparsity() const {
  Index places = 0;
  Index nonzero = 0;
  for (const auto& [node, weight] : weights_) {
    places += weight.size;
    nonzero += weight.nonzero;
  }
  if (places == 0) {
    return {};
  }
  constexpr double digits = 1e4;
  const double sparsity = static_cast<double>(places - nonzero) / static_cast<double>(places);
  return std::nearbyint(sparsity * digits) / digits;
}

std::optional<double> ConventionLedger::activation_sparsity() const {
  if (activation_places_ == 0) {
    return {};
  }
  return static_cast<double>(activation_places_ - active_places_) / static_cast<double>(activation_places_);
}

}  // namespace volley
