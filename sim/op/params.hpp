// One visit() per operator: it parses, prints, compares and documents the parameters.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sim/base/device_fn.hpp"

namespace volley {

// An attribute as it stands in a file.
using Attribute = std::variant<double, bool, std::string, std::vector<double>>;
using Attributes = std::map<std::string, Attribute>;

// With `required` an attribute has no default: a graph that lacks it is refused.
enum class Need { optional, required };

// Walks the parameters of an operator. doc: what it is, unit in [ ].
class ParamVisitor {
 public:
  virtual ~ParamVisitor() = default;
  virtual void real(std::string_view name, float& value, std::string_view doc,
                    Need need = Need::optional) = 0;
  virtual void integer(std::string_view name, Index& value, std::string_view doc,
                       Need need = Need::optional) = 0;
  virtual void flag(std::string_view name, bool& value, std::string_view doc, Need need = Need::optional) = 0;
  virtual void text(std::string_view name, std::string& value, std::string_view doc,
                    Need need = Need::optional) = 0;
  virtual void integers(std::string_view name, std::vector<Index>& value, std::string_view doc,
                        Need need = Need::optional) = 0;
  // One of the words; index says which.
  virtual void choice(std::string_view name, int& index, std::span<const std::string_view> words,
                      std::string_view doc, Need need = Need::optional) = 0;

  // An enum whose values 0, 1, ... have these words.
  template <class E, std::size_t n>
  void choice_of(std::string_view name, E& value, const std::string_view (&words)[n], std::string_view doc,
                 Need need = Need::optional) {
    int index = static_cast<int>(value);
    choice(name, index, words, doc, need);
    value = static_cast<E>(index);
  }
};

class Operator;

// Sets the parameters of an operator from a file's attributes. Throws Error: an attribute that the operator
// doesn't have, of the wrong type, not finite, or required and missing. node: for the message.
void parse_params(Operator& op, std::string_view node, const Attributes& attributes);

// All parameters as attributes: parse_params of them gives the same operator.
Attributes print_params(Operator& op);

struct ParamDoc {
  std::string name, doc, standard;  // standard: the default in words, "required" when there is none
};
std::vector<ParamDoc> document_params(Operator& op);

std::string text(const Attribute& attribute);

}  // namespace volley
