"""The page of `stance report`: `<!--NAME-->` marks what `report.render` fills in, `BODY` first."""

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Stance report: <!--NAME--></title>
<style>
:root { --ink: #1f2933; --dim: #616e7c; --rule: #e4e7eb; --paper: #fff; }
* { box-sizing: border-box; }
body { margin: 0; background: #f5f6f8; color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 860px; margin: 0 auto; padding: 40px 50px; background: var(--paper); min-height: 100vh; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 4px; }
h2 { font-size: 19px; margin: 38px 0 6px; padding-top: 14px; border-top: 1px solid var(--rule); }
h3 { font-size: 15px; margin: 0 0 8px; text-transform: capitalize; }
.dim, .note, .meta { color: var(--dim); }
.note { font-size: 13px; margin: 6px 0 12px; }
.meta { margin: 0 0 18px; overflow-wrap: anywhere; }
.facts { display: flex; flex-wrap: wrap; gap: 12px 34px; margin: 22px 0 4px; }
.facts div { color: var(--dim); font-size: 13px; }
.facts b { display: block; color: var(--ink); font-size: 25px; line-height: 1.2; font-variant-numeric: tabular-nums; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 10px 0; font-size: 13px; }
.legend i { display: inline-block; width: 13px; height: 13px; margin-right: 6px; vertical-align: -2px;
  border: 1px solid var(--dim); }
.legend .hatched { background: repeating-linear-gradient(135deg, var(--ink) 0 1px, #fff 1px 4px); }
time { white-space: nowrap; }
svg { display: block; width: 100%; height: auto; font-size: 12.5px; fill: var(--ink);
  font-variant-numeric: tabular-nums; }
svg .dim { fill: var(--dim); }
svg .strong { font-weight: 600; font-size: 14px; }
svg .rule { stroke: var(--rule); stroke-width: 1; }
svg rect { stroke: var(--ink); stroke-opacity: .5; stroke-width: .6; }
svg .hatch { pointer-events: none; stroke: none; opacity: .8; }
article { border-left: 4px solid; padding: 2px 0 2px 16px; margin: 20px 0; }
article ul { list-style: none; margin: 0; padding: 0; }
article li { margin: 0 0 14px; break-inside: avoid; overflow-wrap: anywhere; }
article q { quotes: "\\201C" "\\201D"; }
article li p { margin: 2px 0 0; font-size: 13px; color: var(--dim); }
.who { color: var(--ink); font-weight: 600; }
a { color: #1d5f91; }
@media screen and (max-width: 760px) {
  main { padding: 24px 18px; }
  .plot { overflow-x: auto; margin-right: -18px; }  /* to the edge of the screen: what is cut there goes on */
  .plot svg { width: 700px; }
  .shares text { display: none; }  /* too small to read; the legend has the numbers */
}
@page { margin: 16mm 15mm; }
@media print {
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { background: none; font-size: 11pt; }
  main { max-width: none; min-height: 0; padding: 0; }
  h2 { margin-top: 24px; }
  svg, .facts, .legend, .note { break-inside: avoid; }
  h2, h3, article > .note { break-after: avoid; }
  a { color: inherit; text-decoration: none; }
}
</style>
</head>
<body>
<main>
<h1>Stance report</h1>
<p class="meta"><!--NAME--><!--ABOUT--></p>
<!--BODY-->
</main>
</body>
</html>
"""

SECTIONS = """<div class="facts"><!--FACTS--></div>
<section><h2>Stances</h2>
<div class="shares"><!--SHARES--></div>
<!--LEGEND-->
<p class="note"><!--UNCERTAIN--> A statement is uncertain where the probability of its stance (see Confidence) lies
under the checkpoint's threshold; that was set on texts kept apart so that the labels above it reach the accuracy that
the checkpoint's card states. Check uncertain labels by eye before you count on them.</p>
</section>
<section><h2>By speaker</h2>
<div class="plot"><!--SPEAKERS--></div>
<p class="note"><!--SPEAKERS_NOTE--></p>
</section>
<section><h2>Over time</h2>
<div class="plot"><!--TIME--></div>
<p class="note"><!--TIME_NOTE--></p>
</section>
<section><h2>Confidence</h2>
<div class="plot"><!--CONFIDENCE--></div>
<p class="note">The calibrated probability of the stance given: of statements near 0.80, about eight in ten are right on
texts like those that the checkpoint was calibrated on. Hatched: below its threshold, so marked uncertain.</p>
</section>
<section><h2>Top statements of each stance</h2>
<p class="note">Those in most documents first, then by confidence; fragments and uncertain ones last. A statement whose
words stood in several documents counts once here and each time above.</p>
<!--TOP-->
</section>
"""

EMPTY = """<p>There is nothing to show: this file holds no statement, since nobody is quoted in the documents that were
scored. Documents that could not be read are named in the file of errors beside it, if there is one.</p>
"""
