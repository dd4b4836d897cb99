//! Operations whose COMMIT got no answer, and the server was away before anybody could ask. Nothing else is written from
//! this program until it is known what became of them: a person who doesn't know must not build on it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::Utc;

use crate::db::{Db, own};
use crate::error::{Error, Result};

use super::plan::Plan;
use super::{alone, ddl};

/// Those of one program, by id, with the titles of their plans.
#[derive(Debug, Default)]
pub struct Unsettled {
    open: Mutex<Vec<(String, String)>>,
    /// Nobody, this program or another, left a note of what can't be rolled back, see `alone.rs`.
    no_notes: AtomicBool,
}

impl Unsettled {
    fn list(&self) -> MutexGuard<'_, Vec<(String, String)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, db: &Db, operation: &str, plan: &Plan) {
        if alone::goes_alone(db, plan) {
            self.no_notes.store(false, Ordering::Relaxed);
        } else {
            self.list().push((operation.to_owned(), plan.title.clone()));
        }
    }

    /// Finds out what became of them; a sentence about each.
    ///
    /// # Errors
    /// Unreachable, naming the operation, while the server can't be asked.
    pub(super) async fn settle(&self, db: &Db) -> Result<Vec<String>> {
        let open = self.list().clone();
        let mut told = Vec::new();
        if ddl::commits_by_itself(db.dialect()) && !self.no_notes.load(Ordering::Relaxed) {
            let (sentences, running) = alone::settle_all(db).await?;
            told.extend(sentences);
            self.no_notes.store(!running, Ordering::Relaxed);
        }
        for (operation, title) in open {
            let fate = own::abandon(db, &operation, Utc::now()).await.map_err(|error| {
                Error::unreachable(format!(
                    "What became of the change before ({title}, operation {operation}) is not known yet, and the \
                     database can't be asked: {error}. Until then nothing else is written; nothing of this change was \
                     written."
                ))
                .about(&operation)
            })?;
            self.list().retain(|(known, _)| *known != operation);
            told.push(match fate {
                own::Fate::Committed => {
                    format!("The change before ({title}, operation {operation}) was written after all.")
                }
                own::Fate::Abandoned => {
                    format!("The change before ({title}, operation {operation}) was not written.")
                }
            });
        }
        Ok(told)
    }
}
