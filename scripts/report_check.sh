#!/bin/bash
# Opens a report in a headless browser: it must be well-formed, load nothing, draw its charts and fit
# its window, wide and narrow.
#
#   scripts/report_check.sh [FILE]     FILE: build/report.html
#
# Without a browser (Debian: chromium) it says so and exits with 77.
set -euo pipefail

file="$(realpath "${1:-build/report.html}")"
browser="$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)"
if [[ -z "$browser" ]]; then
  echo "report_check: no headless browser here (apt-get install chromium); not checked in one"
  exit 77
fi

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

# Measures the page from outside: the report's own policy allows no script in it. The clicks open what
# is folded.
cat >"$work/measure.html" <<'HTML'
<!DOCTYPE html><meta charset="utf-8"><body style="margin:0"><script>
const lines = [];
function measure(width) {
  return new Promise(done => {
    const frame = document.createElement('iframe');
    frame.style.cssText = `border:0;width:${width}px;height:900px`;
    frame.onload = () => {
      const page = frame.contentDocument;
      page.querySelectorAll('details').forEach(d => { d.open = true; });
      const charts = [...page.querySelectorAll('svg')];
      const drawn = charts.filter(c => c.getBoundingClientRect().width > 100 && c.querySelector('line,rect,polyline'));
      const wide = page.documentElement.scrollWidth - page.documentElement.clientWidth;
      lines.push(`MEASURED width=${width} sections=${page.querySelectorAll('section').length} ` +
                 `charts=${charts.length} drawn=${drawn.length} overflow=${wide}`);
      done();
    };
    frame.src = 'report.html';
    document.body.append(frame);
  });
}
(async () => {
  for (const width of [1100, 380]) await measure(width);
  document.body.textContent = lines.join('\n');
})();
</script>
HTML
cp "$file" "$work/report.html"
python3 -c 'import sys, xml.etree.ElementTree as tree; tree.parse(sys.argv[1])' "$work/report.html"

# As root the browser has no sandbox of its own; the page is ours.
timeout 120 "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
  --user-data-dir="$work/profile" --allow-file-access-from-files --virtual-time-budget=10000 \
  --enable-logging=stderr --dump-dom "file://$work/measure.html" >"$work/dom" 2>"$work/log"

grep -o 'MEASURED [a-z0-9= -]*' "$work/dom" || { echo "report_check: the page did not load" >&2; cat "$work/log" >&2; exit 1; }
if grep -E 'CONSOLE|Refused to' "$work/log"; then
  echo "report_check: the browser complains" >&2
  exit 1
fi
fitting="$(grep -cE 'MEASURED width=[0-9]+ sections=[1-9][0-9]* charts=([0-9]+) drawn=\1 overflow=0' "$work/dom" || true)"
if [[ "$fitting" != 2 ]]; then
  echo "report_check: a chart is not drawn, or the page is wider than its window" >&2
  exit 1
fi
echo "report_check: passed"
