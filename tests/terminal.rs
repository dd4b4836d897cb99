//! The terminal is given back on every way out. Each test runs the program's own loop in a pseudo-terminal, as a child
//! that is this test binary once more.

#![expect(clippy::expect_used, clippy::panic, reason = "a test ends there")]

use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use portaldesk::tui::input::ctrl;
use portaldesk::tui::widgets::put;
use portaldesk::tui::{
    Action, Binding, Cx, Head, Key, Keymap, Reply, Screen, Setup, Slot, Theme, Tone, code, key,
};
use ratatui::Frame;
use ratatui::layout::Rect;
use rustix::process::{Pid, Signal, kill_process};

/// How long a state may take to come about on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the program may take to end after a signal or hang-up.
const END: Duration = Duration::from_secs(2);

const KEYS: &[Binding] = &[
    Binding::new(&[key('j'), code(Key::Down)], Action::Down, "down"),
    Binding::new(&[key('w')], Action::UsersNew, "write"),
    Binding::new(&[key('b')], Action::UsersEdit, "write for ever"),
    Binding::new(&[key('p')], Action::UsersDelete, "panic"),
    Binding::new(&[ctrl('g')], Action::Generate, "panic in a job"),
];
const WRITE: Slot<()> = Slot::exclusive("child.write");
const FAIL: Slot<()> = Slot::latest("child.fail");

#[derive(Default)]
struct Counter {
    count: usize,
    panics: bool,
    written: bool,
}

impl Screen for Counter {
    fn title(&self) -> String {
        "Counter".to_owned()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::Down => self.count += 1,
            Action::UsersNew => cx.start_without_portal(&WRITE, "writing", |_task| async {
                tokio::time::sleep(Duration::from_millis(300)).await;
                let done = std::env::var("CHILD_DONE").unwrap_or_default();
                std::fs::write(done, "done").map_err(|error| portaldesk::error::Error::bug(error.to_string()))
            }),
            Action::UsersEdit => cx.start_without_portal(&WRITE, "writing", |_task| std::future::pending()),
            Action::Generate => {
                cx.start_without_portal(&FAIL, "failing", |_task| async { panic!("a job went wrong") });
            }
            _ => self.panics = true,
        }
    }

    fn reply(&mut self, reply: &mut Reply, _cx: &mut Cx) {
        self.written |= WRITE.take(reply).is_some();
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        assert!(!self.panics, "drawing went wrong");
        let words = format!("count {} of {}x{}", self.count, area.width, area.height);
        put(frame.buffer_mut(), area.x, area.y, area.width, &words, theme.style(Tone::Plain));
    }
}

/// Not a test: what the children of the tests run.
#[test]
#[ignore = "run by the other tests, in a pseudo-terminal"]
fn child() {
    let setup = Setup {
        tabs: vec![Box::new(Counter::default())],
        first: None,
        portal: None,
        head: Head { label: "Test".to_owned(), ..Head::default() },
        keymap: Keymap::default(),
        theme: Theme::default(),
        commands: Vec::new(),
        lock: None,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let exit = runtime.block_on(portaldesk::tui::run(setup)).map_or(99, |exit| exit.code());
    std::process::exit(i32::from(exit));
}

struct Terminal {
    master: Option<Box<dyn MasterPty + Send>>,
    writer: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    screen: Arc<(Mutex<vt100::Parser>, Condvar)>,
    vanishes: Arc<AtomicBool>,
    done: std::path::PathBuf,
}

impl Terminal {
    /// Runs the child in a terminal of 80×24.
    fn child() -> Self {
        let mut terminal = Self::run(&mut Self::command());
        terminal.wait("count 0");
        terminal
    }

    fn command() -> CommandBuilder {
        let mut command = CommandBuilder::new(std::env::current_exe().expect("this test has a path"));
        command.args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"]);
        command
    }

    fn run(command: &mut CommandBuilder) -> Self {
        let size = PtySize { rows: 24, cols: 80, ..PtySize::default() };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let name = format!("portaldesk-test-{}-{:?}", std::process::id(), thread::current().id());
        let done = std::env::temp_dir().join(name);
        command.env("CHILD_DONE", &done);
        command.env("RUST_BACKTRACE", "0");
        let child = pair.slave.spawn_command(command.clone()).expect("this test can be run");
        let screen = Arc::new((Mutex::new(vt100::Parser::default()), Condvar::new()));
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let theirs = Arc::clone(&screen);
        let vanishes = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&vanishes);
        thread::spawn(move || {
            let mut buffer = [0; 4_096];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                theirs.0.lock().expect("no panic holds it").process(&buffer[..count]);
                theirs.1.notify_all();
            }
        });
        let writer = pair.master.take_writer().expect("a writer");
        Self { master: Some(pair.master), writer, child, screen, vanishes, done }
    }

    fn press(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).expect("the terminal takes keys");
        self.writer.flush().expect("the terminal takes keys");
    }

    /// Waits until the screen shows these words.
    fn wait(&mut self, words: &str) {
        self.wait_for(words, |screen| screen.contents().contains(words));
    }

    fn wait_for(&mut self, what: &str, is_so: impl Fn(&vt100::Screen) -> bool) {
        let parser = self.screen.0.lock().expect("no panic holds it");
        let (parser, waited) = self
            .screen
            .1
            .wait_timeout_while(parser, PATIENCE, |parser| !is_so(parser.screen()))
            .expect("no panic holds it");
        assert!(!waited.timed_out(), "{what} never came:\n{}", parser.screen().contents());
    }

    fn resize(&mut self, rows: u16, cols: u16) {
        let (Some(high), Some(wide)) = (NonZero::new(rows), NonZero::new(cols)) else { panic!("a size") };
        self.screen.0.lock().expect("no panic holds it").screen_mut().set_size(high, wide);
        let size = PtySize { rows, cols, ..PtySize::default() };
        self.master.as_ref().expect("a master").resize(size).expect("it can be resized");
    }

    /// Closes our end of the terminal, as a lost connection does.
    fn vanish(&mut self) {
        self.vanishes.store(true, Ordering::SeqCst);
        // What the child draws for this lets the reading thread see that it should end.
        self.press("j");
        self.writer = Box::new(std::io::sink());
        self.master = None;
    }

    fn signal(&self, signal: Signal) {
        let pid = self.child.process_id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        kill_process(pid.expect("the child has a process id"), signal).expect("the child can be signalled");
    }

    /// Waits for the end, and checks that the terminal is as it was.
    fn end(&mut self) -> u32 {
        let code = self.code();
        self.wait_for("the alternate screen left", |screen| !screen.alternate_screen());
        self.wait_for("the cursor", |screen| !screen.hide_cursor());
        self.wait_for("pastes without brackets", |screen| !screen.bracketed_paste());
        let modes =
            self.master.as_ref().and_then(|master| master.get_termios()).expect("a terminal has modes");
        let modes = format!("{:?}", modes.local_flags);
        assert!(modes.contains("ECHO") && modes.contains("ICANON"), "{modes}");
        code
    }

    fn code(&mut self) -> u32 {
        let asked = Instant::now();
        while asked.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().expect("the child can be waited for") {
                return status.exit_code();
            }
            let parser = self.screen.0.lock().expect("no panic holds it");
            let _woken =
                self.screen.1.wait_timeout(parser, Duration::from_millis(10)).expect("no panic holds it");
        }
        panic!("it did not end");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = std::fs::remove_file(&self.done);
    }
}

