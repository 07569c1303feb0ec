// A stack machine that builds a tree and calls nothing.
#include "sim/io/pickle.hpp"

#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <map>
#include <utility>

#include "sim/base/check.hpp"

namespace volley {
namespace {

constexpr std::array<std::string_view, 12> kind_names{"None",   "a truth value", "an integer", "a number",
                                                      "a text", "bytes",         "a tuple",    "a list",
                                                      "a dict", "a global",      "an object",  "a reference"};

// Numbers of the opcodes, as in Python's pickletools.
enum Op : std::uint8_t {
  op_mark = '(',
  op_stop = '.',
  op_pop = '0',
  op_pop_mark = '1',
  op_dup = '2',
  op_float_text = 'F',
  op_int_text = 'I',
  op_binint = 'J',
  op_binint1 = 'K',
  op_long_text = 'L',
  op_binint2 = 'M',
  op_none = 'N',
  op_binpersid = 'Q',
  op_reduce = 'R',
  op_short_binbytes = 'C',
  op_binbytes = 'B',
  op_unicode_text = 'V',
  op_binunicode = 'X',
  op_append = 'a',
  op_build = 'b',
  op_global = 'c',
  op_dict = 'd',
  op_appends = 'e',
  op_get_text = 'g',
  op_binget = 'h',
  op_long_binget = 'j',
  op_list = 'l',
  op_put_text = 'p',
  op_binput = 'q',
  op_long_binput = 'r',
  op_setitem = 's',
  op_tuple = 't',
  op_setitems = 'u',
  op_empty_dict = '}',
  op_empty_list = ']',
  op_empty_tuple = ')',
  op_binfloat = 'G',
  op_proto = 0x80,
  op_newobj = 0x81,
  op_tuple1 = 0x85,
  op_tuple2 = 0x86,
  op_tuple3 = 0x87,
  op_newtrue = 0x88,
  op_newfalse = 0x89,
  op_long1 = 0x8a,
  op_short_binunicode = 0x8c,
  op_binunicode8 = 0x8d,
  op_stack_global = 0x93,
  op_memoize = 0x94,
  op_frame = 0x95,
};

constexpr std::string_view ordered_dict = "collections OrderedDict";

class Machine {
 public:
  Machine(std::span<const std::byte> bytes, const std::string& what) : bytes_(bytes), what_(what) {}

  Pickle run() {
    while (true) {
      const auto op = static_cast<std::uint8_t>(take(1)[0]);
      if (op == op_stop) {
        pickle_.root = pop();
        VOLLEY_CHECK(place_ == bytes_.size(), Fault::model, "{}: {} bytes follow the end of the pickle",
                     what_, bytes_.size() - place_);
        return std::move(pickle_);
      }
      if (!literal(op) && !container(op) && !memo(op)) {
        object(op);
      }
    }
  }

 private:
  // --- bytes ---
  std::span<const std::byte> take(std::size_t count) {
    VOLLEY_CHECK(count <= bytes_.size() - place_, Fault::model,
                 "{}: pickle ends at byte {}, wanted {} more bytes", what_, bytes_.size(), count);
    const auto part = bytes_.subspan(place_, count);
    place_ += count;
    return part;
  }

  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }

  std::string text_of(std::size_t length) {
    const auto part = take(length);
    return {reinterpret_cast<const char*>(part.data()), part.size()};
  }

  std::string line() {
    std::string text;
    for (char c = number<char>(); c != '\n'; c = number<char>()) {
      text += c;
    }
    return text;
  }

  // --- stack ---
  void push(PickleRef ref) { stack_.push_back(ref); }

  PickleRef add(PickleNode node) {
    VOLLEY_CHECK(pickle_.nodes.size() < std::numeric_limits<PickleRef>::max(), Fault::model,
                 "{}: pickle has too many values", what_);
    pickle_.nodes.push_back(std::move(node));
    return static_cast<PickleRef>(pickle_.nodes.size() - 1);
  }

  void push_new(PickleKind kind, std::vector<PickleRef> items = {}) {
    push(add({.kind = kind, .integer = 0, .real = 0, .text = {}, .items = std::move(items)}));
  }
  void push_integer(std::int64_t value, PickleKind kind = PickleKind::integer) {
    push(add({.kind = kind, .integer = value, .real = 0, .text = {}, .items = {}}));
  }
  void push_real(double value) {
    push(add({.kind = PickleKind::real, .integer = 0, .real = value, .text = {}, .items = {}}));
  }
  void push_text(std::string text, PickleKind kind = PickleKind::text) {
    push(add({.kind = kind, .integer = 0, .real = 0, .text = std::move(text), .items = {}}));
  }

  PickleRef top() const {
    const std::size_t floor = marks_.empty() ? 0 : marks_.back();
    VOLLEY_CHECK(stack_.size() > floor, Fault::model, "{}: pickle takes a value that isn't there at byte {}",
                 what_, place_);
    return stack_.back();
  }

