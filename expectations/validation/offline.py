"""Self-contained pages of Great Expectations, which by default load styles, scripts and images from the internet."""

from __future__ import annotations

import re

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --good: #1a7f37; --bad: #cf222e; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 80rem; padding: 1rem 1.5rem; }
a { color: inherit; }
nav.navbar { border-bottom: 1px solid var(--line); height: auto !important; }
ol.breadcrumb { display: flex; gap: .5rem; list-style: none; padding: 0; margin: 0 0 .5rem; }
.breadcrumb li + li::before { content: "/ "; }
.sticky .card-header { padding: .5rem 0; }
.sticky ul { display: flex; flex-wrap: wrap; gap: .2rem 1rem; list-style: none; margin: 0; padding: 0; }
.alert { background: var(--soft); padding: .5rem .75rem; margin-top: 1.25rem; }
h4, h5, h6 { font-size: 1rem; margin: .5rem 0; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: .35rem .6rem .35rem 0; text-align: left; vertical-align: top; }
td { overflow-wrap: anywhere; }
.fa-check-circle::before { content: "\\2713"; color: var(--good); }
.fa-times::before { content: "\\2717"; color: var(--bad); }
.fa-exclamation-triangle::before { content: "\\26a0"; }
"""
_ONLINE = (
    r"<script\b.*?</script>",
    r"<style\b.*?</style>",
    r"<link\b[^>]*>",
    r"<img\b[^>]*>",
    r"<footer\b.*?</footer>",
    r'<div class="card mb-3">\s*<div class="card-header p-2">\s*<strong>Actions<.*?(?=<div class="card d-md-block)',
    r"Data asset: None<br>",
)


def offline(page: str) -> str:
    """Return `page` with an inline style, without scripts, and with links to the pages in the same folder."""
    for pattern in _ONLINE:
        page = re.sub(pattern, "", page, flags=re.DOTALL)
    page = re.sub(r'<a href="(?:\.\./)+expectations/[^"]*"[^>]*>(.*?)</a>', r"\1", page, flags=re.DOTALL)
    page = re.sub(r'href="(?:\.\./)+index\.html"|href="#"', 'href="index.html"', page)
    return page.replace("</head>", f"<style>{_STYLE}</style></head>", 1)
