// Recognises, measures, builds, fills.
#include "models/exchange/checkpoint_import.hpp"

#include <algorithm>
#include <set>

#include "sim/base/check.hpp"
#include "sim/io/npz.hpp"
#include "sim/io/safetensors.hpp"

namespace volley {
namespace {

struct Candidate {
  const CheckpointFamily* family;
  const CheckpointVariant* variant;
};

// --- keys ---
Weights without_prefixes(Weights tensors) {
  constexpr std::string_view prefixes[] = {"module.", "_orig_mod.", "model."};
  for (bool again = true; again;) {
    again = false;
    for (const std::string_view prefix : prefixes) {
      const bool all =
          !tensors.empty() && std::all_of(tensors.begin(), tensors.end(),
                                          [&](const auto& entry) { return entry.first.starts_with(prefix); });
      if (all) {
        Weights shorter;
        for (auto& [name, tensor] : tensors) {
          shorter.emplace(name.substr(prefix.size()), std::move(tensor));
        }
        tensors = std::move(shorter);
        again = true;
      }
    }
  }
  return tensors;
}

bool fits(const CheckpointVariant& variant, const Weights& tensors) {
  const auto there = [&](const std::string& key) { return tensors.contains(key); };
  const auto sized = [&](const SizedKey& wanted) {
    const auto at = tensors.find(wanted.key);
    return at != tensors.end() && wanted.axis < at->second.sizes.size() &&
           at->second.sizes[wanted.axis] == wanted.size;
  };
  return std::all_of(variant.has.begin(), variant.has.end(), there) &&
         std::none_of(variant.lacks.begin(), variant.lacks.end(), there) &&
         std::all_of(variant.sized.begin(), variant.sized.end(), sized);
}

std::string names(const std::vector<Candidate>& candidates) {
  std::string all;
  for (const Candidate& each : candidates) {
    all += (all.empty() ? "" : ", ") + each.variant->name;
  }
  return all;
}

Candidate recognise(const std::vector<CheckpointFamily>& families, const std::string& asked,
                    const Weights& tensors) {
  std::vector<Candidate> asked_for, fitting;
  std::vector<Candidate> all;
  for (const CheckpointFamily& family : families) {
    for (const CheckpointVariant& variant : family.variants) {
      const Candidate candidate{&family, &variant};
      all.push_back(candidate);
      if (asked == "auto" || asked == variant.name || asked == family.family) {
        asked_for.push_back(candidate);
        if (fits(variant, tensors)) {
          fitting.push_back(candidate);
        }
      }
    }
  }
  VOLLEY_CHECK(!asked_for.empty(), Fault::usage, "unknown family '{}', wanted auto or one of: {}", asked,
               names(all));
  VOLLEY_CHECK(!fitting.empty(), Fault::model, "the keys are those of none of: {}; the first key is '{}'",
               names(asked_for), tensors.empty() ? "" : tensors.begin()->first);
  VOLLEY_CHECK(fitting.size() == 1, Fault::model,
               "the keys are those of {} alike, and the file does not say which; give --family",
               names(fitting));
  return fitting.front();
}

// --- settings ---
std::string measure(const MeasuredSetting& measured, const Weights& tensors) {
  if (measured.count) {
    std::set<std::string> found;
    for (const auto& [key, tensor] : tensors) {
      std::smatch match;
      if (std::regex_match(key, match, *measured.count) && match.size() > 1) {
        found.insert(match[1]);
      }
    }
    return fmt::format("{}", found.size());
  }
  std::string text;
  for (const std::string& key : measured.keys) {
    const auto at = tensors.find(key);
    VOLLEY_CHECK(at != tensors.end() && measured.axis < at->second.sizes.size(), Fault::model,
                 "tensor '{}' is missing or has no axis {}, wanted for the setting {}", key, measured.axis,
                 measured.setting);
    text += (text.empty() ? "" : "/") + fmt::format("{}", at->second.sizes[measured.axis]);
  }
  return text;
}

// Published sizes none of whose settings differs from what is known; `beside` may differ.
std::vector<const FamilySize*> agreeing(const Family& family, const Settings& known,
                                        const std::set<std::string>& beside) {
  Settings standard;
  for (const SettingDoc& doc : family.settings()) {
    standard[doc.key] = doc.standard;
  }
  std::vector<const FamilySize*> sizes;
  for (const FamilySize& size : family.sizes) {
    const bool agrees = std::all_of(known.begin(), known.end(), [&](const auto& entry) {
      const auto at = size.settings.find(entry.first);
      return beside.contains(entry.first) ||
             (at == size.settings.end() ? standard[entry.first] : at->second) == entry.second;
    });
    if (agrees) {
      sizes.push_back(&size);
    }
  }
  return sizes;
}

Settings settings_of(const Candidate& found, const Weights& tensors, const Settings& config,
                     std::vector<std::string>& notes) {
  const Family& family = find_family(found.family->family);
  Settings known = found.variant->fixed;
  std::set<std::string> beside;  // settings that need not agree with a published size
  for (const MeasuredSetting& measured : found.variant->measured) {
    known[measured.setting] = measure(measured, tensors);
  }
  for (const auto& [key, value] : config) {
    known[key] = value;
    beside.insert(key);
  }
  auto sizes = agreeing(family, known, beside);
  if (sizes.empty()) {  // trained on other classes
    beside.insert("classes");
    sizes = agreeing(family, known, beside);
  }
  if (!sizes.empty()) {
    Settings from_size = sizes.front()->settings;
    std::string taken;
    for (const SettingDoc& doc : family.settings()) {
      if (!known.contains(doc.key)) {
        const auto at = from_size.find(doc.key);
        taken += fmt::format("{}{} {}", taken.empty() ? "" : ", ", doc.key,
                             at == from_size.end() ? doc.standard : at->second);
      }
    }
    if (!taken.empty()) {
      notes.push_back(fmt::format("the file does not say: {}; taken from the published size {}", taken,
                                  sizes.front()->name));
    }
    for (const auto& [key, value] : known) {
      from_size[key] = value;
    }
    return from_size;
  }
  for (const SettingDoc& doc : family.settings()) {
    const bool must_be_said = doc.key == "heads";
    VOLLEY_CHECK(
        !must_be_said || known.contains(doc.key), Fault::model,
        "no published size of {} has these widths, and the file does not say {}; give --config {}=...",
        family.name, doc.key, doc.key);
    if (!known.contains(doc.key)) {
      notes.push_back(fmt::format("the file does not say {}; {} is taken", doc.key, doc.standard));
    }
  }
  return known;
}

// --- quirks ---
// Settings that make the graph do as the authors' code does, where that was asked for.
Settings with_compat(const CheckpointFamily& family, const CheckpointOptions& options) {
  Settings config = options.config;
  std::string known;
  for (const CheckpointQuirk& quirk : family.quirks) {
    known += (known.empty() ? "" : ", ") + quirk.name;
  }
  for (const std::string& asked : options.compat) {
    const bool is_idle = std::any_of(family.unread.begin(), family.unread.end(),
                                     [&](const PatternRule& rule) { return rule.quirk == asked; });
    VOLLEY_CHECK(!is_idle, Fault::usage,
                 "--compat {}: this module is never called, so there is nothing to follow", asked);
    const auto quirk = std::find_if(family.quirks.begin(), family.quirks.end(),
                                    [&](const CheckpointQuirk& each) { return each.name == asked; });
    VOLLEY_CHECK(quirk != family.quirks.end(), Fault::usage, "--compat {}: unknown for {}, wanted {}", asked,
                 family.family, known.empty() ? "none" : known);
    for (const auto& [key, value] : quirk->compat) {
      const auto at = config.emplace(key, value).first;
      VOLLEY_CHECK(at->second == value, Fault::usage, "--compat {} means {}={}, but --config says {}={}",
                   asked, key, value, key, at->second);
    }
  }
  return config;
}

void name_quirks(const CheckpointFamily& family, CheckpointImport& out) {
  for (const CheckpointQuirk& quirk : family.quirks) {
    const bool followed = std::all_of(quirk.compat.begin(), quirk.compat.end(), [&](const auto& setting) {
      const auto at = out.settings.find(setting.first);
      return at != out.settings.end() && at->second == setting.second;
    });
    out.quirks.push_back(
        {quirk.name, quirk.what, followed ? QuirkState::followed : QuirkState::not_followed});
  }
}

// --- tensors ---
std::vector<Index> without_ones(std::vector<Index> sizes) {
  std::erase(sizes, Index{1});
  return sizes;
}

class Filler {
 public:
  Filler(const CheckpointFamily& family, Weights tensors, CheckpointImport& out)
      : family_(family), tensors_(std::move(tensors)), out_(out) {
    for (const auto& [key, tensor] : tensors_) {
      key_of_.emplace(renamed(key), key);
    }
  }

