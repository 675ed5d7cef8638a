#pragma once

#include <string>
#include <vector>

#include "tools/crmctl/report/markup.h"
#include "tools/crmctl/report/report.h"

namespace crm::crmctl {

// Charts as inline SVG, each an image with a title and a description for those who do not see it.
// Coordinates are cut to the plot, so that no input draws outside of it.

struct Bar {
  std::string label;
  // Length; the longest bar fills the width.
  double share = 0;
  // Beside the bar.
  std::string figure;
};

// Ids in the page start with `id`, which is unique in it.
void DrawBars(const std::string& id, const std::string& title, const std::vector<Bar>& bars,
              Markup& out);

void DrawConcentration(const std::string& id, const std::string& title,
                       const Concentration& concentration, Markup& out);

// A lane a kind; orders as stems, the higher the larger.
void DrawTimeline(const std::string& id, const std::string& title,
                  const std::vector<TimelineEntry>& timeline, Markup& out);

}  // namespace crm::crmctl
