//! Who is at the keyboard: the login's own user beside the effective one, and where they come from.

use std::net::IpAddr;

use crate::text;

/// Who acts, as the journal records it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// `alice`, or `alice as root` where the login's user and the effective one differ.
    pub unix_user: String,
    /// The address of the SSH client. It comes from the environment, so it is a hint and no proof.
    pub ssh_from: Option<String>,
}

impl Origin {
    /// Looks at this process.
    #[must_use]
    pub fn of_process() -> Self {
        let variable = |name: &str| std::env::var(name).ok();
        let effective = rustix::process::geteuid().as_raw();
        Self {
            unix_user: name_of(effective, login_uid(), variable("SUDO_USER").as_deref()),
            ssh_from: variable("SSH_CONNECTION").as_deref().and_then(client),
        }
    }
}

/// The kernel's note of who logged in, which neither sudo nor su changes and nobody can forge.
fn login_uid() -> Option<u32> {
    let uid = std::fs::read_to_string("/proc/self/loginuid").ok()?.trim().parse().ok()?;
    // (uid_t) -1 stands for "nobody has logged in": a service, a container.
    (uid != u32::MAX).then_some(uid)
}

/// Anyone can set `SUDO_USER`, but the effective user always stands beside it.
fn name_of(effective: u32, login: Option<u32>, sudo_user: Option<&str>) -> String {
    let effective_name = user_name(effective);
    let login_name = match (login, sudo_user) {
        (Some(uid), _) => user_name(uid),
        (None, Some(name)) if !name.is_empty() => text::safe(name).into_owned(),
        (None, _) => return effective_name,
    };
    if login_name == effective_name { effective_name } else { format!("{login_name} as {effective_name}") }
}

/// The name of a user id, from `/etc/passwd` or whatever directory service `id` knows.
fn user_name(uid: u32) -> String {
    let name = local_name(uid).or_else(|| directory_name(uid)).unwrap_or_else(|| format!("uid {uid}"));
    text::safe(&name).into_owned()
}

fn local_name(uid: u32) -> Option<String> {
    let accounts = std::fs::read_to_string("/etc/passwd").ok()?;
    accounts.lines().find_map(|line| {
        let mut parts = line.split(':');
        let name = parts.next()?;
        (parts.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

fn directory_name(uid: u32) -> Option<String> {
    let answer = std::process::Command::new("/usr/bin/id").arg("-un").arg(uid.to_string()).output().ok()?;
    let name = String::from_utf8(answer.stdout).ok()?;
    let name = name.trim();
    (answer.status.success() && !name.is_empty()).then(|| name.to_owned())
}

/// `SSH_CONNECTION` is "client-address client-port server-address server-port"; only a real address is believed.
fn client(connection: &str) -> Option<String> {
    let address: IpAddr = connection.split(' ').next()?.parse().ok()?;
    Some(address.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_effective_user_always_stands_there() {
        let own = rustix::process::geteuid().as_raw();
        let name = user_name(own);
        assert_eq!(name_of(own, None, None), name);
        assert_eq!(name_of(own, Some(own), Some("mallory")), name);
        assert_eq!(name_of(own, None, Some("alice")), format!("alice as {name}"));
        assert_eq!(name_of(own, None, Some("")), name);
    }

    #[test]
    fn nothing_dangerous_is_taken_from_the_environment() {
        let own = rustix::process::geteuid().as_raw();
        assert!(!name_of(own, None, Some("al\x1b[2Jice\n")).contains(['\x1b', '\n']));
        assert_eq!(client("10.0.0.7 50022 10.0.0.1 22").as_deref(), Some("10.0.0.7"));
        assert_eq!(client("2001:db8::1 50022 ::1 22").as_deref(), Some("2001:db8::1"));
        assert_eq!(client("\x1b[31mhost 1 2 3"), None);
        assert_eq!(client(""), None);
    }

    #[test]
    fn an_unknown_user_is_a_number() {
        assert_eq!(user_name(u32::MAX - 7), format!("uid {}", u32::MAX - 7));
    }
}
