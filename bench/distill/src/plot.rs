//! A plot of a few curves side by side, as an SVG page.

use std::fmt::Write as _;

/// One measured pair.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
}

/// A curve.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) name: &'static str,
    pub(crate) color: &'static str,
    pub(crate) points: Vec<Point>,
}

/// Curves over one axis.
#[derive(Clone, Debug)]
pub(crate) struct Panel {
    pub(crate) title: &'static str,
    pub(crate) series: Vec<Series>,
}

const PANEL_WIDTH: f64 = 400.0;
const HEIGHT: f64 = 330.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 56.0;
const BOTTOM: f64 = 84.0;
/// Grid lines a panel, the one at zero not counted.
const GRID: usize = 5;

/// The whole picture.
pub(crate) fn page(title: &str, panels: &[Panel]) -> String {
    let width = PANEL_WIDTH * panels.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"{width}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n\
         <text x=\"{LEFT}\" y=\"20\" font-size=\"14\">{title}</text>\n"
    );
    for (idx, panel) in panels.iter().enumerate() {
        svg.push_str(&panel.draw(PANEL_WIDTH * idx as f64));
    }
    svg + "</svg>\n"
}

impl Panel {
    fn draw(&self, offset: f64) -> String {
        let points = || self.series.iter().flat_map(|series| &series.points);
        let most_x = points().map(|point| point.x).fold(1.0, f64::max);
        let most_y = points().map(|point| point.y).fold(1.0, f64::max);
        let step = round_step(most_y / GRID as f64);
        let top_y = (most_y / step).ceil() * step;
        let x = |value: f64| offset + LEFT + value / most_x * (PANEL_WIDTH - LEFT - RIGHT);
        let y = |value: f64| HEIGHT - BOTTOM - value / top_y * (HEIGHT - TOP - BOTTOM);
        let mut svg = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(svg, "<text x=\"{}\" y=\"42\">{}</text>", x(0.0), self.title);
        for line in 0..=(top_y / step).round() as usize {
            let (value, from, to) = (line as f64 * step, x(0.0), x(most_x));
            let at = y(value);
            let _ = writeln!(svg, "<path d=\"M{from:.1} {at:.1}H{to:.1}\" stroke=\"#d8dde3\"/>");
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{value:.0}</text>",
                from - 6.0,
                at + 4.0
            );
        }
        let ticks = self.series.first().map(|series| &series.points[..]).unwrap_or_default();
        for point in ticks.iter().filter(|point| point.x >= most_x / 10.0) {
            let (at, below) = (x(point.x), HEIGHT - BOTTOM + 16.0);
            let _ = writeln!(
                svg,
                "<text x=\"{at:.1}\" y=\"{below:.1}\" text-anchor=\"middle\">{}</text>",
                point.x
            );
        }
        for (idx, series) in self.series.iter().enumerate() {
            let (color, name) = (series.color, series.name);
            let line: Vec<String> =
                series.points.iter().map(|point| format!("{:.1},{:.1}", x(point.x), y(point.y))).collect();
            let line = line.join(" ");
            let _ = writeln!(
                svg,
                "<polyline points=\"{line}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"/>"
            );
            for point in &series.points {
                let (at_x, at_y) = (x(point.x), y(point.y));
                let _ = writeln!(svg, "<circle cx=\"{at_x:.1}\" cy=\"{at_y:.1}\" r=\"3\" fill=\"{color}\"/>");
            }
            let (from, at) = (x(0.0), HEIGHT - BOTTOM + 36.0 + 16.0 * idx as f64);
            let _ = writeln!(
                svg,
                "<rect x=\"{from:.1}\" y=\"{:.1}\" width=\"10\" height=\"10\" fill=\"{color}\"/>",
                at - 9.0
            );
            let _ = writeln!(svg, "<text x=\"{:.1}\" y=\"{at:.1}\">{name}</text>", from + 16.0);
        }
        svg
    }
}

/// The next 1, 2 or 5 times a power of ten.
fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.max(1.0).log10().floor());
    [1.0, 2.0, 5.0]
        .map(|factor| factor * power)
        .into_iter()
        .find(|step| *step >= least)
        .unwrap_or(10.0 * power)
}
