//! Growth over the last looks, in one word.

/// Smaller changes than this share of the whole are no growth that could be seen.
const LEAST: u64 = 16;

/// The amounts of the last looks as bars between the least and the most of them, the latest last:
/// `▁▂▄▆█`.
pub(super) fn sparkline(history: &[Option<u64>], width: usize) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let shown = &history[history.len().saturating_sub(width)..];
    let known = || shown.iter().flatten().copied();
    let (Some(least), Some(most)) = (known().min(), known().max()) else {
        return String::new();
    };
    let range = (most - least).max(most / LEAST).max(1);
    let bar = |bytes: &Option<u64>| match bytes {
        None => ' ',
        Some(bytes) => {
            let share = (bytes - least) as f64 / range as f64;
            BARS[((share * 7.0).round() as usize).min(BARS.len() - 1)]
        }
    };
    shown.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_a_ramp_and_the_latest_is_last() {
        let steady: Vec<_> = (1..=40).map(|it| Some(it * 100)).collect();
        assert_eq!(sparkline(&steady, 8), "▁▂▃▄▅▆▇█");
        assert_eq!(sparkline(&[None, Some(0), Some(7)], 8), " ▁█");
    }

    #[test]
    fn what_hardly_changes_is_flat() {
        assert_eq!(sparkline(&[Some(1000), Some(1001), Some(1000)], 8), "▁▁▁");
        assert_eq!(sparkline(&[Some(0), Some(0)], 8), "▁▁");
        assert_eq!(sparkline(&[None], 8), "");
        assert_eq!(sparkline(&[Some(u64::MAX), Some(0)], 8), "█▁");
    }
}
