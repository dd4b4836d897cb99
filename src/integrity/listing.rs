//! Checks that list all their rows at once and leave the mending to people: what they look at is small (tables, columns,
//! triggers, models), so nothing is streamed and nothing planned.

use async_trait::async_trait;
use futures_util::future::BoxFuture;

use crate::directory::Portal;
use crate::error::Result;

use super::check::{About, Check, Class, FindingRow, Found, Subject};
use super::scan::Scan;

/// One such check.
pub struct Listing {
    /// What never changes about it.
    pub(super) about: &'static About,
    /// Every row that there is to tell of now, each of a subject of its own.
    pub(super) list: for<'a> fn(&'a Portal) -> BoxFuture<'a, Result<Vec<FindingRow>>>,
}

#[async_trait]
impl Check for Listing {
    fn about(&self) -> &'static About {
        self.about
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        let subjects = (self.list)(scan.portal).await?.into_iter().map(|row| row.subject).collect();
        Ok(Found::each(self.about, Class::Manual, subjects).into_iter().collect())
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let mut rows = (self.list)(portal).await?;
        rows.retain(|row| subjects.contains(&row.subject));
        Ok(rows)
    }
}
