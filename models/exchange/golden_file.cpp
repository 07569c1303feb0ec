// Recorded arrays, put into volley's order of axes.
#include "models/exchange/golden_file.hpp"

#include <algorithm>
#include <numeric>

#include "sim/base/check.hpp"
#include "sim/io/npz.hpp"

namespace volley {
namespace {

constexpr std::string_view node_prefix = "node/";
constexpr std::string_view output_prefix = "output/";

// Axes of the value, outermost first, in the order of the file. N stands for Y X, or Y X for N, where the
// value has the other.
using AxisOrder = std::vector<Extent>;

struct Named {
  std::string array, port, letters;
  bool is_output;
};

AxisOrder own_order(const Shape& shape) {
  return shape.extents;
}

// C in front of what follows T and B.
AxisOrder channels_first(const Shape& shape) {
  AxisOrder order = shape.extents;
  const auto at =
      std::find_if(order.begin(), order.end(), [](const Extent& one) { return one.axis == Axis::C; });
  const auto behind_batch =
      std::find_if(order.begin(), order.end(), [](const Extent& one) { return one.axis == Axis::B; });
  if (at != order.end() && behind_batch != order.end() && behind_batch < at) {
    std::rotate(behind_batch + 1, at, at + 1);
  }
  return order;
}

std::vector<Index> sizes_of(const AxisOrder& order) {
  std::vector<Index> sizes;
  for (const Extent& extent : order) {
    sizes.push_back(extent.size);
  }
  return sizes;
}

// Do these sizes of a file hold the order? Two neighbours of the file may be one axis N, one of the file Y X.
bool fits(const AxisOrder& order, std::span<const Index> sizes) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (at < sizes.size() && sizes[at] == order[i].size) {
      ++at;
    } else if (order[i].axis == Axis::N && at + 1 < sizes.size() &&
               sizes[at] * sizes[at + 1] == order[i].size) {
      at += 2;
    } else if (order[i].axis == Axis::Y && i + 1 < order.size() && order[i + 1].axis == Axis::X &&
               at < sizes.size() && sizes[at] == order[i].size * order[i + 1].size) {
      ++at;
      ++i;
    } else {
      return false;
    }
  }
  return at == sizes.size();
}

std::vector<Index> without_ones(std::span<const Index> sizes) {
  std::vector<Index> rest;
  std::copy_if(sizes.begin(), sizes.end(), std::back_inserter(rest), [](Index size) { return size != 1; });
  return rest;
}

bool same_order(const AxisOrder& a, const AxisOrder& b) {
  const auto matters = [](const AxisOrder& order) {
    AxisOrder rest;
    std::copy_if(order.begin(), order.end(), std::back_inserter(rest),
                 [](const Extent& one) { return one.size != 1; });
    return rest;
  };
  return matters(a) == matters(b);
}

// "TBDN" for this shape.
AxisOrder order_of_letters(const std::string& letters, const Shape& shape, const std::string& array) {
  AxisOrder order;
  const auto push = [&](Axis axis) { order.push_back({axis, shape[axis]}); };
  for (std::size_t i = 0; i < letters.size(); ++i) {
    const char c = letters[i];
    const bool is_row = c == 'Y' || (c == 'H' && (shape.has(Axis::Y) || !shape.has(Axis::H)));
    if (is_row && !shape.has(Axis::Y) && shape.has(Axis::N) && i + 1 < letters.size() &&
        (letters[i + 1] == 'X' || letters[i + 1] == 'W')) {
      push(Axis::N);
      ++i;
      continue;
    }
    if (c == 'N' && !shape.has(Axis::N) && shape.has(Axis::Y) && shape.has(Axis::X)) {
      push(Axis::Y);
      push(Axis::X);
      continue;
    }
    const std::optional<Axis> axis = is_row     ? Axis::Y
                                     : c == 'D' ? Axis::C
                                     : c == 'W' ? Axis::X
                                                : axis_of(std::string(1, c));
    VOLLEY_CHECK(axis && shape.has(*axis), Fault::model, "array '{}': axis {} is not in {}", array, c,
                 text(shape));
    push(*axis);
  }
  for (const Extent& extent : shape.extents) {
    const auto times =
        std::count_if(order.begin(), order.end(), [&](const Extent& one) { return one.axis == extent.axis; });
    VOLLEY_CHECK(times == 1 || (times == 0 && extent.size == 1), Fault::model,
                 "array '{}': its order names axis {} {} times, the value is {}", array, letter(extent.axis),
                 times, text(shape));
  }
  return order;
}

// Row-major numbers in `order`, put into the order of the shape.
Tensor reordered(const std::vector<float>& numbers, const AxisOrder& order, const Shape& shape) {
  Tensor value(Dtype::f32, shape);
  const auto out = value.as_mutable<float>();
  std::vector<Index> at(order.size(), 0);
  for (const float number : numbers) {
    Index place = 0;
    for (std::size_t i = 0; i < order.size(); ++i) {
      place += at[i] * shape.stride(order[i].axis);
    }
    out[static_cast<std::size_t>(place)] = number;
    for (std::size_t i = order.size(); i-- > 0;) {
      if (++at[i] < order[i].size) {
        break;
      }
      at[i] = 0;
    }
  }
  return value;
}

