//! From answers to plans: the repair of one subject as somebody decided it.

use crate::change::{MOST_ROWS, Plan, Purpose};
use crate::directory::Portal;
use crate::error::{Error, Result};

use super::check::{Check, Part, Subject};
use super::decision::Answers;

/// The plans that repair this subject as answered, made from rows read now; none where it is repaired already. There is
/// one, or several where a step has to be alone in its plan: then they only make sense together, in this order.
///
/// # Errors
/// Invalid, naming the question, when an answer is missing or is none of the choices; a conflict, when something else has
/// to be repaired first or the rows are too many for a plan; what the engine says.
pub async fn plans(
    portal: &Portal,
    check: &dyn Check,
    subject: Subject,
    answers: &Answers,
) -> Result<Vec<Plan>> {
    let parts = check.decided(portal, subject, answers).await?;
    let id = check.about().id;
    parts.into_iter().filter(|part| !part.steps.is_empty()).map(|part| plan(id, part)).collect()
}

fn plan(id: &str, part: Part) -> Result<Plan> {
    if part.steps.len() > MOST_ROWS {
        return Err(Error::conflict(format!(
            "{id}: {} takes {} rows, and at most {MOST_ROWS} are written together; nothing was written.",
            part.title,
            part.steps.len()
        )));
    }
    Ok(Plan {
        title: format!("{id}: {}", part.title),
        purpose: Purpose::Repair,
        steps: part.steps,
        require: part.require,
        ..Plan::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::Step;

    #[test]
    fn a_plan_says_what_it_repairs_and_is_never_too_large() {
        let step = Step::Insert { table: "auth_group".to_owned(), values: Vec::new(), adopt: None };
        let part = |count| Part {
            subject: Subject::of(1),
            title: "Merge 2 profiles of 'bela'".to_owned(),
            steps: vec![step.clone(); count],
            require: Vec::new(),
        };
        let made = plan("PRF-002", part(2)).unwrap();
        assert_eq!(
            (made.title.as_str(), made.purpose),
            ("PRF-002: Merge 2 profiles of 'bela'", Purpose::Repair)
        );
        let error = plan("PRF-002", part(MOST_ROWS + 1)).unwrap_err();
        assert!(error.message.contains("501 rows"), "{error}");
    }
}
