/** The look of the page of the API: that of the other pages, in the page itself, so that it shows without them. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --page: #f8fafc; --raised: #fff; --sunken: #f1f5f9; --line: #e2e8f0; --text: #0f172a;
  --muted: #526077; --link: #1d4f91; --sun: #f5b301; --bad: #b91c1c; --get: #1d4f91; --post: #0f766e; --put: #92400e;
  --delete: #b91c1c; --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", "DejaVu Sans Mono", monospace; }
@media (prefers-color-scheme: dark) {
  :root { --page: #0f1623; --raised: #182131; --sunken: #111927; --line: #2a3648; --text: #e6ebf2; --muted: #9aa7ba;
    --link: #8fb8ee; --sun: #fcc21b; --bad: #fb8c8c; --get: #8fb8ee; --post: #4fd1c0; --put: #fbbf70; --delete: #fb8c8c; }
}
*, ::before, ::after { box-sizing: border-box; }
[hidden] { display: none !important; }
html { scroll-padding-top: 4.5rem; }
body { margin: 0; background: var(--page); color: var(--text); -webkit-text-size-adjust: 100%;
  font: 1rem / 1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif; }
a { color: var(--link); text-underline-offset: .2em; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 4px; }
main:focus { outline: none; }
code, pre { font-family: var(--mono); font-variant-ligatures: none; font-size: .8125rem; }
.skip { position: absolute; left: -100vw; }
.skip:focus { left: 1rem; top: 1rem; z-index: 2; padding: .5rem 1rem; background: var(--raised); }
header { position: sticky; top: 0; z-index: 1; display: flex; align-items: center; gap: 1.5rem; min-height: 3.5rem;
  padding: .5rem 1.25rem; border-bottom: 1px solid var(--line); background: var(--raised); }
.brand { display: inline-flex; align-items: center; gap: .6rem; color: inherit; font-size: 1.0625rem; font-weight: 650;
  letter-spacing: -.01em; text-decoration: none; }
.brand svg { width: 1.5rem; height: 1.5rem; fill: var(--sun); }
.brand circle { fill: none; stroke: var(--sun); stroke-width: 3; }
.search { position: relative; flex: 1; max-width: 34rem; margin-left: auto; }
.search input { width: 100%; min-height: 2.5rem; padding: 0 2.5rem 0 .9rem; border: 1px solid var(--line); border-radius: 8px;
  background: var(--page); color: inherit; font: inherit; font-size: .9375rem; }
.search input::placeholder { color: var(--muted); opacity: 1; }
kbd { position: absolute; right: .7rem; top: .6rem; padding: 0 .4rem; border: 1px solid var(--line); border-radius: 4px;
  color: var(--muted); font: .75rem / 1.4 var(--mono); pointer-events: none; }
.search input:focus + kbd { display: none; }
.columns { display: grid; grid-template-columns: 15rem minmax(0, 1fr); gap: 2.5rem; max-width: 76rem; margin: 0 auto;
  padding: 0 1.25rem; }
nav { position: sticky; top: 3.5rem; align-self: start; max-height: calc(100vh - 3.5rem); overflow-y: auto; padding: 1.5rem 0; }
nav ul { margin: 0; padding: 0; list-style: none; }
nav a { display: flex; justify-content: space-between; padding: .2rem .6rem; border-radius: 6px; color: var(--text);
  font-size: .875rem; text-decoration: none; }
nav a:hover { background: var(--sunken); }
.count { color: var(--muted); font-variant-numeric: tabular-nums; }
main { padding: 2rem 0 6rem; }
h1 { margin: 0 0 1rem; font-size: clamp(1.75rem, 1.2rem + 2vw, 2.25rem); letter-spacing: -.022em; line-height: 1.15; }
.lead { max-width: 68ch; margin: 0 0 .4rem; }
.facts, .refusals { color: var(--muted); font-size: .875rem; overflow-wrap: anywhere; }
.searching h1, .searching .lead, .searching .facts { display: none; }
#found { margin: 0 0 1rem; color: var(--muted); }
h2 { margin: 2.5rem 0 .75rem; font-size: 1.25rem; font-weight: 650; letter-spacing: -.012em; }
#found:not([hidden]) ~ section:not([hidden]) h2 { margin-top: 1.25rem; }
h3 { margin: 1.5rem 0 .5rem; font-size: .875rem; font-weight: 650; }
details { border: 1px solid var(--line); border-top-width: 0; background: var(--raised); }
h2 + details, details[hidden] + details:not([hidden]) { border-top-width: 1px; }
details[open] { border-left: 3px solid var(--sun); }
summary { display: grid; grid-template-columns: 4rem minmax(0, 1.15fr) minmax(0, 1fr); align-items: baseline; gap: .75rem;
  min-height: 2.5rem; padding: .5rem .9rem; cursor: pointer; list-style: none; }
summary::-webkit-details-marker { display: none; }
summary:hover { background: var(--sunken); }
.method { font: 650 .75rem / 1.6 var(--mono); }
.get { color: var(--get); } .post { color: var(--post); } .put, .patch { color: var(--put); } .delete { color: var(--delete); }
.path { overflow-wrap: anywhere; }
.slot { color: var(--muted); }
.what { font-size: .875rem; }
.body { padding: .25rem .9rem 1.25rem; border-top: 1px solid var(--line); }
.body > p { max-width: 68ch; margin: .5rem 0 0; font-size: .9375rem; }
.body p code, .lead code, td code { padding: .1em .3em; border-radius: 4px;
  background: color-mix(in srgb, var(--muted) 14%, transparent); overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; font-size: .875rem; }
th, td { padding: .4rem .75rem .4rem 0; border-top: 1px solid var(--line); text-align: left; vertical-align: top; font-weight: 400;
  overflow-wrap: anywhere; }
thead th { border-top: 0; color: var(--muted); font-size: .8125rem; }
tbody th { width: 32%; } td:nth-child(2) { width: 26%; }
.must { margin-left: .5rem; color: var(--bad); font-size: .75rem; white-space: nowrap; }
.place { margin-left: .5rem; color: var(--muted); font-size: .75rem; }
.status { color: var(--muted); font-variant-numeric: tabular-nums; font-weight: 400; }
pre { max-height: 26rem; margin: 0; padding: .8rem 1rem; border: 1px solid var(--line); border-radius: 8px;
  background: var(--sunken); line-height: 1.6; overflow: auto; }
@media (max-width: 52rem) {
  .columns { display: block; }
  nav { position: static; max-height: none; padding: 1rem 0 0; overflow-x: auto; }
  nav ul { display: flex; gap: .25rem; padding-bottom: .5rem; }
  nav li { flex: none; }
  nav a { gap: .4rem; border: 1px solid var(--line); background: var(--raised); min-height: 2.5rem; align-items: center; }
  main { padding-top: 1rem; }
}
@media (max-width: 40rem) {
  header { gap: .75rem; padding: .5rem .9rem; }
  .brand { font-size: 0; gap: 0; }
  kbd { display: none; }
  .search input { padding-right: .9rem; font-size: 1rem; }
  .columns { padding: 0 .9rem; }
  summary { grid-template-columns: 3.5rem minmax(0, 1fr); row-gap: .1rem; padding: .6rem .75rem; }
  .what { grid-column: 2; color: var(--muted); }
  thead { position: absolute; left: -100vw; }
  tr { display: block; padding: .5rem 0; border-top: 1px solid var(--line); }
  th, td, tbody th, td:nth-child(2) { display: block; width: auto; padding: 0; border: 0; }
  pre { font-size: .75rem; }
}
@media print { header, nav { display: none; } .columns { display: block; } }
`;
