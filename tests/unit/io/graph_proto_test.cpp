// Graphs survive both file forms; mistakes are named with their place.
#include "sim/io/graph_proto.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "sim/io/safetensors.hpp"
#include "tests/unit/io/scratch.hpp"

namespace volley {
namespace {

using test::bytes_of;
using test::Scratch;

// Holds everything that a file can say.
Description full() {
  Description graph;
  graph.name = "all ä";
  graph.weights_file = "w.safetensors";
  graph.inputs = {
      {"dense", {{{Axis::C, 1}, {Axis::Y, 8}, {Axis::X, Index{1} << 31}}, Form::dense, {}}, false},
      {"binary", {{{Axis::N, 2}}, Form::spikes, binary_code()}, true},
      {"bipolar", {{{Axis::H, 2}, {Axis::M, 3}}, Form::spikes, bipolar_code()}, true},
      {"graded", {{{Axis::C, 3}}, Form::spikes, graded_code(4)}, true},
      {"scalar", {}, false}};
  NodeDescription node;
  node.name = "fc";
  node.op = "linear";
  node.in = {{"dense", 0, {}},
             {"fc:1", 3, {{{{Axis::C, 5}}, Form::spikes, graded_code(64)}}},
             {"fc", 1, {{{{Axis::N, 1}}, Form::dense, {}}}}};
  node.attributes = {{"number", 0.1},
                     {"tiny", 5e-324},
                     {"zero", 0.0},
                     {"large", std::numeric_limits<double>::max()},
                     {"yes", true},
                     {"no", false},
                     {"text", std::string("line\n\"quote\" ä\t\\")},
                     {"empty text", std::string()},
                     {"list", std::vector<double>{1, -2.5, 1e-300}},
                     {"empty list", std::vector<double>{}}};
  node.weights = {{"weight", "fc.weight"}, {"bias", "fc.bias"}};
  graph.nodes = {node, {"other", "op", {}, {}, {}}};
  graph.outputs = {{"logits", "fc:0"}, {"spikes", "other"}};
  return graph;
}

TEST(Graph, SurvivesTextAndBinary) {
  const Scratch scratch;
  for (const char* name : {"a.txtpb", "a.pb"}) {
    write_graph(scratch.path(name), full());
    EXPECT_TRUE(read_graph(scratch.path(name)) == full()) << name;
    write_graph(scratch.path(std::string("again_") + name), read_graph(scratch.path(name)));
    EXPECT_EQ(bytes_of(scratch.path(name)), bytes_of(scratch.path(std::string("again_") + name)));
  }
  EXPECT_EQ(graph_text(full()), bytes_of(scratch.path("a.txtpb")));
  EXPECT_TRUE(parse_graph_text(graph_text(full()), "x") == full());
  EXPECT_TRUE(parse_graph_binary(bytes_of(scratch.path("a.pb")), "x") == full());
  EXPECT_EQ(scratch.files(), 4u);
}

TEST(Graph, NamesLineAndColumnOfATextThatDoesNotParse) {
  const Scratch scratch;
  const std::string path = scratch.write("a.txtpb", "format_version: 1\nnode {\n  nam: \"x\"\n}\n");
  testing::internal::CaptureStderr();
  EXPECT_REFUSED(read_graph(path), path + ":3:6: ");
  EXPECT_REFUSED(parse_graph_text("format_version: 1\nname: 3", "m"), "m:2:7: ");
  EXPECT_REFUSED(parse_graph_text("format_version: -1", "m"), "m:1:17: ");
  EXPECT_REFUSED(parse_graph_text("name: \"a\" name: \"b\"", "m"), "m:1:");
  EXPECT_REFUSED(parse_graph_text("format_version: 1 name: \"\xff\"", "m"), "isn't UTF-8");
  EXPECT_REFUSED(parse_graph_text(R"(format_version: 1 node { name: "a\000b" })", "m"),
                 "volley.proto.Node.name isn't UTF-8 or holds a zero byte");
  EXPECT_REFUSED(parse_graph_binary("\x12\x01\xff", "m"), "m: not a binary Graph");
  EXPECT_REFUSED(parse_graph_binary("\x08", "m"), "m: not a binary Graph");
  EXPECT_REFUSED(parse_graph_binary("\x08\x01\x78\x01", "m"),
                 "m: Graph has a field that this version doesn't know");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(Graph, KnowsWellFormedUtf8) {
  const auto read = [](const std::string& text) {
    return parse_graph_text("format_version: 1 name: \"" + text + "\"", "m").name;
  };
  for (const char* good : {"\u00e9", "\u20ac", "\U0001F600", "\u0800", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_EQ(read(good), good);
  }
  for (const char* bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
                          "\xf4\x90\x80\x80", "\xf8\x88\x80\x80", "\xe2\x82", "\xe2\x82x", "\xff"}) {
    EXPECT_REFUSED(read(bad), "isn't UTF-8");
  }
}

TEST(Graph, RefusesVersionsAndExtensions) {
  const Scratch scratch;
  EXPECT_REFUSED(parse_graph_text("name: \"a\"", "m"), "m: format_version is missing, wanted 1");
  EXPECT_REFUSED(parse_graph_text("format_version: 2", "m"),
                 "m: format_version is 2, this version of volley reads up");
  EXPECT_REFUSED(read_graph(scratch.write("a.json", "{}")), "unknown extension, wanted .txtpb or .pb");
  EXPECT_REFUSED(read_graph(scratch.path("none.txtpb")), "can't open");
  EXPECT_NE(test::error_of([&] { write_graph(scratch.path("a.onnx"), full()); }, Fault::run)
                .find("unknown extension"),
            std::string::npos);
  scratch.write("large.pb", "");
  std::filesystem::resize_file(scratch.path("large.pb"), 1 << 24);
  EXPECT_REFUSED(read_graph(scratch.path("large.pb")), "is 16777216 bytes, wanted at most");
}

TEST(Graph, RefusesShapesFormsAndDoublesByName) {
  const auto input = [](const std::string& body) {
    return parse_graph_text("format_version: 1 input { name: \"x\" " + body + " }", "m");
  };
  const auto node = [](const std::string& body) {
    return parse_graph_text("format_version: 1 node { name: \"n\" " + body + " }", "m");
  };
  EXPECT_REFUSED(input("shape { axis: \"T\" size: 1 }"), "m: input 'x': axis 'T', wanted one of H N M C Y X");
  EXPECT_REFUSED(input("shape { axis: \"B\" size: 1 }"), "axis 'B'");
  EXPECT_REFUSED(input("shape { axis: \"Q\" size: 1 }"), "axis 'Q'");
  EXPECT_REFUSED(input("shape { axis: \"CC\" size: 1 }"), "axis 'CC'");
  EXPECT_REFUSED(input("shape { size: 1 }"), "axis ''");
  EXPECT_REFUSED(input("shape { axis: \"C\" size: 1 } shape { axis: \"C\" size: 1 }"),
                 "axis 'C' is there twice");
  EXPECT_REFUSED(input("shape { axis: \"C\" }"), "size of axis 'C' is 0, wanted 1 .. 2147483648");
  EXPECT_REFUSED(input("shape { axis: \"C\" size: -1 }"), "size of axis 'C' is -1");
  EXPECT_REFUSED(input("shape { axis: \"C\" size: 4611686018427387904 }"),
                 "size of axis 'C' is 4611686018427387904");
  const std::string wide = "size: 2147483648 } ";
  EXPECT_REFUSED(input("shape { axis: \"C\" " + wide + "shape { axis: \"Y\" " + wide),
                 "has more than 1099511627776");
  EXPECT_REFUSED(
      input("shape { axis: \"C\" " + wide + "shape { axis: \"Y\" " + wide + "shape { axis: \"X\" " + wide),
      "has more than 1099511627776");
  EXPECT_REFUSED(input("form: GRADED"), "levels is 0, wanted 1 .. 64");
  EXPECT_REFUSED(input("form: GRADED levels: 65"), "levels is 65");
  EXPECT_REFUSED(input("form: BINARY levels: 2"), "levels is 2, but only GRADED has levels");
  EXPECT_REFUSED(parse_graph_binary(std::string("\x08\x01\x22\x02\x20\x09", 6), "m"),
                 "form is 9, wanted DENSE");
  EXPECT_REFUSED(node("in { from: \"a\" delay: -1 }"), "m: node 'n': input 'a': delay is -1");
  EXPECT_REFUSED(node("in { from: \"a\" delay: 4611686018427387904 }"), "delay is 4611686018427387904");
  EXPECT_REFUSED(node("in { from: \"a\" form: BINARY }"), "has a form but no shape");
  EXPECT_REFUSED(node("attr { name: \"a\" number: 1 list: 2 }"),
                 "attribute 'a': has a list and another value");
  EXPECT_REFUSED(node("attr { name: \"a\" number: nan }"), "attribute 'a': is nan");
  EXPECT_REFUSED(node("attr { name: \"a\" number: 1e999 }"), "attribute 'a': is inf");
  EXPECT_REFUSED(node("attr { name: \"a\" list: 1 list: -inf }"), "attribute 'a': holds -inf");
  EXPECT_REFUSED(node("attr { name: \"a\" number: 1 } attr { name: \"a\" flag: true }"),
                 "'a' is there twice");
  EXPECT_REFUSED(node("weight { slot: \"w\" } weight { slot: \"w\" }"), "weight 'w' is there twice");
}

TEST(Graph, DoesNotWriteWhatTheFormatLacks) {
  const Scratch scratch;
  const auto why = [&](const Description& graph) {
    std::string text;
    try {
      write_graph(scratch.path("a.pb"), graph);
    } catch (const Error& error) {
      text = error.what();
    }
    return text;
  };
  Description graph = full();
  graph.nodes[0].in[2].loop_type[0].shape = {};
  EXPECT_NE(why(graph).find("can't write"), std::string::npos);
  graph = full();
  graph.inputs[1].type.form = Form::events;
  EXPECT_NE(why(graph).find("can't write"), std::string::npos);
  graph = full();
  graph.inputs[0].type.shape = {{Axis::T, 3}};
  EXPECT_NE(why(graph).find("axis 'T'"), std::string::npos);
  graph = full();
  graph.name = "\xff";
  EXPECT_NE(why(graph), "");
  EXPECT_EQ(scratch.files(), 0u);
}

TEST(Graph, IsFoundInItsFolder) {
  const Scratch scratch;
  EXPECT_REFUSED(read_graph(scratch.path("")), "holds 0 .txtpb files, wanted model.txtpb or one");
  write_graph(scratch.path("one.txtpb"), full());
  EXPECT_TRUE(read_graph(scratch.path("")) == full());
  scratch.write("two.txtpb", "");
  EXPECT_REFUSED(read_graph(scratch.path("")), "holds 2 .txtpb files");
  write_graph(scratch.path("model.txtpb"), full());
  EXPECT_TRUE(read_graph(scratch.path("")) == full());
}

TEST(Graph, FindsItsWeightsBesideItselfAndNowhereElse) {
  const Scratch scratch;
  Description graph = full();
  write_graph(scratch.path("model.txtpb"), graph);
  write_safetensors(scratch.path("w.safetensors"), {{"fc.weight", {{1}, {2}}}});
  EXPECT_EQ(read_weights_of(scratch.path("model.txtpb"), graph).at("fc.weight").numbers,
            std::vector<float>{2});
  EXPECT_EQ(read_weights_of(scratch.path(""), graph).size(), 1u);
  graph.weights_file = "";
  EXPECT_TRUE(read_weights_of(scratch.path("model.txtpb"), graph).empty());
  for (const std::string outside : {"/etc/passwd", "../w.safetensors", "a/../../w", ".."}) {
    graph.weights_file = outside;
    EXPECT_REFUSED(read_weights_of(scratch.path("model.txtpb"), graph),
                   "weights is '" + outside + "', wanted a file");
  }
  graph.weights_file = "none.safetensors";
  EXPECT_REFUSED(read_weights_of(scratch.path("model.txtpb"), graph), "none.safetensors: can't open");
}

TEST(Graph, SurvivesCutsAndFlips) {
  const Scratch scratch;
  const auto read = [](const std::string& path) { (void)read_graph(path); };
  for (const char* name : {"a.txtpb", "a.pb"}) {
    write_graph(scratch.path(name), full());
    const std::string bytes = bytes_of(scratch.path(name));
    test::expect_survives_cuts(name, bytes, read);
    test::expect_survives_flips(name, bytes, bytes.size(), read);
  }
}

}  // namespace
}  // namespace volley
