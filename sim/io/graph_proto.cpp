// Between graph.proto and Description, both ways without loss.
#include "sim/io/graph_proto.hpp"

#include <cmath>
#include <filesystem>
#include <system_error>

#include "graph.pb.h"
#include "sim/base/check.hpp"
#include "sim/io/file.hpp"
#include "sim/io/message_proto.hpp"
#include "sim/io/safetensors.hpp"

namespace volley {
namespace {

namespace fs = std::filesystem;

constexpr unsigned graph_version = 1;
constexpr Index most_size = Index{1} << 31;  // of one axis
constexpr Index most_sample = Index{1}
                              << 40;  // numbers in one sample of one step: T and B still fit beside it

// Fields that Input and Edge share.
template <class M>
TypeDescription type_from(const M& message, const std::string& who) {
  TypeDescription type;
  Index product = 1;
  for (const proto::Extent& extent : message.shape()) {
    const auto axis = axis_of(extent.axis());
    VOLLEY_CHECK(axis && *axis != Axis::T && *axis != Axis::B, Fault::model,
                 "{}: axis '{}', wanted one of H N M C Y X (T and B are put in front)", who, extent.axis());
    VOLLEY_CHECK(!type.shape.has(*axis), Fault::model, "{}: axis '{}' is there twice", who, extent.axis());
    VOLLEY_CHECK(extent.size() >= 1 && extent.size() <= most_size, Fault::model,
                 "{}: size of axis '{}' is {}, wanted 1 .. {}", who, extent.axis(), extent.size(), most_size);
    const bool overflows = __builtin_mul_overflow(product, static_cast<Index>(extent.size()), &product);
    VOLLEY_CHECK(!overflows && product <= most_sample, Fault::model, "{}: has more than {} numbers a sample",
                 who, most_sample);
    type.shape.extents.push_back({*axis, extent.size()});
  }
  VOLLEY_CHECK(message.form() == proto::GRADED || message.levels() == 0, Fault::model,
               "{}: levels is {}, but only GRADED has levels", who, message.levels());
  type.form = message.form() == proto::DENSE ? Form::dense : Form::spikes;
  switch (message.form()) {
    case proto::DENSE:
    case proto::BINARY:
      break;
    case proto::BIPOLAR:
      type.code = bipolar_code();
      break;
    case proto::GRADED:
      VOLLEY_CHECK(message.levels() >= 1 && message.levels() <= max_planes, Fault::model,
                   "{}: levels is {}, wanted 1 .. {}", who, message.levels(), max_planes);
      type.code = graded_code(message.levels());
      break;
    default:
      fail(Fault::model, "{}: form is {}, wanted DENSE, BINARY, BIPOLAR or GRADED", who,
           static_cast<int>(message.form()));
  }
  return type;
}

template <class M>
void type_to(const TypeDescription& type, M& message) {
  for (const Extent& extent : type.shape.extents) {
    proto::Extent& out = *message.add_shape();
    out.set_axis(std::string(1, letter(extent.axis)));
    out.set_size(extent.size);
  }
  if (type.form == Form::dense) {
    return;
  }
  switch (type.code.coding) {
    case Coding::binary:
      message.set_form(proto::BINARY);
      break;
    case Coding::bipolar:
      message.set_form(proto::BIPOLAR);
      break;
    case Coding::graded:
      message.set_form(proto::GRADED);
      message.set_levels(type.code.planes);
      break;
  }
}

EdgeDescription edge_from(const proto::Edge& message, const std::string& who) {
  EdgeDescription edge;
  edge.from = message.from();
  edge.delay = message.delay();
  VOLLEY_CHECK(edge.delay >= 0 && edge.delay <= most_size, Fault::model, "{}: delay is {}, wanted 0 .. {}",
               who, edge.delay, most_size);
  if (message.shape_size() > 0) {
    edge.loop_type.push_back(type_from(message, who));
  } else {
    VOLLEY_CHECK(message.form() == proto::DENSE && message.levels() == 0, Fault::model,
                 "{}: has a form but no shape", who);
  }
  return edge;
}

Attribute attribute_from(const proto::Attribute& message, const std::string& who) {
  VOLLEY_CHECK(message.list_size() == 0 || message.value_case() == proto::Attribute::VALUE_NOT_SET,
               Fault::model, "{}: has a list and another value, wanted one of them", who);
  switch (message.value_case()) {
    case proto::Attribute::kNumber:
      VOLLEY_CHECK(std::isfinite(message.number()), Fault::model, "{}: is {}, wanted a finite number", who,
                   message.number());
      return message.number();
    case proto::Attribute::kFlag:
      return message.flag();
    case proto::Attribute::kText:
      return message.text();
    case proto::Attribute::VALUE_NOT_SET:
      break;
  }
  for (const double number : message.list()) {
    VOLLEY_CHECK(std::isfinite(number), Fault::model, "{}: holds {}, wanted finite numbers", who, number);
  }
  return std::vector<double>(message.list().begin(), message.list().end());
}

void attribute_to(const Attribute& attribute, proto::Attribute& message) {
  if (const auto* number = std::get_if<double>(&attribute)) {
    message.set_number(*number);
  } else if (const auto* flag = std::get_if<bool>(&attribute)) {
    message.set_flag(*flag);
  } else if (const auto* text = std::get_if<std::string>(&attribute)) {
    message.set_text(*text);
  } else {
    const auto& list = std::get<std::vector<double>>(attribute);
    message.mutable_list()->Add(list.begin(), list.end());
  }
}

NodeDescription node_from(const proto::Node& message, const std::string& what) {
  const std::string who = fmt::format("{}: node '{}'", what, message.name());
  NodeDescription node;
  node.name = message.name();
  node.op = message.op();
  for (const proto::Edge& edge : message.in()) {
    node.in.push_back(edge_from(edge, fmt::format("{}: input '{}'", who, edge.from())));
  }
  for (const proto::Attribute& attribute : message.attr()) {
    const std::string at = fmt::format("{}: attribute '{}'", who, attribute.name());
    VOLLEY_CHECK(node.attributes.emplace(attribute.name(), attribute_from(attribute, at)).second,
                 Fault::model, "{} is there twice", at);
  }
  for (const proto::Weight& weight : message.weight()) {
    VOLLEY_CHECK(node.weights.emplace(weight.slot(), weight.tensor()).second, Fault::model,
                 "{}: weight '{}' is there twice", who, weight.slot());
  }
  return node;
}

void node_to(const NodeDescription& node, proto::Node& message) {
  message.set_name(node.name);
  message.set_op(node.op);
  for (const EdgeDescription& edge : node.in) {
    proto::Edge& out = *message.add_in();
    out.set_from(edge.from);
    out.set_delay(edge.delay);
    if (!edge.loop_type.empty()) {
      type_to(edge.loop_type.front(), out);
    }
  }
  for (const auto& [name, attribute] : node.attributes) {
    proto::Attribute& out = *message.add_attr();
    out.set_name(name);
    attribute_to(attribute, out);
  }
  for (const auto& [slot, tensor] : node.weights) {
    proto::Weight& out = *message.add_weight();
    out.set_slot(slot);
    out.set_tensor(tensor);
  }
}

Description description_from(const proto::Graph& graph, const std::string& what) {
  check_format_version(what, graph.format_version(), graph_version);
  Description description;
  description.name = graph.name();
  description.weights_file = graph.weights();
  for (const proto::Input& input : graph.input()) {
    const std::string who = fmt::format("{}: input '{}'", what, input.name());
    description.inputs.push_back({input.name(), type_from(input, who), input.per_step()});
  }
  for (const proto::Node& node : graph.node()) {
    description.nodes.push_back(node_from(node, what));
  }
  for (const proto::Output& output : graph.output()) {
    description.outputs.push_back({output.name(), output.from()});
  }
  return description;
}

proto::Graph graph_from(const Description& description, const std::string& what) {
  proto::Graph graph;
  graph.set_format_version(graph_version);
  graph.set_name(description.name);
  graph.set_weights(description.weights_file);
  for (const InputDescription& input : description.inputs) {
    proto::Input& out = *graph.add_input();
    out.set_name(input.name);
    type_to(input.type, out);
    out.set_per_step(input.per_step);
  }
  for (const NodeDescription& node : description.nodes) {
    node_to(node, *graph.add_node());
  }
  for (const OutputDescription& output : description.outputs) {
    proto::Output& out = *graph.add_output();
    out.set_name(output.name);
    out.set_from(output.from);
  }
  VOLLEY_CHECK(description_from(graph, what) == description, Fault::run,
               "{}: can't write: the graph holds an edge or a form that the file format lacks", what);
  return graph;
}

}  // namespace

Description parse_graph_text(std::string_view text, const std::string& what) {
  proto::Graph graph;
  parse_message_text(text, what, graph);
  return description_from(graph, what);
}

Description parse_graph_binary(std::string_view bytes, const std::string& what) {
  proto::Graph graph;
  parse_message_binary(bytes, what, graph);
  return description_from(graph, what);
}

std::string graph_file(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    return path;
  }
  const fs::path model = fs::path(path) / "model.txtpb";
  if (fs::exists(model, error)) {
    return model.string();
  }
  std::vector<std::string> found;
  for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
    if (at->path().extension() == ".txtpb") {
      found.push_back(at->path().string());
    }
  }
  VOLLEY_CHECK(!error, Fault::model, "{}: can't open: {}", path, error.message());
  VOLLEY_CHECK(found.size() == 1, Fault::model,
               "{}: the folder holds {} .txtpb files, wanted model.txtpb or one", path, found.size());
  return found.front();
}

