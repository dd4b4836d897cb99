//! Which process runs a run, and whether it still does.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

use crate::db::own::Run;

/// How long a run may give no sign of life before it counts as stopped. A program that works gives one with every plan,
/// and while it plans for long every [`super::hold::BEAT`]; it may wait 30 seconds for locks in between. A minute is
/// more than both, and short enough for the next person to wait for.
const SILENCE: TimeDelta = TimeDelta::seconds(60);

/// A process: `alice@db1:4711`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The Unix user.
    pub user: String,
    /// The machine's name.
    pub host: String,
    /// The process id there.
    pub pid: i32,
}

impl Owner {
    /// This process, run by this Unix user.
    #[must_use]
    pub fn of_process(user: &str) -> Self {
        let pid = rustix::process::getpid().as_raw_pid();
        Self { user: user.to_owned(), host: this_host(), pid }
    }

    /// Reads the written form; nothing when it is none.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (rest, pid) = text.rsplit_once(':')?;
        let (user, host) = rest.rsplit_once('@')?;
        Some(Self { user: user.to_owned(), host: host.to_owned(), pid: pid.parse().ok()? })
    }

    /// Whether this is known not to run any more: it was on this machine, and no such process is there.
    #[must_use]
    fn is_gone(&self) -> bool {
        let Some(pid) = rustix::process::Pid::from_raw(self.pid) else { return false };
        self.host == this_host() && rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH)
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}:{}", self.user, self.host, self.pid)
    }
}

fn this_host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Whether some program still works on a run at this time of the database's clock. Nobody is harmed where that is answered
/// wrongly: every plan is compared and guarded in its own transaction, and who lost a run stops.
#[must_use]
pub fn is_alive(run: &Run, now: DateTime<Utc>) -> bool {
    run.state == "running"
        && now - run.heartbeat <= SILENCE
        && !Owner::read(&run.owner).is_some_and(|owner| owner.is_gone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(owner: &str, silent: i64) -> (Run, DateTime<Utc>) {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let run = Run {
            id: "run".to_owned(),
            title: "Repair".to_owned(),
            kind: "repair".to_owned(),
            state: "running".to_owned(),
            planned: None,
            done: 0,
            refused: 0,
            actor_id: None,
            actor: None,
            unix_user: "alice".to_owned(),
            ssh_from: None,
            sitting: "sitting".to_owned(),
            owner: owner.to_owned(),
            resume_from: None,
            started: now,
            heartbeat: now - TimeDelta::seconds(silent),
            finished: None,
        };
        (run, now)
    }

    #[test]
    fn an_owner_reads_as_written() {
        let owner = Owner { user: "a@b".to_owned(), host: "db-1.example".to_owned(), pid: 4711 };
        assert_eq!(Owner::read(&owner.to_string()), Some(owner));
        assert_eq!(Owner::read("root:12"), None);
    }

    #[test]
    fn a_run_lives_while_it_gives_signs_and_its_process_is_there() {
        let me = Owner::of_process("alice").to_string();
        for (owner, silent, wanted) in [
            (me.as_str(), 0, true),
            (&me, 60, true),
            (&me, 61, false),
            ("alice@elsewhere:1", 60, true),
            ("alice@elsewhere:1", 61, false),
            ("of an older version", 1, true),
        ] {
            let (run, now) = run(owner, silent);
            assert_eq!(is_alive(&run, now), wanted, "{owner} {silent}");
        }
        let (mut stopped, now) = run(&me, 0);
        stopped.state = "stopped".to_owned();
        assert!(!is_alive(&stopped, now));
    }

    #[test]
    fn a_process_that_ended_is_gone_at_once() {
        let mut child = std::process::Command::new("true").spawn().expect("a process");
        let pid = i32::try_from(child.id()).expect("an id");
        child.wait().expect("its end");
        let (run, now) = run(&Owner { pid, ..Owner::of_process("alice") }.to_string(), 0);
        assert!(!is_alive(&run, now));
    }
}