#[test]
fn keys_resize_and_quit() {
    let mut terminal = Terminal::child();
    terminal.press("jj\x1b[B");
    terminal.wait("count 3");
    terminal.resize(30, 100);
    terminal.wait("of 100x26");
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn a_burst_of_ten_thousand_keys_is_heard_to_the_last() {
    let mut terminal = Terminal::child();
    for _ in 0..100 {
        terminal.press(&"j".repeat(100));
    }
    terminal.wait("count 10000");
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn signals_end_it_with_their_number() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::INT, 130), (Signal::QUIT, 131)] {
        let mut terminal = Terminal::child();
        terminal.signal(signal);
        assert_eq!(terminal.end(), code);
    }
}

#[test]
fn a_write_is_finished_before_the_end() {
    let mut terminal = Terminal::child();
    terminal.press("w");
    terminal.press("j");
    terminal.wait("count 1");
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.end(), 143);
    assert!(terminal.done.exists());
}

#[test]
fn a_write_that_does_not_end_does_not_keep_the_process() {
    let mut terminal = Terminal::child();
    terminal.press("bj");
    terminal.wait("count 1");
    let asked = Instant::now();
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.end(), 143);
    assert!(asked.elapsed() < END + Duration::from_secs(1), "{:?}", asked.elapsed());
}

#[test]
fn a_panic_in_drawing_gives_the_terminal_back_and_says_what_it_was() {
    let mut terminal = Terminal::child();
    terminal.press("p");
    assert_eq!(terminal.end(), 70);
    terminal.wait("drawing went wrong");
}

#[test]
fn a_panic_in_a_job_leaves_the_screen_whole() {
    let mut terminal = Terminal::child();
    terminal.press("\x07");
    terminal.wait("in the background");
    terminal.press("j");
    terminal.wait("count 1");
    terminal.wait_for("the alternate screen", vt100::Screen::alternate_screen);
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn a_vanished_terminal_ends_it() {
    let mut terminal = Terminal::child();
    terminal.press("w");
    terminal.press("j");
    terminal.wait("count 1");
    let asked = Instant::now();
    terminal.vanish();
    assert_eq!(terminal.code(), 129);
    assert!(asked.elapsed() < END + Duration::from_secs(1), "{:?}", asked.elapsed());
    assert!(terminal.done.exists());
}

#[test]
fn without_job_control_suspending_says_so() {
    let mut terminal = Terminal::child();
    terminal.press("\x1a");
    terminal.wait("no job control");
    terminal.press("j");
    terminal.wait("count 1");
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn a_shell_can_suspend_and_continue_it() {
    let mut shell = CommandBuilder::new("bash");
    shell.args(["--norc", "--noprofile", "-i"]);
    shell.env("PS1", "shell> ");
    let mut terminal = Terminal::run(&mut shell);
    terminal.wait("shell>");
    let words: Vec<String> =
        Terminal::command().get_argv().iter().map(|word| word.to_string_lossy().into_owned()).collect();
    terminal.press(&format!("'{}'\r", words.join("' '")));
    terminal.wait("count 0");
    terminal.press("\x1a");
    terminal.wait("Stopped");
    terminal.wait_for("the shell's own screen", |screen| !screen.alternate_screen() && !screen.hide_cursor());
    terminal.press("fg\r");
    terminal.wait("count 0");
    terminal.press("j");
    terminal.wait("count 1");
    terminal.press("q");
    terminal.wait_for("the third prompt", |screen| screen.contents().matches("shell>").count() == 3);
    terminal.press("exit 7\r");
    assert_eq!(terminal.end(), 7);
}
