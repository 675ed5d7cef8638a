#include "tools/crmctl/report/charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tools/crmctl/report/figures.h"

namespace crm::crmctl {
namespace {

// User units of the drawings; they scale with the page.
constexpr double kWidth = 720;

std::string Length(double length) {
  return Decimal(std::isfinite(length) ? length : 0, 1);
}

// 0 to 1, also of what is no number.
double Clamped(double share) {
  return share > 0 ? std::min(share, 1.0) : 0;
}

void BeginDrawing(const std::string& id, const std::string& title, const std::string& description,
                  double height, Markup& out) {
  out.Begin("svg", {{"xmlns", "http://www.w3.org/2000/svg"},
                    {"viewBox", "0 0 " + Length(kWidth) + " " + Length(height)},
                    {"role", "img"},
                    {"aria-labelledby", id + "-title " + id + "-text"}});
  out.Leaf("title", title, {{"id", id + "-title"}});
  out.Leaf("desc", description, {{"id", id + "-text"}});
}

void Line(double x1, double y1, double x2, double y2, const std::string& style, Markup& out) {
  out.Empty("line", {{"x1", Length(x1)},
                     {"y1", Length(y1)},
                     {"x2", Length(x2)},
                     {"y2", Length(y2)},
                     {"class", style}});
}

void Label(double x, double y, const std::string& anchor, const std::string& text,
           const std::string& style, Markup& out) {
  out.Leaf("text", text,
           {{"x", Length(x)}, {"y", Length(y)}, {"text-anchor", anchor}, {"class", style}});
}

void Dot(double x, double y, double radius, const std::string& style, Markup& out) {
  out.Empty("circle",
            {{"cx", Length(x)}, {"cy", Length(y)}, {"r", Length(radius)}, {"class", style}});
}

// Where the concentration curve is drawn.
struct Plot {
  static constexpr double kLeft = 56;
  static constexpr double kRight = 704;
  static constexpr double kTop = 16;
  static constexpr double kBottom = 336;
  static constexpr double kHeight = 384;
  // The share of sales at the top.
  double most = 1;

  double X(double share) const { return kLeft + (kRight - kLeft) * Clamped(share); }
  double Y(double share) const { return kBottom - (kBottom - kTop) * Clamped(share / most); }
};

void DrawGrid(const Plot& plot, Markup& out) {
  for (const double share : {0.0, .25, .5, .75, 1.0}) {
    Line(plot.X(0), plot.Y(share), plot.X(1), plot.Y(share), "grid", out);
    Label(plot.X(0) - 8, plot.Y(share) + 4, "end", Percent(share, 0), "tick", out);
    Label(plot.X(share), Plot::kBottom + 20, "middle", Percent(share, 0), "tick", out);
  }
  Label(plot.X(.5), Plot::kHeight - 6, "middle", "customers, highest sales first", "tick", out);
}

void DrawHighlight(const Plot& plot, const ConcentrationRow& point, Markup& out) {
  const double x = plot.X(point.customers);
  const double y = plot.Y(point.sales);
  Line(x, y, x, plot.Y(0), "guide", out);
  Line(plot.X(0), y, x, y, "guide", out);
  Dot(x, y, 5, "mark", out);
  // On the side where there is room.
  const bool right = point.customers < .6;
  Label(right ? x + 12 : x - 12, y + 22, right ? "start" : "end",
        "top " + Percent(point.customers, 0) + ": " + Percent(point.sales), "callout", out);
}

std::string LaneOf(TimelineEntry::Kind kind) {
  switch (kind) {
    case TimelineEntry::Kind::kOrder:
      return "Orders";
    case TimelineEntry::Kind::kSend:
      return "Sends";
    case TimelineEntry::Kind::kResponse:
      return "Responses";
    case TimelineEntry::Kind::kInteraction:
      return "Interactions";
  }
  return {};
}

// The days a time line spans and where its lanes lie.
class Lanes {
 public:
  static constexpr double kHeight = 216;

  explicit Lanes(const std::vector<TimelineEntry>& timeline) {
    const auto [first, last] =
        std::minmax_element(timeline.begin(), timeline.end(),
                            [](const auto& a, const auto& b) { return a.day < b.day; });
    first_ = first->day;
    last_ = last->day;
    for (const TimelineEntry& entry : timeline) {
      most_ = std::max(most_, static_cast<double>(entry.amount_minor.value_or(0)));
    }
  }

  int32_t first() const { return first_; }
  int32_t last() const { return last_; }

  double X(int32_t day) const {
    const double span = static_cast<double>(last_) - first_;
    return kLeft + (kRight - kLeft) * (span > 0 ? (static_cast<double>(day) - first_) / span : .5);
  }

  static double Y(TimelineEntry::Kind kind) {
    switch (kind) {
      case TimelineEntry::Kind::kOrder:
        return 84;
      case TimelineEntry::Kind::kSend:
        return 112;
      case TimelineEntry::Kind::kResponse:
        return 140;
      case TimelineEntry::Kind::kInteraction:
        return 168;
    }
    return 0;
  }

