// Runs the nodes of a simulation and tells the recorder: what all loop orders share.
#pragma once

#include <map>

#include "sim/exec/executor.hpp"

namespace volley {

// A node with what all its calls share, gathered once for a run.
struct PreparedNode {
  struct Slot {
    PreparedNode* source = nullptr;
    std::size_t output = 0;
    Simulation::DelayedEdge* delayed = nullptr;  // nullptr: no delay
  };
  struct Reader {
    PreparedNode* node = nullptr;
    std::size_t slot = 0;
  };

  const PlannedNode* node = nullptr;
  PreparedNode* layer = nullptr;  // that feeds these neurons
  State* state = nullptr;
  std::vector<Value> in, out;  // handles: the same memory in each step, but for values from outside
  std::vector<Slot> slots;
  std::vector<Reader> readers;                 // without delay, of the first output
  std::vector<std::size_t> recorded;           // outputs that the recorder wants
  std::vector<std::vector<Activity>> counted;  // of the steps of this call, by output, without marginals

  // Of an executor that passes over silent nodes.
  bool may_be_passed = false;
  bool is_watched = false;  // somebody asks whether the first output is silent
  bool is_silent = false;   // is the first output 0 everywhere?
  bool is_written = true;   // does its memory say so?
  Index owed = 0;           // steps that the state has not seen [steps]
};

class NodeRunner {
 public:
  // What the recorder wants is asked once, here.
  NodeRunner(Simulation& simulation, const RunInput& input, Recorder& recorder);
  NodeRunner(const NodeRunner&) = delete;
  NodeRunner& operator=(const NodeRunner&) = delete;

  // Runs the nodes of this domain, in order, for these steps; an input node takes its value.
  void run_all(Domain domain, StepRange steps);
  // Around each call's steps. A single step reads delayed values before their source has run, which lets
  // loops run.
  void begin_steps();
  void end_steps();
  // When all steps are done: states that were passed over take the steps that they owe.
  void settle();

 private:
  void prepare(const PlannedNode& node, PreparedNode& prepared);
  void connect(PreparedNode& prepared);
  void run(PreparedNode& prepared, StepRange steps);
  void take_input(PreparedNode& prepared, StepRange steps);
  void fetch(PreparedNode& prepared);
  void call(PreparedNode& prepared, StepRange steps);
  void call_kernel(PreparedNode& prepared, StepRange steps);
  void listen(PreparedNode& prepared, StepRange steps);

  bool reads_silence(const PreparedNode& prepared) const;
  void pay(PreparedNode& prepared);
  static void write_silence(PreparedNode& prepared);

  void record(const PreparedNode& prepared, StepRange steps);
  void count(PreparedNode& prepared, StepRange steps);
  void count_products(const PreparedNode& prepared, StepRange steps);
  Activity activity_in(const PreparedNode& prepared, std::size_t slot, Index t) const;

  Simulation& simulation_;
  const RunInput& input_;
  Recorder& recorder_;
  const bool wants_time_, wants_cost_, wants_products_, passes_over_silence_;
  std::vector<PreparedNode> nodes_;  // in the order of the plan
  std::map<NodeId, PreparedNode*> node_of_;
  std::vector<PreparedNode*> of_domain_[3];
  struct Delayed {
    Simulation::DelayedEdge* edge;
    PreparedNode* source;
    Value* value;  // of the source
  };
  std::vector<Delayed> delayed_;
};

}  // namespace volley
