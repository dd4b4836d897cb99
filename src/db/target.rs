//! Where a database is.
use std::path::PathBuf;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    MySql,
    Postgres,
}
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    File(PathBuf),
    Socket(PathBuf),
    Host { host: String, port: u16 },
}
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    NotNeeded,
    Verified { ca_file: Option<PathBuf> },
    Unverified,
}
#[derive(Debug, Clone)]
pub struct Target {
    pub engine: Engine,
    pub address: Address,
    pub database: String,
    pub user: Option<String>,
    pub password: Option<secrecy::SecretString>,
    pub tls: Tls,
    pub read_only: bool,
}
impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.database)
    }
}
impl Target {
    pub fn candidates(&self) -> Vec<Address> {
        vec![self.address.clone()]
    }
}
