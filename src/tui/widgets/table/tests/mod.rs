//! How the window, the cursor and the marks behave over lists of any length.

use super::*;

const COLUMNS: [Column; 2] = [Column::new("USERNAME", 6, 20, 9), Column::new("ROWS", 4, 6, 1).right()];

struct Numbered(u64);

impl Row for Numbered {
    type Key = u64;

    fn key(&self) -> u64 {
        self.0
    }

    fn cell(&self, column: usize) -> Cell<'_> {
        if column == 0 { format!("名前{}", self.0).into() } else { self.0.to_string().into() }
    }
}

/// A list of so many rows behind a table.
struct Source(u64);

impl Source {
    fn fetch(&self, table: &Table<Numbered>, want: Want) -> Page<Numbered> {
        let page = PAGE as u64;
        let first = table.first().map_or(0, Row::key);
        let next = table.last().map_or(0, |row| row.key() + 1);
        let (from, to) = match want {
            Want::First => (0, page),
            Want::Last => (self.0.saturating_sub(page), self.0),
            Want::After => (next, next + page),
            Want::Before => (first.saturating_sub(page), first),
            Want::Again => (first, first + table.len() as u64),
        };
        let to = to.min(self.0);
        let more = if matches!(want, Want::Last | Want::Before) { from > 0 } else { to < self.0 };
        Page { rows: (from..to).map(Numbered).collect(), more }
    }

    fn serve(&self, table: &mut Table<Numbered>, want: Option<Want>) {
        let mut want = want;
        while let Some(wanted) = want {
            let page = self.fetch(table, wanted);
            want = table.take(wanted, page);
        }
    }

    fn act(&self, table: &mut Table<Numbered>, action: Action) {
        let want = table.act(action);
        self.serve(table, want);
    }

    fn table(&self) -> Table<Numbered> {
        let mut table = Table::new(&COLUMNS);
        let want = table.start();
        self.serve(&mut table, Some(want));
        table
    }
}

fn on(table: &Table<Numbered>) -> u64 {
    table.current().map(Row::key).expect("there are rows")
}

#[test]
fn walking_visits_every_row_of_a_long_list_in_a_bounded_window() {
    let source = Source(5_000);
    let mut table = source.table();
    for expected in 0..source.0 {
        assert_eq!(on(&table), expected);
        assert!(table.len() <= WINDOW + PAGE, "{}", table.len());
        assert!(table.top <= table.cursor && table.cursor < table.top + table.height);
        assert!(table.place().starts_with(&format!("{} of ", grouped(expected + 1))), "{}", table.place());
        source.act(&mut table, Action::Down);
    }
    source.act(&mut table, Action::Down);
    for expected in (0..source.0).rev() {
        assert_eq!(on(&table), expected);
        source.act(&mut table, Action::Up);
    }
    assert_eq!(on(&table), 0);
}

#[test]
fn the_ends_are_one_key_away() {
    let source = Source(1_000_000);
    let mut table = source.table();
    table.set_total(Some(source.0));
    source.act(&mut table, Action::Last);
    assert_eq!(on(&table), source.0 - 1);
    assert_eq!(table.place(), "1 000 000 of 1 000 000");
    source.act(&mut table, Action::PageUp);
    assert_eq!(on(&table), source.0 - 1 - table.height as u64);
    source.act(&mut table, Action::First);
    assert_eq!((on(&table), table.place().as_str()), (0, "1 of 1 000 000"));
}

#[test]
fn a_count_that_comes_before_its_rows_moves_nothing() {
    let mut table = Source(1).table();
    table.set_total(Some(2));
    let again = table.again();
    table.take(again, Page { rows: vec![Numbered(0), Numbered(1)], more: false });
    assert_eq!(table.place(), "1 of 2");
}

#[test]
fn moves_made_while_rows_load_are_made_up_for() {
    let source = Source(5_000);
    let mut table = source.table();
    let mut wanted = Vec::new();
    for _ in 0..50 {
        wanted.extend(table.act(Action::PageDown));
    }
    assert_eq!(wanted, [Want::After], "one page is asked for at a time");
    let target = 50 * table.height as u64;
    source.serve(&mut table, Some(Want::After));
    assert_eq!(on(&table), target);
}

#[test]
fn the_view_jumps_by_half_a_page() {
    let source = Source(500);
    let mut table = source.table();
    let mut tops = Vec::new();
    for _ in 0..table.height * 2 {
        source.act(&mut table, Action::Down);
        tops.push(table.top);
    }
    tops.dedup();
    assert!(tops.len() <= 5, "{tops:?}");
}

#[test]
fn reading_again_keeps_the_cursor_on_its_row() {
    let source = Source(100);
    let mut table = source.table();
    for _ in 0..10 {
        source.act(&mut table, Action::Down);
    }
    let want = table.again();
    let mut page = source.fetch(&table, want);
    page.rows.drain(..5);
    table.take(want, page);
    assert_eq!(on(&table), 10);
    let want = table.again();
    table.take(want, Page { rows: vec![Numbered(3)], more: false });
    assert_eq!(on(&table), 3);
    let want = table.again();
    table.take(want, Page { rows: Vec::new(), more: false });
    assert!(table.current().is_none());
    assert_eq!(table.place(), "none");
}

#[test]
fn marks_go_by_key_and_ranges_by_place() {
    let source = Source(300);
    let mut table = source.table();
    source.act(&mut table, Action::Mark);
    assert_eq!(on(&table), 1);
    source.act(&mut table, Action::MarkRange);
    source.act(&mut table, Action::Down);
    source.act(&mut table, Action::Down);
    assert!(table.marks().has(&0) && !table.marks().has(&2));
    source.act(&mut table, Action::MarkRange);
    assert_eq!(table.marks().count(None), Some(4));
    source.act(&mut table, Action::MarkRange);
    assert!(table.clear_range() && !table.clear_range());
    assert!(table.marks_mut().clear());
}

#[test]
fn a_stretch_from_the_middle_can_be_walked_both_ways() {
    let source = Source(2_000);
    let mut table = source.table();
    table.show_around((900..1_000).map(Numbered).collect(), 50, (true, true));
    assert_eq!((on(&table), table.is_at_start()), (950, false));
    table.set_before(&950, 950);
    assert!(table.place().starts_with("951 of "), "{}", table.place());
    for expected in (0..950).rev() {
        source.act(&mut table, Action::Up);
        assert_eq!(on(&table), expected);
    }
    assert!(table.is_at_start() && table.place().starts_with("1 of "), "{}", table.place());
    table.show_around((900..1_000).map(Numbered).collect(), 99, (true, true));
    source.act(&mut table, Action::Down);
    assert_eq!(on(&table), 1_000);
}
