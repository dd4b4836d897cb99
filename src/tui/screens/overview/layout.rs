//! Where the charts stand: below each other, or in two columns where it is wide.

use ratatui::layout::Rect;

use crate::tui::widgets::cells;

/// How many charts there are.
pub(super) const CHARTS: usize = 6;

/// From so many columns on, the charts stand in two columns.
const WIDE: u16 = 100;
/// How many of the charts stand in the first of two columns.
const LEFT: usize = 3;
/// A chart that shows fewer rows than these, its heading among them, says too little.
const FEWEST: u16 = 6;

/// A place for each chart; an empty one for a chart that is not shown. `whole` is how many rows each would take.
pub(super) fn arrange(area: Rect, whole: &[u16; CHARTS], focus: usize) -> [Rect; CHARTS] {
    let mut places = [Rect::default(); CHARTS];
    if area.width < WIDE {
        stack(area, whole, Some(focus), &mut places);
        return places;
    }
    let width = area.width / 2;
    let (left, right) = places.split_at_mut(LEFT);
    let within = |from: usize, count: usize| focus.checked_sub(from).filter(|at| *at < count);
    stack(Rect { width, ..area }, &whole[..LEFT], within(0, LEFT), left);
    let beside = Rect { x: area.x + width + 1, width: area.width - width - 1, ..area };
    stack(beside, &whole[LEFT..], within(LEFT, CHARTS - LEFT), right);
    places
}

fn stack(area: Rect, whole: &[u16], focus: Option<usize>, places: &mut [Rect]) {
    let mut y = area.y;
    for (place, height) in places.iter_mut().zip(heights(area.height, whole, focus)) {
        *place = Rect { y, height, ..area };
        y += height;
    }
}

/// How the rows are shared out: evenly, where that leaves every chart enough of them; else the one with the cursor gets
/// what it needs first, and of the others at least the headings are seen.
fn heights(room: u16, whole: &[u16], focus: Option<usize>) -> Vec<u16> {
    let even = evenly(room, whole);
    let is_enough = even.iter().zip(whole).all(|(height, whole)| *height >= FEWEST.min(*whole));
    let Some(focus) = focus.filter(|_| !is_enough) else { return even };
    let others = cells(whole.len()).saturating_sub(1);
    let Some(mut left) = room.checked_sub(others + 1).filter(|left| *left >= 2) else {
        // Not even headings fit beside it.
        return (0..whole.len()).map(|at| if at == focus { room } else { 0 }).collect();
    };
    let mut heights = vec![1; whole.len()];
    for at in (0..whole.len()).map(|next| (focus + next) % whole.len()) {
        let more = whole[at].saturating_sub(1).min(left);
        heights[at] += more;
        left -= more;
    }
    heights
}

/// As many rows for each as for the others, but none more than it takes.
fn evenly(room: u16, whole: &[u16]) -> Vec<u16> {
    let mut heights = vec![0; whole.len()];
    let mut left = room;
    loop {
        let open: Vec<usize> = (0..whole.len()).filter(|at| heights[*at] < whole[*at]).collect();
        let share = left / cells(open.len()).max(1);
        if open.is_empty() || left == 0 {
            return heights;
        }
        for at in open {
            let more = share.max(1).min(whole[at] - heights[at]).min(left);
            heights[at] += more;
            left -= more;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: [u16; CHARTS] = [13, 6, 3, 26, 27, 5];

    fn tall(area: Rect, focus: usize) -> [u16; CHARTS] {
        arrange(area, &WHOLE, focus).map(|place| place.height)
    }

    #[test]
    fn a_narrow_terminal_unfolds_the_chart_with_the_cursor() {
        let area = Rect::new(0, 1, 80, 20);
        assert_eq!(tall(area, 0), [13, 3, 1, 1, 1, 1]);
        assert_eq!(tall(area, 3), [1, 1, 1, 15, 1, 1]);
        assert_eq!(tall(area, 5), [11, 1, 1, 1, 1, 5]);
        assert_eq!(tall(Rect { height: 6, ..area }, 4), [0, 0, 0, 0, 6, 0]);
        assert_eq!(tall(Rect { height: 8, ..area }, 4), [1, 1, 1, 1, 3, 1]);
    }

    #[test]
    fn a_wide_one_shows_all_and_stays_as_it_is() {
        let area = Rect::new(0, 1, 120, 36);
        assert_eq!(tall(area, 0), [13, 6, 3, 16, 15, 5]);
        assert_eq!(tall(area, 3), tall(area, 0));
        let places = arrange(area, &WHOLE, 0);
        assert_eq!((places[1].y, places[1].right(), places[3].x, places[3].right()), (14, 60, 61, 120));
    }

    #[test]
    fn nothing_stands_outside() {
        for (width, height) in (1..130).flat_map(|width| (1..45).map(move |height| (width, height))) {
            let area = Rect::new(0, 1, width, height);
            for place in (0..CHARTS).flat_map(|focus| arrange(area, &WHOLE, focus)) {
                assert!(place.is_empty() || area.intersection(place) == place, "{place} of {area}");
            }
        }
    }
}
