//! One chart of lines.

use std::fmt::Write as _;

use super::scale::Scale;
use super::{Axis, Chart, Plot, Size, Spread, Weight};
use crate::beside::{Curve, Unit};
use crate::markup::{clipped, escaped};
use crate::number::shown;

const LEFT: f64 = 58.0;
/// What a label beside the axis takes.
const BESIDE: f64 = 16.0;
const RIGHT: f64 = 112.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 38.0;
/// Points that get a hover title of their own; more would only overlap.
const MOST_TITLES: usize = 60;
/// Lines that have a color and a dash of their own.
const MOST_TOLD: usize = 6;
/// The height of a label of two lines.
const LABEL: f64 = 32.0;
const STYLE: &str = include_str!("../../templates/chart.css");

/// Draws a chart for a page that has the styles; an empty text, where no value is finite.
pub fn lines(chart: &Chart) -> String {
    Drawing::of(chart).map(|drawing| drawing.svg("")).unwrap_or_default()
}

/// Draws a chart that stands alone, as the content of an SVG file.
pub fn file(chart: &Chart) -> String {
    let Some(drawing) = Drawing::of(chart) else { return String::new() };
    let svg = drawing.svg(" xmlns=\"http://www.w3.org/2000/svg\"");
    let (opening, rest) = svg.split_at(svg.find('>').map_or(0, |at| at + 1));
    let ground = "<rect class=\"ground\" width=\"100%\" height=\"100%\"/>";
    format!("{opening}<title>{}</title><style>{STYLE}</style>{ground}{rest}\n", escaped(&chart.title))
}

/// Draws a chart over training steps; nothing, where no value is finite.
pub(crate) fn curve(curve: &Curve) -> Option<String> {
    let plot = |line: &crate::beside::Line| Plot {
        name: line.name.clone(),
        points: line.points.clone(),
        weight: Weight::Told,
    };
    let axis =
        |label: &str, unit: Unit, range| Axis { label: label.to_owned(), unit, spread: Spread::Even, range };
    let chart = Chart {
        title: curve.title.clone(),
        across: axis("step", Unit::Count, None),
        up: axis("", curve.unit, Some((0.0, f64::NEG_INFINITY))),
        lines: curve.lines.iter().take(4).map(plot).collect(),
        threshold: None,
        size: Size::Half,
    };
    Some(lines(&chart)).filter(|svg| !svg.is_empty())
}

/// A chart with its axes laid out.
struct Drawing<'a> {
    chart: &'a Chart,
    /// The lines, each with its place among those told apart.
    lines: Vec<(Plot, Option<usize>)>,
    across: Scale,
    up: Scale,
    left: f64,
    width: f64,
    height: f64,
}

impl<'a> Drawing<'a> {
    fn of(chart: &'a Chart) -> Option<Self> {
        let (width, height, most_ticks) = match chart.size {
            Size::Half => (520.0, 240.0, (5, 4)),
            Size::Whole => (860.0, 380.0, (9, 6)),
        };
        let lines = told_apart(chart);
        let points = || lines.iter().flat_map(|(line, _)| line.points.iter());
        points().next()?;
        let threshold = chart.threshold.as_ref().map(|threshold| threshold.at);
        let xs = ends(points().map(|point| point.0), chart.across.range);
        let ys = ends(points().map(|point| point.1).chain(threshold), chart.up.range);
        let left = LEFT + if chart.up.label.is_empty() { 0.0 } else { BESIDE };
        let (across, up) = ((left, width - RIGHT), (height - BOTTOM, TOP));
        let across = match chart.across.spread {
            Spread::Even => Scale::exact(xs.0, xs.1, across, most_ticks.0),
            Spread::Logarithmic => Scale::ratios(xs.0, xs.1, across),
        };
        let up = match chart.up.spread {
            Spread::Even => Scale::round(ys.0, ys.1, up, most_ticks.1),
            Spread::Logarithmic => Scale::ratios(ys.0, ys.1, up),
        };
        Some(Self { chart, lines, across, up, left, width, height })
    }

    fn svg(&self, attributes: &str) -> String {
        let (width, height) = (self.width, self.height);
        let mut svg = format!(
            "<svg{attributes} viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\" class=\"chart\">",
            escaped(&self.described())
        );
        self.threshold_ground(&mut svg);
        self.axes(&mut svg);
        self.threshold(&mut svg);
        // What sums up the others lies on top of them.
        for weight in [Weight::Faint, Weight::Told, Weight::Thick] {
            for (line, place) in self.lines.iter().filter(|(line, _)| line.weight == weight) {
                self.draw(&mut svg, line, *place);
            }
        }
        self.labels(&mut svg);
        svg.push_str("</svg>");
        svg
    }

