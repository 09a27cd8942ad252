//! SVG charts. Their colours come from the page's style sheet, so they turn light or dark with it.

use maud::{Markup, html};

/// Width and height of a chart, in SVG user units; one is about a pixel on a phone.
const SIZE: [f64; 2] = [340.0, 200.0];
/// Room for the axes at the left, top, right and bottom.
const MARGIN: [f64; 4] = [44.0, 10.0, 20.0, 34.0];

/// A line or a set of dots in a chart.
pub(super) struct Series<'a> {
    /// Its name in the legend.
    pub(super) name: &'a str,
    /// Its class in the style sheet.
    pub(super) class: &'a str,
    /// Its points, `[x, y]`.
    pub(super) points: Vec<[f64; 2]>,
    /// Whether to draw dots rather than a line.
    pub(super) dots: bool,
}

/// How an axis maps values to positions.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Scale {
    Linear,
    Logarithmic,
}

/// One axis of a chart.
#[derive(Clone)]
pub(super) struct Axis<'a> {
    /// What it measures.
    pub(super) name: &'a str,
    /// First and last value.
    pub(super) range: [f64; 2],
    /// Values labelled along it.
    pub(super) ticks: Vec<f64>,
    /// Formats a tick's label.
    pub(super) write: fn(f64) -> String,
    pub(super) scale: Scale,
}

impl<'a> Axis<'a> {
    /// A linear axis, extended to round values at both ends.
    pub(super) fn linear(name: &'a str, range: [f64; 2], write: fn(f64) -> String) -> Self {
        Self::in_steps(name, range, 0.0, write)
    }

    /// A linear axis of whole numbers from 0.
    pub(super) fn whole(name: &'a str, last: f64) -> Self {
        Self::in_steps(name, [0.0, last], 1.0, |value| format!("{value:.0}"))
    }

    fn in_steps(name: &'a str, range: [f64; 2], least_step: f64, write: fn(f64) -> String) -> Self {
        let [low, high] = range;
        // Equal values still need an axis of some length.
        let span = if high > low { high - low } else { 0.1 * high.abs() };
        let step = if span > 0.0 { round_step(span / 4.0).max(least_step) } else { 1.0 };
        let (first, last) = ((low / step).floor(), (high / step).ceil().max((low / step).floor() + 1.0));
        let ticks = (first as i64..=last as i64).map(|tick| tidy(tick as f64 * step)).collect();
        Self { name, range: [first * step, last * step], ticks, write, scale: Scale::Linear }
    }

    /// A linear axis with exactly this range.
    pub(super) fn exact(name: &'a str, range: [f64; 2], ticks: Vec<f64>, write: fn(f64) -> String) -> Self {
        Self { name, range, ticks, write, scale: Scale::Linear }
    }

    /// A logarithmic axis; `range` must be above 0.
    pub(super) fn logarithmic(name: &'a str, range: [f64; 2], write: fn(f64) -> String) -> Self {
        let mut axis = Self::decades(name, range, write);
        while axis.ticks.len() < 2 {
            let [low, high] = axis.range;
            axis = Self::decades(name, [0.8 * low, 1.25 * high], write);
        }
        axis
    }

    fn decades(name: &'a str, range: [f64; 2], write: fn(f64) -> String) -> Self {
        let [low, high] = range;
        let decades = low.log10().floor() as i32..=high.log10().ceil() as i32;
        let wide = high / low > 100.0;
        let ticks = decades
            .flat_map(|decade| {
                let mantissas: &[f64] = if wide { &[1.0] } else { &[1.0, 2.0, 5.0] };
                mantissas.iter().map(move |mantissa| tidy(mantissa * 10f64.powi(decade)))
            })
            .filter(|tick| (low..=high).contains(tick))
            .collect();
        Self { name, range, ticks, write, scale: Scale::Logarithmic }
    }

