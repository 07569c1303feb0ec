// Verdicts, break-even rates and conditions, by hand.
#include "models/comparison.hpp"

#include <gtest/gtest.h>

#include "sim/base/check.hpp"

namespace volley {
namespace {

Contender dense() {
  return {"dense", 99.0, std::nullopt, 2.0, 0.0, 8.0, 1.0, 1000.0};
}

// 0.5 uJ that do not depend on the rate and 1 uJ of spikes at rate 0.2.
Contender spiking() {
  return {"spiking", 98.5, 0.2, 1.5, 1.0, 10.0, 2.0, 500.0};
}

TEST(Comparison, SaysWinsAndLosesInEachRespect) {
  const Judgement judgement = judge(spiking(), dense());
  EXPECT_EQ(
      judgement.sentence,
      "spiking against dense: loses accuracy (-0.50 points), wins energy (0.75x), loses energy with "
      "memory (1.25x), loses time (2x), wins memory (0.5x); the energies would be equal at a mean firing "
      "rate of 0.3000 (measured 0.2000)");
  EXPECT_EQ(judgement.value("energy"), 0.75);
  EXPECT_EQ(judgement.value("taste"), std::nullopt);
}

TEST(Comparison, CanSayThatAModelLosesOrWinsOrTiesEverything) {
  const Contender bad{"bad", 10.0, 0.9, 5.0, 4.0, 20.0, 3.0, 4000.0};
  const Judgement loses = judge(bad, dense());
  ASSERT_EQ(loses.respects.size(), 5u);
  for (const Respect& respect : loses.respects) {
    EXPECT_EQ(respect.outcome, Outcome::loses) << respect.name;
  }
  for (const Respect& respect : judge(dense(), bad).respects) {
    EXPECT_EQ(respect.outcome, Outcome::wins) << respect.name;
  }
  for (const Respect& respect : judge(bad, bad).respects) {
    EXPECT_EQ(respect.outcome, Outcome::ties) << respect.name;
  }
}

TEST(Comparison, LeavesOutWhatIsNotKnown) {
  Contender unknown = dense();
  unknown.accuracy_percent = unknown.energy_with_memory_uj = unknown.latency_ms = unknown.memory_bytes = {};
  const Judgement judgement = judge(spiking(), unknown);
  ASSERT_EQ(judgement.respects.size(), 1u);
  EXPECT_EQ(judgement.respects[0].name, "energy");
  unknown.energy_uj = std::nullopt;
  EXPECT_TRUE(judge(spiking(), unknown).respects.empty());
  EXPECT_EQ(break_even_rate(spiking(), unknown), std::nullopt);
  EXPECT_EQ(judge(spiking(), unknown).sentence, "spiking against dense: nothing is known of both");
  EXPECT_THROW(broken(parse_condition("energy>1"), unknown, dense()), Error);
}

TEST(Comparison, TakesWallTimesThatAreCloseAsOne) {
  Contender close = dense();
  close.latency_ms = 1.015;
  EXPECT_EQ(judge(close, dense()).respects[3].outcome, Outcome::ties);
  close.latency_ms = 1.03;
  EXPECT_EQ(judge(close, dense()).respects[3].outcome, Outcome::loses);
}

TEST(BreakEven, IsWhereTheEnergiesMeet) {
  Contender one = spiking();
  const double rate = *break_even_rate(one, dense());
  one.energy_of_events_uj *= rate / *one.firing_rate;
  one.energy_uj = 0.5 + one.energy_of_events_uj;
  EXPECT_NEAR(*one.energy_uj, *dense().energy_uj, 1e-12);
}

TEST(BreakEven, SaysWhenNoRateOfBinarySpikesReachesIt) {
  Contender dear = dense();
  dear.energy_uj = 6.0;
  EXPECT_NE(judge(spiking(), dear).sentence.find("at 1.1000 spikes per neuron and step, more than one"),
            std::string::npos);
}

TEST(BreakEven, IsNotThereWhenSilenceIsTooDearOrNobodySpikes) {
  Contender cheap = dense();
  cheap.energy_uj = 0.4;
  EXPECT_EQ(break_even_rate(spiking(), cheap), std::nullopt);
  EXPECT_NE(judge(spiking(), cheap).sentence.find("more energy even if no neuron fired"), std::string::npos);
  EXPECT_EQ(break_even_rate(dense(), spiking()), std::nullopt);
  Contender silent = spiking();
  silent.firing_rate = 0.0;
  EXPECT_EQ(break_even_rate(silent, dense()), std::nullopt);
}

TEST(Condition, HoldsOrNot) {
  const auto text = [](const char* condition) {
    return broken(parse_condition(condition), spiking(), dense());
  };
  EXPECT_EQ(text("accuracy<99"), "accuracy of spiking is 98.5 %, wanted >= 99");
  EXPECT_EQ(text("accuracy < 98.5"), std::nullopt);
  EXPECT_EQ(text("accuracy<=98.5"), "accuracy of spiking is 98.5 %, wanted > 98.5");
  EXPECT_EQ(text("accuracy_loss>0.4"), "accuracy_loss of spiking is 0.5 points, wanted <= 0.4");
  EXPECT_EQ(text("accuracy_loss>1"), std::nullopt);
  EXPECT_EQ(text("energy>1.0"), "energy of spiking is 1.5 uJ, wanted <= 1");
  EXPECT_EQ(text("energy>=1.5"), "energy of spiking is 1.5 uJ, wanted < 1.5");
  EXPECT_EQ(text("energy_with_memory>12"), std::nullopt);
  EXPECT_EQ(text("latency>1e0"), "latency of spiking is 2 ms, wanted <= 1");
  EXPECT_EQ(text("memory>499"), "memory of spiking is 500 B, wanted <= 499");
  EXPECT_EQ(text("firing_rate>0.1"),
            "firing_rate of spiking is 0.2 spikes per neuron and step, wanted <= 0.1");
}

TEST(Condition, RefusesWhatItCanNotRead) {
  for (const char* text : {"", "accuracy", "accuracy=97", "97>accuracy", "accuracy<", "accuracy<97%", "<97",
                           "taste<1", "accuracy<>3", "accuracy<nan", "accuracy<inf", "accuracy<1<2"}) {
    try {
      parse_condition(text);
      ADD_FAILURE() << "took '" << text << "'";
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::usage) << text;
    }
  }
}

TEST(Condition, RefusesAQuantityThatNobodyKnows) {
  Contender one = spiking();
  one.accuracy_percent = std::nullopt;
  EXPECT_THROW(broken(parse_condition("accuracy<97"), one, dense()), Error);
  EXPECT_THROW(broken(parse_condition("accuracy_loss>1"), one, dense()), Error);
  EXPECT_THROW(broken(parse_condition("firing_rate>1"), dense(), dense()), Error);
}

}  // namespace
}  // namespace volley
