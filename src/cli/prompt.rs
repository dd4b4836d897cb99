//! Questions at the terminal, and passwords from wherever they may come from. Without a terminal nothing is asked.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::args::PasswordSource;
use crate::error::{Error, Result};
use crate::text;

/// No password is longer; Django itself refuses more than 4,096 bytes nowhere, but hashing them would be an attack.
const LONGEST: u64 = 4096;

/// Whether an answer is being waited for: a signal then has nothing to wait for.
static WAITING: AtomicBool = AtomicBool::new(false);

/// Whether an answer is being waited for, at the terminal or from a pipe. Nothing is being written meanwhile.
#[must_use]
pub fn is_waiting() -> bool {
    WAITING.load(Ordering::Relaxed)
}

/// Reads from a person or another program, who may take their time.
fn waiting<T>(read: impl FnOnce() -> T) -> T {
    WAITING.store(true, Ordering::Relaxed);
    let answer = read();
    WAITING.store(false, Ordering::Relaxed);
    answer
}

/// Whether someone is there to answer: stdin and stderr are terminals.
#[must_use]
pub fn someone_is_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for a line; the question goes to stderr.
///
/// # Errors
///
/// A usage error without a terminal, naming `option` as the other way to say it.
pub fn line(question: &str, option: &str) -> Result<String> {
    if !someone_is_there() {
        return Err(Error::usage(format!("there is no terminal to ask at: give {option}")));
    }
    let mut stderr = io::stderr();
    let mut answer = String::new();
    write!(stderr, "{}: ", text::safe(question))
        .and_then(|()| stderr.flush())
        .and_then(|()| waiting(|| io::stdin().read_line(&mut answer)))
        .map_err(|why| Error::usage(format!("the answer could not be read: {why}")))?;
    Ok(answer.trim_end_matches(['\n', '\r']).to_owned())
}

/// Asks for a yes; anything else is a no.
///
/// # Errors
///
/// A usage error without a terminal: `--yes` is the other way to say it.
pub fn confirm(question: &str) -> Result<bool> {
    let answer = line(&format!("{question} [y/N]"), "--yes")?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// The password for an account, as the options say.
#[derive(Debug)]
pub enum NewPassword {
    /// This one.
    Given(SecretString),
    /// One is to be made up.
    Generate,
    /// No option was given and nobody is there to ask.
    None,
}

/// Reads a new password from the place the options name, else from the terminal, twice.
///
/// # Errors
///
/// A usage error when it can't be read, is empty, or the two don't match.
pub fn new_password(source: &PasswordSource) -> Result<NewPassword> {
    if source.password_generate {
        return Ok(NewPassword::Generate);
    }
    if let Some(password) = piped(source.password_stdin, source.password_file.as_deref())? {
        return Ok(NewPassword::Given(password));
    }
    if !someone_is_there() {
        return Ok(NewPassword::None);
    }
    let password = hidden("Password")?;
    let again = hidden("Password (again)")?;
    if password.expose_secret() != again.expose_secret() {
        return Err(Error::usage("the two passwords are not the same; nothing was changed"));
    }
    Ok(NewPassword::Given(password))
}

/// Reads a password that exists already, asked for once at a terminal; none when no option asks for one.
///
/// # Errors
///
/// A usage error when it can't be read or is empty.
pub fn password(stdin: bool, file: Option<&Path>) -> Result<Option<SecretString>> {
    match piped(stdin, file)? {
        None if stdin => hidden("Password").map(Some),
        other => Ok(other),
    }
}

/// The password from standard input, unless that is a terminal, or from a file.
fn piped(stdin: bool, file: Option<&Path>) -> Result<Option<SecretString>> {
    if stdin && !io::stdin().is_terminal() {
        return first_line(io::stdin().lock(), "standard input").map(Some);
    }
    let Some(path) = file else { return Ok(None) };
    let name = path.display().to_string();
    let file = File::open(path).map_err(|why| Error::usage(format!("{name} could not be read: {why}")))?;
    first_line(BufReader::new(file), &name).map(Some)
}

fn hidden(question: &str) -> Result<SecretString> {
    let typed = rpassword::prompt_password(format!("{question}: ")).map_err(|why| {
        // The prompt reads Ctrl-C as a key; the process should end as by the signal.
        if why.kind() == io::ErrorKind::Interrupted {
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::INT);
        }
        Error::usage(format!("the password could not be read: {why}"))
    })?;
    not_empty(&Zeroizing::new(typed))
}

/// The first line, without its end; what follows is not looked at.
fn first_line(source: impl BufRead, name: &str) -> Result<SecretString> {
    let mut line = Zeroizing::new(String::new());
    waiting(|| source.take(LONGEST).read_line(&mut line))
        .map_err(|why| Error::usage(format!("the password could not be read from {name}: {why}")))?;
    not_empty(line.trim_end_matches(['\n', '\r']))
}

fn not_empty(password: &str) -> Result<SecretString> {
    if password.is_empty() {
        return Err(Error::usage("the password is empty; nothing was changed"));
    }
    Ok(SecretString::from(password))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_the_first_line_as_it_is() {
        let read = |text: &str| first_line(text.as_bytes(), "x").map(|word| word.expose_secret().to_owned());
        assert_eq!(read(" a b \r\nrest").unwrap(), " a b ");
        assert_eq!(read("é").unwrap(), "é");
        assert!(read("").is_err() && read("\nx").is_err());
        assert!(first_line(&b"\xff\n"[..], "x").is_err());
    }
}
