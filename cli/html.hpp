// --html: one page that holds a run, opens without a network and says how to repeat it.
#pragma once

#include <memory>

#include "cli/command.hpp"

namespace volley {
class ActivityTrace;
}

namespace volley::cli {

struct HtmlOptions {
  std::string file;                // empty: no page
  std::vector<std::string> watch;  // "NODE" or "NODE:i,j,..."
};
void add_html_options(CLI::App& app, HtmlOptions& options);

// The report alone: facts, tables and remarks, and the charts of its tables. Nothing without a path.
void write_html(const std::string& path, const Report& report, const std::string& verdict);

// A run as a page. Make it before the run (it asks the session for the values that it draws), let recorder()
// listen, and write() after it. Without --html all three do nothing.
class HtmlPage {
 public:
  // data: DATA as the user wrote it. Throws Error (usage) for a --watch that can't be.
  HtmlPage(const HtmlOptions& options, Session& session, std::string data);
  ~HtmlPage();
  HtmlPage(const HtmlPage&) = delete;
  HtmlPage& operator=(const HtmlPage&) = delete;

  Recorder& recorder();
  void write(const Report& report, const Profile& profile) const;

 private:
  void watch(const std::string& text);
  void watch_first_neurons();
  void watch_attention();

  const HtmlOptions& options_;
  const Session& session_;
  std::string data_;
  Recorder nobody_;
  std::unique_ptr<ActivityTrace> activity_;  // none without --html
  std::vector<std::string> notes_;
};

}  // namespace volley::cli
