//! `decide`: what somebody has to choose before a finding can be repaired.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::args::Decide;
use super::change::Note;
use super::{Work, backup, json, rows};
use crate::error::{Error, Result};
use crate::integrity::{self, Answers, Decision, Question};
use crate::text;

/// `portaldesk decide`: without answers it prints what is asked.
///
/// # Errors
/// Usage, when the check is unknown; invalid, when it does not find the row, or naming the questions whose answer is
/// missing or none of the choices; what the plans are refused for.
pub(super) async fn run(work: &mut Work, wanted: &Decide) -> Result<u8> {
    let found = rows::of_check(work, &wanted.check).await?;
    let id = found.check.about().id;
    let subjects = found.named(&work.portal, std::slice::from_ref(&wanted.row)).await?;
    let subject = match subjects.as_slice() {
        [only] => *only,
        several => {
            let names: Vec<String> = several.iter().map(ToString::to_string).collect();
            let why = format!("'{}' stands for several rows: {}. Name one.", wanted.row, names.join(", "));
            return Err(Error::invalid(why));
        }
    };
    let Some(decision) = found.check.decision(&work.portal, subject).await? else {
        let why = format!("{id} leaves nothing to decide about {subject}; nothing was written. ");
        return Err(Error::invalid(why + found.check.about().remedy));
    };
    let mut answers = if wanted.proposed { decision.proposed() } else { Answers::new() };
    for answer in &wanted.answers {
        let (question, value) = pair(answer)?;
        answers.insert(question, value);
    }
    if answers.is_empty() {
        return ask(work, id, &decision);
    }
    decision.check(&answers)?;
    let plans = integrity::decide(&work.portal, found.check, subject, &answers).await?;
    let note = Note { dry_run: wanted.write.dry_run, ..Note::default() };
    if !note.dry_run && !plans.is_empty() {
        work.portal.writer()?;
        work.agree_to(&plans)?;
        backup::before(work, wanted.backup.as_deref()).await?;
    }
    let title = plans.first().map_or_else(|| format!("{id}: nothing"), |plan| plan.title.clone());
    work.together(&title, plans, note).await
}

/// `QUESTION=ANSWER`
fn pair(text: &str) -> Result<(String, String)> {
    match text.split_once('=') {
        Some((question, answer)) if !question.is_empty() => Ok((question.to_owned(), answer.to_owned())),
        _ => Err(Error::usage(format!("'{text}' is no answer: write QUESTION=ANSWER."))),
    }
}

fn ask(work: &mut Work, id: &str, decision: &Decision) -> Result<u8> {
    let questions: Vec<Value> = decision.questions.iter().map(question_json).collect();
    let row = decision.subject.to_string();
    let item = json!({"check": id, "row": row, "title": decision.title, "questions": questions});
    work.output.result(&json::one("decision", &item), || {
        let mut out = format!("{id} {row}: {}\n", text::safe(&decision.title));
        let mut command = format!("portaldesk decide {id} {row}");
        for question in &decision.questions {
            push_question(&mut out, question);
            let _ = write!(command, " {}=…", text::safe(&question.name));
        }
        let _ = writeln!(out, "\n{command}");
        out
    })?;
    Ok(0)
}

fn question_json(question: &Question) -> Value {
    let choices: Vec<Value> =
        question.choices.iter().map(|choice| json!({"value": choice.value, "label": choice.label})).collect();
    let proposed = question.proposed.and_then(|at| question.choices.get(at)).map(|choice| &choice.value);
    json!({
        "name": question.name,
        "label": question.label,
        "choices": choices,
        "text": question.text.is_some(),
        "proposed": proposed,
    })
}

fn push_question(out: &mut String, question: &Question) {
    let _ = writeln!(out, "\n{}: {}", text::safe(&question.name), text::safe(&question.label));
    let width = question.choices.iter().map(|choice| text::width(&choice.value)).max().unwrap_or_default();
    for (at, choice) in question.choices.iter().enumerate() {
        let mark = if question.proposed == Some(at) { '*' } else { ' ' };
        let value = text::pad(&text::safe(&choice.value), width);
        let _ = writeln!(out, "  {mark} {value}  {}", text::safe(&choice.label));
    }
    if question.text.is_some() {
        out.push_str("    or any text of your own\n");
    }
    if question.proposed.is_some() {
        out.push_str("    (* with --proposed)\n");
    }
}
