// Fuzzes the readers of graphs: what is read must also write and read back.
#include "sim/io/graph_proto.hpp"
#include "tests/fuzz/input_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  // The first byte chooses the form.
  if (size == 0) {
    return 0;
  }
  const std::string_view content(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  volley::Description graph;
  const bool is_text = bytes[0] % 2 == 0;
  bool is_read = false;
  volley::fuzz::read_or_refuse([&] {
    graph = is_text ? volley::parse_graph_text(content, "fuzz") : volley::parse_graph_binary(content, "fuzz");
    is_read = true;
  });
  if (is_read && volley::parse_graph_text(volley::graph_text(graph), "again") != graph) {
    std::abort();
  }
  return 0;
}
