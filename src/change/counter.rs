//! Raises the counter of a column. It only goes up: an id that was handed out may be remembered by rows that nobody
//! found yet.

use crate::db::schema::Schema;
use crate::db::{Cell, Dialect, Failure, Ident, Reads, Sql, Tx, counter};
use crate::error::Error;

use super::plan::Image;

/// The name of the member that holds the next id in an image.
pub(super) const NEXT: &str = "next";

/// A counter that a step raises.
pub(super) struct Raise<'a> {
    pub(super) table: &'a str,
    pub(super) column: &'a str,
    pub(super) to: i64,
}

impl Raise<'_> {
    /// Looks at the counter and refuses what would not raise it; the image of it before.
    pub(super) async fn compare(&self, reads: &mut dyn Reads, schema: &Schema) -> Result<Image, Failure> {
        if !schema.has(self.table, self.column) {
            return Err(Error::conflict(format!(
                "The column {}.{} is not there; nothing was written. Look again.",
                self.table, self.column
            ))
            .into());
        }
        let counter = self.read(reads).await?;
        match counter.next {
            Some(next) if next >= self.to && !counter.odd => Err(Error::conflict(format!(
                "The next {} of {} is {next} already and can't become {}: a counter only goes up. Nothing was written.",
                self.column, self.table, self.to
            ))
            .into()),
            next => Ok(image(next)),
        }
    }

    /// Keeps others from using the counter until the transaction ends. SQLite's transaction keeps everyone out already.
    pub(super) async fn hold(&self, tx: &mut Tx) -> Result<(), Failure> {
        if let Some(sequence) = self.read(tx).await?.sequence {
            // Changes nothing, and takes the lock that RESTART takes: there is no other way to wait for it.
            let sql = Sql::new("ALTER SEQUENCE ").ident(&sequence.schema).push(".").ident(&sequence.name);
            tx.execute(sql.push(" INCREMENT BY ").number(sequence.step)).await?;
        }
        Ok(())
    }

    /// Raises it, within a transaction.
    pub(super) async fn write(&self, tx: &mut Tx) -> Result<(), Failure> {
        if tx.dialect() == Dialect::Sqlite {
            // Of several rows one may speak of a higher id than the step does.
            let next = self.read(tx).await?.next.map_or(self.to, |next| next.max(self.to));
            tx.execute(Sql::new("DELETE FROM sqlite_sequence WHERE name = ?").bind(self.table)).await?;
            // It holds the id that was handed out last.
            let sql = Sql::new("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)").bind(self.table);
            tx.execute(sql.bind(next - 1)).await?;
            return Ok(());
        }
        let sequence = self.read(tx).await?.sequence;
        let sequence = sequence.ok_or_else(|| self.none())?;
        // Unlike setval, this goes back when the transaction does.
        let sql = Sql::new("ALTER SEQUENCE ").ident(&sequence.schema).push(".").ident(&sequence.name);
        tx.execute(sql.push(" RESTART WITH ").number(self.to)).await?;
        Ok(())
    }

    /// The image of the counter as it stands now.
    pub(super) async fn image(&self, reads: &mut dyn Reads) -> Result<Image, Failure> {
        Ok(image(self.read(reads).await?.next))
    }

    async fn read(&self, reads: &mut dyn Reads) -> Result<counter::Counter, Failure> {
        let (table, column) = (Ident::new(self.table)?, Ident::new(self.column)?);
        Ok(counter::read(reads, &table, &column).await?.ok_or_else(|| self.none())?)
    }

    fn none(&self) -> Error {
        Error::conflict(format!(
            "{}.{} has no counter that could be raised; nothing was written.",
            self.table, self.column
        ))
    }
}

fn image(next: Option<i64>) -> Image {
    Image::of(NEXT, Cell::int(next))
}
