// The visitors behind parse, print and document.
#include "sim/op/params.hpp"

#include <cmath>
#include <limits>
#include <set>

#include "sim/base/check.hpp"
#include "sim/op/operator.hpp"

namespace volley {
namespace {

class Parser final : public ParamVisitor {
 public:
  Parser(const Operator& op, std::string_view node, const Attributes& attributes)
      : op_(op), node_(node), attributes_(attributes) {}

  void real(std::string_view name, float& value, std::string_view, Need need) override {
    if (const auto* got = taken<double>(name, need, "a number")) {
      VOLLEY_CHECK(std::isfinite(static_cast<float>(*got)), Fault::model,
                   "{} '{}': {} is {}, wanted a finite number", op_.kind(), node_, name, *got);
      value = static_cast<float>(*got);
    }
  }
  void integer(std::string_view name, Index& value, std::string_view, Need need) override {
    if (const auto* got = taken<double>(name, need, "an integer")) {
      value = whole(name, *got);
    }
  }
  void flag(std::string_view name, bool& value, std::string_view, Need need) override {
    if (const auto* got = taken<bool>(name, need, "true or false")) {
      value = *got;
    }
  }
  void text(std::string_view name, std::string& value, std::string_view, Need need) override {
    if (const auto* got = taken<std::string>(name, need, "text")) {
      value = *got;
    }
  }
  void integers(std::string_view name, std::vector<Index>& value, std::string_view, Need need) override {
    if (const auto* got = taken<std::vector<double>>(name, need, "a list of integers")) {
      value.clear();
      for (const double number : *got) {
        value.push_back(whole(name, number));
      }
    }
  }
  void choice(std::string_view name, int& index, std::span<const std::string_view> words, std::string_view,
              Need need) override {
    const auto* got = taken<std::string>(name, need, "a word");
    if (got == nullptr) {
      return;
    }
    std::string all;
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (*got == words[i]) {
        index = static_cast<int>(i);
        return;
      }
      all += (i > 0 ? ", " : "") + std::string(words[i]);
    }
    fail(Fault::model, "{} '{}': {} is '{}', wanted one of {}", op_.kind(), node_, name, *got, all);
  }

  void refuse_unknown() const {
    for (const auto& [name, attribute] : attributes_) {
      VOLLEY_CHECK(seen_.contains(name), Fault::model, "{} '{}': unknown attribute '{}', wanted one of: {}",
                   op_.kind(), node_, name, known_.empty() ? "none" : known_);
    }
  }

 private:
  template <class T>
  const T* taken(std::string_view name, Need need, std::string_view wanted) {
    seen_.insert(std::string(name));
    known_ += (known_.empty() ? "" : ", ") + std::string(name);
    const auto at = attributes_.find(std::string(name));
    if (at == attributes_.end()) {
      VOLLEY_CHECK(need == Need::optional, Fault::model, "{} '{}': attribute '{}' is missing, wanted {}",
                   op_.kind(), node_, name, wanted);
      return nullptr;
    }
    const auto* value = std::get_if<T>(&at->second);
    VOLLEY_CHECK(value != nullptr, Fault::model, "{} '{}': {} is {}, wanted {}", op_.kind(), node_, name,
                 volley::text(at->second), wanted);
    return value;
  }
  Index whole(std::string_view name, double number) const {
    constexpr double limit = 2147483647.0;
    VOLLEY_CHECK(number == std::floor(number) && std::abs(number) <= limit, Fault::model,
                 "{} '{}': {} is {}, wanted an integer", op_.kind(), node_, name, number);
    return static_cast<Index>(number);
  }

  const Operator& op_;
  std::string_view node_;
  const Attributes& attributes_;
  std::set<std::string> seen_;
  std::string known_;
};

class Printer final : public ParamVisitor {
 public:
  explicit Printer(Attributes& out) : out_(out) {}
  void real(std::string_view name, float& value, std::string_view, Need) override {
    out_[std::string(name)] = static_cast<double>(value);
  }
  void integer(std::string_view name, Index& value, std::string_view, Need) override {
    out_[std::string(name)] = static_cast<double>(value);
  }
  void flag(std::string_view name, bool& value, std::string_view, Need) override {
    out_[std::string(name)] = value;
  }
  void text(std::string_view name, std::string& value, std::string_view, Need) override {
    out_[std::string(name)] = value;
  }
  void integers(std::string_view name, std::vector<Index>& value, std::string_view, Need) override {
    out_[std::string(name)] = std::vector<double>(value.begin(), value.end());
  }
  void choice(std::string_view name, int& index, std::span<const std::string_view> words, std::string_view,
              Need) override {
    out_[std::string(name)] = std::string(words[static_cast<std::size_t>(index)]);
  }

 private:
  Attributes& out_;
};

class Documenter final : public ParamVisitor {
 public:
  std::vector<ParamDoc> docs;
  void real(std::string_view name, float& value, std::string_view doc, Need need) override {
    note(name, doc, fmt::format("{}", value), need);
  }
  void integer(std::string_view name, Index& value, std::string_view doc, Need need) override {
    note(name, doc, fmt::format("{}", value), need);
  }
  void flag(std::string_view name, bool& value, std::string_view doc, Need need) override {
    note(name, doc, value ? "true" : "false", need);
  }
  void text(std::string_view name, std::string& value, std::string_view doc, Need need) override {
    note(name, doc, "\"" + value + "\"", need);
  }
  void integers(std::string_view name, std::vector<Index>& value, std::string_view doc, Need need) override {
    note(name, doc, volley::text(Attribute(std::vector<double>(value.begin(), value.end()))), need);
  }
  void choice(std::string_view name, int& index, std::span<const std::string_view> words,
              std::string_view doc, Need need) override {
    std::string all(doc);
    for (const std::string_view word : words) {
      all += (word == words.front() ? ": " : " | ") + std::string(word);
    }
    note(name, all, std::string(words[static_cast<std::size_t>(index)]), need);
  }

 private:
  void note(std::string_view name, std::string_view doc, std::string standard, Need need) {
    docs.push_back(
        {std::string(name), std::string(doc), need == Need::required ? "required" : std::move(standard)});
  }
};

}  // namespace

void parse_params(Operator& op, std::string_view node, const Attributes& attributes) {
  Parser parser(op, node, attributes);
  op.visit(parser);
  parser.refuse_unknown();
}

Attributes print_params(Operator& op) {
  Attributes attributes;
  Printer printer(attributes);
  op.visit(printer);
  return attributes;
}

std::vector<ParamDoc> document_params(Operator& op) {
  Documenter documenter;
  op.visit(documenter);
  return documenter.docs;
}

std::string text(const Attribute& attribute) {
  if (const auto* number = std::get_if<double>(&attribute)) {
    return fmt::format("{}", *number);
  }
  if (const auto* flag = std::get_if<bool>(&attribute)) {
    return *flag ? "true" : "false";
  }
  if (const auto* word = std::get_if<std::string>(&attribute)) {
    return "'" + *word + "'";
  }
  std::string out = "[";
  for (const double number : std::get<std::vector<double>>(attribute)) {
    out += fmt::format("{}{}", out.size() > 1 ? ", " : "", number);
  }
  return out + "]";
}

}  // namespace volley
