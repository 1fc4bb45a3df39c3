"""The look of report.html: readable in a light and in a dark viewer, on paper and on a phone."""

STYLE = """
:root { color-scheme: light dark; --ink: #1c2330; --quiet: #5b6577; --paper: #f6f7f9; --card: #fff; --rule: #dfe3ea;
  --challenger: #1763c7; --champion: #c2620c; --late: #b3261e; --punctual: #3c7d5a; --good: #1a7f4b; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7eaf0; --quiet: #9aa5b8; --paper: #12161d; --card: #1a202a;
  --rule: #2d3542; --challenger: #6aa9ff; --champion: #f0a35c; --late: #f2857d; --punctual: #7cc6a0; --good: #6bcf9b;
  --bad: #f2857d; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1160px; padding: 32px 20px 64px; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; font-variant-numeric: tabular-nums; }
h1 { margin: 0; font-size: 24px; } h2 { margin: 0 0 4px; font-size: 16px; }
p { margin: 4px 0; } .quiet { color: var(--quiet); }
.gate { margin: 20px 0; padding: 14px 18px; border-left: 5px solid var(--good); border-radius: 6px;
  background: var(--card); font-size: 17px; }
.gate.failed { border-color: var(--bad); } .gate b { color: var(--good); } .gate.failed b { color: var(--bad); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(160px, 1fr)); gap: 12px; margin-bottom: 12px; }
.tile, .card { padding: 14px 18px; border: 1px solid var(--rule); border-radius: 8px; background: var(--card); }
.tile strong { display: block; font-size: 26px; font-weight: 600; line-height: 1.25; }
.tile small { display: block; color: var(--quiet); font-size: 13px; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(440px, 100%), 1fr)); gap: 12px; }
.card { margin-bottom: 12px; } .charts .card { margin: 0; } .charts + .card { margin-top: 12px; }
svg { display: block; width: 100%; height: auto; }
.grid { stroke: var(--rule); } .tick { fill: var(--quiet); font-size: 12px; }
.axis { fill: var(--ink); font-size: 13px; }
.line { fill: none; stroke-width: 2.2; stroke-linejoin: round; } .diagonal { fill: none; stroke: var(--quiet);
  stroke-dasharray: 4 4; } .marker { stroke: var(--ink); stroke-dasharray: 3 3; }
.line.challenger { stroke: var(--challenger); } .line.champion { stroke: var(--champion); }
.dot.challenger { fill: var(--challenger); } .dot.champion { fill: var(--champion); }
.bar { fill-opacity: .55; } .bar.late, .key.late { fill: var(--late); background: var(--late); }
.bar.punctual, .key.punctual { fill: var(--punctual); background: var(--punctual); }
.key.challenger { background: var(--challenger); } .key.champion { background: var(--champion); }
.legend { display: flex; gap: 18px; margin: 0 0 6px; padding: 0; list-style: none; color: var(--quiet);
  font-size: 13px; }
.key { display: inline-block; width: 12px; height: 12px; margin-right: 6px; border-radius: 3px; vertical-align: -1px; }
.wide { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; } table + table { margin-top: 18px; }
  th, td { padding: 5px 10px; text-align: right; white-space: nowrap; }
th { color: var(--quiet); font-weight: 500; font-size: 13px; border-bottom: 1px solid var(--rule); }
td { border-bottom: 1px solid var(--rule); } tr:last-child td { border-bottom: 0; }
th:first-child, td:first-child { text-align: left; }
td.better { color: var(--good); } td.worse { color: var(--bad); }
code { font-size: 13px; overflow-wrap: anywhere; }
"""