  void run(bool allow_missing) {
    std::vector<std::string> missing;
    for (auto& [name, tensor] : out_.model.weights) {
      const auto at = key_of_.find(name);
      if (at == key_of_.end()) {
        missing.push_back(name);
        out_.tensors.push_back({name, "", tensor.sizes});
        continue;
      }
      WeightTensor& source = tensors_.at(at->second);
      const bool same = without_ones(source.sizes) == without_ones(tensor.sizes);
      VOLLEY_CHECK(same, Fault::model, "tensor '{}' is {}, wanted {} for '{}'", at->second,
                   text(source.sizes), text(tensor.sizes), name);
      out_.tensors.push_back({name, at->second, source.sizes});
      tensor.numbers = std::move(source.numbers);
      used_.insert(at->second);
    }
    VOLLEY_CHECK(missing.empty() || allow_missing, Fault::model,
                 "{} tensors are missing: {}; --allow-missing takes those of a new model", missing.size(),
                 first_of(missing));
    if (!missing.empty()) {
      out_.notes.push_back(fmt::format("{} tensors are missing and stay as in a new model", missing.size()));
    }
    name_unused();
  }

 private:
  std::string renamed(const std::string& key) const {
    for (const PatternRule& rule : family_.renames) {
      if (std::regex_match(key, rule.pattern)) {
        return std::regex_replace(key, rule.pattern, rule.text);
      }
    }
    return key;
  }