    /// Position of a value along the axis, from 0 to 1.
    fn place(&self, value: f64) -> f64 {
        let measure = |value: f64| if self.scale == Scale::Linear { value } else { value.max(1e-12).log10() };
        let [low, high] = self.range.map(measure);
        ((measure(value) - low) / (high - low).max(1e-12)).clamp(0.0, 1.0)
    }
}

/// Removes binary rounding noise, so that 0.30000000000000004 becomes 0.3.
fn tidy(value: f64) -> f64 {
    format!("{value:.9e}").parse().unwrap_or(value)
}

/// The smallest 1, 2 or 5 times a power of ten that is at least `least`.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0].into_iter().map(|mantissa| mantissa * power).find(|step| *step >= least).unwrap_or(10.0 * power)
}

/// The smallest and largest finite value, if there is one.
pub(super) fn range(values: impl Iterator<Item = f64>) -> Option<[f64; 2]> {
    values.filter(|value| value.is_finite()).fold(None, |range, value| {
        let [low, high] = range.unwrap_or([value; 2]);
        Some([f64::min(low, value), f64::max(high, value)])
    })
}

struct Frame<'a> {
    x: &'a Axis<'a>,
    y: &'a Axis<'a>,
}

impl Frame<'_> {
    fn at(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [left, top, right, bottom] = MARGIN;
        [
            left + self.x.place(x) * (SIZE[0] - left - right),
            SIZE[1] - bottom - self.y.place(y) * (SIZE[1] - top - bottom),
        ]
    }

    fn axes(&self) -> Markup {
        let [left, top, right, bottom] = MARGIN;
        let (width, height) = (SIZE[0] - right, SIZE[1] - bottom);
        html! {
            @for tick in &self.y.ticks {
                @let y = self.at([self.x.range[0], *tick])[1];
                line .grid x1=(left) x2=(width) y1=(number(y)) y2=(number(y)) {}
                text .tick x=(left - 5.0) y=(number(y + 4.0)) text-anchor="end" { ((self.y.write)(*tick)) }
            }
            @for tick in &self.x.ticks {
                @let x = self.at([*tick, self.y.range[0]])[0];
                text .tick x=(number(x)) y=(height + 15.0) text-anchor="middle" { ((self.x.write)(*tick)) }
            }
            line .axis x1=(left) x2=(width) y1=(height) y2=(height) {}
            line .axis x1=(left) x2=(left) y1=(top) y2=(height) {}
            text .tick x=((left + width) / 2.0) y=(SIZE[1] - 3.0) text-anchor="middle" { (self.x.name) }
        }
    }
}

/// A coordinate; a tenth of a pixel is precise enough.
fn number(value: f64) -> String {
    format!("{value:.1}")
}

/// A chart of lines and dots, with a title and, if there are several series, a legend.
pub(super) fn chart(title: &str, x: &Axis<'_>, y: &Axis<'_>, series: &[Series<'_>]) -> Markup {
    let frame = Frame { x, y };
    figure(
        title,
        series,
        html! {
            (frame.axes())
            @for series in series {
                @let points: Vec<[f64; 2]> = series.points.iter().map(|point| frame.at(*point)).collect();
                @if series.dots || points.len() == 1 {
                    @for [x, y] in points { circle class={ "dot " (series.class) } cx=(number(x)) cy=(number(y)) r="3.5" {} }
                } @else {
                    @let points: Vec<String> = points.iter().map(|[x, y]| format!("{x:.1},{y:.1}")).collect();
                    polyline class={ "line " (series.class) } points=(points.join(" ")) {}
                }
            }
        },
    )
}

/// Bars of equal width across the whole x axis and, if given, a stepped line over them with the same number of steps.
pub(super) fn histogram(
    title: &str,
    x: &Axis<'_>,
    y: &Axis<'_>,
    bars: &Series<'_>,
    line: Option<&Series<'_>>,
) -> Markup {
    let frame = Frame { x, y };
    let count = bars.points.len() as f64;
    let width = (x.range[1] - x.range[0]) / count;
    let corners = |series: &Series<'_>| {
        let mut corners = Vec::new();
        for (bin, [_, height]) in series.points.iter().enumerate() {
            for side in [bin, bin + 1] {
                let [x, y] = frame.at([x.range[0] + side as f64 * width, *height]);
                corners.push(format!("{x:.1},{y:.1}"));
            }
        }
        corners.join(" ")
    };
    let [left, bottom] = frame.at([x.range[0], y.range[0]]);
    let right = frame.at([x.range[1], y.range[0]])[0];
    let legend: Vec<&Series<'_>> = std::iter::once(bars).chain(line).collect();
    figure(
        title,
        legend,
        html! {
            polygon class={ "bars " (bars.class) } points={ (number(left)) "," (number(bottom)) " " (corners(bars)) " " (number(right)) "," (number(bottom)) } {}
            (frame.axes())
            @if let Some(line) = line {
                polyline class={ "line " (line.class) } points=(corners(line)) {}
            }
        },
    )
}

