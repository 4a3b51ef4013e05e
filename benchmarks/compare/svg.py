"""Just enough SVG for the charts, readable on light and on dark pages."""

from html import escape

FONT = "-apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif"
LIGHT = {
    "back": "#ffffff",
    "text": "#1f2328",
    "faint": "#656d76",
    "line": "#d0d7de",
    "own": "#0969da",
    "own2": "#54aeff",
    "own3": "#8bc5fb",
    "peer": "#afb8c1",
    "limit": "#57606a",
    "best": "#bc4c00",
}
DARK = {
    "back": "#0d1117",
    "text": "#e6edf3",
    "faint": "#8d96a0",
    "line": "#30363d",
    "own": "#4493f8",
    "own2": "#316dca",
    "own3": "#264f8c",
    "peer": "#57606a",
    "limit": "#8d96a0",
    "best": "#f0883e",
}


def document(width: float, height: float, title: str, parts: list[str]) -> str:
    """Return a whole picture."""
    size = f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escape(title)}">',
            f"<title>{escape(title)}</title>",
            f"<style>text {{ font-family: {FONT}; paint-order: stroke; stroke-width: 3px; stroke-linejoin: round; }}",
            *_rules(LIGHT),
            "@media (prefers-color-scheme: dark) {",
            *_rules(DARK),
            "}</style>",
            f'<rect class="back" width="{width:g}" height="{height:g}" rx="8"/>',
            *parts,
            "</svg>\n",
        ]
    )


def text(
    x: float, y: float, words: str, *, color: str = "text", size: float = 12, anchor: str = "start", bold: bool = False
) -> str:
    """Return words whose baseline is at y."""
    weight = ' font-weight="600"' if bold else ""
    place = f'x="{x:.1f}" y="{y:.1f}"'
    return f'<text class="{color}" {place} font-size="{size:g}" text-anchor="{anchor}"{weight}>{escape(words)}</text>'


def rect(x: float, y: float, width: float, height: float, *, color: str, hollow: bool = False) -> str:
    """Return a bar, filled or only drawn around."""
    look = f'class="{color}-line" fill="none" stroke-width="1.5"' if hollow else f'class="{color}"'
    return f'<rect {look} x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="2"/>'


def line(points: list[tuple[float, float]], *, color: str, width: float = 1, dashed: bool = False) -> str:
    """Return a line through points."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashes = ' stroke-dasharray="4 3"' if dashed else ""
    return f'<polyline class="{color}-line" points="{path}" fill="none" stroke-width="{width:g}"{dashes}/>'


def dot(x: float, y: float, *, color: str) -> str:
    """Return a point of a line."""
    return f'<circle class="{color}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'


def _rules(colors: dict[str, str]) -> list[str]:
    """Words have a rim in the colour of the page, so that lines which they cross do not blur them."""
    rules = [f".{name} {{ fill: {value}; }} .{name}-line {{ stroke: {value}; }}" for name, value in colors.items()]
    return [*rules, f"text {{ stroke: {colors['back']}; }}"]
