// Graph files: text (.txtpb) or binary (.pb), weights beside them.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "sim/graph/description.hpp"

namespace volley {

// path: a file, or a folder that holds model.txtpb or exactly one *.txtpb. Every mistake that needs no
// operator is found here: axes, sizes, forms, attributes twice; the rest is build_graph's.
Description read_graph(const std::string& path);
Description parse_graph_text(std::string_view text, const std::string& what);
Description parse_graph_binary(std::string_view bytes, const std::string& what);

// By extension. What is written reads back equal, or Error.
void write_graph(const std::string& path, const Description& description);
std::string graph_text(const Description& description);
std::string graph_json(const Description& description);  // protobuf's JSON of graph.proto

// The file that read_graph(path) reads.
std::string graph_file(const std::string& path);

// The weights that the graph names, from the folder of the graph; none when it names none. graph_path as in
// read_graph.
Weights read_weights_of(const std::string& graph_path, const Description& description);
// What stands beside the weights.
std::map<std::string, std::string> read_metadata_of(const std::string& graph_path,
                                                    const Description& description);

}  // namespace volley
