// One run under every energy model.
#include "cli/energy_models.hpp"

#include "models/lemaire_layers.hpp"
#include "sim/base/check.hpp"
#include "sim/measure/memory_energy.hpp"

namespace volley::cli {
namespace {

constexpr double pj_per_uj = 1e6;
constexpr double chip_hops = 1;         // where the neurons lie is not modelled
constexpr double bytes_per_number = 4;  // int32, as Lemaire takes it

struct Parts {
  Picojoules compute, memory, network;
  std::set<std::string> unpriced;
};

template <class F>
void for_each_node(const Plan& plan, const Ledger& ledger, F&& f) {
  for (const PlannedNode& node : plan.nodes()) {
    const auto entry = ledger.nodes().find(node.id);
    if (entry != ledger.nodes().end()) {
      f(entry->second, traffic_of(entry->second, *node.op, node.in_specs));
    }
  }
}

Parts compute_only(const Ledger& ledger, const Profile& profile) {
  const Energy energy = energy_of(ledger.total(), profile);
  return {energy.total(), {}, {}, {energy.unpriced.begin(), energy.unpriced.end()}};
}

Parts with_memory(const Plan& plan, const Ledger& ledger, const Profile& profile) {
  Parts parts;
  for_each_node(plan, ledger, [&](const NodeEntry& entry, const Traffic& traffic) {
    const MemoryEnergy energy = memory_inclusive_energy(entry.cost(), traffic, profile);
    parts.compute += energy.compute;
    parts.memory += energy.total() - energy.compute;
    parts.unpriced.insert(energy.unpriced.begin(), energy.unpriced.end());
  });
  return parts;
}

Parts on_chip(const Plan& plan, const Ledger& ledger, const Profile& profile) {
  Parts parts;
  for_each_node(plan, ledger, [&](const NodeEntry& entry, const Traffic& traffic) {
    const ChipEnergy energy = chip_energy(entry.cost(), traffic, profile, chip_hops);
    parts.compute += energy.compute;
    parts.network += energy.network;
    parts.unpriced.insert(energy.unpriced.begin(), energy.unpriced.end());
  });
  return parts;
}

// Per sample already. Each memory is as large as what it holds.
Parts by_lemaire(const Plan& plan, const Ledger& ledger, Index samples, const Profile& profile) {
  Parts parts;
  for (const LemaireNode& node : lemaire_layers(plan, ledger, samples)) {
    const PlannedNode& planned = plan.node(node.node);
    const Traffic traffic = traffic_of(ledger.nodes().at(node.node), *planned.op, planned.in_specs);
    const auto outputs = static_cast<double>(planned.out[0].spec.shape.with(Axis::T, 1).count());
    const Bytes numbers(outputs * bytes_per_number);
    const LemaireMemory memory{traffic.values_held, traffic.weights_held, numbers, numbers};
    const LemaireEnergy energy = lemaire_energy(node.layer, memory, profile);
    parts.compute += energy.operations + energy.addressing;
    parts.memory += energy.memory;
  }
  return parts;
}

std::string joined(const std::set<std::string>& words) {
  std::string all;
  for (const std::string& word : words) {
    all += (all.empty() ? "" : ", ") + word;
  }
  return all;
}

}  // namespace

Table energy_models_table(const Plan& plan, const Ledger& ledger, Index samples) {
  Table table{"energy_models",
              {{"model", "energy model"},
               {"profile", "profile"},
               {"energy_uj_per_sample", "uJ", 4},
               {"compute_uj_per_sample", "compute uJ", 4},
               {"memory_uj_per_sample", "memory uJ", 4},
               {"network_uj_per_sample", "network uJ", 4},
               {"not_priced", "not in it"}},
              {}};
  const auto add = [&](const char* model, const char* id, double divisor, const auto& parts_of) {
    try {
      const Parts parts = parts_of(find_profile(id));
      const auto uj = [&](Picojoules energy) { return energy.count() / divisor / pj_per_uj; };
      table.rows.push_back({std::string(model), std::string(id),
                            uj(parts.compute + parts.memory + parts.network), uj(parts.compute),
                            uj(parts.memory), uj(parts.network), joined(parts.unpriced)});
    } catch (const Error& error) {
      table.rows.push_back(
          {std::string(model), std::string(id), Cell(), Cell(), Cell(), Cell(), std::string(error.what())});
    }
  };
  const auto all = static_cast<double>(samples);
  for (const char* id : {"horowitz45-fp32", "horowitz45-int8", "jouppi7"}) {
    add("compute only", id, all, [&](const Profile& profile) { return compute_only(ledger, profile); });
  }
  for (const char* id : {"horowitz45-memory", "jouppi7"}) {
    add("with memory", id, all, [&](const Profile& profile) { return with_memory(plan, ledger, profile); });
  }
  for (const char* id : {"loihi-2018", "truenorth-2014", "spinnaker2"}) {
    add("chip, 1 hop", id, all, [&](const Profile& profile) { return on_chip(plan, ledger, profile); });
  }
  add("Lemaire, spiking layers", "lemaire45-int32", 1,
      [&](const Profile& profile) { return by_lemaire(plan, ledger, samples, profile); });
  return table;
}

}  // namespace volley::cli
