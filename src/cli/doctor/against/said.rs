//! What the portal's commands print, understood. Pure.

use serde_json::Value as Json;

use super::python::Said;
use crate::text;

/// What the line begins with in which our own questions are answered; a portal may print other things around it.
pub(super) const ANSWER: &str = "portaldesk-answer ";

/// So many lines of what somebody else printed are shown, the last ones, and so much of each.
const LINES: usize = 12;
const CELLS: usize = 200;

/// The answer to a question of ours.
pub(super) fn answer(said: &Said) -> Option<Json> {
    let line = said.out.lines().rev().find_map(|line| line.strip_prefix(ANSWER))?;
    serde_json::from_str::<Json>(line).ok().filter(Json::is_object)
}

/// The end of what was printed, errors last, safe to show.
pub(super) fn excerpt(said: &Said) -> String {
    let lines = said.out.lines().chain(said.err.lines()).filter(|line| !line.trim().is_empty());
    let lines: Vec<String> =
        lines.map(|line| text::truncate(&text::safe(line.trim_end()), CELLS).into_owned()).collect();
    let from = lines.len().saturating_sub(LINES);
    let cut = (from > 0).then(|| format!("… {from} lines before"));
    cut.into_iter().chain(lines.into_iter().skip(from)).collect::<Vec<_>>().join("\n")
}

/// How many migrations `showmigrations --plan` lists as applied, and which not. None where it lists nothing.
pub(super) fn migrations(out: &str) -> Option<(usize, Vec<String>)> {
    let (mut applied, mut missing) = (0, Vec::new());
    for line in out.lines() {
        if line.starts_with("[X]") {
            applied += 1;
        } else if let Some(name) = line.strip_prefix("[ ]") {
            missing.push(name.trim().to_owned());
        }
    }
    (applied + missing.len() > 0).then_some((applied, missing))
}

/// Whether each of our numbers stands among those that the portal printed. How it words them is its own affair, and a zero
/// it may leave out; where all of ours are zero, it may print no other number.
pub(super) fn agree(out: &str, ours: &[usize]) -> bool {
    let theirs: Vec<usize> =
        out.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect();
    if ours.iter().all(|count| *count == 0) {
        return theirs.iter().all(|number| *number == 0);
    }
    ours.iter().all(|count| *count == 0 || theirs.contains(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(out: &str, err: &str) -> Said {
        Said { code: Some(0), out: out.to_owned(), err: err.to_owned() }
    }

    #[test]
    fn an_answer_is_found_among_other_lines() {
        let found = answer(&said("hello\nportaldesk-answer {\"seen\": true}\nbye\n", ""));
        assert_eq!(found.unwrap()["seen"], true);
        for out in
            ["", "portaldesk-answer", "portaldesk-answer {", "portaldesk-answer 1", "garbage \u{1b}[2J"]
        {
            assert_eq!(answer(&said(out, "portaldesk-answer {}")), None, "{out}");
        }
    }

    #[test]
    fn foreign_text_is_cut_and_made_safe() {
        let many = (0..100).map(|line| format!("line {line}")).collect::<Vec<_>>().join("\n\n");
        let shown = excerpt(&said(&many, "\u{1b}[2Jboom"));
        assert!(shown.starts_with("… 89 lines before\nline 89\n"), "{shown}");
        assert!(shown.ends_with("boom") && !shown.contains('\u{1b}'), "{shown}");
        assert!(excerpt(&said(&"x".repeat(10_000), "")).len() < 1000);
    }

    #[test]
    fn migrations_are_read_from_the_plan() {
        let out = "[X]  auth.0001_initial\n[X]  core.0001_initial\n[ ]  core.0002_more\n";
        assert_eq!(migrations(out), Some((2, vec!["core.0002_more".to_owned()])));
        assert_eq!(migrations("Traceback\n"), None);
    }

    #[test]
    fn numbers_agree_however_they_are_worded() {
        assert!(agree("without: 2, doubled: 1, orphans: 0", &[2, 1, 0]));
        assert!(agree("2 users need a profile\n1 user has several\n", &[2, 1, 0]));
        assert!(!agree("without: 3, doubled: 1, orphans: 0", &[2, 1, 0]));
        assert!(agree("All is well", &[0, 0, 0]));
        assert!(!agree("1 user would get a profile", &[0, 0, 0]));
    }
}