Description read_graph(const std::string& path) {
  const std::string file = graph_file(path);
  proto::Graph graph;
  read_message(file, graph);
  return description_from(graph, file);
}

void write_graph(const std::string& path, const Description& description) {
  write_message(path, graph_from(description, path));
}

std::string graph_text(const Description& description) {
  return message_text(graph_from(description, description.name));
}

std::string graph_json(const Description& description) {
  return message_json(graph_from(description, description.name));
}

namespace {

std::string weights_path(const std::string& graph_path, const Description& description) {
  const std::string file = graph_file(graph_path);
  const fs::path weights(description.weights_file);
  bool inside = weights.is_relative();
  for (const fs::path& part : weights) {
    inside = inside && part != "..";
  }
  VOLLEY_CHECK(inside, Fault::model, "{}: weights is '{}', wanted a file beside the graph", file,
               description.weights_file);
  return (fs::path(file).parent_path() / weights).string();
}

}  // namespace

Weights read_weights_of(const std::string& graph_path, const Description& description) {
  return description.weights_file.empty() ? Weights()
                                          : read_safetensors(weights_path(graph_path, description));
}

std::map<std::string, std::string> read_metadata_of(const std::string& graph_path,
                                                    const Description& description) {
  return description.weights_file.empty() ? std::map<std::string, std::string>()
                                          : read_safetensors_metadata(weights_path(graph_path, description));
}

}  // namespace volley
