//! Which columns a table shows, and how wide they are: by rule or by choice and never by what is in them, so that nothing
//! jumps while rows load.

use crate::directory::list_state::KeptColumn;

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

/// The fewest and the most cells that somebody can give a column.
pub const NARROWEST: u16 = 3;
/// See [`NARROWEST`].
pub const WIDEST: u16 = 99;

/// A column that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// Its place among all columns of the table.
    pub column: usize,
    /// The cells that somebody gave it; else it takes its share of what there is.
    pub width: Option<u16>,
}

/// The columns that are shown, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrangement {
    /// The columns.
    pub shown: Vec<Shown>,
    /// Whether somebody chose them. Then, where there is no room for all, the last go first; else the least important.
    pub chosen: bool,
}

impl Arrangement {
    /// What a table shows before anybody chose: these of its columns.
    #[must_use]
    pub fn usual(columns: impl IntoIterator<Item = usize>) -> Self {
        let shown = columns.into_iter().map(|column| Shown { column, width: None }).collect();
        Self { shown, chosen: false }
    }

    /// What somebody chose.
    #[must_use]
    pub fn chosen(shown: Vec<Shown>) -> Self {
        Self { shown, chosen: true }
    }

    /// What was chosen, by the columns' headings; nothing where nobody chose.
    #[must_use]
    pub fn named(&self, columns: &[Column]) -> Vec<KeptColumn> {
        let shown = self.shown.iter().filter(|_| self.chosen);
        shown
            .filter_map(|shown| {
                let title = columns.get(shown.column)?.title.to_owned();
                Some(KeptColumn { title, width: shown.width })
            })
            .collect()
    }

    /// The columns of these headings; nothing where there is none of them.
    #[must_use]
    pub fn of_names(columns: &[Column], names: &[KeptColumn]) -> Option<Self> {
        let mut shown: Vec<Shown> = Vec::new();
        for name in names {
            let column = columns.iter().position(|column| column.title == name.title);
            if let Some(column) = column.filter(|column| shown.iter().all(|known| known.column != *column)) {
                shown.push(Shown { column, width: name.width.map(|width| width.clamp(NARROWEST, WIDEST)) });
            }
        }
        (!shown.is_empty()).then(|| Self::chosen(shown))
    }

    /// Whether this column is shown.
    #[must_use]
    pub fn has(&self, column: usize) -> bool {
        self.shown.iter().any(|shown| shown.column == column)
    }
}

/// What a column takes: the fewest and the most cells, and how much it is to be kept.
struct Need {
    column: usize,
    min: u16,
    max: u16,
    keep: usize,
}

fn needs(columns: &[Column], arrangement: &Arrangement) -> Vec<Need> {
    let count = arrangement.shown.len();
    let need = |(at, shown): (usize, &Shown)| {
        let column = columns.get(shown.column)?;
        let keep = if arrangement.chosen { count - at } else { usize::from(column.keep) };
        let (min, max) = shown.width.map_or((column.min, column.max), |width| (width, width));
        Some(Need { column: shown.column, min, max, keep })
    };
    arrangement.shown.iter().enumerate().filter_map(need).collect()
}

/// The columns that fit, by index, with their widths. The last one to stay gets what there is, even less than its least.
#[must_use]
pub fn widths(columns: &[Column], arrangement: &Arrangement, room: u16) -> Vec<(usize, u16)> {
    let mut kept = needs(columns, arrangement);
    let least = |kept: &[Need]| -> u32 {
        let gaps = u32::from(GAP) * u32::try_from(kept.len().saturating_sub(1)).unwrap_or(0);
        kept.iter().map(|need| u32::from(need.min)).sum::<u32>() + gaps
    };
    while kept.len() > 1 && least(&kept) > u32::from(room) {
        let first_to_go = (0..kept.len()).min_by_key(|at| kept[*at].keep).unwrap_or(0);
        kept.remove(first_to_go);
    }
    let mut spare = u32::from(room).saturating_sub(least(&kept));
    let mut wish: u32 = kept.iter().map(|need| u32::from(need.max - need.min)).sum();
    let mut widths = Vec::with_capacity(kept.len());
    for need in kept {
        let range = u32::from(need.max - need.min);
        // Each gets its share of what is left, so that rounding loses no cell.
        let more = (spare * range).checked_div(wish).unwrap_or(0).min(range);
        spare -= more;
        wish -= range;
        widths.push((need.column, (need.min + u16::try_from(more).unwrap_or(0)).min(room)));
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

    fn widths(room: u16) -> Vec<(usize, u16)> {
        super::widths(&COLUMNS, &Arrangement::usual(0..COLUMNS.len()), room)
    }

    fn titles(room: u16) -> Vec<&'static str> {
        widths(room).iter().map(|(at, _)| COLUMNS[*at].title).collect()
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
            let widths = widths(room);
            let gaps = GAP * u16::try_from(widths.len() - 1).expect("four columns");
            assert!(widths.iter().map(|(_, width)| width).sum::<u16>() + gaps <= room.max(gaps), "{room}");
            assert!(widths.iter().all(|(at, width)| *width <= COLUMNS[*at].max), "{room}");
        }
        let all: u16 = COLUMNS.iter().map(|column| column.max).sum::<u16>() + 3 * GAP;
        let widest: Vec<u16> = widths(all).iter().map(|(_, width)| *width).collect();
        assert_eq!(widest, COLUMNS.map(|column| column.max));
    }

    #[test]
    fn what_somebody_chose_stays_in_their_order_and_width() {
        let shown = |column, width| Shown { column, width };
        let chosen =
            Arrangement::chosen(vec![shown(3, None), shown(1, Some(5)), shown(0, None), shown(9, None)]);
        let at = |room| super::widths(&COLUMNS, &chosen, room);
        assert_eq!(at(80), [(3, 12), (1, 5), (0, 24)], "a column that is no more is left out");
        assert_eq!(at(27), [(3, 8), (1, 5), (0, 10)]);
        assert_eq!(at(26), [(3, 12), (1, 5)], "the last goes first");
        assert_eq!(at(4), [(3, 4)]);
    }

    #[test]
    fn columns_are_known_again_by_their_headings() {
        let chosen =
            Arrangement::chosen(vec![Shown { column: 3, width: Some(9) }, Shown { column: 0, width: None }]);
        let mut names = chosen.named(&COLUMNS);
        assert_eq!(Arrangement::of_names(&COLUMNS, &names), Some(chosen));
        names[0].title = "GONE".to_owned();
        names[1].width = Some(0);
        names.push(names[1].clone());
        let rest = Arrangement::chosen(vec![Shown { column: 0, width: Some(NARROWEST) }]);
        assert_eq!(Arrangement::of_names(&COLUMNS, &names), Some(rest));
        assert_eq!(Arrangement::of_names(&COLUMNS, &names[..1]), None);
        assert_eq!(Arrangement::usual(0..2).named(&COLUMNS), []);
    }
}
