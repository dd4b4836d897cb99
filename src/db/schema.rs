//! The catalogue of a database.
use super::Ident;
use std::collections::BTreeMap;
#[derive(Debug, Clone, Default)]
pub struct Schema {
    pub tables: BTreeMap<String, Table>,
    pub foreign_keys: Vec<ForeignKey>,
}
#[derive(Debug, Clone)]
pub struct Table {
    pub name: Ident,
    pub columns: Vec<Column>,
    pub primary_key: Vec<String>,
    pub uniques: Vec<Vec<String>>,
    pub indexes: Vec<Vec<String>>,
}
#[derive(Debug, Clone)]
pub struct Column {
    pub name: Ident,
    pub kind: ColumnKind,
    pub sql_type: String,
    pub nullable: bool,
    pub has_default: bool,
    pub generated: bool,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    Int,
    Bool,
    Text,
    Time,
    Bytes,
    Real,
    Other,
}
#[derive(Debug, Clone)]
pub struct ForeignKey {
    pub table: String,
    pub column: String,
    pub to_table: String,
    pub to_column: String,
    pub on_delete: String,
}
