//! How wide the columns of a table are. By rule and never by what is in them, so that nothing jumps while rows load.

/// One column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// The heading, in capitals.
    pub title: &'static str,
    /// The heading where there is no room for the whole.
    pub short: &'static str,
    /// The fewest cells that are of any use.
    pub min: u16,
    /// The most cells that it needs.
    pub max: u16,
    /// Where there is no room for all columns, those with the smallest number go first.
    pub keep: u8,
    /// Whether it holds numbers, which stand at its right.
    pub right: bool,
}

impl Column {
    /// A column of text.
    #[must_use]
    pub const fn new(title: &'static str, min: u16, max: u16, keep: u8) -> Self {
        Self { title, short: title, min, max, keep, right: false }
    }

    /// The same, with another heading where it is narrow.
    #[must_use]
    pub const fn short(self, short: &'static str) -> Self {
        Self { short, ..self }
    }

    /// The same, for numbers.
    #[must_use]
    pub const fn right(self) -> Self {
        Self { right: true, ..self }
    }
}

/// The cells between two columns.
pub const GAP: u16 = 2;

/// The columns that fit, by index, with their widths. The last one to stay gets what there is, even less than its least.
#[must_use]
pub fn widths(columns: &[Column], room: u16) -> Vec<(usize, u16)> {
    let mut kept: Vec<usize> = (0..columns.len()).collect();
    let needs = |kept: &[usize]| -> u32 {
        let gaps = u32::from(GAP) * u32::try_from(kept.len().saturating_sub(1)).unwrap_or(0);
        kept.iter().map(|at| u32::from(columns[*at].min)).sum::<u32>() + gaps
    };
    while kept.len() > 1 && needs(&kept) > u32::from(room) {
        let least = kept.iter().copied().min_by_key(|at| columns[*at].keep);
        kept.retain(|at| Some(*at) != least);
    }
    let mut spare = u32::from(room).saturating_sub(needs(&kept));
    let mut wish: u32 = kept.iter().map(|at| u32::from(columns[*at].max - columns[*at].min)).sum();
    let mut widths = Vec::with_capacity(kept.len());
    for at in kept {
        let column = columns[at];
        let range = u32::from(column.max - column.min);
        // Each gets its share of what is left, so that rounding loses no cell.
        let more = (spare * range).checked_div(wish).unwrap_or(0).min(range);
        spare -= more;
        wish -= range;
        widths.push((at, (column.min + u16::try_from(more).unwrap_or(0)).min(room)));
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 4] = [
        Column::new("USERNAME", 10, 24, 9),
        Column::new("NAME", 10, 30, 5),
        Column::new("DEPARTMENT", 8, 20, 2),
        Column::new("STATE", 8, 12, 7),
    ];

    fn titles(room: u16) -> Vec<&'static str> {
        widths(&COLUMNS, room).iter().map(|(at, _)| COLUMNS[*at].title).collect()
    }

    #[test]
    fn the_least_important_column_goes_first() {
        assert_eq!(titles(80).len(), 4);
        assert_eq!(titles(40), ["USERNAME", "NAME", "STATE"]);
        assert_eq!(titles(25), ["USERNAME", "STATE"]);
        assert_eq!(titles(3), ["USERNAME"]);
    }

    #[test]
    fn they_never_take_more_than_there_is_nor_more_than_they_need() {
        for room in 0..200 {
            let widths = widths(&COLUMNS, room);
            let gaps = GAP * u16::try_from(widths.len() - 1).expect("four columns");
            assert!(widths.iter().map(|(_, width)| width).sum::<u16>() + gaps <= room.max(gaps), "{room}");
            assert!(widths.iter().all(|(at, width)| *width <= COLUMNS[*at].max), "{room}");
        }
        let all: u16 = COLUMNS.iter().map(|column| column.max).sum::<u16>() + 3 * GAP;
        let widest: Vec<u16> = widths(&COLUMNS, all).iter().map(|(_, width)| *width).collect();
        assert_eq!(widest, COLUMNS.map(|column| column.max));
    }
}