  void name_unused() {
    std::vector<std::string> unknown;
    for (const auto& [key, tensor] : tensors_) {
      if (used_.contains(key)) {
        continue;
      }
      const auto rule =
          std::find_if(family_.unread.begin(), family_.unread.end(),
                       [&](const PatternRule& each) { return std::regex_match(key, each.pattern); });
      if (rule == family_.unread.end()) {
        unknown.push_back(key);
      } else {
        out_.unused.emplace_back(key, rule->text);
        if (!rule->quirk.empty() && named_.insert(rule->quirk).second) {
          out_.quirks.push_back({rule->quirk, rule->text, QuirkState::no_effect});
        }
      }
    }
    VOLLEY_CHECK(unknown.empty(), Fault::model,
                 "{} keys are read by nothing and known to no rule, so the model may be another one: {}",
                 unknown.size(), first_of(unknown));
  }

  static std::string first_of(const std::vector<std::string>& all) {
    std::string text;
    constexpr std::size_t most = 8;
    for (std::size_t i = 0; i < std::min(most, all.size()); ++i) {
      text += (i == 0 ? "" : ", ") + all[i];
    }
    return all.size() > most ? text + ", ..." : text;
  }

  const CheckpointFamily& family_;
  Weights tensors_;
  CheckpointImport& out_;
  std::map<std::string, std::string> key_of_;
  std::set<std::string> used_, named_;  // keys, quirks
};

// One line for each set of attributes that neurons have; a state dict holds none of them.
void note_neurons(const Description& description, std::vector<std::string>& notes) {
  std::map<std::string, Index> groups;
  for (const NodeDescription& node : description.nodes) {
    if (node.op.starts_with("neuron.")) {
      std::string attributes;
      for (const auto& [name, value] : node.attributes) {
        attributes += fmt::format(" {} {}", name, text(value));
      }
      ++groups[node.op + attributes];
    }
  }
  for (const auto& [attributes, count] : groups) {
    notes.push_back(fmt::format("{} neurons: {}: of the family, not of the file", count, attributes));
  }
}

}  // namespace

std::string_view name(QuirkState state) {
  constexpr std::string_view names[] = {"followed", "not followed", "no effect"};
  return names[static_cast<std::size_t>(state)];
}

StateDict read_state_dict(const std::string& path, WeightAverage average) {
  if (path.ends_with(".safetensors")) {
    return {read_safetensors(path), "", {}};
  }
  if (path.ends_with(".npz")) {
    StateDict state;
    for (const auto& [name, array] : read_npz(path)) {
      check_finite(array, name, path);
      state.tensors.emplace(name, WeightTensor{array.sizes, as_floats(array)});
    }
    return state;
  }
  return read_torch_checkpoint(path, average);
}

CheckpointImport import_checkpoint(StateDict state, const std::vector<CheckpointFamily>& families,
                                   const CheckpointOptions& options) {
  Weights tensors = without_prefixes(std::move(state.tensors));
  const Candidate found = recognise(families, options.family, tensors);
  CheckpointImport out;
  out.variant = found.variant->name;
  out.settings = settings_of(found, tensors, with_compat(*found.family, options), out.notes);
  name_quirks(*found.family, out);
  const Draw draw = options.allow_missing ? Draw::numbers : Draw::sizes;
  out.model = find_family(found.family->family).build(out.settings, 0, draw);
  Filler(*found.family, std::move(tensors), out).run(options.allow_missing);
  note_neurons(out.model.description, out.notes);
  out.notes.insert(out.notes.end(), found.family->remarks.begin(), found.family->remarks.end());
  return out;
}

}  // namespace volley
