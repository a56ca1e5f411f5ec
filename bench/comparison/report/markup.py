"""Sections as HTML: no script, nothing fetched, light and dark, from 360 pixels up."""

from html import escape

from comparison.report import content, drawing

WIDE = 6  # columns: intervals stand below their figures, so that more fits
STYLE = """
:root { color-scheme: light dark; --text: #1c2024; --quiet: #565f6a; --line: #d5dae0;
        --page: #ffffff; --panel: #f5f7f9; --link: #1f5f99; --warn: #8a4b00;
        --shade: #0005; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e7eb; --quiet: #a3adb8; --line: #39414b;
          --page: #15181c; --panel: #1d2126; --link: #7db7ea; --warn: #f0b060;
          --shade: #fff5; } }
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; padding: 1rem .75rem 4rem; max-width: 84rem; background: var(--page);
       color: var(--text); font: 16px/1.5 system-ui, sans-serif; overflow-wrap: break-word; }
a { color: var(--link); } h1 { font-size: 1.6rem; line-height: 1.2; margin: .5rem 0; }
h2 { margin: 3rem 0 .75rem; font-size: 1.3rem; line-height: 1.25; }
h3 { margin: 2rem 0 .5rem; font-size: 1.05rem; }
main p, li { max-width: 46rem; }
nav ol { display: flex; flex-wrap: wrap; gap: .4rem; margin: 1rem 0; padding: 0;
         list-style: none; font-size: .9rem; }
nav a { display: block; padding: .3rem .6rem; background: var(--panel); border-radius: 6px;
        text-decoration: none; }
nav a:hover, nav a:focus { text-decoration: underline; }
.finding { border-left: 4px solid var(--link); padding: .1rem 0 .1rem .9rem; }
.warning { border-left: 4px solid var(--warn); padding: .1rem 0 .1rem .9rem; }
.pictures { display: grid; gap: 1rem; margin: 1rem 0; align-items: start;
            grid-template-columns: repeat(auto-fill, minmax(min(100%, 26rem), 1fr)); }
figure { margin: 0; padding: .75rem; background: var(--panel); border-radius: 8px; }
figcaption { margin-bottom: .5rem; font-size: .95rem; }
figcaption strong { font-weight: 600; }
figcaption p { margin: .25rem 0 0; font-size: .85rem; }
figure svg { display: block; width: 100%; max-width: 36rem; height: auto; margin: 0 auto; }
svg * { stroke-linejoin: round; stroke-linecap: butt; }
.files { margin: .25rem 0 0; font-size: .8rem; text-align: right; }
details { border-bottom: 1px solid var(--line); }
summary { padding: .4rem 0; cursor: pointer; font-weight: 600; }
/* What is cut off at an edge has a shadow there. */
.scroll { overflow-x: auto; margin: 0 0 1rem; scrollbar-width: thin;
          background: linear-gradient(to left, var(--page) 1.5rem, transparent) right / 3rem 100%,
                      linear-gradient(to left, var(--shade), transparent) right / 1.25rem 100%;
          background-repeat: no-repeat; background-attachment: local, scroll; }
.scroll:focus { outline: 2px solid var(--link); }
table { border-collapse: separate; border-spacing: 0; font-size: .85rem;
        font-variant-numeric: tabular-nums; }
.caption { margin: 1rem 0 .25rem; font-weight: 600; font-size: .85rem; }
.caption a { margin-left: .5rem; font-weight: 400; }
th, td { padding: .3rem .6rem; text-align: right; vertical-align: top; white-space: nowrap;
         border-bottom: 1px solid var(--line); }
thead th { color: var(--quiet); vertical-align: bottom; font-weight: 600;
           white-space: normal; min-width: 6rem; max-width: 10rem; }
tbody th { font-weight: 600; }
tr > :first-child { text-align: left; position: sticky; left: 0; background: var(--page); }
td small { color: var(--quiet); font-size: .9em; }
.wide td small { display: block; } .wide thead th { min-width: 4.5rem; }
.prose thead th, .prose td, td.reason { text-align: left; white-space: normal; }
.prose td { min-width: 7rem; } .prose td.long { min-width: 16rem; }
.prose tbody th { white-space: normal; }
td.reason { color: var(--quiet); min-width: 14rem; }
nav details { display: none; border: 0; }
@media (max-width: 44rem) {
  nav details { display: block; } nav > ol { display: none; }
  tbody th { white-space: normal; min-width: 5rem; max-width: 9rem; }
  .prose table, .prose tbody, .prose tr, .prose th, .prose td { display: block; max-width: none; }
  .prose thead { position: absolute; clip-path: inset(50%); width: 1px; overflow: hidden; }
  .prose tr { padding: .5rem 0; }
  .prose th, .prose td, .prose td.long { min-width: 0; border: 0; padding: .1rem 0; }
  .prose td::before { content: attr(data-title) ": "; color: var(--quiet); }
  .prose tr { border-bottom: 1px solid var(--line); } }
pre { overflow-x: auto; padding: .75rem; background: var(--panel); border-radius: 6px;
      font-size: .85rem; }
.quiet { color: var(--quiet); font-size: .9rem; }
@media (min-width: 70rem) {
  .columns { display: grid; grid-template-columns: 13rem minmax(0, 1fr); gap: 2.5rem; }
  nav { position: sticky; top: 1rem; align-self: start; max-height: calc(100vh - 2rem);
        overflow-y: auto; }
  nav ol { flex-direction: column; gap: .1rem; } nav a { background: none; } }
@media print { nav { display: none; } .pictures, tr { break-inside: avoid; } }
"""


