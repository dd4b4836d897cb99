//! Runs the portal's `manage.py`, which is somebody else's program: for a limited time, with limited output, and without
//! our secrets.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use crate::db::Cancel;
use crate::error::{Error, Kind, Result};

/// So much of what it prints is kept of each stream.
const MOST: u64 = 256 * 1024;

/// How often it is looked whether to stop.
const LOOK: Duration = Duration::from_millis(50);

/// The portal's own program.
pub(in crate::cli::doctor) struct Manage {
    python: PathBuf,
    file: PathBuf,
    limit: Duration,
    cancel: Cancel,
}

/// What it printed, and how it ended.
#[derive(Debug)]
pub(in crate::cli::doctor) struct Said {
    /// The exit code; nothing after a signal.
    pub(in crate::cli::doctor) code: Option<i32>,
    pub(in crate::cli::doctor) out: String,
    pub(in crate::cli::doctor) err: String,
}

impl Manage {
    /// Each question may take as long as `limit`; none is asked any more when `cancel` says so.
    ///
    /// # Errors
    /// Invalid, when there is no such file.
    pub(in crate::cli::doctor) fn new(
        python: &Path,
        file: &Path,
        limit: Duration,
        cancel: &Cancel,
    ) -> Result<Self> {
        if !file.is_file() {
            return Err(Error::invalid(format!("there is no file {}", file.display())));
        }
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        // A bare name is looked for on PATH. Links stay: the program behind one would not find the portal's packages.
        let python = if python.components().count() > 1 { absolute(python) } else { python.to_owned() };
        Ok(Self { python, file: absolute(file), limit, cancel: cancel.clone() })
    }

    /// Runs one of its commands, with a line on its standard input where there is one.
    ///
    /// # Errors
    /// Unreachable, when it can't be started or doesn't end in time; interrupted.
    pub(in crate::cli::doctor) async fn ask(
        &self,
        arguments: &[&str],
        line: Option<SecretString>,
    ) -> Result<Said> {
        let mut command = Command::new(&self.python);
        command.arg("-B").arg(&self.file).args(arguments).arg("--no-color");
        command.current_dir(self.file.parent().unwrap_or(Path::new("/")));
        for secret in ["PORTALDESK_DATABASE_URL", "PORTALDESK_DATABASE_PASSWORD"] {
            command.env_remove(secret);
        }
        command.env("PYTHONIOENCODING", "utf-8");
        command.stdin(if line.is_some() { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own, so that what it starts ends with it.
        let spawned = command.process_group(0).kill_on_drop(true).spawn();
        let mut child = spawned.map_err(|why| {
            Error::unreachable(format!("{} can't be started: {why}", self.python.display()))
        })?;
        let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let ended = tokio::select! {
            ended = tokio::time::timeout(self.limit, talk(&mut child, line)) => ended.unwrap_or_else(|_| {
                let seconds = self.limit.as_secs();
                Err(Error::unreachable(format!("did not end within {seconds} s, and was killed")))
            }),
            () = self.stopped() => Err(Error::new(Kind::Interrupted, "stopped before the portal answered")),
        };
        if ended.is_err() {
            if let Some(group) = group {
                let _ = kill_process_group(group, Signal::KILL);
            }
            let _ = child.wait().await;
        }
        ended
    }

    async fn stopped(&self) {
        while !self.cancel.is_requested() {
            tokio::time::sleep(LOOK).await;
        }
    }
}

async fn talk(child: &mut Child, line: Option<SecretString>) -> Result<Said> {
    let (stdin, out, err) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let tell = async move {
        if let (Some(mut stdin), Some(line)) = (stdin, line) {
            // Who doesn't listen is found out by what is answered.
            let _ = stdin.write_all(line.expose_secret().as_bytes()).await;
            let _ = stdin.write_all(b"\n").await;
        }
    };
    let ((), out, err) = tokio::join!(tell, kept(out), kept(err));
    let ended = child.wait().await;
    let status = ended.map_err(|why| Error::unreachable(format!("how it ended can't be told: {why}")))?;
    Ok(Said { code: status.code(), out, err })
}

/// The beginning of what is printed; the rest is read too, so that nobody waits for it to be.
async fn kept(stream: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut stream) = stream else { return String::new() };
    let mut bytes = Vec::new();
    let _ = (&mut stream).take(MOST).read_to_end(&mut bytes).await;
    let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&bytes).into_owned()
}