  PickleRef pop() {
    const PickleRef ref = top();
    stack_.pop_back();
    return ref;
  }

  std::vector<PickleRef> pop_mark() {
    VOLLEY_CHECK(!marks_.empty(), Fault::model, "{}: pickle has no mark at byte {}", what_, place_);
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<PickleRef> items(first, stack_.end());
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    return items;
  }

  std::vector<PickleRef> pop_last(std::size_t count) {
    std::vector<PickleRef> items(count);
    for (std::size_t i = count; i-- > 0;) {
      items[i] = pop();
    }
    return items;
  }

  // A container takes items; what an object of a class we don't know is given is dropped.
  void extend(PickleRef target, PickleKind wanted, const std::vector<PickleRef>& items) {
    PickleNode& node = pickle_.nodes[target];
    if (node.kind == PickleKind::call) {
      return;
    }
    VOLLEY_CHECK(node.kind == wanted, Fault::model, "{}: pickle adds items to {} at byte {}, wanted {}",
                 what_, name(node.kind), place_, name(wanted));
    VOLLEY_CHECK(wanted != PickleKind::dict || items.size() % 2 == 0, Fault::model,
                 "{}: pickle has a key without value at byte {}", what_, place_);
    node.items.insert(node.items.end(), items.begin(), items.end());
  }

  // --- opcodes: each function says whether the opcode was its own ---
  bool literal(std::uint8_t op) {
    switch (op) {
      case op_none:
        return push_new(PickleKind::none), true;
      case op_newtrue:
      case op_newfalse:
        return push_integer(op == op_newtrue ? 1 : 0, PickleKind::boolean), true;
      case op_binint:
        return push_integer(number<std::int32_t>()), true;
      case op_binint1:
        return push_integer(number<std::uint8_t>()), true;
      case op_binint2:
        return push_integer(number<std::uint16_t>()), true;
      case op_long1:
        return push_long(), true;
      case op_int_text:
      case op_long_text:
        return push_integer_text(), true;
      case op_binfloat: {
        auto bits = number<std::uint64_t>();  // big-endian
        bits = __builtin_bswap64(bits);
        return push_real(std::bit_cast<double>(bits)), true;
      }
      case op_float_text:
        return push_real_text(), true;
      case op_binunicode:
        return push_text(text_of(number<std::uint32_t>())), true;
      case op_short_binunicode:
        return push_text(text_of(number<std::uint8_t>())), true;
      case op_binunicode8:
        return push_text(text_of(number<std::uint64_t>())), true;
      case op_unicode_text:
        return push_text(line()), true;
      case op_short_binbytes:
        return push_text(text_of(number<std::uint8_t>()), PickleKind::bytes), true;
      case op_binbytes:
        return push_text(text_of(number<std::uint32_t>()), PickleKind::bytes), true;
      case op_global: {
        std::string module = line();
        return push_text(module + " " + line(), PickleKind::global), true;
      }
      default:
        return false;
    }
  }

  void push_long() {
    const auto length = number<std::uint8_t>();
    VOLLEY_CHECK(length <= 8, Fault::model, "{}: pickle has an integer of {} bytes, wanted at most 8", what_,
                 length);
    const auto part = take(length);
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < part.size(); ++i) {
      bits |= std::to_integer<std::uint64_t>(part[i]) << (8 * i);
    }
    if (length > 0 && length < 8 && (std::to_integer<unsigned>(part[length - 1]) & 0x80u) != 0) {
      bits |= ~std::uint64_t{0} << (8 * length);
    }
    push_integer(static_cast<std::int64_t>(bits));
  }

  void push_integer_text() {
    std::string text = line();
    if (text == "00" || text == "01") {
      return push_integer(text[1] - '0', PickleKind::boolean);
    }
    if (!text.empty() && text.back() == 'L') {
      text.pop_back();
    }
    std::size_t used = 0;
    std::int64_t value = 0;
    try {
      value = std::stoll(text, &used);
    } catch (const std::exception&) {
      used = 0;
    }
    VOLLEY_CHECK(used != 0 && used == text.size(), Fault::model, "{}: pickle has '{}' for an integer", what_,
                 text);
    push_integer(value);
  }

  void push_real_text() {
    const std::string text = line();
    std::size_t used = 0;
    double value = 0;
    try {
      value = std::stod(text, &used);
    } catch (const std::exception&) {
      used = 0;
    }
    VOLLEY_CHECK(used != 0 && used == text.size(), Fault::model, "{}: pickle has '{}' for a number", what_,
                 text);
    push_real(value);
  }