def page(title, introduction, sections):
    """Introduction: parts above the table of contents."""
    contents = "".join(f'<li><a href="#{each.name}">{escape(each.title)}</a></li>'
                       for each in sections)
    return "\n".join([
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>",
        f"<body><header><h1>{escape(title)}</h1>",
        *map(part, introduction),
        '</header><div class="columns"><nav aria-label="Contents">',
        f"<details><summary>Contents</summary><ol>{contents}</ol></details>",
        f"<ol>{contents}</ol></nav>",
        "<main>", *map(_section, sections), "</main></div></body></html>", ""])


def _section(section):
    return "\n".join([f'<section id="{section.name}"><h2>{escape(section.title)}</h2>',
                      *_parts(section.parts), "</section>"])


def _parts(parts):
    """Pictures that follow each other stand side by side."""
    together = []
    for each in parts:
        if not isinstance(each, content.Picture) and together:
            yield f'<div class="pictures">{"".join(together)}</div>'
            together = []
        if isinstance(each, content.Picture):
            together.append(part(each))
        else:
            yield part(each)
    if together:
        yield f'<div class="pictures">{"".join(together)}</div>'


def part(item):
    match item:
        case content.Text(text, quiet):
            return f'<p class="quiet">{escape(text)}</p>' if quiet else f"<p>{escape(text)}</p>"
        case content.Finding(text):
            return f'<p class="finding">{escape(text)}</p>'
        case content.Warning(text):
            return f'<p class="warning"><strong>Note:</strong> {escape(text)}</p>'
        case content.Heading(text):
            return f"<h3>{escape(text)}</h3>"
        case content.Code(text):
            return f'<pre tabindex="0">{escape(text)}</pre>'
        case content.Folded(title, parts):
            return (f"<details><summary>{escape(title)}</summary>{''.join(_parts(parts))}"
                    "</details>")
        case content.Table():
            return _table(item)
        case content.Picture():
            return _picture(item)
    raise TypeError(item)


def _picture(picture):
    svg = drawing.page_svg(picture.figure, picture.name, picture.description)
    files = " ".join(f'<a href="plots/{picture.name}.{kind}">{kind.upper()}</a>'
                     for kind in drawing.KINDS)
    rest = f"<p>{escape(picture.rest)}</p>" if picture.rest else ""
    return (f"<figure><figcaption><strong>{escape(picture.headline)}</strong>{rest}</figcaption>"
            f'{svg}<p class="files">{files}</p></figure>')


def _table(table):
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in table.header)
    body = "".join(f"<tr>{_row(row, table.header, table.prose)}</tr>" for row in table.rows)
    kind = "scroll" + (" prose" if table.prose else " wide" if len(table.header) >= WIDE else "")
    caption = escape(", ".join(filter(None, [table.caption, table.rounds])))
    return (f'<p class="caption">{caption} <a href="tables/{table.name}.csv">CSV</a></p>'
            f'<div class="{kind}" role="region" tabindex="0" aria-label="{caption}"><table>'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>")


def _row(row, header, prose):
    name = f'<th scope="row">{escape(str(row[0]))}</th>'
    if len(row) < len(header):
        return name + (f'<td class="reason" colspan="{len(header) - 1}">{escape(str(row[1]))}'
                       "</td>")
    return name + "".join(_prose(title, each) if prose else _cell(each)
                          for title, each in zip(header[1:], row[1:]))


def _prose(title, cell):
    long = ' class="long"' if len(str(cell)) > 40 else ""
    return f'<td{long} data-title="{escape(title)}">{escape(str(cell))}</td>'


def _cell(cell):
    if not isinstance(cell, content.Measured):
        return f"<td>{escape(str(cell))}</td>"
    interval = f" <small>{escape(cell.interval)}</small>" if cell.interval else ""
    return f"<td>{cell.mark}{escape(cell.median)}{interval}</td>"
