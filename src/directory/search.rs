//! Finds words anywhere in a user's texts among a million users, in the time of a key press.
//!
//! SQLite compares every row for `LIKE '%word%'`, which takes seconds where a word is rare. So the searchable texts are
//! kept in memory once someone searches, folded to lower case, and scanned for the words; the page is then read for the
//! ids found. Servers scan fast enough on their own, and know more about equal letters than folding does.
//!
//! The index is never the truth: it only says which ids to read. Changes made by portaldesk are followed through the
//! journal, those of others by building it anew after a minute.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use memchr::memmem::Finder;

use crate::db::{Dialect, Sql, own};
use crate::error::Result;

use super::Portal;

/// Below this many users, comparing every row is fast enough.
const WORTHWHILE: i64 = 20_000;

/// How many users one query reads, and one piece of the index holds.
const PIECE: i64 = 5_000;

/// Up to this many found users a query that looks up each is fast whatever the order.
pub(super) const FEW: usize = 20_000;

/// After this time the whole is read again: others may have written.
const FRESH: Duration = Duration::from_mins(1);

/// What separates two users, and two texts of one user, in a piece.
const BETWEEN_USERS: char = '\u{1e}';
const BETWEEN_TEXTS: char = '\u{1f}';

/// The users that have all words, by id, in ascending order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found(pub Vec<i64>);

impl Found {
    /// Whether looking up each is fast. With more of them, walking along the order and leaving out the others mostly finds
    /// a page sooner.
    #[must_use]
    pub fn are_few(&self) -> bool {
        self.0.len() <= FEW
    }

    /// The ids as a JSON array, so that a statement takes them as one value.
    #[must_use]
    pub fn as_json(&self) -> String {
        let mut json = String::with_capacity(2 + self.0.len() * 8);
        for id in &self.0 {
            json.push(if json.is_empty() { '[' } else { ',' });
            json.push_str(&id.to_string());
        }
        if json.is_empty() {
            json.push('[');
        }
        json.push(']');
        json
    }

    /// Whether this user is one of them.
    #[must_use]
    pub fn has(&self, id: i64) -> bool {
        self.0.binary_search(&id).is_ok()
    }
}

/// The index of one portal, built when it is first needed.
#[derive(Default)]
pub struct Search {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    index: Option<Arc<Index>>,
    building: bool,
}

impl Search {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The users with all these words, if the index can tell already. If it can't, building it begins in the background.
///
/// # Errors
/// What the engine says.
pub async fn find(portal: &Portal, words: &[String]) -> Result<Option<Found>> {
    if words.is_empty() || portal.dialect() != Dialect::Sqlite {
        return Ok(None);
    }
    let index = portal.search.state().index.clone();
    let Some(index) = index else {
        build_in_background(portal);
        return Ok(None);
    };
    if index.built.elapsed() > FRESH {
        build_in_background(portal);
    }
    let index = up_to_date(portal, index).await?;
    let words = words.to_vec();
    let found = tokio::task::spawn_blocking(move || index.find(&words)).await;
    Ok(found.ok())
}

fn build_in_background(portal: &Portal) {
    {
        let mut state = portal.search.state();
        if state.building {
            return;
        }
        state.building = true;
    }
    let portal = portal.uncancelled();
    tokio::spawn(async move {
        let built = build(&portal).await;
        let mut state = portal.search.state();
        state.building = false;
        match built {
            Ok(Some(index)) => state.index = Some(Arc::new(index)),
            Ok(None) => state.index = None,
            Err(error) => tracing::warn!(%error, "the search index could not be built"),
        }
    });
}

/// One stretch of users in id order.
struct Piece {
    text: Box<str>,
    /// Where each user's text begins.
    starts: Box<[u32]>,
    ids: Box<[i64]>,
}

struct Index {
    pieces: Vec<Arc<Piece>>,
    /// Users written since it was built, with their texts now; none for one that is gone.
    newer: Arc<BTreeMap<i64, Option<String>>>,
    /// The journal's newest change that is in it.
    change: i64,
    built: Instant,
}

/// Reads all users' texts. Nothing, where there are too few for it to be worthwhile.
async fn build(portal: &Portal) -> Result<Option<Index>> {
    let count = portal.count(Sql::new("SELECT COUNT(*) FROM auth_user")).await?;
    if count < WORTHWHILE {
        return Ok(None);
    }
    let change = newest_change(portal).await?;
    let mut pieces = Vec::new();
    let mut last = i64::MIN;
    loop {
        let lines = texts(portal, Sql::new(" WHERE u.id > ?").bind(last), PIECE).await?;
        let Some(piece) = Piece::of(&lines) else { break };
        let Some(end) = piece.ids.last().copied() else { break };
        last = end;
        pieces.push(Arc::new(piece));
        portal.search.renew(&pieces, last);
    }
    Ok(Some(Index { pieces, newer: Arc::default(), change, built: Instant::now() }))
}

async fn newest_change(portal: &Portal) -> Result<i64> {
    if !portal.schema.has_own_tables() {
        return Ok(0);
    }
    Ok(own::newest_change(&portal.db).await?)
}

/// The texts of users, one a line that begins with the id. One long value travels far faster than as many rows.
async fn texts(portal: &Portal, which: Sql, limit: i64) -> Result<String> {
    let mut sql = Sql::new(
        // Many addresses begin with the username, which then needs no place of its own.
        "SELECT group_concat(line, char(30)) FROM (SELECT u.id || char(31) || CASE WHEN instr(u.email, u.username) = 1 \
         THEN '' ELSE u.username || char(31) END || u.first_name || ' ' || u.last_name || char(31) || u.email",
    );
    let profiles = portal.has_table("core_userprofile");
    if profiles {
        sql = sql.push(
            " || char(31) || COALESCE(p.phone_number, '') || char(31) || COALESCE(p.main_portal_id, '') AS line \
             FROM auth_user u LEFT JOIN core_userprofile p ON p.user_id = u.id",
        );
    } else {
        sql = sql.push(" AS line FROM auth_user u");
    }
    sql = sql.append(which).push_bind(" ORDER BY u.id LIMIT ?", limit).push(")");
    Ok(portal.db.one(sql).await?.text(0)?)
}

impl Piece {
    fn of(lines: &str) -> Option<Self> {
        if lines.is_empty() {
            return None;
        }
        let mut text = String::with_capacity(lines.len());
        let (mut starts, mut ids) = (Vec::new(), Vec::new());
        for line in lines.split(BETWEEN_USERS) {
            // A separator inside a name makes a line without id: it still belongs to the user before.
            if let Some((id, rest)) =
                line.split_once(BETWEEN_TEXTS).and_then(|(id, rest)| Some((id.parse().ok()?, rest)))
            {
                ids.push(id);
                starts.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
                fold_into(&mut text, rest);
            } else {
                fold_into(&mut text, line);
            }
            text.push(BETWEEN_USERS);
        }
        Some(Self { text: text.into(), starts: starts.into(), ids: ids.into() })
    }