AxisOrder find_order(const Named& named, const Array& array, const Shape& shape, bool has_steps,
                     Layouts layouts) {
  if (!named.letters.empty()) {
    return order_of_letters(named.letters, shape, named.array);
  }
  const AxisOrder own = own_order(shape);
  const AxisOrder first = channels_first(shape);
  if (layouts != Layouts::automatic) {
    return layouts == Layouts::as_is ? own : first;
  }
  const auto leads = [&](const AxisOrder& order) {
    AxisOrder rest = order;
    if (!has_steps && array.sizes.size() < order.size()) {
      rest.erase(rest.begin());
    }
    return fits(rest, array.sizes) || without_ones(sizes_of(rest)) == without_ones(array.sizes);
  };
  const bool fits_first = leads(first);
  VOLLEY_CHECK(!(leads(own) && fits_first) || same_order(own, first), Fault::model,
               "array '{}' of {} fits {} and the order with channels in front: say it as '{}@TB...' or with "
               "--layouts",
               named.array, text(array.sizes), text(shape), named.array);
  return fits_first ? first : own;
}

Recording read_recording(const std::string& path, const Named& named, const Array& array, Port port,
                         const Shape& shape, bool has_steps, Layouts layouts) {
  const AxisOrder order = find_order(named, array, shape, has_steps, layouts);
  AxisOrder in_file = order;
  if (!has_steps) {
    std::erase_if(in_file, [](const Extent& one) { return one.axis == Axis::T; });
  }
  VOLLEY_CHECK(fits(in_file, array.sizes) || fits(order, array.sizes) ||
                   without_ones(sizes_of(in_file)) == without_ones(array.sizes),
               Fault::model, "{}: array '{}' is {}, wanted {}, as '{}' is {}", path, named.array,
               text(array.sizes), text(sizes_of(in_file)), named.port, text(shape));
  check_finite(array, named.array, path);
  return {named.array, port, reordered(as_floats(array), order, shape)};
}

std::vector<Named> find_names(const Graph& graph, const NpzFile& file, const std::string& path) {
  std::vector<Named> names;
  for (const std::string& array : file.names()) {
    const bool is_node = array.starts_with(node_prefix);
    if (is_node || array.starts_with(output_prefix)) {
      const std::string rest = array.substr(is_node ? node_prefix.size() : output_prefix.size());
      const std::size_t at = rest.rfind('@');
      names.push_back(
          {array, rest.substr(0, at), at == std::string::npos ? "" : rest.substr(at + 1), !is_node});
      continue;
    }
    const auto node = graph.find(array);
    const bool is_input = node && graph.op(*node).kind() == InputOp::op_kind;
    VOLLEY_CHECK(is_input || array == "labels", Fault::model,
                 "{}: array '{}' is none of: an input of '{}', labels, node/NAME, output/NAME", path, array,
                 graph.name);
  }
  VOLLEY_CHECK(!names.empty(), Fault::model,
               "{}: nothing to compare, no array is named node/NAME or output/NAME", path);
  return names;
}

Port port_of(const Graph& graph, const Named& named, const std::string& path) {
  if (!named.is_output) {
    const Port port = graph.port(named.port, fmt::format("{}: array '{}'", path, named.array));
    VOLLEY_CHECK(graph.op(port.node).kind() != InputOp::op_kind, Fault::model,
                 "{}: array '{}': '{}' is an input, wanted a node", path, named.array, named.port);
    return port;
  }
  std::string all;
  for (const GraphOutput& output : graph.outputs()) {
    if (output.name == named.port) {
      return output.from;
    }
    all += (all.empty() ? "" : ", ") + output.name;
  }
  fail(Fault::model, "{}: array '{}': '{}' has no output '{}', it has: {}", path, named.array, graph.name,
       named.port, all);
}

}  // namespace

Golden read_golden(const std::string& path, const Runtime& runtime, const Model& model, Layouts layouts,
                   std::optional<Index> steps) {
  const Graph& graph = model.graph;
  const NpzFile file(path);
  const std::vector<Named> names = find_names(graph, file, path);
  Arrays inputs;
  for (const NodeId node : graph.inputs()) {
    if (file.has(graph.node_name(node))) {
      inputs[graph.node_name(node)] = file.read(graph.node_name(node));
    }
  }
  Golden golden{InputData(graph, std::move(inputs), {}, path), 1, {}};
  const auto domains = infer_domains(graph);
  RunSettings settings;
  settings.steps = steps;
  for (const Named& named : names) {
    const Port port = port_of(graph, named, path);
    settings.recorded.insert(port);
    const bool t_leads = named.letters.empty() || named.letters.front() == 'T';
    if (!settings.steps && !golden.data.steps() && domains[port.node] == Domain::steps && t_leads) {
      const auto sizes = file.read(named.array).sizes;
      settings.steps = sizes.empty() ? 1 : std::max<Index>(sizes[0], 1);
    }
  }
  golden.steps = steps_of_run(model, golden.data, settings);
  settings.order = graph.loop().empty() ? Order::layered : Order::stepped;
  const Plan plan = make_plan(runtime, model, settings, golden.steps, golden.data.samples(), false);
  for (const Named& named : names) {
    const Port port = port_of(graph, named, path);
    const bool is_stepped = domains[port.node] == Domain::steps;
    const Shape shape =
        plan.node(port.node).out.at(port.output).spec.shape.with(Axis::T, is_stepped ? golden.steps : 1);
    golden.recordings.push_back(
        read_recording(path, named, file.read(named.array), port, shape, is_stepped, layouts));
  }
  std::map<NodeId, std::size_t> position;
  for (const PlannedNode& node : plan.nodes()) {
    position.emplace(node.id, position.size());
  }
  std::stable_sort(golden.recordings.begin(), golden.recordings.end(),
                   [&](const Recording& a, const Recording& b) {
                     const auto rank = [&](const Recording& one) {
                       return std::pair(one.name.starts_with(output_prefix), position.at(one.port.node));
                     };
                     return rank(a) < rank(b);
                   });
  return golden;
}

}  // namespace volley