  // Of an order's stem.
  double Rise(const TimelineEntry& order) const {
    const double amount = static_cast<double>(order.amount_minor.value_or(0));
    return 6 + 58 * (most_ > 0 ? Clamped(amount / most_) : 0);
  }

 private:
  static constexpr double kLeft = 104;
  static constexpr double kRight = 700;

  int32_t first_ = 0;
  int32_t last_ = 0;
  double most_ = 0;
};

void DrawEntry(const Lanes& lanes, const TimelineEntry& entry, Markup& out) {
  const double x = lanes.X(entry.day);
  const double y = Lanes::Y(entry.kind);
  switch (entry.kind) {
    case TimelineEntry::Kind::kOrder:
      return Line(x, y, x, y - lanes.Rise(entry), "stem", out);
    case TimelineEntry::Kind::kSend:
      return Dot(x, y, 4, "send", out);
    case TimelineEntry::Kind::kResponse:
      out.Empty("path", {{"d", fmt::format("M{} {}l5 5l-5 5l-5 -5z", Length(x), Length(y - 5))},
                         {"class", "mark"}});
      return;
    case TimelineEntry::Kind::kInteraction:
      return Line(x, y - 5, x, y + 5, "touch", out);
  }
}

void DrawLanes(const Lanes& lanes, Markup& out) {
  using Kind = TimelineEntry::Kind;
  for (const Kind kind : {Kind::kOrder, Kind::kSend, Kind::kResponse, Kind::kInteraction}) {
    const double y = Lanes::Y(kind);
    Line(lanes.X(lanes.first()), y, lanes.X(lanes.last()), y, "grid", out);
    Label(92, y + 4, "end", LaneOf(kind), "tick", out);
  }
  if (lanes.first() == lanes.last()) {
    return Label(lanes.X(lanes.first()), 200, "middle", Date(lanes.first()), "tick", out);
  }
  Label(lanes.X(lanes.first()), 200, "start", Date(lanes.first()), "tick", out);
  Label(lanes.X(lanes.last()), 200, "end", Date(lanes.last()), "tick", out);
}

}  // namespace

void DrawBars(const std::string& id, const std::string& title, const std::vector<Bar>& bars,
              Markup& out) {
  constexpr double kRow = 40;
  constexpr double kLeft = 96;
  constexpr double kLongest = 400;
  double most = 0;
  std::string description;
  for (const Bar& bar : bars) {
    most = std::max(most, Clamped(bar.share));
    description += (description.empty() ? "" : "; ") + bar.label + ": " + bar.figure;
  }
  BeginDrawing(id, title, description, kRow * static_cast<double>(bars.size()), out);
  double y = 0;
  for (const Bar& bar : bars) {
    const double length = most > 0 ? kLongest * Clamped(bar.share) / most : 0;
    Label(kLeft - 12, y + 25, "end", bar.label, "label", out);
    out.Empty("rect", {{"x", Length(kLeft)},
                       {"y", Length(y + 6)},
                       {"width", Length(std::max(length, 1.0))},
                       {"height", Length(kRow - 12)},
                       {"rx", "3"},
                       {"class", "bar"}});
    Label(kLeft + length + 12, y + 25, "start", bar.figure, "label", out);
    y += kRow;
  }
  out.End();
}

void DrawConcentration(const std::string& id, const std::string& title,
                       const Concentration& concentration, Markup& out) {
  Plot plot;
  std::string points;
  std::string description;
  for (const ConcentrationRow& row : concentration.curve) {
    if (std::isfinite(row.sales)) plot.most = std::max(plot.most, row.sales);
  }
  for (const ConcentrationRow& row : concentration.curve) {
    points += (points.empty() ? "" : " ") + Length(plot.X(row.customers)) + "," +
              Length(plot.Y(row.sales));
  }
  const auto& highlight = concentration.highlight;
  if (highlight.has_value()) {
    description = fmt::format("The top {} of customers hold {} of sales.",
                              Percent(highlight->customers, 0), Percent(highlight->sales));
  }
  BeginDrawing(id, title, description, Plot::kHeight, out);
  DrawGrid(plot, out);
  Line(plot.X(0), plot.Y(0), plot.X(1), plot.Y(1), "even", out);
  out.Empty("polyline", {{"points", points}, {"class", "curve"}});
  if (highlight.has_value()) DrawHighlight(plot, *highlight, out);
  out.End();
}

void DrawTimeline(const std::string& id, const std::string& title,
                  const std::vector<TimelineEntry>& timeline, Markup& out) {
  if (timeline.empty()) return;
  const Lanes lanes(timeline);
  BeginDrawing(id, title,
               fmt::format("{} entries from {} to {}", timeline.size(), Date(lanes.first()),
                           Date(lanes.last())),
               Lanes::kHeight, out);
  DrawLanes(lanes, out);
  for (const TimelineEntry& entry : timeline) DrawEntry(lanes, entry, out);
  out.End();
}

}  // namespace crm::crmctl
