"""How `report.html` looks: a style sheet without fonts or pictures of its own."""

from __future__ import annotations

from typing import Final

#: Okabe and Ito's blue and orange, told apart by people with every kind of colour vision.
ALONE: Final = "#0072b2"
FUSED: Final = "#d55e00"

STYLE: Final = """
:root { color-scheme: light; --ink: #1d2530; --soft: #5b6675; --line: #dde2e9; --wash: #f6f8fa; }
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: #fff;
  font: 15px/1.55 system-ui, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 32px 28px 72px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 6px; letter-spacing: -0.01em; }
h2 { font-size: 21px; margin: 44px 0 8px; padding-top: 18px; border-top: 1px solid var(--line); }
h3 { font-size: 16px; margin: 26px 0 6px; }
p { margin: 8px 0; max-width: 76ch; }
.soft, figcaption { color: var(--soft); }
.lead { font-size: 17px; margin: 18px 0; }
nav { margin: 18px 0 0; display: flex; flex-wrap: wrap; gap: 6px 16px; font-size: 14px; }
nav a { color: #0072b2; text-decoration: none; }
.wide { overflow-x: auto; margin: 14px 0; }
table { border-collapse: collapse; font-size: 14px; }
th, td { padding: 5px 12px 5px 0; border-bottom: 1px solid var(--line); vertical-align: middle; }
th { color: var(--soft); font-weight: 600; border-bottom: 2px solid var(--line); }
td svg { display: block; }
.word { text-align: left; }
td.word { min-width: 96px; }
.figure { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.share { display: inline-block; min-width: 62px; padding: 1px 8px; border-radius: 4px; }
.alone { color: #0072b2; font-weight: 600; }
.fusion { color: #b34e00; font-weight: 600; }
.alarms { background: #fff6ec; border-left: 4px solid #d55e00; padding: 10px 18px; margin: 18px 0; }
.alarms ul { margin: 6px 0; padding-left: 20px; }
figure { margin: 16px 0; }
img { max-width: 100%; height: auto; border: 1px solid var(--line); border-radius: 4px; }
figcaption { font-size: 13px; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(310px, 1fr)); gap: 14px; }
.card { border: 1px solid var(--line); border-radius: 6px; padding: 12px 16px;
  background: var(--wash); overflow-wrap: anywhere; }
.card blockquote { margin: 0 0 10px; font-size: 16px; }
.card p { margin: 2px 0; font-size: 14px; }
pre { background: var(--wash); border: 1px solid var(--line); border-radius: 6px;
  padding: 12px 14px; overflow-x: auto; font-size: 13px; line-height: 1.45; }
summary { cursor: pointer; color: #0072b2; }
@media print {
  main { max-width: none; }
  h2, .card, figure { break-inside: avoid; }
  nav { display: none; }
}
"""
