// Hardware profiles, and the energy of a cost under one.
#include "sim/measure/energy.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace volley {
namespace {

// The line at `size` through the points.
PicojoulesPerAccess line_at(const std::vector<SramPoint>& points, PicojoulesPerAccess SramPoint::*price,
                            Bytes size) {
  VOLLEY_CHECK(!points.empty() && size >= points.front().size && size <= points.back().size, Fault::model,
               "an SRAM of {} bytes has no price: the profile knows sizes from {} to {} bytes", size.count(),
               points.empty() ? 0.0 : points.front().size.count(),
               points.empty() ? 0.0 : points.back().size.count());
  const auto above =
      std::find_if(points.begin(), points.end(), [&](const SramPoint& point) { return point.size >= size; });
  if (above->size == size) {
    return (*above).*price;
  }
  const SramPoint& low = *(above - 1);
  const double part = (size - low.size) / (above->size - low.size);
  return low.*price + ((*above).*price - low.*price) * part;
}

}  // namespace

PicojoulesPerAccess SramLine::read_access(Bytes size) const {
  return line_at(points, &SramPoint::read, size);
}

PicojoulesPerAccess SramLine::write_access(Bytes size) const {
  return line_at(points, &SramPoint::write, size);
}

Energy energy_of(const Cost& cost, const Profile& profile) {
  for (const auto& priced : profile.prices) {
    const std::string& op = priced.first;
    const bool known = std::any_of(cost_kinds.begin(), cost_kinds.end(),
                                   [&](const CostKind& kind) { return kind.name == op; });
    VOLLEY_CHECK(known, Fault::model, "profile '{}' prices '{}', which is no kind of operation", profile.id,
                 op);
  }
  Picojoules sum;
  Energy energy;
  for (const CostKind& kind : cost_kinds) {
    const Index count = cost.*kind.count;
    const std::string op(kind.name);
    if (const auto price = profile.prices.find(op); price != profile.prices.end()) {
      sum += Operations(static_cast<double>(count)) * price->second.each();
    } else if (count > 0 && !profile.included.contains(op)) {
      energy.unpriced.push_back(op);
    }
  }
  energy.picojoules = sum.count();
  return energy;
}

SerialTime serial_time(const Cost& cost, const Profile& profile) {
  SerialTime serial;
  for (const CostKind& kind : cost_kinds) {
    const Index count = cost.*kind.count;
    const auto latency = profile.latencies.find(std::string(kind.name));
    if (latency != profile.latencies.end()) {
      serial.time += Operations(static_cast<double>(count)) * latency->second.each;
    } else if (count > 0) {
      serial.unknown.emplace_back(kind.name);
    }
  }
  return serial;
}

std::optional<Picojoules> static_energy(Nanoseconds time, const Profile& profile) {
  if (!profile.static_power) {
    return std::nullopt;
  }
  return profile.static_power->power * time;
}

std::vector<std::string> unknown_of(const Profile& profile) {
  std::vector<std::string> unknown;
  const auto note = [&](bool is_known, const std::string& what) {
    if (!is_known && !profile.included.contains(what)) {
      unknown.push_back(what);
    }
  };
  for (const CostKind& kind : cost_kinds) {
    note(profile.prices.contains(std::string(kind.name)), std::string(kind.name));
  }
  note(profile.sram.has_value(), "sram");
  note(profile.dram.has_value(), "dram");
  for (const std::string_view op : network_ops) {
    note(profile.network.contains(std::string(op)), std::string(op));
  }
  note(profile.static_power.has_value(), "static power");
  for (const CostKind& kind : cost_kinds) {
    note(profile.latencies.contains(std::string(kind.name)), "latency of " + std::string(kind.name));
  }
  return unknown;
}

}  // namespace volley