    fn user(&self, at: usize) -> &str {
        let start = self.starts.get(at).map_or(0, |start| *start as usize);
        let end = self.starts.get(at + 1).map_or(self.text.len(), |end| *end as usize);
        &self.text[start..end]
    }
}

/// Folds texts to lower case; of those that can be phone numbers it keeps the digits alone.
fn fold_into(out: &mut String, texts: &str) {
    for (index, text) in texts.split(BETWEEN_TEXTS).enumerate() {
        if index > 0 {
            out.push(BETWEEN_TEXTS);
        }
        if let Some(digits) = super::order::phone_digits(text) {
            out.push_str(&digits);
        } else if text.is_ascii() {
            out.extend(text.bytes().map(|byte| char::from(byte.to_ascii_lowercase())));
        } else {
            out.extend(text.chars().flat_map(char::to_lowercase));
        }
    }
}

/// A word as it is looked for: as typed or, where it can be part of a phone number, its digits.
struct Needle {
    typed: Finder<'static>,
    digits: Option<Finder<'static>>,
}

impl Needle {
    fn of(word: &str) -> Self {
        let folded: String = word.chars().flat_map(char::to_lowercase).collect();
        let digits = super::order::phone_digits(word).filter(|digits| *digits != folded);
        let finder = |text: &str| Finder::new(text.as_bytes()).into_owned();
        Self { typed: finder(&folded), digits: digits.as_deref().map(finder) }
    }

    fn is_in(&self, text: &str) -> bool {
        let within = |finder: &Finder<'_>| finder.find(text.as_bytes()).is_some();
        within(&self.typed) || self.digits.as_ref().is_some_and(within)
    }

    /// The numbers of the users in the piece who have it.
    fn users(&self, piece: &Piece) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        for finder in std::iter::once(&self.typed).chain(&self.digits) {
            let mut from = 0;
            while let Some(at) = piece.text.as_bytes().get(from..).and_then(|rest| finder.find(rest)) {
                let position = u32::try_from(from + at).unwrap_or(u32::MAX);
                let user = piece.starts.partition_point(|start| *start <= position).saturating_sub(1);
                found.insert(user);
                from = piece.starts.get(user + 1).map_or(piece.text.len(), |next| *next as usize);
            }
        }
        found
    }
}

impl Index {
    fn find(&self, words: &[String]) -> Found {
        let needles: Vec<Needle> = words.iter().map(|word| Needle::of(word)).collect();
        let Some((first, others)) = needles.split_first() else {
            return Found(Vec::new());
        };
        let mut ids = Vec::new();
        for piece in &self.pieces {
            for user in first.users(piece) {
                let Some(id) = piece.ids.get(user) else { continue };
                let all = || others.iter().all(|needle| needle.is_in(piece.user(user)));
                if !self.newer.contains_key(id) && all() {
                    ids.push(*id);
                }
            }
        }
        for (id, text) in self.newer.iter() {
            if text.as_ref().is_some_and(|text| needles.iter().all(|needle| needle.is_in(text))) {
                ids.push(*id);
            }
        }
        // A user with several profiles stands here several times.
        ids.sort_unstable();
        ids.dedup();
        Found(ids)
    }
}

