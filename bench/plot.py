"""A bar chart of ratios with their intervals as SVG, by hand: nothing has to be installed."""

from xml.sax.saxutils import escape

ROW, BAR, LEFT, WIDTH, RIGHT = 22, 12, 480, 420, 60  # pixels
STYLE = ("text{font:12px sans-serif;fill:#444} .bar{fill:#4a7fb5} "
         ".interval,.one{stroke:#444;stroke-width:1.2}")


def bar_chart(title, ratios):
    """`ratios`: (label, Ratio), from the top down. A line marks 1, where both are as fast."""
    most = max([1.0, *(ratio.high for _, ratio in ratios)])

    def x(value):
        return round(LEFT + WIDTH * value / most, 1)

    height = ROW * (len(ratios) + 2)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + RIGHT}" '
             f'height="{height}" role="img">', f"<style>{STYLE}</style>",
             f"<title>{escape(title)}</title>", f'<text x="4" y="15">{escape(title)}</text>']
    for index, (label, ratio) in enumerate(ratios):
        top = ROW * (index + 1) + (ROW - BAR) / 2
        middle = top + BAR / 2
        parts += [
            f'<text x="{LEFT - 8}" y="{middle + 4}" text-anchor="end">{escape(label)}</text>',
            f'<rect class="bar" x="{LEFT}" y="{top}" width="{x(ratio.value) - LEFT:.1f}" '
            f'height="{BAR}"/>',
            f'<line class="interval" x1="{x(ratio.low)}" y1="{middle}" x2="{x(ratio.high)}" '
            f'y2="{middle}"/>',
            f'<text x="{x(ratio.high) + 6}" y="{middle + 4}">{ratio.value:.1f}</text>']
    parts.append(f'<line class="one" x1="{x(1)}" y1="{ROW}" x2="{x(1)}" y2="{height - ROW}"/>')
    return "\n".join([*parts, "</svg>", ""])
