// Sets size by size; each set is tried once, whoever asks.
#include "analysis/mask_search.hpp"

#include <algorithm>
#include <memory>
#include <set>

#include "analysis/pds_tree.hpp"
#include "analysis/subsets.hpp"
#include "sim/base/check.hpp"

namespace volley {

std::vector<char> MaskTrials::operator()(const std::vector<Nodes>& sets) {
  std::vector<Nodes> fresh;
  for (const Nodes& set : sets) {
    if (known_.emplace(set, 0).second) {
      fresh.push_back(set);
    }
  }
  if (!fresh.empty()) {
    const std::vector<char> changed = changes_(fresh);
    VOLLEY_ASSERT(changed.size() == fresh.size());
    for (std::size_t i = 0; i < fresh.size(); ++i) {
      known_[fresh[i]] = changed[i];
    }
  }
  std::vector<char> out;
  for (const Nodes& set : sets) {
    out.push_back(known_.at(set));
  }
  return out;
}

FirstFound first_found(const SetsOfSize& sets, Index largest, MaskTrials& trials) {
  FirstFound out;
  for (Index size = 1; size <= largest; ++size) {
    const std::vector<Nodes> tried = sets(size);
    const std::vector<char> changed = trials(tried);
    const auto first = std::ranges::find(changed, 1);
    if (first == changed.end()) {
      out.passes += static_cast<Index>(tried.size());
      continue;
    }
    out.is_found = true;
    out.set = tried[first - changed.begin()];
    out.valid = std::ranges::count(changed, 1);
    out.candidates = static_cast<Index>(tried.size());
    out.random_passes = static_cast<double>(out.passes) +
                        static_cast<double>(out.candidates + 1) / static_cast<double>(out.valid + 1);
    out.passes += first - changed.begin() + 1;
    return out;
  }
  return out;
}

SetsOfSize every_set(Nodes pool) {
  return [pool = std::move(pool)](Index size) {
    std::vector<Nodes> sets;
    any_subset(pool, size, [&](const Nodes& set) {
      sets.push_back(set);
      return false;
    });
    return sets;
  };
}

SetsOfSize heaviest_sets(Nodes pool, std::vector<double> weights) {
  return [all = every_set(std::move(pool)), weights = std::move(weights)](Index size) {
    std::vector<Nodes> sets = all(size);
    std::ranges::stable_sort(sets, std::ranges::greater(), [&](const Nodes& set) {
      double sum = 0;
      for (const Index token : set) {
        sum += weights[token];
      }
      return sum;
    });
    return sets;
  };
}

SetsOfSize growing_set(Nodes pool, std::vector<double> weights) {
  std::ranges::stable_sort(pool, std::ranges::greater(), [&](Index token) { return weights[token]; });
  return [pool = std::move(pool)](Index size) {
    std::vector<Nodes> sets;
    if (size <= static_cast<Index>(pool.size())) {
      sets.emplace_back(pool.begin(), pool.begin() + size);
      std::ranges::sort(sets.front());
    }
    return sets;
  };
}

SetsOfSize first_then(SetsOfSize first, SetsOfSize rest) {
  return [first = std::move(first), rest = std::move(rest)](Index size) {
    std::vector<Nodes> sets = first(size);
    const std::set<Nodes> known(sets.begin(), sets.end());
    for (Nodes& set : rest(size)) {
      if (!known.contains(set)) {
        sets.push_back(std::move(set));
      }
    }
    return sets;
  };
}

SetsOfSize near_sets(std::span<const TokenGraph> graphs, Index target) {
  struct Place {
    std::shared_ptr<const PdsTree> tree;
    Nodes tokens;
  };
  std::vector<Place> places;
  for (const TokenGraph& each : graphs) {
    const auto at = std::ranges::find(each.tokens, target);
    if (at != each.tokens.end() && each.graph.size() >= 2) {
      places.push_back(
          {std::make_shared<PdsTree>(each.graph, at - each.tokens.begin(), each.graph.size() - 1),
           each.tokens});
    }
  }
  return [places = std::move(places)](Index size) {
    std::map<Nodes, Index> least;
    for (const Place& place : places) {
      const std::vector<char> all(place.tokens.size(), 1);
      for (const Nodes& set : place.tree->legal_sets(size, all)) {
        Nodes tokens;
        for (const Index node : set) {
          tokens.push_back(place.tokens[node]);
        }
        const Index distance = place.tree->distance(set);
        const auto [known, is_new] = least.emplace(std::move(tokens), distance);
        known->second = is_new ? distance : std::min(known->second, distance);
      }
    }
    std::vector<std::pair<Index, Nodes>> sorted;
    for (const auto& [set, distance] : least) {
      sorted.emplace_back(distance, set);
    }
    std::ranges::stable_sort(sorted, {}, &std::pair<Index, Nodes>::first);
    std::vector<Nodes> sets;
    for (auto& [distance, set] : sorted) {
      sets.push_back(std::move(set));
    }
    return sets;
  };
}

}  // namespace volley
