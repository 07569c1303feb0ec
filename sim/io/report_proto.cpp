// The JSON of a report against its schema.
#include "sim/io/report_proto.hpp"

#include <google/protobuf/util/json_util.h>

#include <map>
#include <memory>

#include "report.pb.h"
#include "sim/base/check.hpp"

namespace volley {
namespace {

namespace pb = google::protobuf;

void check(std::string_view json, pb::Message& message, const std::string& what) {
  pb::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  const auto status =
      pb::util::JsonStringToMessage(pb::StringPiece(json.data(), json.size()), &message, options);
  std::string why = status.message().ToString();  // ": missing field samples", "(models[0].steps): ..."
  VOLLEY_CHECK(status.ok(), Fault::model, "{}: {}", what, why.starts_with(": ") ? why.substr(2) : why);
}

using Maker = std::unique_ptr<pb::Message> (*)();

template <class Report>
std::unique_ptr<pb::Message> make() {
  return std::make_unique<Report>();
}

}  // namespace

void check_report_json(std::string_view json, const std::string& what) {
  static const std::map<std::string, Maker> makers{{"volley.run/1", make<proto::RunReport>},
                                                   {"volley.measure/1", make<proto::MeasureReport>},
                                                   {"volley.compare/1", make<proto::CompareReport>},
                                                   {"volley.inspect/1", make<proto::InspectReport>},
                                                   {"volley.verify/1", make<proto::VerifyReport>}};
  proto::ReportHead head;
  check(json, head, what);
  const auto maker = makers.find(head.schema());
  std::string known;
  for (const auto& [schema, made] : makers) {
    known += (known.empty() ? "" : ", ") + schema;
  }
  VOLLEY_CHECK(maker != makers.end(), Fault::model, "{}: schema is '{}', wanted one of: {}", what,
               head.schema(), known);
  check(json, *maker->second(), what);
}

}  // namespace volley
