//! Applies a plan to be looked at, and takes everything back.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use uuid::Uuid;

use crate::db::Db;
use crate::error::{Error, Result};

use super::admin_log::Written;
use super::alone;
use super::apply::{self, Order, Place};
use super::plan::Plan;
use super::run::Writer;

impl Writer {
    /// Whether a plan can be tried: the engine commits nothing of it by itself.
    #[must_use]
    pub fn can_rehearse(&self, plan: &Plan) -> bool {
        !alone::goes_alone(&self.db, plan)
    }

    /// Does all that applying the plan would do, guards and journal too, lets `look` see the database as it then is, and
    /// rolls back. The rows are locked meanwhile, and on SQLite nobody else can write. Only counters remember: on InnoDB and
    /// PostgreSQL an id that was handed out is not handed out again.
    ///
    /// # Errors
    /// Why applying would be refused; what `look` says.
    pub async fn rehearse<T, F>(&self, plan: Plan, look: F) -> Result<(Vec<Written>, T)>
    where
        T: Send + 'static,
        F: Fn(Db) -> BoxFuture<'static, Result<T>> + Send + Sync + 'static,
    {
        apply::check_size(self.db.dialect(), &plan)?;
        if !self.can_rehearse(&plan) {
            return Err(Error::bug("a plan that the engine commits by itself was to be rehearsed"));
        }
        let place = Place {
            run: Uuid::now_v7().to_string(),
            seq: 1,
            title: plan.title.clone(),
            planned: Some(1),
            weight: 1,
            is_open: false,
        };
        let order = Arc::new(Order {
            schema: Arc::clone(&self.schema),
            roles: Arc::clone(&self.roles),
            actor: Arc::clone(&self.actor),
            plan,
            place,
            operation: Uuid::now_v7().to_string(),
        });
        let (work, look) = (Arc::clone(&order), Arc::new(look));
        let seen = self.db.rehearsal_with(apply::foreign_keys(&order.plan), move |tx| {
            let (order, look) = (Arc::clone(&work), Arc::clone(&look));
            Box::pin(async move {
                let written = apply::in_transaction(tx, &order).await?;
                let seen = tx.lend(|db| look(db)).await??;
                Ok((written, seen))
            })
        });
        match seen.await {
            Ok(seen) => Ok(seen),
            Err(failure) => Err(apply::explain(&self.db, &order.plan, failure).await),
        }
    }
}
