// Profiles with a price, a source and nothing made up.
#include "sim/io/profile_proto.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/unit/io/scratch.hpp"

namespace volley {
namespace {

using test::Scratch;

const std::string good = R"(format_version: 1 id: "45nm" description: "d" process_nm: 45 voltage: 0.9
scope: "compute" scope: "memory"
price { op: "ac" value_pj: 0.9 source: "Horowitz 2014" kind: "published" }
price { op: "mac" value_pj: 0 source: "recalled" kind: "unverified" }
sram { width_bits: 64 point { bytes: 8192 pj_per_access: 10 }
  point { bytes: 32768 pj_per_access: 20 pj_per_write: 25 } source: "s" kind: "derived" }
dram { pj_per_access: 1300 width_bits: 64 source: "d" kind: "published" }
network { op: "hop" value_pj: 3 source: "h" kind: "published" }
latency { op: "ac" value_ns: 3.5 source: "l" kind: "published" }
static_power { power_mw: 2 source: "w" kind: "published" }
included { op: "neuron" in: "ac" }
quoted { name: "neuron_idle_pj" value: 52 source: "q" kind: "unverified" })";

TEST(Profile, ReadsWhatTheFileSays) {
  const Scratch scratch;
  const Profile profile = read_profile(scratch.write("a.txtpb", good));
  EXPECT_EQ(profile.id, "45nm");
  EXPECT_EQ(profile.description, "d");
  EXPECT_EQ(profile.process_nm, 45);
  EXPECT_EQ(profile.voltage, 0.9);
  EXPECT_EQ(profile.scope, (std::vector<std::string>{"compute", "memory"}));
  ASSERT_EQ(profile.prices.size(), 2u);
  EXPECT_EQ(profile.prices.at("ac").picojoules, 0.9);
  EXPECT_EQ(profile.prices.at("ac").source, "Horowitz 2014");
  EXPECT_EQ(profile.prices.at("ac").kind, "published");
  EXPECT_EQ(profile.prices.at("mac").picojoules, 0);
}

TEST(Profile, ReadsMemoryNetworkAndTimes) {
  const Profile profile = parse_profile_text(good, "f");
  ASSERT_TRUE(profile.sram);
  EXPECT_EQ(profile.sram->width, bytes_of_bits(64) / Accesses(1));
  EXPECT_EQ(profile.sram->read_access(Bytes(8192)).count(), 10);
  EXPECT_EQ(profile.sram->write_access(Bytes(8192)).count(), 10);  // as to read
  EXPECT_EQ(profile.sram->write_access(Bytes(32768)).count(), 25);
  EXPECT_EQ(profile.sram->from.kind, "derived");
  ASSERT_TRUE(profile.dram);
  EXPECT_EQ(profile.dram->each.count(), 162.5);
  EXPECT_EQ(profile.dram->stated, "1300 pJ per access of 64 bits");
  EXPECT_EQ(profile.network.at("hop").picojoules, 3);
  EXPECT_EQ(profile.latencies.at("ac").each.count(), 3.5);
  EXPECT_EQ(profile.static_power->power.count(), 2);
  EXPECT_EQ(profile.included.at("neuron"), "ac");
  ASSERT_EQ(profile.quoted.size(), 1u);
  EXPECT_EQ(profile.quoted[0].name, "neuron_idle_pj");
  EXPECT_EQ(profile.quoted[0].value, 52);
}

TEST(Profile, WhatIsNotThereIsUnknown) {
  const Profile profile = parse_profile_text("format_version: 1 id: \"p\"", "f");
  EXPECT_FALSE(profile.sram || profile.dram || profile.static_power);
  EXPECT_TRUE(profile.prices.empty() && profile.network.empty() && profile.latencies.empty());
  const Profile bits = parse_profile_text(
      "format_version: 1 id: \"p\" dram { pj_per_bit: 12.5 source: \"s\" kind: \"published\" }", "f");
  EXPECT_EQ(bits.dram->each.count(), 100);
  EXPECT_EQ(bits.dram->stated, "12.5 pJ per bit");
}

const std::string known = " source: \"s\" kind: \"published\" ";

Profile read(const std::string& more) {
  return parse_profile_text("format_version: 1 id: \"p\" " + more, "f");
}

TEST(Profile, RefusesByName) {
  const auto price = [&](const std::string& body) { return read("price { " + body + " }"); };
  EXPECT_NO_THROW(read(""));
  EXPECT_REFUSED(parse_profile_text("id: \"p\"", "f"), "f: format_version is missing");
  EXPECT_REFUSED(parse_profile_text("format_version: 2 id: \"p\"", "f"), "f: format_version is 2");
  EXPECT_REFUSED(parse_profile_text("format_version: 1", "f"), "f: id is missing");
  EXPECT_REFUSED(read("proces_nm: 1"), "f:1:36: ");
  EXPECT_REFUSED(read("process_nm: -1"), "f: process_nm is -1");
  EXPECT_REFUSED(read("voltage: nan"), "f: voltage is nan");
  EXPECT_REFUSED(read("scope: \"moon\""),
                 "f: scope is 'moon', wanted one of: compute, memory, network, static");
  EXPECT_REFUSED(read("scope: \"memory\" scope: \"memory\""), "f: scope 'memory' is there twice");
  EXPECT_REFUSED(price("op: \"mul\"" + known), "price: op is 'mul', wanted one of: ac, mac, shift");
  EXPECT_REFUSED(price("op: \"ac\" source: \"s\" kind: \"guessed\""),
                 "price of 'ac': kind is 'guessed', wanted one of: published");
  EXPECT_REFUSED(price("op: \"ac\""), "kind is ''");
  EXPECT_REFUSED(price("op: \"ac\" value_pj: -1" + known), "price of 'ac': value_pj is -1");
  EXPECT_REFUSED(price("op: \"ac\" value_pj: inf" + known), "value_pj is inf");
  EXPECT_REFUSED(price("op: \"ac\" value_pj: nan" + known), "value_pj is nan");
  for (const char* kind : {"published", "derived", "unverified"}) {
    EXPECT_REFUSED(price(fmt::format("op: \"ac\" kind: \"{}\"", kind)), "price of 'ac': source is missing");
  }
  const std::string one = "op: \"ac\"" + known;
  EXPECT_REFUSED(price(one + " } price { " + one), "price of 'ac' is there twice");
  EXPECT_REFUSED(read_profile("/nowhere/p.txtpb"), "/nowhere/p.txtpb: can't open");
}

TEST(Profile, RefusesMemoryByName) {
  const auto sram = [](const std::string& body) { return read("sram { " + body + known + "}"); };
  const std::string point = "point { bytes: 8 pj_per_access: 1 } ";
  EXPECT_NO_THROW(sram("width_bits: 64 " + point));
  EXPECT_REFUSED(sram(point), "f: sram: width_bits is 0, wanted 1 to 65536");
  EXPECT_REFUSED(sram("width_bits: 65537 " + point), "width_bits is 65537");
  EXPECT_REFUSED(sram("width_bits: 64 "), "f: sram has no point");
  EXPECT_REFUSED(sram("width_bits: 64 " + point + point),
                 "f: sram: a point at 8 bytes stands after one at 8 bytes, wanted ascending sizes");
  EXPECT_REFUSED(sram("width_bits: 64 point { bytes: -8 }"), "f: sram: bytes is -8");
  EXPECT_REFUSED(sram("width_bits: 64 point { pj_per_access: nan }"), "f: sram: pj_per_access is nan");
  EXPECT_REFUSED(sram("width_bits: 64 point { pj_per_write: -1 }"), "f: sram: pj_per_write is -1");
  EXPECT_REFUSED(read("sram { width_bits: 64 " + point + "kind: \"derived\" }"),
                 "f: sram: source is missing");
  const auto dram = [](const std::string& body) { return read("dram { " + body + known + "}"); };
  EXPECT_REFUSED(dram("width_bits: 64"), "f: dram: wanted pj_per_access or pj_per_bit");
  EXPECT_REFUSED(dram("pj_per_access: 1"), "f: dram: width_bits is 0");
  EXPECT_REFUSED(dram("pj_per_access: -1 width_bits: 64"), "f: dram: pj_per_access is -1");
  EXPECT_REFUSED(dram("pj_per_bit: inf"), "f: dram: pj_per_bit is inf");
  EXPECT_REFUSED(dram("pj_per_bit: 1 width_bits: 64"), "f: dram: width_bits goes with pj_per_access only");
  EXPECT_REFUSED(dram("pj_per_bit: 1 pj_per_access: 1"), "f:1:");
}

TEST(Profile, RefusesTheRestByName) {
  EXPECT_REFUSED(read("network { op: \"ac\"" + known + "}"),
                 "f: network: op is 'ac', wanted one of: spike_out, hop");
  EXPECT_REFUSED(read("network { op: \"hop\" value_pj: -2" + known + "}"),
                 "network of 'hop': value_pj is -2");
  const std::string latency = "latency { op: \"hop\" value_ns: 1" + known + "} ";
  EXPECT_NO_THROW(read(latency));
  EXPECT_REFUSED(read(latency + latency), "f: latency of 'hop' is there twice");
  EXPECT_REFUSED(read("latency { op: \"mul\"" + known + "}"), "f: latency: op is 'mul'");
  EXPECT_REFUSED(read("latency { op: \"ac\" value_ns: inf" + known + "}"),
                 "latency of 'ac': value_ns is inf");
  EXPECT_REFUSED(read("static_power { power_mw: -1" + known + "}"), "f: static_power: power_mw is -1");
  EXPECT_REFUSED(read("static_power { power_mw: 1 kind: \"derived\" }"),
                 "f: static_power: source is missing");
  const std::string ac = "price { op: \"ac\"" + known + "} ";
  EXPECT_REFUSED(read("included { op: \"neuron\" in: \"ac\" }"),
                 "'neuron' is included in 'ac', which has no price");
  EXPECT_REFUSED(read(ac + "included { op: \"ac\" in: \"ac\" }"),
                 "'ac' is included in 'ac' and has a price of its own");
  EXPECT_REFUSED(read(ac + "included { op: \"moon\" in: \"ac\" }"), "f: included: op is 'moon'");
  const std::string neuron = "included { op: \"neuron\" in: \"ac\" } ";
  EXPECT_REFUSED(read(ac + neuron + neuron), "f: 'neuron' is included twice");
  EXPECT_REFUSED(read("quoted { name: \"idle\"" + known + "}"),
                 "f: quoted 'idle': wanted a name that ends with its unit");
  EXPECT_REFUSED(read("quoted { name: \"idle_pj\" value: nan" + known + "}"),
                 "quoted 'idle_pj': value is nan");
  const std::string quoted = "quoted { name: \"idle_pj\"" + known + "} ";
  EXPECT_REFUSED(read(quoted + quoted), "f: quoted 'idle_pj' is there twice");
}

TEST(Profile, ThoseThatComeWithVolleyAreReadAndBearTheirNames) {
  const std::filesystem::path folder = VOLLEY_SOURCE_DIR "/sim/measure/profiles";
  int count = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    EXPECT_EQ(read_profile(file.path().string()).id, file.path().stem().string());
    ++count;
  }
  EXPECT_GE(count, 13);
  const auto prices_of = [&](const std::string& id) {
    const Profile profile = read_profile((folder / (id + ".txtpb")).string());
    return std::pair{profile.prices.at("ac").picojoules, profile.prices.at("mac").picojoules};
  };
  EXPECT_EQ(prices_of("horowitz45-fp32"), std::pair(0.9, 4.6));
  EXPECT_EQ(prices_of("horowitz45-fp16"), std::pair(0.4, 1.5));
  EXPECT_EQ(prices_of("horowitz45-int8"), std::pair(0.03, 0.23));
  EXPECT_EQ(prices_of("horowitz45-int32"), std::pair(0.1, 3.2));
  EXPECT_EQ(prices_of("horowitz45-memory"), std::pair(0.9, 4.6));
  EXPECT_EQ(prices_of("jouppi7"), std::pair(0.38, 1.69));
}

TEST(Profile, SurvivesCutsAndFlips) {
  const auto read = [](const std::string& path) { (void)read_profile(path); };
  test::expect_survives_cuts("a.txtpb", good, read);
  test::expect_survives_flips("a.txtpb", good, good.size(), read);
}

}  // namespace
}  // namespace volley