  bool container(std::uint8_t op) {
    switch (op) {
      case op_mark:
        return marks_.push_back(stack_.size()), true;
      case op_empty_tuple:
        return push_new(PickleKind::tuple), true;
      case op_empty_list:
        return push_new(PickleKind::list), true;
      case op_empty_dict:
        return push_new(PickleKind::dict), true;
      case op_tuple:
        return push_new(PickleKind::tuple, pop_mark()), true;
      case op_tuple1:
      case op_tuple2:
      case op_tuple3:
        return push_new(PickleKind::tuple, pop_last(op - op_tuple1 + std::size_t{1})), true;
      case op_list:
        return push_new(PickleKind::list, pop_mark()), true;
      case op_dict: {
        const auto items = pop_mark();
        push_new(PickleKind::dict);
        return extend(top(), PickleKind::dict, items), true;
      }
      case op_append: {
        const PickleRef item = pop();
        return extend(top(), PickleKind::list, {item}), true;
      }
      case op_appends: {
        const auto items = pop_mark();
        return extend(top(), PickleKind::list, items), true;
      }
      case op_setitem: {
        const auto items = pop_last(2);
        return extend(top(), PickleKind::dict, items), true;
      }
      case op_setitems: {
        const auto items = pop_mark();
        return extend(top(), PickleKind::dict, items), true;
      }
      default:
        return false;
    }
  }

  bool memo(std::uint8_t op) {
    switch (op) {
      case op_binput:
        return remember(number<std::uint8_t>()), true;
      case op_long_binput:
        return remember(number<std::uint32_t>()), true;
      case op_put_text:
        return remember(memo_text()), true;
      case op_memoize:
        return remember(static_cast<std::uint32_t>(memo_.size())), true;
      case op_binget:
        return recall(number<std::uint8_t>()), true;
      case op_long_binget:
        return recall(number<std::uint32_t>()), true;
      case op_get_text:
        return recall(memo_text()), true;
      case op_pop:
        return (void)pop(), true;
      case op_pop_mark:
        return (void)pop_mark(), true;
      case op_dup:
        return push(top()), true;
      default:
        return false;
    }
  }

  std::uint32_t memo_text() {
    push_integer_text();
    const std::int64_t place = pickle_.nodes[pop()].integer;
    VOLLEY_CHECK(std::in_range<std::uint32_t>(place), Fault::model, "{}: pickle remembers at {}", what_,
                 place);
    return static_cast<std::uint32_t>(place);
  }

  void remember(std::uint32_t place) { memo_[place] = top(); }

  void recall(std::uint32_t place) {
    const auto at = memo_.find(place);
    VOLLEY_CHECK(at != memo_.end(), Fault::model, "{}: pickle recalls {}, which it did not remember", what_,
                 place);
    push(at->second);
  }

  void object(std::uint8_t op) {
    switch (op) {
      case op_proto: {
        const auto protocol = number<std::uint8_t>();
        VOLLEY_CHECK(protocol <= 5, Fault::model, "{}: pickle has protocol {}, wanted at most 5", what_,
                     protocol);
        return;
      }
      case op_frame:
        (void)take(8);
        return;
      case op_stack_global: {
        const auto names = pop_last(2);
        const PickleNode& module = pickle_.at(names[0]);
        const PickleNode& global = pickle_.at(names[1]);
        VOLLEY_CHECK(module.kind == PickleKind::text && global.kind == PickleKind::text, Fault::model,
                     "{}: pickle has a global whose name is no text", what_);
        return push_text(module.text + " " + global.text, PickleKind::global);
      }
      case op_binpersid:
        return push_new(PickleKind::persistent, pop_last(1));
      case op_reduce:
      case op_newobj:
        return call();
      case op_build: {
        const PickleRef state = pop();
        PickleNode& node = pickle_.nodes[top()];
        if (node.kind == PickleKind::call) {
          node.items.push_back(state);
        }
        return;
      }
      default:
        fail(Fault::model, "{}: pickle has opcode 0x{:02x} at byte {}, which is not read", what_, op,
             place_ - 1);
    }
  }

  void call() {
    const auto parts = pop_last(2);
    const PickleNode& callee = pickle_.at(parts[0]);
    const PickleNode& arguments = pickle_.at(parts[1]);
    if (callee.kind == PickleKind::global && callee.text == ordered_dict &&
        arguments.kind == PickleKind::tuple && arguments.items.empty()) {
      return push_new(PickleKind::dict);
    }
    push_new(PickleKind::call, parts);
  }

  std::span<const std::byte> bytes_;
  const std::string& what_;
  std::size_t place_ = 0;
  Pickle pickle_;
  std::vector<PickleRef> stack_;
  std::vector<std::size_t> marks_;
  std::map<std::uint32_t, PickleRef> memo_;
};

}  // namespace

std::string_view name(PickleKind kind) {
  return kind_names[static_cast<std::size_t>(kind)];
}

const PickleNode* Pickle::find(const PickleNode& dict, std::string_view key) const {
  const PickleNode* found = nullptr;
  if (dict.kind == PickleKind::dict) {
    for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) {
      const PickleNode& node = at(dict.items[i]);
      if (node.kind == PickleKind::text && node.text == key) {
        found = &at(dict.items[i + 1]);
      }
    }
  }
  return found;
}

Pickle read_pickle(std::span<const std::byte> bytes, const std::string& what) {
  return Machine(bytes, what).run();
}

}  // namespace volley
