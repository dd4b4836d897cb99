//! stand-in
use std::borrow::Cow;
pub fn safe(t: &str) -> Cow<'_, str> {
    Cow::Borrowed(t)
}
pub fn safe_bytes(b: &[u8]) -> String {
    String::from_utf8_lossy(b).into_owned()
}
pub fn truncate(t: &str, _c: usize) -> Cow<'_, str> {
    Cow::Borrowed(t)
}