fn figure<'a, S>(title: &str, series: S, content: Markup) -> Markup
where
    S: IntoIterator,
    S::Item: std::borrow::Borrow<Series<'a>>,
{
    use std::borrow::Borrow;
    let series: Vec<S::Item> = series.into_iter().collect();
    html! {
        figure .chart {
            figcaption {
                strong { (title) }
                @if series.len() > 1 {
                    @for series in &series {
                        @let series: &Series<'_> = series.borrow();
                        " " span .key { span class={ "swatch " (series.class) } {} (series.name) }
                    }
                }
            }
            svg viewBox={ "0 0 " (SIZE[0]) " " (SIZE[1]) } role="img" aria-label=(title) { (content) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_on_round_values() {
        let axis = Axis::linear("", [0.13, 0.94], |value| format!("{value}"));
        assert_eq!(axis.range, [0.0, 1.0]);
        assert_eq!(axis.ticks.len(), 3);
        let logarithmic = Axis::logarithmic("", [0.02, 2.0], |value| format!("{value}"));
        assert!((logarithmic.place(0.2) - 0.5).abs() < 1e-9);
        assert_eq!(logarithmic.ticks.len(), 7);
    }

    #[test]
    fn ticks_are_few_short_and_different() {
        let plain = |value| format!("{value}");
        let axes = [
            Axis::linear("", [0.5, 0.5], plain),
            Axis::linear("", [0.0, 0.0], plain),
            Axis::linear("", [99.5, 100.0], plain),
            Axis::linear("", [0.0, 0.61], plain),
            Axis::linear("", [0.0, 0.000_01], plain),
            Axis::whole("", 1.0),
            Axis::whole("", 2.0),
            Axis::whole("", 3.0),
            Axis::whole("", 100.0),
            Axis::logarithmic("", [0.27, 0.33], plain),
            Axis::logarithmic("", [0.3, 0.3], plain),
            Axis::logarithmic("", [1e-4, 2.0], plain),
        ];
        for axis in axes {
            let mut labels: Vec<String> = axis.ticks.iter().map(|tick| (axis.write)(*tick)).collect();
            assert!((2..=9).contains(&labels.len()) && labels.iter().all(|label| label.len() <= 8), "{labels:?}");
            let count = labels.len();
            labels.dedup();
            assert_eq!(labels.len(), count, "{labels:?}");
            assert!(axis.range[0] < axis.range[1]);
        }
    }

    #[test]
    fn values_are_drawn_where_they_are() {
        let axis = |range| Axis::exact("", range, vec![], |value| format!("{value}"));
        let (x, y) = (axis([1.0, 3.0]), axis([0.0, 10.0]));
        let series =
            Series { name: "s", class: "train", points: vec![[1.0, 0.0], [2.0, 5.0], [3.0, 10.0]], dots: false };
        let svg = chart("t", &x, &y, &[series]).into_string();
        assert!(svg.contains(r#"points="44.0,166.0 182.0,88.0 320.0,10.0""#), "{svg}");
    }
}
