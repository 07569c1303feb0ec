// Reads the case tables.
#include "tests/support/cases.hpp"

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace volley::test {

Index Case::integer(const std::string& name) const {
  return std::stoll(fields.at(name));
}

Index Case::integer_or(const std::string& name, Index otherwise) const {
  return has(name) ? integer(name) : otherwise;
}

double Case::real_or(const std::string& name, double otherwise) const {
  return has(name) ? std::stod(fields.at(name)) : otherwise;
}

std::string Case::word_or(const std::string& name, const std::string& otherwise) const {
  return has(name) ? fields.at(name) : otherwise;
}

Shape Case::shape(const std::string& axes) const {
  Shape shape;
  for (const char axis : axes) {
    shape.extents.push_back({*axis_of(std::string(1, axis)), integer(std::string(1, axis))});
  }
  return shape;
}

Attributes Case::attributes() const {
  Attributes attributes;
  for (const auto& [name, value] : fields) {
    if (!name.starts_with("attr.")) {
      continue;
    }
    const std::string key = name.substr(5);
    if (value == "true" || value == "false") {
      attributes[key] = value == "true";
      continue;
    }
    std::size_t used = 0;
    double number = 0;
    try {
      number = std::stod(value, &used);
    } catch (const std::exception&) {
      used = 0;
    }
    if (used == value.size()) {
      attributes[key] = number;
    } else {
      attributes[key] = value;
    }
  }
  return attributes;
}

std::vector<Case> read_cases(const std::string& file) {
  std::ifstream in(std::string(VOLLEY_SOURCE_DIR) + "/tests/cases/" + file);
  if (!in) {
    throw std::runtime_error("no case table " + file);
  }
  std::vector<Case> cases;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    Case entry{line, {}, {}};
    if (!(words >> entry.kind)) {
      continue;
    }
    for (std::string field; words >> field;) {
      const auto equals = field.find('=');
      entry.fields[field.substr(0, equals)] = equals == std::string::npos ? "true" : field.substr(equals + 1);
    }
    cases.push_back(std::move(entry));
  }
  return cases;
}

}  // namespace volley::test
