// A report is held to its schema: keys, types, versions.
#include "sim/io/report_proto.hpp"

#include <gtest/gtest.h>

#include "tests/unit/io/scratch.hpp"

namespace volley {
namespace {

const std::string good =
    R"({"schema": "volley.compare/1", "volley_version": "0.1.0", "command": "volley compare",
"input": "digits", "samples": 8, "seed": 0, "models": [{"model": "ssa", "parameters": 5, "accuracy_percent": null,
"energy_uj_per_sample": 0.5}], "remarks": ["a"]})";

std::string with(const std::string& what, const std::string& instead) {
  std::string text = good;
  return text.replace(text.find(what), what.size(), instead);
}

TEST(ReportSchema, TakesAReportAndKeysThatItDoesNotKnow) {
  EXPECT_NO_THROW(check_report_json(good, "f"));
  EXPECT_NO_THROW(check_report_json(with("\"seed\": 0", "\"seed\": 0, \"moon\": [1]"), "f"));
}

TEST(ReportSchema, NamesWhatIsMissingOrWrong) {
  EXPECT_REFUSED(check_report_json(with("\"samples\": 8,", ""), "f"), "f: missing field samples");
  EXPECT_REFUSED(check_report_json(with("\"seed\": 0", "\"seed\": null"), "f"), "f: missing field seed");
  EXPECT_REFUSED(check_report_json(with("{\"model\": \"ssa\",", "{"), "f"),
                 "f: (models[0]): missing field model");
  EXPECT_REFUSED(check_report_json(with("\"samples\": 8", "\"samples\": 8.5"), "f"), "samples");
  EXPECT_REFUSED(check_report_json(with("\"samples\": 8", "\"samples\": \"many\""), "f"), "samples");
  EXPECT_REFUSED(check_report_json(with("compare/1", "compare/2"), "f"),
                 "f: schema is 'volley.compare/2', wanted one of: volley.compare/1");
  EXPECT_REFUSED(check_report_json("[]", "f"), "f: ");
  EXPECT_REFUSED(check_report_json("{", "f"), "f: ");
}

}  // namespace
}  // namespace volley
