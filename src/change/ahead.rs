//! Whether plans that were made some time ago still fit, before any of them is written.

use std::sync::Arc;

use uuid::Uuid;

use crate::error::{Error, Kind, Result};

use super::apply::{Order, Place};
use super::compare;
use super::plan::Plan;
use super::run::Writer;

impl Writer {
    /// Compares every plan with what is in the database now, as applying it does, and writes nothing. Each is looked at
    /// by itself, so what one of them does to another shows only when they are applied.
    ///
    /// # Errors
    /// A conflict that names every row that changed and every requirement that no longer holds; denied by the guards;
    /// what the engine says.
    pub async fn compare(&self, plans: &[Plan]) -> Result<()> {
        let mut conflicts: Vec<(&str, Error)> = Vec::new();
        for plan in plans {
            match self.compare_one(plan).await {
                Ok(()) => {}
                Err(error) if error.kind == Kind::Conflict => conflicts.push((&plan.title, error)),
                Err(error) => return Err(error),
            }
        }
        together(conflicts, plans.len())?;
        self.check(plans).await
    }

    async fn compare_one(&self, plan: &Plan) -> Result<()> {
        let order = Arc::new(Order {
            schema: Arc::clone(&self.schema),
            roles: Arc::clone(&self.roles),
            actor: Arc::clone(&self.actor),
            plan: plan.clone(),
            // Nothing is written down, so it belongs to no run.
            place: Place {
                run: String::new(),
                seq: 1,
                title: String::new(),
                planned: None,
                weight: 1,
                is_open: false,
            },
            operation: Uuid::now_v7().to_string(),
        });
        let compared = self.db.rehearsal(move |tx| {
            let order = Arc::clone(&order);
            Box::pin(async move {
                compare::require(tx, &order).await?;
                compare::lock_and_compare(tx, &order).await.map(drop)
            })
        });
        Ok(compared.await?)
    }
}

/// One error for all plans that don't fit.
fn together(mut conflicts: Vec<(&str, Error)>, plans: usize) -> Result<()> {
    if conflicts.len() < 2 {
        return conflicts.pop().map_or(Ok(()), |(_, error)| Err(error));
    }
    let words: Vec<String> = conflicts.iter().map(|(title, error)| format!("{title}: {error}")).collect();
    let message = format!(
        "{} of {plans} plans no longer fit; nothing was written.\n{}",
        conflicts.len(),
        words.join("\n")
    );
    let mut all = Error::conflict(message);
    for (_, error) in conflicts {
        for (field, messages) in error.fields {
            all.fields.entry(field).or_default().extend(messages);
        }
        all.differences.extend(error.differences);
    }
    Err(all)
}
