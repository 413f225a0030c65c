//! Which pages to look at, where there are too many.

use crate::model::PageRun;

/// Pages in a stretch that is read at once, so that a text seldom crosses its ends.
const STRETCH: u64 = 16;

/// About `budget` of the pages, evenly spread, in stretches.
pub fn spread(runs: &[PageRun], budget: u64, page_size: u64) -> Vec<PageRun> {
    let total: u64 = runs.iter().map(|run| run.pages).sum();
    let (mut seen, mut taken, mut sample) = (0_u64, 0_u64, Vec::new());
    for stretch in runs.iter().flat_map(|run| stretches(*run, page_size)) {
        seen += stretch.pages;
        let due = u128::from(seen) * u128::from(budget) / u128::from(total.max(budget).max(1));
        if u128::from(taken + stretch.pages) <= due {
            taken += stretch.pages;
            sample.push(stretch);
        }
    }
    sample
}

fn stretches(run: PageRun, page_size: u64) -> impl Iterator<Item = PageRun> {
    let firsts = (0..run.pages).step_by(STRETCH as usize);
    firsts.map(move |first| PageRun {
        address: run.address + first * page_size,
        pages: (run.pages - first).min(STRETCH),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(page: u64, pages: u64) -> PageRun {
        let address = page << 12;
        PageRun { address, pages }
    }

    #[test]
    fn few_pages_are_all_taken() {
        let runs = [run(1, 3), run(9, 20)];
        assert_eq!(
            spread(&runs, 100, 4096),
            [run(1, 3), run(9, 16), run(25, 4)]
        );
        assert_eq!(spread(&[], 100, 4096), []);
    }

    #[test]
    fn of_many_an_even_part_is_taken() {
        let runs = [run(0, 16_000), run(50_000, 16_000)];
        let sample = spread(&runs, 3200, 4096);
        let pages: u64 = sample.iter().map(|it| it.pages).sum();
        assert_eq!(pages, 3200);
        let second = sample.iter().filter(|it| it.address >= 50_000 << 12);
        assert_eq!(second.count(), 100);
        assert!(sample.is_sorted_by_key(|it| it.address));
    }
}
