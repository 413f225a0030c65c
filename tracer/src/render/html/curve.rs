//! A curve of bytes over the recording.

use maud::{Markup, html};

use crate::render::text;

const WIDTH: f64 = 160.0;
const HEIGHT: f64 = 26.0;

/// The curve, from nothing at the lower left to all that is left.
pub(super) fn curve(points: &[u64]) -> Markup {
    let Some(&last) = points.last() else {
        return html! {};
    };
    let step = WIDTH / points.len() as f64;
    let height = |bytes: u64| HEIGHT - bytes as f64 / last.max(1) as f64 * (HEIGHT - 2.0);
    let corners = (1..).zip(points);
    let corners =
        corners.map(|(at, &bytes)| format!("{:.1},{:.1}", step * f64::from(at), height(bytes)));
    let corners: Vec<_> = corners.collect();
    let line = format!("0,{HEIGHT} {}", corners.join(" "));
    let area = format!("{line} {WIDTH},{HEIGHT}");
    html! {
        svg.curve width=(WIDTH) height=(HEIGHT) viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" {
            title { "up to " (text::bytes(last)) " at the end of the recording" }
            polygon points=(area) {}
            polyline points=(line) {}
        }
    }
}
