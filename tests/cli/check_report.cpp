// Holds JSON files to the schema of reports: check_report FILE...
#include <cstdio>

#include "sim/base/check.hpp"
#include "sim/io/file.hpp"
#include "sim/io/report_proto.hpp"

int main(int count, char** words) {
  try {
    for (int i = 1; i < count; ++i) {
      volley::check_report_json(volley::read_text(words[i], volley::Index{64} << 20), words[i]);
    }
  } catch (const volley::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
