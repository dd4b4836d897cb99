//! The terminal program: the only folder that names ratatui and crossterm.
//!
//! # One key press
//!
//! [`input`] turns a terminal event into an [`Input`]; [`App`] gives it to the screen on top: first to its text field, if
//! it [takes text](Screen::takes_text), then by its table of [`Binding`]s as an [`Action`] to [`Screen::act`]. The screen
//! changes its own state and asks the [`Cx`] for effects. [`jobs`] starts the work in a named [`Slot`]; its result comes
//! back as a [`Reply`], unless a newer one has taken its place. One frame is drawn when everything ready is taken.
//!
//! # Writing a screen
//!
//! 1. A file in `screens/`, with a table `KEYS` and a type that implements [`Screen`]. New actions get a line in
//!    [`actions`]; one line in the register of `screens/mod.rs` makes the table known to configuration and help.
//! 2. Every piece of work has a [`Slot`]: `latest` for reads, `exclusive` for writes. The end of an exclusive one tells
//!    every open screen [that rows changed](Screen::changed); nothing else has to be done about that.
//! 3. Text from the database goes to the screen through [`widgets::put`] or a widget, which make it safe; whatever draws
//!    otherwise passes it through [`crate::text::safe`] itself.
//! 4. A write is reviewed: push [`screens::review::Review`], whose callback starts the work in the name of the screen
//!    that pushed it.
//!
//! A list is a [`widgets::table::Table`]: its screen passes moves to [`act`](widgets::table::Table::act), loads the page
//! that this says it [wants](widgets::table::Want), and hands it to [`take`](widgets::table::Table::take). A form is a
//! [`widgets::form::Form`] over the fields of [`crate::portal::forms`]: its screen passes `takes_text`, `input` and the
//! actions of [`widgets::form::KEYS`] on, and reviews what [`changed`](widgets::form::Form::changed).
//!
//! ```
//! use std::sync::Arc;
//! use portaldesk::tui::screens::review::{Review, ReviewText};
//! use portaldesk::tui::widgets::put;
//! use portaldesk::tui::{Action, Binding, Cx, Reply, Screen, Slot, Theme, Tone, key};
//! use ratatui::{Frame, layout::{Rect, Size}};
//!
//! const KEYS: &[Binding] = &[
//!     Binding::new(&[key('n')], Action::GroupsNew, "new"),
//!     Binding::new(&[key('D')], Action::GroupsDelete, "delete").dangerous(),
//! ];
//! const LOAD: Slot<Vec<String>> = Slot::latest("groups.page");
//! const DELETE: Slot<u64> = Slot::exclusive("groups.delete").reporting(|rows| format!("Deleted {rows} rows"));
//!
//! #[derive(Default)]
//! struct Groups {
//!     names: Vec<String>,
//! }
//!
//! impl Screen for Groups {
//!     fn title(&self) -> String {
//!         "Groups".to_owned()
//!     }
//!
//!     fn keys(&self) -> &'static [&'static [Binding]] {
//!         &[KEYS]
//!     }
//!
//!     fn enabled(&self, action: Action) -> Result<(), String> {
//!         match action {
//!             Action::GroupsDelete if self.names.is_empty() => Err("There is no group to delete.".to_owned()),
//!             _ => Ok(()),
//!         }
//!     }
//!
//!     fn opened(&mut self, cx: &mut Cx) {
//!         self.changed(cx);
//!     }
//!
//!     fn changed(&mut self, cx: &mut Cx) {
//!         cx.start(&LOAD, "loading groups", |portal| async move { load(&portal).await });
//!     }
//!
//!     fn act(&mut self, action: Action, cx: &mut Cx) {
//!         if action == Action::GroupsDelete {
//!             let review = ReviewText { title: format!("Delete {}", self.names[0]), ..ReviewText::default() };
//!             cx.push(Review::new(review, |cx| {
//!                 cx.start(&DELETE, "deleting", |_portal| async move { Ok(1) });
//!             }));
//!         }
//!     }
//!
//!     fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
//!         if let Some(result) = LOAD.take(reply) {
//!             match result {
//!                 Ok(names) => self.names = names,
//!                 Err(error) => cx.fail(&error),
//!             }
//!         } else if let Some(Ok(rows)) = DELETE.take(reply) {
//!             cx.done(format!("Deleted {rows} rows · u undoes"));
//!         }
//!     }
//!
//!     fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
//!         for (y, name) in (area.y..area.bottom()).zip(&self.names) {
//!             put(frame.buffer_mut(), area.x, y, area.width, name, theme.style(Tone::Plain));
//!         }
//!     }
//!
//!     fn status(&self) -> String {
//!         format!("{} groups", self.names.len())
//!     }
//! }
//! # async fn load(_: &Arc<portaldesk::directory::Portal>) -> portaldesk::error::Result<Vec<String>> { Ok(vec![]) }
//!
//! // A screen is tested by giving it an action, or a reply, and looking at what it asks for.
//! let mut cx = Cx::new(Size::new(80, 24));
//! let mut groups = Groups::default();
//! groups.reply(&mut Reply::of(&LOAD, Ok(vec!["Admin".to_owned()])), &mut cx);
//! assert!(groups.enabled(Action::GroupsDelete).is_ok());
//! groups.act(Action::GroupsDelete, &mut cx);
//! assert_eq!(format!("{:?}", cx.effects()), "[Push(Delete Admin)]");
//! ```

pub mod actions;
pub mod app;
pub mod clock;
pub mod cx;
pub mod event_loop;

mod dispatch;
mod frame;
pub mod input;
pub mod jobs;
pub mod keymap;
mod leaving_review;
mod pacer;
pub mod plan_diff;
pub mod plan_review;
pub mod screen;
pub mod screens;

mod stack;
pub mod start;
pub mod terminal;
mod test_hooks;
#[cfg(test)]
mod tests;
pub mod theme;
pub mod tty;
mod unsaved;
pub mod widgets;

pub use actions::Action;
pub use app::{App, Head, IdleLock, Setup};
pub use cx::{Cx, Effect};
pub use event_loop::{EventLoop, Exit};
pub use input::{Input, Key, KeyChord, code, ctrl, key, shift};
pub use jobs::{Reply, Slot, Task};
pub use keymap::{Binding, Keymap, When};
pub use screen::{Layer, Screen};
pub use theme::{Theme, Tone};

use ratatui::Terminal;
use ratatui::backend::Backend;

use crate::error::{Error, Result};

/// Runs the program on the terminal of standard input and output until it ends, and gives the terminal back.
///
/// Needs a Tokio runtime with more than one thread. The caller exits with [`Exit::code`].
///
/// # Errors
///
/// When there is no terminal, or it cannot be set up.
pub async fn run(setup: Setup) -> Result<Exit> {
    let failed = |error: std::io::Error| Error::unreachable(format!("The terminal cannot be used: {error}."));
    let host = terminal::TtyHost::new()?;
    let _entered = terminal::Entered::new()?;
    let backend = tty::Tty::new(std::io::stdout());
    let size = backend.size().map_err(failed)?;
    let terminal = Terminal::new(backend).map_err(failed)?;
    let mut keys = terminal::read_keys()?;
    let exit = EventLoop::new(App::new(setup, size), terminal, host).run(&mut keys).await;
    // A frame may meet the hang-up before the one who watches for it does.
    let is_gone = matches!(exit, Exit::Failed(_)) && terminal::is_gone();
    Ok(if is_gone { Exit::InputEnded } else { exit })
}
