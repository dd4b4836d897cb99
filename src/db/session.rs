//! One connection: its statements, and being stopped in the middle of one.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt};
use sqlx::AssertSqlSafe;
use sqlx::mysql::MySqlConnection;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::mpsc;

use super::cancel::Cancel;
use super::patience;
use super::pool::Shared;
use super::sql::Sql;
use super::value::Row;
use super::wire::{mysql_args, mysql_row, postgres_args, postgres_row, sqlite_args, sqlite_row};
use super::{DbError, DbErrorKind, Dialect};

/// A connection of one of the engines.
pub(super) enum Connection {
    Sqlite(Box<SqliteConnection>),
    MySql(Box<MySqlConnection>),
    Postgres(Box<PgConnection>),
}

/// A connection and what the server calls it.
pub(super) struct Session {
    pub(super) connection: Connection,
    pub(super) backend: i64,
    /// Whether it has waited in the pool: then a broken line shows only now, and a fresh one is worth a try.
    pub(super) reused: bool,
}
impl Session {
    /// Lets `cancel` stop what runs next.
    pub(super) async fn watch(&mut self, shared: &Arc<Shared>, cancel: &Cancel) -> Result<(), DbError> {
        if let Connection::Sqlite(connection) = &mut self.connection {
            let flag = cancel.clone();
            let mut handle =
                connection.lock_handle().await.map_err(|error| DbError::of(&error, shared.dialect))?;
            handle.set_progress_handler(1_000, move || !flag.is_requested());
        }
        cancel.begin(shared, self.backend).await;
        if cancel.is_requested() {
            return Err(DbError::new(DbErrorKind::Cancelled, "cancelled"));
        }
        Ok(())
    }

    pub(super) async fn unwatch(&mut self) {
        if let Connection::Sqlite(connection) = &mut self.connection
            && let Ok(mut handle) = connection.lock_handle().await
        {
            handle.remove_progress_handler();
        }
    }

    pub(super) async fn execute_text(&mut self, text: &str, dialect: Dialect) -> Result<(), DbError> {
        let query = sqlx::raw_sql(AssertSqlSafe(text.to_owned()));
        match &mut self.connection {
            Connection::Sqlite(c) => query.execute(&mut **c).await.map(drop),
            Connection::MySql(c) => query.execute(&mut **c).await.map(drop),
            Connection::Postgres(c) => query.execute(&mut **c).await.map(drop),
        }
        .map_err(|error| DbError::of(&error, dialect))
    }

    /// How many rows changed, and the id the engine gave to a new one (not on PostgreSQL).
    pub(super) async fn execute(&mut self, sql: &Sql, dialect: Dialect) -> Result<(u64, i64), DbError> {
        let text = AssertSqlSafe(sql.render(dialect));
        let fail = |error: sqlx::Error| DbError::of(&error, dialect);
        match &mut self.connection {
            Connection::Sqlite(c) => {
                let done = sqlx::query_with(text, sqlite_args(sql)?).execute(&mut **c).await.map_err(fail)?;
                Ok((done.rows_affected(), done.last_insert_rowid()))
            }
            Connection::MySql(c) => {
                let done = sqlx::query_with(text, mysql_args(sql)?).execute(&mut **c).await.map_err(fail)?;
                Ok((done.rows_affected(), i64::try_from(done.last_insert_id()).unwrap_or(0)))
            }
            Connection::Postgres(c) => {
                let done =
                    sqlx::query_with(text, postgres_args(sql)?).execute(&mut **c).await.map_err(fail)?;
                Ok((done.rows_affected(), 0))
            }
        }
    }

    pub(super) async fn all(&mut self, sql: &Sql, dialect: Dialect) -> Result<Vec<Row>, DbError> {
        let text = AssertSqlSafe(sql.render(dialect));
        let fail = |error: sqlx::Error| DbError::of(&error, dialect);
        match &mut self.connection {
            Connection::Sqlite(c) => {
                let rows = sqlx::query_with(text, sqlite_args(sql)?).fetch(&mut **c);
                rows.map_err(fail).and_then(|row| async move { sqlite_row(&row) }).try_collect().await
            }
            Connection::MySql(c) if sql.is_unprepared() => {
                let rows = sqlx::raw_sql(text).fetch(&mut **c);
                rows.map_err(fail).and_then(|row| async move { mysql_row(&row) }).try_collect().await
            }
            Connection::MySql(c) => {
                let rows = sqlx::query_with(text, mysql_args(sql)?).fetch(&mut **c);
                rows.map_err(fail).and_then(|row| async move { mysql_row(&row) }).try_collect().await
            }
            Connection::Postgres(c) => {
                let rows = sqlx::query_with(text, postgres_args(sql)?).fetch(&mut **c);
                rows.map_err(fail).and_then(|row| async move { postgres_row(&row) }).try_collect().await
            }
        }
    }

    /// Sends row after row; false when it ended before the last one.
    pub(super) async fn send_all(
        &mut self,
        shared: &Arc<Shared>,
        sql: &Sql,
        cancel: Option<&Cancel>,
        sender: &mpsc::Sender<Result<Row, DbError>>,
    ) -> bool {
        let (dialect, backend) = (shared.dialect, self.backend);
        let text = AssertSqlSafe(sql.render(dialect));
        let fail = |error: sqlx::Error| {
            let error = DbError::of(&error, dialect);
            if cancel.is_some_and(Cancel::is_requested) {
                DbError { kind: DbErrorKind::Cancelled, ..error }
            } else {
                error
            }
        };
        let mut rows = match &mut self.connection {
            Connection::Sqlite(c) => match sqlite_args(sql) {
                Ok(args) => sqlx::query_with(text, args)
                    .fetch(&mut **c)
                    .map(|row| row.map_err(fail).and_then(|row| sqlite_row(&row)))
                    .boxed(),
                Err(error) => futures_util::stream::iter([Err(error)]).boxed(),
            },
            Connection::MySql(c) => match mysql_args(sql) {
                Ok(args) => sqlx::query_with(text, args)
                    .fetch(&mut **c)
                    .map(|row| row.map_err(fail).and_then(|row| mysql_row(&row)))
                    .boxed(),
                Err(error) => futures_util::stream::iter([Err(error)]).boxed(),
            },
            Connection::Postgres(c) => match postgres_args(sql) {
                Ok(args) => sqlx::query_with(text, args)
                    .fetch(&mut **c)
                    .map(|row| row.map_err(fail).and_then(|row| postgres_row(&row)))
                    .boxed(),
                Err(error) => futures_util::stream::iter([Err(error)]).boxed(),
            },
        };
        loop {
            let next = patience::answer(shared, backend, async { Ok(rows.next().await) }).await;
            let Some(row) = next.unwrap_or_else(|error| Some(Err(error))) else { return true };
            let failed = row.is_err();
            if sender.send(row).await.is_err() || failed {
                return false;
            }
        }
    }
}