/// The index with what the journal has seen since; kept for the next search.
async fn up_to_date(portal: &Portal, index: Arc<Index>) -> Result<Arc<Index>> {
    let newest = newest_change(portal).await?;
    if newest == index.change {
        return Ok(index);
    }
    let users = own::users_changed_since(&portal.db, index.change).await?;
    let mut newer = BTreeMap::clone(&index.newer);
    for part in users.chunks(500) {
        let which = Sql::new(" WHERE u.id IN (").list(part.iter().copied()).push(")");
        let lines = texts(portal, which, i64::MAX).await?;
        newer.extend(part.iter().map(|id| (*id, None)));
        if let Some(piece) = Piece::of(&lines) {
            for (at, id) in piece.ids.iter().enumerate() {
                newer.insert(*id, Some(piece.user(at).to_owned()));
            }
        }
    }
    Ok(portal.search.follow(&index, Arc::new(newer), newest))
}

impl Search {
    /// Puts pieces that were read again, up to a user's id, in the place of those that covered the same users. So an index
    /// that is built anew takes no more memory than one.
    fn renew(&self, fresh: &[Arc<Piece>], last: i64) {
        let mut state = self.state();
        if let Some(old) = state.index.take() {
            let rest = old.pieces.iter().filter(|piece| piece.ids.last().is_some_and(|end| *end > last));
            state.index = Some(Arc::new(Index {
                pieces: fresh.iter().chain(rest).cloned().collect(),
                newer: Arc::clone(&old.newer),
                change: old.change,
                built: old.built,
            }));
        }
    }

    /// The old index with what changed since; it takes the old one's place, unless another one has.
    fn follow(&self, old: &Arc<Index>, newer: Arc<BTreeMap<i64, Option<String>>>, change: i64) -> Arc<Index> {
        let next = Arc::new(Index { pieces: old.pieces.clone(), newer, change, built: old.built });
        let mut state = self.state();
        if state.index.as_ref().is_some_and(|held| Arc::ptr_eq(held, old)) {
            state.index = Some(Arc::clone(&next));
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(lines: &[&str]) -> Index {
        let joined = lines.join("\u{1e}");
        let pieces = Piece::of(&joined).into_iter().map(Arc::new).collect();
        Index { pieces, newer: Arc::default(), change: 0, built: Instant::now() }
    }

    fn ids(index: &Index, words: &[&str]) -> Vec<i64> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        index.find(&words).0
    }

    #[test]
    fn every_word_must_be_found_in_any_text_of_the_same_user() {
        let index = index(&[
            "1\u{1f}bela\u{1f}Béla Novak\u{1f}bela@x.org\u{1f}+1 555-0100\u{1f}B31",
            "2\u{1f}novak\u{1f}Ann Lee\u{1f}ann@x.org\u{1f}\u{1f}",
        ]);
        assert_eq!(ids(&index, &["novak"]), [1, 2]);
        assert_eq!(ids(&index, &["NOVAK", "béLA"]), [1]);
        assert_eq!(ids(&index, &["b31"]), [1]);
        assert_eq!(ids(&index, &["15550100"]), [1], "phone digits whatever the punctuation");
        assert_eq!(ids(&index, &["555 01"]), [1]);
        assert_eq!(ids(&index, &["ann", "bela"]), Vec::<i64>::new(), "never across two users");
        assert_eq!(ids(&index, &["zzz"]), Vec::<i64>::new());
    }

    #[test]
    fn what_was_written_since_replaces_what_was_read() {
        let mut index =
            index(&["1\u{1f}ada\u{1f}\u{1f}", "2\u{1f}bob\u{1f}\u{1f}", "3\u{1f}cyd\u{1f}\u{1f}"]);
        index.newer = Arc::new(BTreeMap::from([(1, Some("eve\u{1f}".to_owned())), (2, None)]));
        assert_eq!(ids(&index, &["ada"]), Vec::<i64>::new());
        assert_eq!(ids(&index, &["eve"]), [1]);
        assert_eq!(ids(&index, &["bob"]), Vec::<i64>::new());
        assert_eq!(ids(&index, &["cyd"]), [3]);
    }

    #[test]
    fn separators_in_a_name_do_no_harm() {
        let index = index(&["1\u{1f}a\u{1e}b\u{1f}c", "2\u{1f}dora\u{1f}"]);
        assert_eq!(ids(&index, &["b"]), [1]);
        assert_eq!(ids(&index, &["dora"]), [2]);
    }
}
