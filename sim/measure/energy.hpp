// Hardware profiles, and the energy of a cost under one.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/op/cost.hpp"

namespace volley {

// Where a number comes from.
struct Provenance {
  std::string source;
  std::string kind;  // "published", "derived", "unverified"
};

// Energy of one operation and where the number comes from.
struct Price {
  double picojoules = 0;  // [pJ], for reports; each() for sums
  std::string source;
  std::string kind;  // as in Provenance

  PicojoulesPerOperation each() const { return PicojoulesPerOperation(picojoules); }
};

struct LatencyEntry {
  NanosecondsPerOperation each;
  Provenance from;
};

struct SramPoint {
  Bytes size;
  PicojoulesPerAccess read, write;
};

// Energy of an access by the size of the SRAM: a line between points. A size below the first point or above
// the last is refused: nobody has said what it costs.
struct SramLine {
  BytesPerAccess width;
  std::vector<SramPoint> points;  // sizes ascend
  Provenance from;

  PicojoulesPerAccess read_access(Bytes size) const;
  PicojoulesPerAccess write_access(Bytes size) const;
  // Neighbours share an access: price of an access over its width.
  PicojoulesPerByte read(Bytes size) const { return read_access(size) / width; }
  PicojoulesPerByte write(Bytes size) const { return write_access(size) / width; }
};

struct DramPrice {
  PicojoulesPerByte each;
  std::string stated;  // "1300 pJ per access of 64 bits"
  Provenance from;
};

struct StaticPower {
  Milliwatts power;
  Provenance from;
};

// A number that the profile holds and no model reads by itself; the name ends with the unit.
struct QuotedValue {
  std::string name;
  double value = 0;
  Provenance from;
};

// Energies of the network on a chip: a spike that leaves a neuron, a spike that moves on by one hop.
inline constexpr std::array<std::string_view, 2> network_ops{"spike_out", "hop"};

// A hardware profile: a price for some kinds of operation; what has no entry is unknown, which is not zero.
struct Profile {
  std::string id;
  std::string description;
  double process_nm = 0;                          // [nm], 0: not stated
  double voltage = 0;                             // [V], 0: not stated
  std::vector<std::string> scope;                 // "compute", "memory", "network", "static"
  std::map<std::string, Price> prices;            // by the name of a CostKind
  std::map<std::string, Price> network;           // by network_ops
  std::map<std::string, LatencyEntry> latencies;  // by the name of a CostKind or network_ops
  std::optional<SramLine> sram;
  std::optional<DramPrice> dram;
  std::optional<StaticPower> static_power;
  std::map<std::string, std::string> included;  // op -> the op whose price holds its energy
  std::vector<QuotedValue> quoted;
};

struct Energy {
  double picojoules = 0;              // [pJ], of the priced kinds
  std::vector<std::string> unpriced;  // kinds that occurred and have no price

  Picojoules total() const { return Picojoules(picojoules); }
};

// Compute only: the sum over kinds of count x price. Source: the convention of papers on spiking networks,
// with the prices of M. Horowitz, ISSCC 2014. Throws Error when the profile prices a kind that does not
// exist.
Energy energy_of(const Cost& cost, const Profile& profile);

// Time if one unit did all operations one after the other: the sum of count x latency.
struct SerialTime {
  Nanoseconds time;
  std::vector<std::string> unknown;  // kinds that occurred and have no latency
};
SerialTime serial_time(const Cost& cost, const Profile& profile);

// Energy of the static power over a time; nothing when the profile does not know the power.
std::optional<Picojoules> static_energy(Nanoseconds time, const Profile& profile);

// Names of all that the profile does not know: "ac", "sram", "hop", "latency of ac", "static power", ...
std::vector<std::string> unknown_of(const Profile& profile);

}  // namespace volley
