// Puts sub-graphs in place and orders the nodes.
#include "models/exchange/nir_network.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "sim/base/check.hpp"

namespace volley {
namespace {

// Nodes of all levels by full name. A sub-graph stands for its Input as a target, for its Output as a source.
struct Flat {
  std::map<std::string, const NirNode*> nodes;
  std::map<std::string, std::set<std::string>> sources, targets;
  std::set<std::string> inner_ports;
  std::vector<std::string> notes;
};

std::string ports(const NirGraph& graph, const std::string& prefix, std::string_view type) {
  std::string found;
  for (const auto& [name, node] : graph.nodes) {
    if (node.type == type) {
      VOLLEY_CHECK(found.empty(), Fault::model, "NIRGraph '{}' has two nodes {}, wanted one", prefix, type);
      found = prefix + "." + name;
    }
  }
  VOLLEY_CHECK(!found.empty(), Fault::model, "NIRGraph '{}' has no node {}", prefix, type);
  return found;
}

void put(const NirGraph& graph, const std::string& prefix, Flat& flat) {
  const auto full = [&](const std::string& name) { return prefix.empty() ? name : prefix + "." + name; };
  for (const auto& [name, node] : graph.nodes) {
    if (node.graph != nullptr) {
      put(*node.graph, full(name), flat);
      continue;
    }
    VOLLEY_CHECK(flat.nodes.emplace(full(name), &node).second, Fault::model,
                 "two nodes are named '{}' when sub-graphs are put in place", full(name));
    if (!prefix.empty() && (node.type == "Input" || node.type == "Output")) {
      flat.inner_ports.insert(full(name));
    }
  }
  for (const auto& [from, to] : graph.edges) {
    const NirNode &source = graph.nodes.at(from), &target = graph.nodes.at(to);
    const std::string begin = source.graph ? ports(*source.graph, full(from), "Output") : full(from);
    const std::string end = target.graph ? ports(*target.graph, full(to), "Input") : full(to);
    if (!flat.sources[end].insert(begin).second) {
      flat.notes.push_back(fmt::format("edge '{}' -> '{}' is there twice; once is taken", begin, end));
    }
    flat.targets[begin].insert(end);
  }
}

// Each edge leads through the inner ports.
void remove_inner_ports(Flat& flat) {
  for (const std::string& port : flat.inner_ports) {
    const auto sources = flat.sources[port];
    const auto targets = flat.targets[port];
    VOLLEY_CHECK(!sources.contains(port), Fault::model, "'{}' feeds itself", port);
    for (const std::string& source : sources) {
      flat.targets[source].erase(port);
      flat.targets[source].insert(targets.begin(), targets.end());
    }
    for (const std::string& target : targets) {
      flat.sources[target].erase(port);
      flat.sources[target].insert(sources.begin(), sources.end());
    }
    flat.sources.erase(port);
    flat.targets.erase(port);
    flat.nodes.erase(port);
  }
}

// Depth-first from the inputs without recursion; the finished nodes in reverse order are an order of work.
std::vector<std::string> order_of(const Flat& flat, std::set<std::pair<std::string, std::string>>& back) {
  enum class Mark { fresh, open, done };
  std::map<std::string, Mark> marks;
  std::vector<std::string> finished;
  struct Visit {
    std::string node;
    std::set<std::string>::const_iterator next, end;
  };
  static const std::set<std::string> none;
  const auto visit = [&](const std::string& name) {
    marks[name] = Mark::open;
    const auto at = flat.targets.find(name);
    const auto& targets = at == flat.targets.end() ? none : at->second;
    return Visit{name, targets.begin(), targets.end()};
  };
  for (const auto& [name, node] : flat.nodes) {
    if (node->type != "Input") {
      continue;
    }
    std::vector<Visit> stack{visit(name)};
    while (!stack.empty()) {
      Visit& top = stack.back();
      if (top.next == top.end) {
        marks[top.node] = Mark::done;
        finished.push_back(top.node);
        stack.pop_back();
        continue;
      }
      const std::string target = *top.next++;
      if (marks[target] == Mark::open) {
        back.emplace(top.node, target);
      } else if (marks[target] == Mark::fresh) {
        stack.push_back(visit(target));
      }
    }
  }
  std::reverse(finished.begin(), finished.end());
  return finished;
}

}  // namespace

NirNetwork flatten_nir(const NirGraph& graph) {
  Flat flat;
  put(graph, "", flat);
  remove_inner_ports(flat);
  std::set<std::pair<std::string, std::string>> back;
  const auto order = order_of(flat, back);
  std::map<std::string, std::size_t> places;
  NirNetwork network;
  network.notes = std::move(flat.notes);
  for (const std::string& name : order) {
    places.emplace(name, network.nodes.size());
    network.nodes.push_back({name, flat.nodes.at(name), {}});
  }
  bool has_output = false;
  for (NirUnit& unit : network.nodes) {
    has_output |= unit.node->type == "Output";
    for (const std::string& source : flat.sources[unit.name]) {
      if (places.contains(source)) {
        unit.in.push_back({places.at(source), back.contains({source, unit.name})});
      }
    }
  }
  for (const auto& [name, node] : flat.nodes) {
    if (!places.contains(name)) {
      network.notes.push_back(
          fmt::format("{} '{}' is reached from no Input; it is dropped", node->type, name));
    }
  }
  VOLLEY_CHECK(!network.nodes.empty(), Fault::model, "the NIR graph has no Input");
  VOLLEY_CHECK(has_output, Fault::model, "no Output of the NIR graph is reached from an Input");
  return network;
}

}  // namespace volley
