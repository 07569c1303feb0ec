// Walks the groups of a NIR file.
#include "sim/io/nir_file.hpp"

#include <algorithm>
#include <cstring>
#include <set>

#include "sim/base/check.hpp"
#include "sim/io/file.hpp"
#include "sim/io/hdf5_file.hpp"

namespace volley {
namespace {

constexpr int most_levels = 16;

class Walk {
 public:
  Walk(const Hdf5File& file, std::vector<std::string>& notes) : file_(file), notes_(notes) {}

  NirGraph graph(const std::string& group, int level) const {
    VOLLEY_CHECK(level < most_levels, Fault::model, "{}: '{}': more than {} graphs within each other",
                 file_.path(), group, most_levels);
    NirGraph graph;
    const std::string nodes = group + "/nodes";
    VOLLEY_CHECK(file_.is_group(nodes) && file_.has(group + "/edges"), Fault::model,
                 "{}: '{}' is a NIRGraph without nodes and edges", file_.path(), group);
    for (const std::string& name : file_.children(nodes)) {
      graph.nodes.emplace(name, node(nodes + "/" + name, level));
    }
    read_edges(group + "/edges", graph);
    return graph;
  }

  NirNode node(const std::string& group, int level) const {
    NirNode node;
    VOLLEY_CHECK(file_.is_group(group) && file_.has(group + "/type"), Fault::model,
                 "{}: '{}' is no node: it has no type", file_.path(), group);
    node.type = file_.text(group + "/type");
    if (node.type == "NIRGraph") {
      node.graph = std::make_shared<const NirGraph>(graph(group, level + 1));
      return node;
    }
    for (const std::string& name : file_.children(group)) {
      const std::string path = group + "/" + name;
      if (name == "type" || !file_.has(path) || file_.is_group(path)) {
        continue;  // groups are metadata
      }
      if (file_.is_text(path)) {
        node.texts.emplace(name, file_.text(path));
      } else {
        Array numbers = file_.numbers(path);
        check_finite(numbers, name, file_.path() + ": '" + group + "'");
        node.numbers.emplace(name, std::move(numbers));
      }
    }
    return node;
  }

 private:
  void read_edges(const std::string& path, NirGraph& graph) const {
    std::vector<Index> sizes;
    const auto names = file_.texts(path, sizes);
    const bool pairs = names.empty() || (sizes.size() == 2 && sizes[1] == 2);
    VOLLEY_CHECK(pairs, Fault::model, "{}: '{}' is {}, wanted [edges, 2]", file_.path(), path,
                 volley::text(sizes));
    std::set<std::string> unknown, lonely;
    for (const auto& [name, node] : graph.nodes) {
      if (std::find(names.begin(), names.end(), name) == names.end()) {
        lonely.insert(name);
      }
    }
    for (const std::string& name : names) {
      if (!graph.nodes.contains(name)) {
        unknown.insert(name);
      }
    }
    const bool mends = unknown.size() == 1 && lonely.size() == 1;
    VOLLEY_CHECK(unknown.empty() || mends, Fault::model, "{}: '{}' names node '{}', which isn't there",
                 file_.path(), path, *unknown.begin());
    if (mends) {
      notes_.push_back(fmt::format("'{}' calls node '{}' by the name '{}'; taken for the same", path,
                                   *lonely.begin(), *unknown.begin()));
    }
    const auto known = [&](const std::string& name) {
      return unknown.contains(name) ? *lonely.begin() : name;
    };
    for (std::size_t i = 0; i + 1 < names.size(); i += 2) {
      graph.edges.emplace_back(known(names[i]), known(names[i + 1]));
    }
  }

  const Hdf5File& file_;
  std::vector<std::string>& notes_;
};

// One number; a double is not rounded to float32, which a time step would feel.
double as_double(const Array& array) {
  double number = 0;
  if (array.type == NumberType::f64) {
    std::memcpy(&number, array.bytes.data(), sizeof number);
    return number;
  }
  return as_floats(array).front();
}

}  // namespace

NirFile read_nir(const std::string& path) {
  const Hdf5File file(path);
  VOLLEY_CHECK(file.is_group("/node") && file.has("/version"), Fault::model,
               "{}: an HDF5 file without /node and /version, so no NIR file", path);
  NirFile nir;
  nir.version = file.text("/version");
  VOLLEY_CHECK(nir.version.starts_with("0.") || nir.version.starts_with("1."), Fault::model,
               "{}: NIR version is '{}', wanted 0.x or 1.x", path, nir.version);
  const Walk walk(file, nir.notes);
  NirNode root = walk.node("/node", 0);
  VOLLEY_CHECK(root.graph != nullptr, Fault::model, "{}: root is a '{}', wanted a NIRGraph", path, root.type);
  nir.graph = *root.graph;
  if (file.is_group("/node/metadata")) {
    for (const std::string& name : file.children("/node/metadata")) {
      const std::string entry = "/node/metadata/" + name;
      if (file.has(entry) && !file.is_group(entry) && !file.is_text(entry)) {
        const Array numbers = file.numbers(entry);
        if (numbers.count() == 1) {
          nir.metadata.emplace(name, as_double(numbers));
        }
      }
    }
  }
  return nir;
}

namespace {

void write_graph_group(Hdf5Writer& writer, const std::string& group, const NirGraph& graph) {
  writer.text(group + "/type", "NIRGraph");
  std::vector<std::string> edges;
  for (const auto& [from, to] : graph.edges) {
    edges.push_back(from);
    edges.push_back(to);
  }
  writer.texts(group + "/edges", edges, {static_cast<Index>(graph.edges.size()), 2});
  for (const auto& [name, node] : graph.nodes) {
    const std::string path = group + "/nodes/" + name;
    if (node.graph != nullptr) {
      write_graph_group(writer, path, *node.graph);
      continue;
    }
    writer.text(path + "/type", node.type);
    for (const auto& [key, text] : node.texts) {
      writer.text(path + "/" + key, text);
    }
    for (const auto& [key, array] : node.numbers) {
      writer.numbers(path + "/" + key, array);
    }
  }
}

}  // namespace

void write_nir(const std::string& path, const NirFile& file) {
  write_whole(path, [&](const std::string& part) {
    Hdf5Writer writer(part);
    writer.text("/version", file.version);
    write_graph_group(writer, "/node", file.graph);
    for (const auto& [name, number] : file.metadata) {
      Array scalar{{}, NumberType::f64, std::vector<std::byte>(sizeof number)};
      std::memcpy(scalar.bytes.data(), &number, sizeof number);
      writer.numbers("/node/metadata/" + name, scalar);
    }
  });
}

}  // namespace volley
