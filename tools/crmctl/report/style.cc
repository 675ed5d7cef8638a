#include "tools/crmctl/report/style.h"

namespace crm::crmctl {

std::string_view ReportStyle() {
  return R"css(
:root {
  color-scheme: light dark;
  --paper: #fcfcfa; --card: #ffffff; --ink: #1c2024; --soft: #5b636c; --rule: #dfe2e0;
  --accent: #1f5f8b; --accent-soft: #cfe2ef; --mark: #b4451f;
  --heat-0: #f3f5f4; --heat-1: #dcebf3; --heat-2: #b3d3e6; --heat-3: #74abcf; --heat-4: #2f74a3; --heat-5: #134b70;
  --on-light: #1c2024; --on-dark: #ffffff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --card: #1b1f23; --ink: #e6e8e9; --soft: #a0a8af; --rule: #32383e;
    --accent: #6fb3df; --accent-soft: #24455b; --mark: #f0936d;
    --heat-0: #20252a; --heat-1: #1d3647; --heat-2: #1f4c68; --heat-3: #2f74a3; --heat-4: #74abcf; --heat-5: #b3d3e6;
    --on-light: #e6e8e9; --on-dark: #10151a;
  }
}
* { box-sizing: border-box; }
html { font: 100%/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", Arial, sans-serif; }
body { margin: 0; background: var(--paper); color: var(--ink); font-variant-numeric: tabular-nums lining-nums; }
header, main, footer { max-width: 60rem; margin: 0 auto; padding: 0 1.5rem; }
header { padding-top: 3rem; }
footer { padding-bottom: 3rem; color: var(--soft); font-size: .875rem; }
h1 { font-size: 2rem; line-height: 1.2; letter-spacing: -.015em; margin: 0 0 .25rem; text-wrap: balance; }
h2 { font-size: 1.3rem; line-height: 1.3; letter-spacing: -.01em; margin: 0 0 .5rem; }
h3 { font-size: 1rem; margin: 1.75rem 0 .5rem; }
p { margin: 0 0 1rem; max-width: 68ch; }
.lead, figcaption, .note, caption { color: var(--soft); }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; padding: 0; margin: 1rem 0 0; }
a { color: var(--accent); text-underline-offset: .2em; }
a:focus-visible, summary:focus-visible, [tabindex]:focus-visible { outline: 2px solid var(--accent); outline-offset: 3px; }
section { background: var(--card); border: 1px solid var(--rule); border-radius: .5rem; padding: 1.5rem; margin: 1.5rem 0; }
figure { margin: 1rem 0; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9375rem; }
caption { text-align: left; font-size: .875rem; padding-bottom: .5rem; }
th, td { padding: .4rem .75rem .4rem 0; text-align: left; vertical-align: baseline; border-bottom: 1px solid var(--rule); }
th:last-child, td:last-child { padding-right: 0; }
thead th { font-size: .8125rem; font-weight: 600; color: var(--soft); }
tbody th { font-weight: 500; }
.number { text-align: right; white-space: nowrap; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: 1rem 1.5rem; margin: 1.5rem 0 0; }
.facts dt { font-size: .8125rem; color: var(--soft); }
.facts dd { margin: 0; font-size: 1.25rem; font-weight: 600; overflow-wrap: anywhere; }
.profile dd { font-size: 1rem; font-weight: 500; }
.meter { display: inline-block; width: 6rem; height: .5rem; margin-right: .6rem; border-radius: .25rem; background: var(--accent-soft); vertical-align: middle; overflow: hidden; }
.meter i { display: block; height: 100%; background: var(--accent); }
.heat td { text-align: center; border: 2px solid var(--card); padding: .6rem .25rem; color: var(--on-light); }
.heat th { border: 0; padding: .4rem .5rem; color: var(--soft); font-weight: 500; text-align: center; }
.heat tbody th { text-align: right; white-space: nowrap; }
.h0 { background: var(--heat-0); } .h1 { background: var(--heat-1); } .h2 { background: var(--heat-2); }
.h3 { background: var(--heat-3); } .h4 { background: var(--heat-4); } .h5 { background: var(--heat-5); }
.heat td.h4, .heat td.h5 { color: var(--on-dark); }
.chips { display: flex; flex-wrap: wrap; gap: .5rem; list-style: none; padding: 0; margin: 0; }
.chips li { border: 1px solid var(--rule); border-radius: 1rem; padding: .1rem .75rem; font-size: .875rem; overflow-wrap: anywhere; }
summary { cursor: pointer; color: var(--accent); font-size: .9375rem; }
details { margin-top: 1rem; }
details[open] summary { margin-bottom: .5rem; }
text { fill: var(--ink); font-size: 14px; }
.tick { fill: var(--soft); font-size: 12px; }
.callout { font-weight: 600; fill: var(--mark); paint-order: stroke; stroke: var(--card); stroke-width: 5px; stroke-linejoin: round; }
.bar { fill: var(--accent); }
.grid { stroke: var(--rule); }
.even { stroke: var(--soft); stroke-dasharray: 2 5; }
.guide { stroke: var(--mark); stroke-dasharray: 4 4; }
.curve { fill: none; stroke: var(--accent); stroke-width: 2.5; stroke-linejoin: round; }
.mark { fill: var(--mark); }
.stem { stroke: var(--accent); stroke-width: 2; }
.send { fill: none; stroke: var(--ink); stroke-width: 1.5; }
.touch { stroke: var(--soft); stroke-width: 2; }
@media (max-width: 40rem) { header, main, footer { padding-left: 1rem; padding-right: 1rem; } section { padding: 1rem; } figure { overflow-x: auto; } svg, table { min-width: 34rem; } }
@media print { body { background: none; } section { break-inside: avoid; border: 0; padding: 0; } nav { display: none; } }
)css";
}

}  // namespace crm::crmctl
