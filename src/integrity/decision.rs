//! What somebody decides where a repair can't be automatic: questions with their choices, and the answers.

use std::collections::BTreeMap;

use crate::error::{Error, Result};

use super::check::Subject;

/// What has to be decided about one subject before it can be repaired.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The subject.
    pub subject: Subject,
    /// What it is about, safe to print: "bela has 2 profiles: which values stay?"
    pub title: String,
    /// What is asked, in this order. Each has to be answered.
    pub questions: Vec<Question>,
}

/// The rule for an answer that is typed: what is wrong with a text, in words; nothing when it will do.
pub type Rule = fn(&str) -> Vec<String>;

/// One thing to decide.
#[derive(Debug, Clone)]
pub struct Question {
    /// Its name on the command line, stable: `phone_number`.
    pub name: String,
    /// What is asked, safe to print: "Phone".
    pub label: String,
    /// The answers to choose from.
    pub choices: Vec<Choice>,
    /// Whether a text may be typed instead, and its rule.
    pub text: Option<Rule>,
    /// The choice that stands where nobody says otherwise: only where one is clearly right.
    pub proposed: Option<usize>,
}

impl PartialEq for Question {
    /// Rules are code: the questions that are asked are equal.
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.label, &self.choices, self.text.is_some(), self.proposed)
            == (&other.name, &other.label, &other.choices, other.text.is_some(), other.proposed)
    }
}

/// One answer to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// How it is written on the command line, stable as long as the rows are the same: `17`, `none`.
    pub value: String,
    /// What it means, safe to print: "+1 555 0100, of profile #17, saved last".
    pub label: String,
}

impl Choice {
    /// A choice.
    #[must_use]
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into() }
    }
}

/// Answers by the question's name: the value of a choice, or what was typed.
pub type Answers = BTreeMap<String, String>;

impl Question {
    /// A question with choices of which none is proposed.
    #[must_use]
    pub fn new(name: impl Into<String>, label: impl Into<String>, choices: Vec<Choice>) -> Self {
        Self { name: name.into(), label: label.into(), choices, text: None, proposed: None }
    }

    /// The same with this choice proposed, where it is there.
    #[must_use]
    pub fn proposing(mut self, value: &str) -> Self {
        self.proposed = self.choices.iter().position(|choice| choice.value == value);
        self
    }

    /// The same where a text of this rule may be typed too.
    #[must_use]
    pub fn or_typed(mut self, rule: Rule) -> Self {
        self.text = Some(rule);
        self
    }

    /// What is wrong with an answer; nothing when it will do.
    #[must_use]
    pub fn wrong_with(&self, answer: &str) -> Vec<String> {
        if self.choices.iter().any(|choice| choice.value == answer) {
            return Vec::new();
        }
        if let Some(rule) = self.text {
            return rule(answer);
        }
        let known: Vec<&str> = self.choices.iter().map(|choice| choice.value.as_str()).collect();
        vec![format!("Must be one of: {}.", known.join(", "))]
    }
}

impl Decision {
    /// Checks that every question is answered by something that will do, and that nothing else is.
    ///
    /// # Errors
    /// Invalid, with the questions as fields.
    pub fn check(&self, answers: &Answers) -> Result<()> {
        let mut error = Error::invalid(format!("{}; nothing was written.", self.title));
        let mut is_wrong = false;
        let mut refuse = |name: &str, why: String| {
            error = error.clone().and_field(name, why);
            is_wrong = true;
        };
        for question in &self.questions {
            match answers.get(&question.name) {
                None => refuse(&question.name, "This has to be decided.".to_owned()),
                Some(answer) => {
                    question.wrong_with(answer).into_iter().for_each(|why| refuse(&question.name, why));
                }
            }
        }
        for name in answers.keys() {
            if !self.questions.iter().any(|question| question.name == *name) {
                refuse(name, "This is not asked.".to_owned());
            }
        }
        if is_wrong { Err(error) } else { Ok(()) }
    }

    /// The answers that are proposed; a question without a proposal is left out.
    #[must_use]
    pub fn proposed(&self) -> Answers {
        self.questions
            .iter()
            .filter_map(|question| {
                let choice = question.choices.get(question.proposed?)?;
                Some((question.name.clone(), choice.value.clone()))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision() -> Decision {
        let choices = vec![Choice::new("17", "of profile #17"), Choice::new("18", "of profile #18")];
        let typed = Question::new("name", "New name", Vec::new()).or_typed(|text| {
            if text.is_empty() { vec!["This field is required.".to_owned()] } else { Vec::new() }
        });
        let questions = vec![Question::new("phone", "Phone", choices).proposing("18"), typed];
        Decision { subject: Subject::of(1), title: "bela has 2 profiles".to_owned(), questions }
    }

    fn answers(pairs: &[(&str, &str)]) -> Answers {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn every_question_takes_one_of_its_answers_and_nothing_else_is_answered() {
        let decision = decision();
        decision.check(&answers(&[("phone", "17"), ("name", "bela2")])).unwrap();
        for (given, wrong) in [
            (answers(&[("phone", "17")]), "name"),
            (answers(&[("phone", "19"), ("name", "bela2")]), "phone"),
            (answers(&[("phone", "17"), ("name", "")]), "name"),
            (answers(&[("phone", "17"), ("name", "b"), ("colour", "red")]), "colour"),
        ] {
            let error = decision.check(&given).unwrap_err();
            assert!(error.fields.contains_key(wrong), "{error:?}");
            assert_eq!(error.fields.len(), 1, "{error:?}");
        }
    }

    #[test]
    fn what_is_proposed_is_an_answer() {
        assert_eq!(decision().proposed(), answers(&[("phone", "18")]));
    }
}
