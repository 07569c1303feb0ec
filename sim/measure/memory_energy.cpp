// Energy with memory: weights, membranes and spikes through SRAM and DRAM; chips with a network.
#include "sim/measure/memory_energy.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace volley {
namespace {

void add_names(const std::vector<std::string>& from, std::vector<std::string>& to) {
  for (const std::string& name : from) {
    if (std::find(to.begin(), to.end(), name) == to.end()) {
      to.push_back(name);
    }
  }
}

// One kind of bytes: what of it is held, and the buffer it is meant for.
class Shelf {
 public:
  Shelf(const Profile& profile, Bytes held, Bytes size, Bytes& from_dram)
      : profile_(profile), fits_(held <= size), size_(size), from_dram_(from_dram) {}

  Picojoules read(Bytes bytes) const { return bytes * (fits_ ? profile_.sram->read(size_) : dram(bytes)); }
  Picojoules write(Bytes bytes) const { return bytes * (fits_ ? profile_.sram->write(size_) : dram(bytes)); }

 private:
  PicojoulesPerByte dram(Bytes bytes) const {
    if (bytes == Bytes(0)) {
      return PicojoulesPerByte(0);  // a price is wanted only where something moves
    }
    VOLLEY_CHECK(profile_.dram.has_value(), Fault::model,
                 "profile '{}' has no price of DRAM, and {} bytes do not fit into a buffer of {} bytes",
                 profile_.id, bytes.count(), size_.count());
    from_dram_ += bytes;
    return profile_.dram->each;
  }

  const Profile& profile_;
  bool fits_;
  Bytes size_;
  Bytes& from_dram_;
};

}  // namespace

MemoryEnergy& MemoryEnergy::operator+=(const MemoryEnergy& other) {
  compute += other.compute;
  weights += other.weights;
  state += other.state;
  spikes += other.spikes;
  numbers += other.numbers;
  from_dram += other.from_dram;
  add_names(other.unpriced, unpriced);
  return *this;
}

MemoryEnergy memory_inclusive_energy(const Cost& cost, const Traffic& traffic, const Profile& profile,
                                     const Hierarchy& hierarchy) {
  VOLLEY_CHECK(profile.sram.has_value(), Fault::model,
               "profile '{}' has no price of SRAM, which the memory-inclusive energy needs", profile.id);
  const Energy compute = energy_of(cost, profile);
  MemoryEnergy energy;
  energy.compute = compute.total();
  energy.unpriced = compute.unpriced;
  const Shelf weights(profile, traffic.weights_held, hierarchy.weights, energy.from_dram);
  const Shelf state(profile, traffic.state_held, hierarchy.state, energy.from_dram);
  const Shelf values(profile, traffic.values_held, hierarchy.values, energy.from_dram);
  energy.weights = weights.read(traffic.weights_fetched);
  energy.state = state.read(traffic.state_read) + state.write(traffic.state_written);
  energy.spikes = values.read(traffic.spikes_read) + values.write(traffic.spikes_written);
  energy.numbers = values.read(traffic.numbers_read) + values.write(traffic.numbers_written);
  return energy;
}

ChipEnergy chip_energy(const Cost& cost, const Traffic& traffic, const Profile& profile, double hops) {
  VOLLEY_CHECK(hops >= 0, Fault::usage, "hops is {}, wanted 0 or more", hops);
  const Energy compute = energy_of(cost, profile);
  ChipEnergy energy{compute.total(), {}, compute.unpriced};
  const double sent = static_cast<double>(traffic.spikes_sent);
  const auto send = [&](const std::string& op, double count) {
    if (const auto price = profile.network.find(op); price != profile.network.end()) {
      energy.network += Operations(count) * price->second.each();
    } else if (count > 0 && !profile.included.contains(op)) {
      energy.unpriced.push_back(op);
    }
  };
  send("spike_out", sent);
  send("hop", sent * hops);
  return energy;
}

}  // namespace volley
