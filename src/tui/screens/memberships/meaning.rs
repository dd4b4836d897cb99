//! What a choice of groups and permissions means for an account, in lines.

use crate::directory::permissions::{Catalogue, Holding, Moved, Path, paths_in_words};
use crate::tui::theme::Tone;

/// How many lines the review repeats.
const MOST_NOTES: usize = 12;

/// Words, and how they look.
pub(super) struct Line {
    pub(super) tone: Tone,
    pub(super) words: String,
}

/// The permissions that come, go, and stay by another path.
pub(super) fn lines(catalogue: &Catalogue, before: &Holding, after: &Holding) -> Vec<Line> {
    if before.is_superuser {
        let changes = before != after;
        let words = "has every permission as superuser, whatever is chosen here";
        return changes.then(|| Line { tone: Tone::Quiet, words: words.to_owned() }).into_iter().collect();
    }
    let difference = catalogue.difference(before, after);
    let line = |tone, verb: &str, (it, paths): &Moved<'_>, how: &str| Line {
        tone,
        words: format!("{verb} {} {how}{}", it.label(), paths_in_words(paths)),
    };
    let mut lines = Vec::new();
    lines.extend(difference.loses.iter().map(|moved| line(Tone::Bad, "loses", moved, "(was ")));
    lines.extend(difference.gains.iter().map(|moved| line(Tone::Good, "gains", moved, "(")));
    for line in &mut lines {
        line.words.push(')');
    }
    lines.extend(stays(catalogue, before, after).iter().map(|moved| line(Tone::Quiet, "keeps", moved, "")));
    lines
}

/// Permissions that lose a path and stay by another one.
fn stays<'a>(catalogue: &'a Catalogue, before: &Holding, after: &Holding) -> Vec<Moved<'a>> {
    let paths = catalogue.paths(before);
    let lost = |id: i64, now: &[Path]| {
        paths.get(&id).is_some_and(|paths| paths.iter().any(|path| !now.contains(path)))
    };
    catalogue.effective(after).into_iter().filter(|(it, now)| lost(it.id, now)).collect()
}

/// The same as sentences of the review about this account, cut where they are many.
pub(super) fn notes(catalogue: &Catalogue, before: &Holding, after: &Holding, username: &str) -> Vec<String> {
    let lines = lines(catalogue, before, after);
    let more = lines.len().saturating_sub(MOST_NOTES);
    let sentence = |line: Line| format!("{username} {}.", line.words);
    let mut notes: Vec<String> = lines.into_iter().take(MOST_NOTES).map(sentence).collect();
    if more > 0 {
        notes.push(format!("… and {more} more permissions change."));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::permissions::tests::catalogue;

    fn holding(groups: &[i64], direct: &[i64]) -> Holding {
        Holding {
            groups: groups.iter().copied().collect(),
            direct: direct.iter().copied().collect(),
            ..Holding::default()
        }
    }

    #[test]
    fn every_move_names_its_path() {
        let catalogue = catalogue();
        let (before, after) = (holding(&[1], &[4]), holding(&[], &[2, 3]));
        let told: Vec<String> =
            lines(&catalogue, &before, &after).into_iter().map(|line| line.words).collect();
        assert_eq!(
            told,
            [
                "loses core.add_x (was through Engineer)",
                "loses core.view_y (was directly)",
                "gains core.add_y (directly)",
                "keeps core.view_x directly"
            ]
        );
        let notes = notes(&catalogue, &before, &after, "bela");
        assert_eq!(notes[0], "bela loses core.add_x (was through Engineer).");
    }

    #[test]
    fn a_superuser_gains_and_loses_nothing() {
        let root = |held: Holding| Holding { is_superuser: true, ..held };
        let told = lines(&catalogue(), &root(holding(&[1], &[])), &root(holding(&[], &[])));
        assert_eq!(told.len(), 1);
        assert!(told[0].words.contains("every permission"));
        assert!(lines(&catalogue(), &root(holding(&[1], &[])), &root(holding(&[1], &[]))).is_empty());
    }
}
