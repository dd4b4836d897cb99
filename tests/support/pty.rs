//! The real program on a pseudo-terminal, and what a terminal would show of it.
//!
//! Nothing here sleeps: a test waits for what is on the screen, or for the process's end, and fails with the screen when
//! neither comes.
#![allow(clippy::expect_used, reason = "a test fails by panicking, in its helpers too")]
#![allow(dead_code, reason = "every test file uses the part that it needs")]

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};
use portaldesk::db::{Address, Db, Engine, Patience, Target, Tls};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// How long anything may take before the test fails; a loaded machine is slow.
const PATIENCE: Duration = Duration::from_mins(1);
/// How soon a key shows an effect, if it has one.
const EFFECT: Duration = Duration::from_secs(5);
/// How often a key is pressed that does no harm when it is pressed too often.
const OFTEN: Duration = Duration::from_millis(300);

/// Columns and rows.
pub(crate) type Size = (u16, u16);
/// An old terminal's.
pub(crate) const SMALL: Size = (80, 24);
/// A window's.
pub(crate) const LARGE: Size = (120, 40);

/// Passes every rule; that of whoever signs in.
pub(crate) const PASSWORD: &str = "kX7-vq92Lm!";

/// What a terminal sends for a key.
pub(crate) mod keys {
    pub(crate) const CTRL_C: &str = "\x03";
    pub(crate) const CTRL_G: &str = "\x07";
    pub(crate) const CTRL_N: &str = "\x0e";
    pub(crate) const CTRL_O: &str = "\x0f";
    pub(crate) const CTRL_P: &str = "\x10";
    pub(crate) const CTRL_S: &str = "\x13";
    pub(crate) const CTRL_U: &str = "\x15";
    pub(crate) const CTRL_Z: &str = "\x1a";
    pub(crate) const ENTER: &str = "\r";
    pub(crate) const ESC: &str = "\x1b";
    pub(crate) const F1: &str = "\x1bOP";
    pub(crate) const F2: &str = "\x1bOQ";
    pub(crate) const F5: &str = "\x1b[15~";
    pub(crate) const TAB: &str = "\t";
    pub(crate) const BACK_TAB: &str = "\x1b[Z";
    pub(crate) const DOWN: &str = "\x1b[B";
    pub(crate) const LEFT: &str = "\x1b[D";
    pub(crate) const RIGHT: &str = "\x1b[C";
}

/// A home folder of a test's own, removed with this value.
pub(crate) struct Home(pub(crate) PathBuf);

