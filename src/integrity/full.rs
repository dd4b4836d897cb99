//! A whole repair as one run: check after check in the order of a full repair, each looked for anew once others were
//! repaired, which may have settled it or brought it about.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use futures_util::future::BoxFuture;
use serde_json::{Value as Json, json};

use crate::change::{Plan, Plans, Tally};
use crate::directory::Portal;
use crate::error::{Error, Kind, Result};

use super::check::{Check, Class, Finding, Subject};
use super::repair::{Repairs, Selection, repairs};
use super::scan::scan_checks;

/// More marked subjects than these are not written down with the run; it then can't be gone on with.
const MOST_KEPT: usize = 100_000;

/// What a repair is about: everything automatic that some checks find, or marked subjects of theirs.
#[derive(Clone)]
pub struct Scope {
    checks: Vec<&'static dyn Check>,
    /// By check: where only some of its subjects are meant, which.
    marked: BTreeMap<&'static str, BTreeSet<Subject>>,
}

impl Scope {
    /// Everything that these checks find, in the order of a full repair.
    #[must_use]
    pub fn all(mut checks: Vec<&'static dyn Check>) -> Self {
        checks.sort_by_key(|check| (check.about().stage, check.about().id));
        checks.dedup_by_key(|check| check.about().id);
        Self { checks, marked: BTreeMap::new() }
    }

    /// The same, but of this check only these subjects.
    #[must_use]
    pub fn only(mut self, check: &'static str, subjects: impl IntoIterator<Item = Subject>) -> Self {
        self.marked.entry(check).or_default().extend(subjects);
        self
    }

    /// The checks concerned, in the order of a full repair.
    #[must_use]
    pub fn checks(&self) -> &[&'static dyn Check] {
        &self.checks
    }

    /// What a run keeps of it, to go on with it: `{"checks": ["PRF-001"], "subjects": {"PRF-001": [[0, 17]]}}`.
    #[must_use]
    pub fn to_json(&self) -> Option<String> {
        if self.marked.values().map(BTreeSet::len).sum::<usize>() > MOST_KEPT {
            return None;
        }
        let ids: Vec<&str> = self.checks.iter().map(|check| check.about().id).collect();
        let pairs = |subjects: &BTreeSet<Subject>| -> Json {
            subjects.iter().map(|subject| json!([subject.place, subject.id])).collect()
        };
        let subjects: BTreeMap<&str, Json> =
            self.marked.iter().map(|(id, subjects)| (*id, pairs(subjects))).collect();
        Some(json!({ "checks": ids, "subjects": subjects }).to_string())
    }

    /// Reads [`Scope::to_json`] back.
    ///
    /// # Errors
    /// Conflict, when it is none, or names a check that this version does not know.
    pub fn read(text: &str) -> Result<Self> {
        let wrong =
            || Error::conflict("What this run repairs can't be read; nothing was written. Begin a new one.");
        let json: Json = serde_json::from_str(text).map_err(|_| wrong())?;
        let check = |id: &str| super::check(id).ok_or_else(wrong);
        let ids = json["checks"].as_array().ok_or_else(wrong)?;
        let checks =
            ids.iter().map(|id| check(id.as_str().unwrap_or_default())).collect::<Result<Vec<_>>>()?;
        let mut scope = Self::all(checks);
        for (id, pairs) in json["subjects"].as_object().into_iter().flatten() {
            let pairs: Vec<(u32, i64)> = serde_json::from_value(pairs.clone()).map_err(|_| wrong())?;
            let subjects = pairs.into_iter().map(|(place, id)| Subject { place, id });
            scope = scope.only(check(id)?.about().id, subjects);
        }
        Ok(scope)
    }

    /// What of these findings is meant and can be repaired without a choice.
    #[must_use]
    pub fn of(&self, findings: Vec<Finding>) -> Vec<Finding> {
        let meant = |finding: &Finding| {
            finding.class() == Class::Automatic
                && self.checks.iter().any(|check| check.about().id == finding.id())
        };
        let mut found: Vec<Finding> = findings.into_iter().filter(meant).collect();
        for finding in &mut found {
            if let Some(marked) = self.marked.get(finding.id()) {
                finding.found.subjects.retain(|subject| marked.contains(subject));
                finding.found.count = finding.found.subjects.len();
            }
        }
        found.retain(|finding| finding.count() > 0);
        found
    }

    /// `Repair PRF-001, PRF-002`.
    #[must_use]
    pub fn title(&self) -> String {
        /// More ids than these are only counted.
        const NAMED: usize = 6;
        match self.checks.as_slice() {
            [only] => format!("{}: repair {}", only.about().id, only.about().title),
            few if few.len() <= NAMED => {
                let ids: Vec<&str> = few.iter().map(|check| check.about().id).collect();
                format!("Repair {}", ids.join(", "))
            }
            many => format!("Repair what {} checks find", many.len()),
        }
    }
}

/// The plans of a whole repair.
pub struct FullRepair {
    portal: Portal,
    scope: Scope,
    /// What was found before anything was written, until it is the turn of its check.
    found: Option<Vec<Finding>>,
    queue: VecDeque<&'static dyn Check>,
    current: Option<Current>,
    /// How many subjects are through.
    through: u64,
    /// Plans were given, so that other checks may find something else now.
    is_begun: bool,
    left_out: Vec<(String, Error)>,
    tally: Vec<Tally>,
}

/// The check whose turn it is.
struct Current {
    check: &'static dyn Check,
    repairs: Repairs,
    count: usize,
    subjects: usize,
}