    /// The chart in words, for those who hear it.
    fn described(&self) -> String {
        let (across, up) = (&self.chart.across, &self.chart.up);
        let mut words = format!("{}, by {}.", self.chart.title, across.label);
        if let Some(threshold) = &self.chart.threshold {
            let _ = write!(words, " {}.", threshold.label);
        }
        for (line, _) in self.lines.iter().filter(|(line, _)| line.weight != Weight::Faint) {
            if let (Some(first), Some(last)) = (line.points.first(), line.points.last()) {
                let _ = write!(
                    words,
                    " {}: from {} at {label} {} to {} at {label} {}.",
                    line.name,
                    shown(first.1, up.unit),
                    shown(first.0, across.unit),
                    shown(last.1, up.unit),
                    shown(last.0, across.unit),
                    label = across.label
                );
            }
        }
        words
    }

    fn axes(&self, svg: &mut String) {
        let (left, right, bottom) = (self.left, self.width - RIGHT, self.height - BOTTOM);
        for tick in self.up.ticks() {
            let y = self.up.place(tick);
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"{left}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                left - 8.0,
                y + 4.0,
                tick_text(tick, self.chart.up.unit)
            );
        }
        for tick in self.across.ticks() {
            let x = self.across.place(tick);
            let _ = write!(
                svg,
                "<line class=\"axis\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{bottom}\" y2=\"{:.1}\"/>\
                 <text class=\"tick\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                bottom + 4.0,
                bottom + 17.0,
                tick_text(tick, self.chart.across.unit)
            );
        }
        let _ = write!(
            svg,
            "<line class=\"axis\" x1=\"{left}\" x2=\"{right}\" y1=\"{bottom}\" y2=\"{bottom}\"/>\
             <text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            f64::midpoint(left, right),
            self.height - 4.0,
            escaped(&self.chart.across.label)
        );
        if !self.chart.up.label.is_empty() {
            let middle = f64::midpoint(TOP, bottom);
            let _ = write!(
                svg,
                "<text class=\"tick\" x=\"12\" y=\"{middle:.1}\" text-anchor=\"middle\" \
                 transform=\"rotate(-90 12 {middle:.1})\">{}</text>",
                escaped(&self.chart.up.label)
            );
        }
    }

    /// Shades what lies beyond the threshold, on the side away from 0.
    fn threshold_ground(&self, svg: &mut String) {
        let Some(threshold) = &self.chart.threshold else { return };
        let (left, y) = (self.left, self.up.place(threshold.at));
        let (top, bottom) = if threshold.at < 0.0 { (y, self.height - BOTTOM) } else { (TOP, y) };
        let _ = write!(
            svg,
            "<rect class=\"beyond\" x=\"{left}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
            self.width - RIGHT - left,
            (bottom - top).max(0.0)
        );
    }

    fn threshold(&self, svg: &mut String) {
        let Some(threshold) = &self.chart.threshold else { return };
        let (left, y) = (self.left, self.up.place(threshold.at));
        let _ = write!(
            svg,
            "<line class=\"threshold\" x1=\"{left}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
             <text class=\"threshold-label\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            self.width - RIGHT - 6.0,
            if threshold.at < 0.0 { y + 15.0 } else { y - 6.0 },
            escaped(&threshold.label),
            right = self.width - RIGHT
        );
    }

    fn draw(&self, svg: &mut String, line: &Plot, place: Option<usize>) {
        let at = |(x, y): &(f64, f64)| format!("{:.1},{:.1}", self.across.place(*x), self.up.place(*y));
        let places: Vec<String> = line.points.iter().map(at).collect();
        let class = class(line.weight, place);
        let _ = write!(svg, "<polyline class=\"line {class}\" points=\"{}\"", places.join(" "));
        if line.weight == Weight::Faint {
            let _ = write!(svg, "><title>{}</title></polyline>", escaped(&line.name));
            return;
        }
        svg.push_str("/>");
        let every = line.points.len().div_ceil(MOST_TITLES).max(1);
        let radius = if line.points.len() <= 30 { 2.6 } else { 0.0 };
        for (x, y) in line.points.iter().step_by(every) {
            let (place_x, place_y) = (self.across.place(*x), self.up.place(*y));
            let _ = write!(
                svg,
                "<g class=\"point {class}\"><title>{}, {} {}: {}</title>\
                 <circle class=\"touch\" cx=\"{place_x:.1}\" cy=\"{place_y:.1}\" r=\"7\"/>\
                 <circle class=\"dot\" cx=\"{place_x:.1}\" cy=\"{place_y:.1}\" r=\"{radius}\"/></g>",
                escaped(&line.name),
                escaped(&self.chart.across.label),
                shown(*x, self.chart.across.unit),
                shown(*y, self.chart.up.unit)
            );
        }
    }

    /// Writes each line's name and last value beside its end, moved apart where they would touch.
    fn labels(&self, svg: &mut String) {
        let mut ends: Vec<(f64, f64, &Plot, Option<usize>)> = Vec::new();
        for (line, place) in self.lines.iter().filter(|(line, _)| line.weight != Weight::Faint) {
            if let Some((x, y)) = line.points.last() {
                ends.push((self.up.place(*y), self.across.place(*x), line, *place));
            }
        }
        ends.sort_by(|left, right| left.0.total_cmp(&right.0));
        let column = self.width - RIGHT;
        let places = apart(ends.iter().map(|end| end.0), TOP + 4.0, self.height - BOTTOM - 14.0);
        for ((end_y, end_x, line, place), y) in ends.into_iter().zip(places) {
            let class = class(line.weight, place);
            if column - end_x > 12.0 {
                let _ = write!(
                    svg,
                    "<line class=\"leader {class}\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{end_y:.1}\" y2=\"{:.1}\"/>",
                    end_x + 5.0,
                    column + 4.0,
                    y - 4.0
                );
            }
            let value = line.points.last().map(|last| shown(last.1, self.chart.up.unit)).unwrap_or_default();
            let _ = write!(
                svg,
                "<text class=\"label {class}\" x=\"{x:.1}\" y=\"{y:.1}\">{}\
                 <tspan class=\"value\" x=\"{x:.1}\" dy=\"15\">{}</tspan></text>",
                escaped(&clipped(&line.name, 14)),
                escaped(&value),
                x = column + 8.0
            );
        }
    }
}

