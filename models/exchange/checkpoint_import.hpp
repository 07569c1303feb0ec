// A published checkpoint as a model: which family it is, and its tensors in the family's graph.
#pragma once

#include "models/families/families.hpp"
#include "sim/io/checkpoint_proto.hpp"
#include "sim/io/torch_checkpoint.hpp"

namespace volley {

struct CheckpointOptions {
  std::string family = "auto";  // of a variant ("spikformer-cifar") or of a family ("spikformer")
  Settings config;              // settings of the family that the file does not say, or that are to be others
  bool allow_missing = false;   // tensors that the file lacks keep what a new model has
  std::vector<std::string> compat{};  // quirks of the authors' code that the graph is to follow
};

// Where the authors' code does something else than their paper says.
enum class QuirkState : std::uint8_t { followed, not_followed, no_effect };
std::string_view name(QuirkState state);

struct FoundQuirk {
  std::string name, what;
  QuirkState state;  // no_effect: a module that is never called
};

struct KeyUse {
  std::string tensor, key;  // of the graph, of the file; no key: missing
  std::vector<Index> sizes;
};

struct CheckpointImport {
  BuiltModel model;
  std::string variant;  // as recognised or asked for
  Settings settings;    // all that the builder was given
  std::vector<KeyUse> tensors;
  std::vector<std::pair<std::string, std::string>> unused;  // key, why
  std::vector<FoundQuirk> quirks;
  std::vector<std::string> notes;
};

// The tensors of a PyTorch checkpoint, a .safetensors or an .npz file. Throws Error.
StateDict read_state_dict(const std::string& path, WeightAverage average);

// Prefixes that all keys share ("module.", "model.", "_orig_mod.") are taken off. The variant's markers must
// be there; with "auto" exactly one variant's. What tensors tell is measured, the rest (heads, size of the
// image) comes from the published size that agrees, else from config. Tensors are taken by name; axes of size
// 1 may differ. Throws Error (model): no variant or several fit, a tensor is missing or of another size, a
// key that nothing reads and that no rule knows; Error (usage): family, setting or quirk unknown.
CheckpointImport import_checkpoint(StateDict state, const std::vector<CheckpointFamily>& families,
                                   const CheckpointOptions& options);

}  // namespace volley
