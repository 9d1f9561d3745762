//! One chart of lines over training steps.

use std::fmt::Write as _;

use super::scale::Scale;
use crate::beside::{Curve, Line};
use crate::markup::escaped;
use crate::number::{plain, shown};

const WIDTH: f64 = 520.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 112.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 38.0;
/// Points that get a hover title of their own; more would only overlap.
const MOST_TITLES: usize = 60;

/// Draws a chart; nothing, where no value is finite.
pub(crate) fn curve(curve: &Curve) -> Option<String> {
    let lines: Vec<Line> = curve.lines.iter().take(4).map(finite).collect();
    let points = || lines.iter().flat_map(|line| line.points.iter());
    points().next()?;
    let least = |pick: fn(&(f64, f64)) -> f64| points().map(pick).fold(f64::INFINITY, f64::min);
    let most = |pick: fn(&(f64, f64)) -> f64| points().map(pick).fold(f64::NEG_INFINITY, f64::max);
    let across = Scale::exact(least(|p| p.0), most(|p| p.0), (LEFT, WIDTH - RIGHT), 5);
    let up = Scale::round(least(|p| p.1).min(0.0), most(|p| p.1), (HEIGHT - BOTTOM, TOP), 4);
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\" class=\"chart\">",
        escaped(&described(curve, &lines))
    );
    axes(&mut svg, curve, across, up);
    for (position, line) in lines.iter().enumerate() {
        draw(&mut svg, curve, line, position, (across, up));
    }
    labels(&mut svg, curve, &lines, across, up);
    svg.push_str("</svg>");
    Some(svg)
}

fn finite(line: &Line) -> Line {
    let points = line.points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite());
    Line { name: line.name.clone(), points: points.collect() }
}

/// The chart in words, for those who hear it.
fn described(curve: &Curve, lines: &[Line]) -> String {
    let mut words = format!("{}, over training steps.", curve.title);
    for line in lines {
        if let (Some(first), Some(last)) = (line.points.first(), line.points.last()) {
            let _ = write!(
                words,
                " {}: from {} at step {} to {} at step {}.",
                line.name,
                shown(first.1, curve.unit),
                plain_step(first.0),
                shown(last.1, curve.unit),
                plain_step(last.0)
            );
        }
    }
    words
}

fn plain_step(step: f64) -> String {
    if step < 1000.0 { format!("{step}") } else { plain(step) }
}

fn axes(svg: &mut String, curve: &Curve, across: Scale, up: Scale) {
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    for tick in up.ticks() {
        let y = up.place(tick);
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
             <text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 8.0,
            y + 4.0,
            shown(tick, curve.unit)
        );
    }
    for tick in across.ticks() {
        let x = across.place(tick);
        let _ = write!(
            svg,
            "<line class=\"axis\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{bottom}\" y2=\"{:.1}\"/>\
             <text class=\"tick\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            bottom + 4.0,
            bottom + 17.0,
            plain_step(tick)
        );
    }
    let _ = write!(
        svg,
        "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{bottom}\" y2=\"{bottom}\"/>\
         <text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">step</text>",
        f64::midpoint(LEFT, right),
        HEIGHT - 4.0
    );
}

fn draw(svg: &mut String, curve: &Curve, line: &Line, position: usize, (across, up): (Scale, Scale)) {
    let places: Vec<String> =
        line.points.iter().map(|(x, y)| format!("{:.1},{:.1}", across.place(*x), up.place(*y))).collect();
    let _ = write!(svg, "<polyline class=\"line s{position}\" points=\"{}\"/>", places.join(" "));
    let every = line.points.len().div_ceil(MOST_TITLES).max(1);
    let radius = if line.points.len() <= 30 { 2.6 } else { 0.0 };
    for (x, y) in line.points.iter().step_by(every) {
        let (place_x, place_y) = (across.place(*x), up.place(*y));
        let _ = write!(
            svg,
            "<g class=\"point s{position}\"><title>{}, step {}: {}</title>\
             <circle class=\"touch\" cx=\"{place_x:.1}\" cy=\"{place_y:.1}\" r=\"7\"/>\
             <circle class=\"dot\" cx=\"{place_x:.1}\" cy=\"{place_y:.1}\" r=\"{radius}\"/></g>",
            escaped(&line.name),
            plain_step(*x),
            shown(*y, curve.unit)
        );
    }
}

/// Writes each line's name and last value at its end, moved apart where they would touch.
fn labels(svg: &mut String, curve: &Curve, lines: &[Line], across: Scale, up: Scale) {
    let mut ends: Vec<(f64, f64, usize, String)> = Vec::new();
    for (position, line) in lines.iter().enumerate() {
        if let Some((x, y)) = line.points.last() {
            let label = crate::markup::clipped(&line.name, 18);
            ends.push((
                up.place(*y),
                across.place(*x),
                position,
                format!("{label}\n{}", shown(*y, curve.unit)),
            ));
        }
    }
    ends.sort_by(|left, right| left.0.total_cmp(&right.0));
    let mut free_from = TOP + 4.0;
    for (y, x, position, text) in ends {
        let y = y.max(free_from).min(HEIGHT - BOTTOM - 14.0);
        free_from = y + 32.0;
        let (name, value) = text.split_once('\n').unwrap_or((&text, ""));
        let _ = write!(
            svg,
            "<text class=\"label s{position}\" x=\"{:.1}\" y=\"{y:.1}\">{}\
             <tspan class=\"value\" x=\"{:.1}\" dy=\"15\">{}</tspan></text>",
            x + 8.0,
            escaped(name),
            x + 8.0,
            escaped(value)
        );
    }
}
