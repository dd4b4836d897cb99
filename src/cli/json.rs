//! The JSON objects of the command line: stable from the first release, fields are added, never renamed.

use serde_json::{Map, Value, json};

/// The version of the format, the value of `"portaldesk"` in every object.
const FORMAT: u8 = 1;

/// `{"portaldesk": 1, "kind": …}` and the fields of `rest`, an object.
#[must_use]
pub fn object(kind: &str, rest: Value) -> Value {
    let mut fields = Map::new();
    fields.insert("portaldesk".to_owned(), json!(FORMAT));
    fields.insert("kind".to_owned(), json!(kind));
    if let Value::Object(rest) = rest {
        fields.extend(rest);
    }
    Value::Object(fields)
}

/// A list: `users`, `groups`, `departments` or `history`; `total` counts what matches, not what is shown.
#[must_use]
pub fn list(kind: &str, items: &[Value], total: u64) -> Value {
    object(kind, json!({"items": items, "total": total}))
}

/// One thing: a `user`.
#[must_use]
pub fn one(kind: &str, item: &Value) -> Value {
    object(kind, json!({ "item": item }))
}

/// What a write did, or would do.
#[derive(Debug, Default)]
pub struct Change {
    /// The operation, or the run's id; `None` exactly when nothing was written.
    pub operation: Option<String>,
    /// The operations of a run.
    pub operations: Option<Vec<String>>,
    /// How many rows were written, or would be.
    pub rows: u64,
    /// Whether it was only shown.
    pub dry_run: bool,
    /// The steps.
    pub plan: Vec<Value>,
    /// A generated password.
    pub password: Option<String>,
    /// What makes of the object a plan file, see [`crate::change::plan_file`].
    pub file: Map<String, Value>,
    /// What an undo can't take back, or warns of, in words.
    pub left: Vec<String>,
}

impl Change {
    /// The object of a write.
    #[must_use]
    pub fn object(self) -> Value {
        let mut change = object(
            "change",
            json!({"operation": self.operation, "rows": self.rows, "dry_run": self.dry_run, "plan": self.plan}),
        );
        if let Some(operations) = self.operations {
            change["operations"] = json!(operations);
        }
        if let Some(password) = self.password {
            change["password"] = json!(password);
        }
        if let Value::Object(change) = &mut change {
            change.extend(self.file);
        }
        if !self.left.is_empty() {
            change["left"] = json!(self.left);
        }
        change
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_its_frame_first() {
        let list = list("users", &[json!({"id": 1})], 7);
        assert_eq!(list.to_string(), r#"{"portaldesk":1,"kind":"users","items":[{"id":1}],"total":7}"#);
    }

    #[test]
    fn nothing_written_has_no_operation() {
        let change = Change { dry_run: true, ..Change::default() }.object();
        assert!(change["operation"].is_null());
        assert!(change.get("operations").is_none() && change.get("password").is_none());
        assert_eq!(change["plan"], json!([]));
    }
}