impl Home {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("portaldesk-pty-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a home folder");
        Self(path)
    }

    /// A home with a portal in it, whose one user is the superuser `amir`.
    pub(crate) fn with_portal() -> Self {
        let home = Self::new();
        home.ok("", &["init", "--yes"]);
        home.ok(&format!("{PASSWORD}\n"), &["create-superuser", "--username", "amir", "--password-stdin"]);
        home
    }

    /// The variables that the program gets; no others.
    fn environment(&self) -> [(&'static str, String); 7] {
        [
            ("HOME", self.0.display().to_string()),
            ("TMPDIR", self.0.display().to_string()),
            ("PATH", std::env::var("PATH").unwrap_or_default()),
            ("TERM", "xterm-256color".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
            ("TZ", "UTC".to_owned()),
            // With it, every answer comes late by a random time: the tests hold on the slowest machine too.
            ("PORTALDESK_TEST_LATE", std::env::var("PORTALDESK_TEST_LATE").unwrap_or_default()),
        ]
    }

    /// Runs a command without a terminal, with this on standard input.
    pub(crate) fn run(&self, input: &str, arguments: &[&str]) -> Output {
        let mut child = Command::new(program())
            .args(arguments)
            .env_clear()
            .envs(self.environment())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("a pipe");
        child.wait_with_output().expect("the program ends")
    }

    /// What a command prints, which must end well.
    pub(crate) fn ok(&self, input: &str, arguments: &[&str]) -> String {
        let output = self.run(input, arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    /// The database that the program uses here, for who comes from outside.
    pub(crate) fn database(&self) -> Target {
        Target {
            engine: Engine::Sqlite,
            address: Address::File(self.0.join(".local/share/portaldesk/portal.sqlite3")),
            database: "portal".to_owned(),
            user: None,
            password: None,
            tls: Tls::NotNeeded,
            read_only: false,
            patience: Patience::default(),
        }
    }

    /// Runs statements in it, as another program would.
    pub(crate) fn script(&self, statements: Vec<String>) {
        let target = self.database();
        let work = async { Db::open(&target).await?.script(statements).await };
        tokio::runtime::Runtime::new().expect("a runtime").block_on(work).expect("the statements run");
    }

    /// Puts so many active accounts into a department, named `crowd0001` and so on, each with a profile.
    pub(crate) fn crowd(&self, department: &str, count: usize) {
        let people: Vec<String> = (1..=count)
            .map(|at| format!("('!', 0, 'crowd{at:04}', '', '', '', 0, 1, '2026-01-02 03:04:05')"))
            .collect();
        self.script(vec![
            format!(
                "INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, \
                 is_active, date_joined) VALUES {}",
                people.join(", ")
            ),
            format!(
                "INSERT INTO core_userprofile (user_id, department_id, email_notifications, created_at, updated_at) \
                 SELECT u.id, d.id, 1, u.date_joined, u.date_joined FROM auth_user u, core_department d \
                 WHERE u.username LIKE 'crowd%' AND d.name = '{department}'"
            ),
        ]);
    }

    /// What a command prints with `--json`.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.ok("", &[arguments, &["--json"]].concat())).expect("JSON")
    }

    /// A user as scripts see them.
    pub(crate) fn user(&self, name: &str) -> Value {
        self.json(&["user", "show", name])["item"].clone()
    }

    /// All logs.
    pub(crate) fn log(&self) -> String {
        let folder = self.0.join(".local/state/portaldesk");
        let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
        files.filter_map(|file| std::fs::read_to_string(file.path()).ok()).collect()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // A process that was left behind by a failed test may still write there.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The program under test.
pub(crate) fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_portaldesk"))
}

struct Shown {
    parser: vt100::Parser,
    /// Every byte so far, for what a screen does not keep.
    bytes: Vec<u8>,
    /// The exit code, once there is one.
    ended: Option<u32>,
    /// Whether everything written has been read.
    drained: bool,
}

type Shared = Arc<(Mutex<Shown>, Condvar)>;

/// A program on a terminal of its own.
pub(crate) struct Terminal {
    shared: Shared,
    master: Option<Box<dyn MasterPty + Send>>,
    writer: Option<Box<dyn Write + Send>>,
    reader: Option<JoinHandle<()>>,
    closing: Arc<AtomicBool>,
    pid: Pid,
    /// The terminal's modes before the program started.
    modes: String,
}

impl Terminal {
    /// Starts the program.
    pub(crate) fn start(home: &Home, size: Size, arguments: &[&str]) -> Self {
        Self::start_with(home, size, arguments, &[])
    }

    /// Starts the program and signs in as `amir`.
    pub(crate) fn signed_in(home: &Home, size: Size) -> Self {
        let mut terminal = Self::start(home, size, &[]);
        terminal.sign_in("amir");
        terminal
    }

    /// Signs in, once that is asked for; what comes then is the test's to wait for.
    pub(crate) fn sign_in(&mut self, name: &str) {
        self.wait_for("Sign in to portaldesk");
        self.wait_taken();
        self.keys(&format!("{name}{}{PASSWORD}{}", keys::ENTER, keys::ENTER));
    }

    /// Starts the program with more variables.
    pub(crate) fn start_with(home: &Home, size: Size, arguments: &[&str], more: &[(&str, &str)]) -> Self {
        let mut command = CommandBuilder::new(program());
        command.args(arguments);
        Self::start_command(home, size, command, more)
    }

    /// Starts another program: a shell.
    pub(crate) fn start_command(
        home: &Home,
        (width, height): Size,
        mut command: CommandBuilder,
        more: &[(&str, &str)],
    ) -> Self {
        let pair = native_pty_system().openpty(pty_size((width, height))).expect("a pseudo-terminal");
        let modes = format!("{:?}", pair.master.get_termios());
        command.env_clear();
        let usual = home.environment();
        let usual = usual.iter().map(|(name, value)| (*name, value.as_str()));
        for (name, value) in usual.chain(more.iter().copied()) {
            command.env(name, value);
        }
        command.cwd(&home.0);
        let mut child = pair.slave.spawn_command(command).expect("the program starts");
        let pid = child.process_id().and_then(|pid| Pid::from_raw(pid.cast_signed())).expect("a process id");
        // While this side holds the terminal open too, its end is never seen.
        drop(pair.slave);
        let shown = Shown {
            parser: vt100::Parser::new(cells(height), cells(width), 0),
            bytes: Vec::new(),
            ended: None,
            drained: false,
        };
        let shared: Shared = Arc::new((Mutex::new(shown), Condvar::new()));
        let closing = Arc::new(AtomicBool::new(false));
        let reader = pair.master.try_clone_reader().expect("a reader");
        let reader = read(reader, Arc::clone(&shared), Arc::clone(&closing));
        let waiting = Arc::clone(&shared);
        std::thread::spawn(move || {
            let status = child.wait().expect("the program ends");
            update(&waiting, |shown| shown.ended = Some(status.exit_code()));
        });
        let writer = Some(pair.master.take_writer().expect("a writer"));
        Self { shared, master: Some(pair.master), writer, reader: Some(reader), closing, pid, modes }
    }

    /// Types this; control characters are keys.
    pub(crate) fn keys(&mut self, keys: &str) {
        let writer = self.writer.as_mut().expect("the terminal is open");
        writer.write_all(keys.as_bytes()).and_then(|()| writer.flush()).expect("the terminal takes keys");
    }

    /// Pastes this, from a thread of its own: the terminal takes only so much at once.
    pub(crate) fn paste(&mut self, words: &str) {
        let mut writer = self.writer.take().expect("the terminal is open");
        let bytes = format!("\x1b[200~{words}\x1b[201~").into_bytes();
        let pasting = std::thread::spawn(move || {
            writer.write_all(&bytes).and_then(|()| writer.flush()).expect("the terminal takes a paste");
            writer
        });
        self.writer = Some(pasting.join().expect("a paste"));
    }

    /// Presses keys again and again until the screen holds this text, or until it no longer does. A review throws away
    /// what is typed before its first frame is out, and a test is faster than any person.
    pub(crate) fn press_until(&mut self, keys: &str, text: &str, wanted: bool) {
        self.press(keys, text, wanted, EFFECT);
    }

    /// As [`Self::press_until`], for keys that have to be pressed many times, and do no harm when it is once too often.
    pub(crate) fn press_often_until(&mut self, keys: &str, text: &str, wanted: bool) {
        self.press(keys, text, wanted, OFTEN);
    }

    /// Presses `Esc` until the screen holds this text, or until it no longer does: where something is read for longer than
    /// a moment, the first one stops only that, and says so.
    pub(crate) fn escape_until(&mut self, text: &str, wanted: bool) {
        const STOPPED: &str = "– Stopped ";
        let done = |shown: &Shown| shown.parser.screen().contents().contains(text) == wanted;
        loop {
            let had_stopped = self.contents().contains(STOPPED);
            self.keys(keys::ESC);
            let stopped = |shown: &Shown| !had_stopped && shown.parser.screen().contents().contains(STOPPED);
            let what = if wanted { format!("{text:?}") } else { format!("no {text:?}") };
            self.wait(&what, |shown| (done(shown) || stopped(shown)).then_some(()));
            if done(&self.shown()) {
                return;
            }
        }
    }

    fn press(&mut self, keys: &str, text: &str, wanted: bool, effect: Duration) {
        let deadline = Instant::now() + PATIENCE;
        let is_so = |shown: &Shown| shown.parser.screen().contents().contains(text) == wanted;
        while !is_so(&self.shown()) {
            assert!(Instant::now() < deadline, "{keys:?} has no effect on {text:?}:\n{}", self.contents());
            self.keys(keys);
            drop(self.shared.1.wait_timeout_while(self.shown(), effect, |shown| !is_so(shown)));
        }
    }

    /// Presses keys until the program ends: where it reads for longer than a moment, the first `Ctrl-C` stops only that.
    pub(crate) fn press_until_end(&mut self, keys: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.shown().ended.is_none() {
            assert!(Instant::now() < deadline, "{keys:?} does not end it:\n{}", self.contents());
            let writer = self.writer.as_mut().expect("the terminal is open");
            // It may have ended meanwhile, and its terminal with it.
            let _ = writer.write_all(keys.as_bytes()).and_then(|()| writer.flush());
            drop(self.shared.1.wait_timeout_while(self.shown(), OFTEN, |shown| shown.ended.is_none()));
        }
    }

    /// Waits until the screen holds this text.
    pub(crate) fn wait_for(&self, text: &str) {
        self.wait_until(&format!("{text:?}"), |screen| screen.contents().contains(text));
    }

    /// Waits until the screen no longer holds this text.
    pub(crate) fn wait_gone(&self, text: &str) {
        self.wait_until(&format!("no {text:?}"), |screen| !screen.contents().contains(text));
    }

    /// Waits until the screen is as `done` wants it.
    pub(crate) fn wait_until(&self, what: &str, done: impl Fn(&vt100::Screen) -> bool) {
        self.wait(what, |shown| done(shown.parser.screen()).then_some(()));
    }

    /// Waits for the end and gives the exit code; what was on the screen then is there to be looked at.
    pub(crate) fn wait_end(&self) -> u32 {
        self.wait("the program's end", |shown| shown.ended.filter(|_| shown.drained))
    }

    /// As [`Self::wait_end`], where nothing is left to read the screen with.
    pub(crate) fn wait_process(&self) -> u32 {
        self.wait("the process's end", |shown| shown.ended)
    }

    fn wait<T>(&self, what: &str, done: impl Fn(&Shown) -> Option<T>) -> T {
        let (lock, changed) = &*self.shared;
        let deadline = Instant::now() + PATIENCE;
        let mut shown = lock.lock().expect("no panic holds it");
        loop {
            if let Some(found) = done(&shown) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let screen = shown.parser.screen().contents();
            assert!(
                !left.is_zero() && (shown.ended.is_none() || !shown.drained),
                "waited in vain for {what} (exit {:?}); on the screen:\n{screen}",
                shown.ended
            );
            shown = changed.wait_timeout(shown, left).expect("no panic holds it").0;
        }
    }

    /// What is on the screen.
    pub(crate) fn contents(&self) -> String {
        self.shown().parser.screen().contents()
    }

    /// Everything that was written to the terminal.
    pub(crate) fn written(&self) -> String {
        String::from_utf8_lossy(&self.shown().bytes).into_owned()
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shared.0.lock().expect("no panic holds it")
    }

    /// Changes the terminal's size.
    pub(crate) fn resize(&self, (width, height): Size) {
        // The screen first: what the program draws for the new size must find room.
        self.shown().parser.set_size(cells(height), cells(width));
        let master = self.master.as_ref().expect("the terminal is open");
        master.resize(pty_size((width, height))).expect("the terminal takes a size");
    }

    /// Sends the program a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).expect("the program runs");
    }

    /// Hangs up, as a dropped line does: the terminal is gone. `size` is one that the terminal does not have: the frame
    /// it provokes wakes the reader, which holds the terminal open.
    pub(crate) fn hang_up(&mut self, size: Size) {
        self.closing.store(true, Ordering::SeqCst);
        self.resize(size);
        self.reader.take().expect("read so far").join().expect("the reader ends");
        // Its reader must not notice that the writer goes first, and says good-bye.
        drop(self.writer.take());
        drop(self.master.take());
    }

    /// Waits until the program has the terminal: raw, on its own screen. Nobody tells when modes change.
    pub(crate) fn wait_taken(&self) {
        let deadline = Instant::now() + PATIENCE;
        while self.modes_now() == self.modes || !self.shown().parser.screen().alternate_screen() {
            assert!(Instant::now() < deadline, "the terminal was not taken:\n{}", self.contents());
            std::thread::yield_now();
        }
    }

    /// That the terminal is as it was before.
    pub(crate) fn assert_restored(&self) {
        assert_eq!(self.modes_now(), self.modes, "the terminal's modes");
        let shown = self.shown();
        let screen = shown.parser.screen();
        assert!(!screen.alternate_screen(), "the alternate screen is left");
        assert!(!screen.hide_cursor(), "the cursor is shown");
        assert!(!screen.bracketed_paste(), "pastes come without brackets");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    }

    fn modes_now(&self) -> String {
        format!("{:?}", self.master.as_ref().expect("the terminal is open").get_termios())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A test that failed leaves no program behind.
        if self.shared.0.lock().is_ok_and(|shown| shown.ended.is_none()) {
            let _ = kill_process(self.pid, Signal::KILL);
        }
    }
}

/// Applies what the review of this title shows, as it asks: with `y`, or by typing what it names.
pub(crate) fn apply(terminal: &mut Terminal, title: &str, done: &str) {
    const ASKS: &str = " to go on, then Enter:";
    terminal.wait_until(&format!("the review {title:?}"), |screen| {
        let shown = screen.contents();
        shown.contains(title) && (shown.contains("y apply") || shown.contains(ASKS))
    });
    let screen = terminal.contents();
    match screen.split(ASKS).next().and_then(|before| before.rsplit_once("Type ")) {
        Some((_, wanted)) if screen.contains(ASKS) => {
            terminal.press_until(&format!("\x15{wanted}\r"), ASKS, false);
        }
        _ => terminal.press_until("y", "y apply", false),
    }
    terminal.wait_for(done);
}

/// The row of the screen that shows this, and whether the cursor is on it.
fn row(contents: &str, text: &str) -> Option<(usize, bool)> {
    // What stands above may name it too: at which check a scan is.
    let heading = contents.lines().position(|line| line.contains("WHAT"))?;
    contents
        .lines()
        .enumerate()
        .skip(heading + 1)
        .find_map(|(at, line)| line.contains(text).then(|| (at, line.contains('▸'))))
}

/// Puts the cursor of a list on the row that shows this.
pub(crate) fn go_to(terminal: &mut Terminal, text: &str) {
    terminal.wait_until(text, |screen| row(&screen.contents(), text).is_some());
    terminal.keys("g");
    terminal.wait_until("the first row", |screen| {
        let shown = screen.contents();
        let heading = shown.lines().position(|line| line.contains("WHAT"));
        heading.is_some_and(|at| shown.lines().nth(at + 1).is_some_and(|line| line.contains('▸')))
    });
    let shown = terminal.contents();
    let first = shown.lines().position(|line| line.contains('▸')).expect("a cursor");
    let (wanted, _) = row(&shown, text).expect("the row");
    terminal.keys(&"j".repeat(wanted - first));
    terminal.wait_until(&format!("the cursor on {text}"), |screen| {
        row(&screen.contents(), text).is_some_and(|(_, on)| on)
    });
}

fn read(mut reader: Box<dyn Read + Send>, shared: Shared, closing: Arc<AtomicBool>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut bytes = [0; 8192];
        // The end of a pseudo-terminal is an error on Linux and nothing to read elsewhere.
        while let Ok(count @ 1..) = reader.read(&mut bytes) {
            update(&shared, |shown| {
                shown.parser.process(&bytes[..count]);
                shown.bytes.extend_from_slice(&bytes[..count]);
            });
            if closing.load(Ordering::SeqCst) {
                return;
            }
        }
        update(&shared, |shown| shown.drained = true);
    })
}

fn update(shared: &Shared, change: impl FnOnce(&mut Shown)) {
    change(&mut shared.0.lock().expect("no panic holds it"));
    shared.1.notify_all();
}

fn pty_size((cols, rows): Size) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

fn cells(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).expect("a terminal has cells")
}