impl FullRepair {
    /// Repairs what the scope says. `found` is what a scan just found; without it one is made first.
    #[must_use]
    pub fn new(portal: &Portal, scope: Scope, found: Option<Vec<Finding>>) -> Self {
        let found = found.map(|findings| scope.of(findings));
        Self {
            portal: portal.clone(),
            queue: scope.checks.iter().copied().collect(),
            scope,
            found,
            current: None,
            through: 0,
            is_begun: false,
            left_out: Vec::new(),
            tally: Vec::new(),
        }
    }

    async fn scan(&self, checks: &[&'static dyn Check]) -> Result<Vec<Finding>> {
        Ok(self.scope.of(scan_checks(&self.portal, checks, None).await?.findings))
    }

    /// What a check finds now, taken out of what was found at first if nothing was written since.
    async fn look_for(&mut self, check: &'static dyn Check) -> Result<Option<Current>> {
        let id = check.about().id;
        let (mut found, rest): (Vec<Finding>, Vec<Finding>) =
            self.found.take().unwrap_or_default().into_iter().partition(|finding| finding.id() == id);
        self.found = Some(rest);
        if self.is_begun {
            found = self.scan(&[check]).await?;
        }
        if found.is_empty() {
            return Ok(None);
        }
        Ok(Some(Current {
            check,
            count: found.iter().map(Finding::count).sum(),
            subjects: found.iter().map(|finding| finding.found.subjects.len()).sum(),
            repairs: repairs(&self.portal, &found, &Selection::All),
        }))
    }

    /// Counts what was settled of the check whose turn is over: everything, or what is not found any more.
    async fn close(&mut self, current: Current) -> Result<()> {
        let Current { check, mut repairs, count, subjects } = current;
        self.through += subjects as u64;
        self.left_out.extend(repairs.left_out());
        if repairs.done() == 0 {
            return Ok(());
        }
        let settled = if repairs.done() == subjects {
            count
        } else {
            let left = self.scan(&[check]).await?;
            count.saturating_sub(left.iter().map(Finding::count).sum())
        };
        self.tally.push(Tally { of: check.about().id, count: settled });
        Ok(())
    }

    async fn next_plan(&mut self) -> Result<Option<Plan>> {
        if self.found.is_none() {
            self.found = Some(self.scan(&self.scope.checks).await?);
        }
        loop {
            if let Some(current) = &mut self.current {
                match current.repairs.next().await {
                    Ok(Some(plan)) => {
                        self.is_begun = true;
                        return Ok(Some(plan));
                    }
                    Ok(None) => {}
                    // Something else has to be repaired first: the other checks go on.
                    Err(error) if matches!(error.kind, Kind::Conflict | Kind::Invalid | Kind::Denied) => {
                        let about = current.check.about();
                        self.left_out.push((format!("{}: repair {}", about.id, about.title), error));
                    }
                    Err(error) => return Err(error),
                }
                if let Some(current) = self.current.take() {
                    self.close(current).await?;
                }
            } else if let Some(check) = self.queue.pop_front() {
                self.current = self.look_for(check).await?;
            } else {
                return Ok(None);
            }
        }
    }
}

impl Plans for FullRepair {
    fn planned(&self) -> Option<u64> {
        let subjects = |finding: &Finding| finding.found.subjects.len() as u64;
        let to_come: u64 = self.found.as_ref()?.iter().map(subjects).sum();
        let current = self.current.as_ref().map_or(0, |current| current.subjects as u64);
        Some(self.through + current + to_come)
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Option<Plan>>> {
        Box::pin(self.next_plan())
    }

    fn comes_again(&mut self) -> bool {
        self.current.as_mut().is_some_and(|current| current.repairs.comes_again())
    }

    fn weight(&self) -> u64 {
        self.current.as_ref().map_or(1, |current| current.repairs.weight())
    }

    fn left_out(&mut self) -> Vec<(String, Error)> {
        let mut left = std::mem::take(&mut self.left_out);
        if let Some(current) = &mut self.current {
            left.extend(current.repairs.left_out());
        }
        left
    }

    fn tally(&self) -> Vec<Tally> {
        let under_way = self.current.iter().filter(|current| current.repairs.done() > 0);
        let under_way =
            under_way.map(|current| Tally { of: current.check.about().id, count: current.repairs.done() });
        self.tally.iter().cloned().chain(under_way).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integrity::CHECKS;

    #[test]
    fn a_scope_reads_as_written_and_goes_in_the_order_of_a_full_repair() {
        let check = |id| crate::integrity::check(id).expect("a check");
        let scope = Scope::all(vec![check("PRF-001"), check("PRF-003"), check("PRF-001")])
            .only("PRF-001", [Subject { place: 7, id: -1 }, Subject::of(17)]);
        let text = scope.to_json().expect("few enough");
        assert_eq!(text, r#"{"checks":["PRF-003","PRF-001"],"subjects":{"PRF-001":[[0,17],[7,-1]]}}"#);
        let read = Scope::read(&text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(read.to_json(), Some(text));
        assert_eq!(read.title(), "Repair PRF-003, PRF-001");
        for wrong in ["", "{}", r#"{"checks":["NEW-001"]}"#, r#"{"checks":[],"subjects":{"PRF-001":[1]}}"#] {
            assert!(Scope::read(wrong).is_err(), "{wrong}");
        }
        assert!(Scope::all(CHECKS.to_vec()).title().starts_with("Repair "));
    }

    #[test]
    fn too_many_marks_are_not_kept() {
        let check = crate::integrity::check("PRF-001").expect("a check");
        let many = (1..).map(Subject::of).take(MOST_KEPT + 1);
        assert_eq!(Scope::all(vec![check]).only("PRF-001", many).to_json(), None);
    }
}
