//! Many numbers written down shortly: as ranges of those that follow one another.

/// `[1, 2, 3, 9]` as `[(1, 3), (9, 9)]`, of numbers that ascend; nothing when that takes more than so many ranges.
pub(super) fn of(numbers: impl IntoIterator<Item = i64>, most: usize) -> Option<Vec<(i64, i64)>> {
    let mut ranges: Vec<(i64, i64)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(number) => *last = number,
            _ => ranges.push((number, number)),
        }
        if ranges.len() > most {
            return None;
        }
    }
    Some(ranges)
}

/// The numbers again, each once and ascending; nothing when there are more than so many, whatever wrote them.
pub(super) fn numbers(ranges: &[(i64, i64)], most: i64) -> Option<Vec<i64>> {
    let counts = ranges.iter().map(|(first, last)| last.saturating_sub(*first).saturating_add(1));
    if counts.fold(0_i64, i64::saturating_add) > most {
        return None;
    }
    Some(sorted(ranges.iter().flat_map(|(first, last)| *first..=*last).collect()))
}

/// Each number once, ascending.
pub(super) fn sorted(mut numbers: Vec<i64>) -> Vec<i64> {
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_written() {
        let written = of([1, 2, 3, 9, i64::MAX], 3).unwrap();
        assert_eq!(written, [(1, 3), (9, 9), (i64::MAX, i64::MAX)]);
        assert_eq!(numbers(&written, 5).unwrap(), [1, 2, 3, 9, i64::MAX]);
        assert_eq!(numbers(&[(4, 5), (2, 4)], 9).unwrap(), [2, 3, 4, 5], "each once");
    }

    #[test]
    fn too_many_are_neither_written_nor_read() {
        assert_eq!(of((0..8).step_by(2), 3), None);
        assert!(of(0..1_000, 1).is_some());
        assert_eq!(numbers(&[(1, 9_000_000_000_000_000_000), (1, i64::MAX)], 50_000_000), None);
    }
}