/// The lines without what cannot be placed; those beyond the sixth that would be told apart become faint.
fn told_apart(chart: &Chart) -> Vec<(Plot, Option<usize>)> {
    let mut told = 0;
    let is_placed =
        |value: f64, axis: &Axis| value.is_finite() && (axis.spread == Spread::Even || value > 0.0);
    let keep = |point: &(f64, f64)| is_placed(point.0, &chart.across) && is_placed(point.1, &chart.up);
    let mut lines = Vec::new();
    for line in &chart.lines {
        let points = line.points.iter().copied().filter(keep).collect();
        let mut line = Plot { points, ..line.clone() };
        if line.weight == Weight::Told && told == MOST_TOLD {
            line.weight = Weight::Faint;
        }
        let place = (line.weight == Weight::Told).then_some(told);
        told += usize::from(place.is_some());
        lines.push((line, place));
    }
    lines
}

/// A round value without the digits that say nothing.
fn tick_text(tick: f64, unit: Unit) -> String {
    let text = shown(tick, unit);
    if unit == Unit::Percent { text.replace(".0 %", " %") } else { text }
}

fn class(weight: Weight, place: Option<usize>) -> String {
    match (weight, place) {
        (Weight::Thick, _) => "thick".to_owned(),
        (_, Some(place)) => format!("s{place}"),
        (_, None) => "faint".to_owned(),
    }
}

fn ends(values: impl Iterator<Item = f64>, range: Option<(f64, f64)>) -> (f64, f64) {
    let start = range.unwrap_or((f64::INFINITY, f64::NEG_INFINITY));
    values.fold(start, |(low, high), value| (low.min(value), high.max(value)))
}

/// Moves sorted places apart by a label's height, and back up where they would leave the chart.
fn apart(places: impl Iterator<Item = f64>, from: f64, to: f64) -> Vec<f64> {
    let mut free_from = from;
    let mut moved: Vec<f64> = Vec::new();
    for place in places {
        let place = place.max(free_from);
        free_from = place + LABEL;
        moved.push(place);
    }
    let mut free_to = to;
    for place in moved.iter_mut().rev() {
        *place = place.min(free_to);
        free_to = *place - LABEL;
    }
    moved
}
