//! What a screen is: tabs, records, forms and dialogs alike.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::actions::Action;
use super::cx::Cx;
use super::input::Input;
use super::jobs::Reply;
use super::keymap::Binding;
use super::theme::Theme;
use crate::directory::drafts::Unsaved;

/// One screen: its own state, its own drawing, and what its keys do.
///
/// It holds no database, channel or terminal: what it wants done it asks of the [`Cx`]. Only `title`, `keys`, `act` and
/// `draw` must be written; everything else has a default that does nothing.
pub trait Screen {
    /// What the tab, the dialog's border and messages call it.
    fn title(&self) -> String;

    /// The number of the key that shows it, where it is a tab: it keeps its number whichever tabs are there. Without one
    /// it goes by its place.
    fn number(&self) -> Option<usize> {
        None
    }

    /// Its tables of keys, the most important first: that is the order in the footer.
    fn keys(&self) -> &'static [&'static [Binding]];

    /// Whether an action of its tables can be done now. If not: why, as a sentence; the footer leaves the key out and
    /// pressing it shows the sentence.
    ///
    /// # Errors
    ///
    /// The sentence.
    fn enabled(&self, action: Action) -> Result<(), String> {
        let _ = action;
        Ok(())
    }

    /// Does an action of its tables, after [`Self::enabled`] agreed.
    fn act(&mut self, action: Action, cx: &mut Cx);

    /// Draws itself into the area that its [`Layer`] gives it. May be any size, 1×1 too; never 0×0.
    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme);

    /// Called once, before anything else, when the screen comes onto the stack (a tab: when it is first shown).
    fn opened(&mut self, cx: &mut Cx) {
        let _ = cx;
    }

    /// Whether a text field has the cursor: then characters and pastes go to [`Self::input`], and bindings that are
    /// plain characters sleep.
    fn takes_text(&self) -> bool {
        false
    }

    /// Takes a raw key or a paste while [`Self::takes_text`]; says whether it was used. A key that was not goes on to
    /// the tables.
    fn input(&mut self, input: &Input, cx: &mut Cx) -> bool {
        let _ = (input, cx);
        false
    }

    /// Takes the result of work it started; see [`super::Slot::take`]. An error that nobody takes becomes a toast.
    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        let _ = (reply, cx);
    }

    /// Rows may have changed (a write finished, or the reload key was pressed): read again, keep cursor and marks.
    fn changed(&mut self, cx: &mut Cx) {
        let _ = cx;
    }

    /// Closes something of its own (a filter, a range, the marks) for `Esc`; says whether there was anything to close.
    /// If not, the screen itself is closed, unless it is a tab.
    fn escape(&mut self, cx: &mut Cx) -> bool {
        let _ = cx;
        false
    }

    /// The right end of the last line, such as `14 of 1 204 · by username`.
    fn status(&self) -> String {
        String::new()
    }

    /// What stands behind a tab's title, such as `▲3`.
    fn badge(&self) -> Option<String> {
        None
    }

    /// What would be lost if it closed now, such as `2 changes to bela`; then closing asks first.
    fn is_dirty(&self) -> Option<String> {
        None
    }

    /// What is to be kept for the next sign-in should the line drop now. Closing the screen forgets it.
    fn unsaved(&self) -> Option<Unsaved> {
        None
    }

    /// How much of the terminal it takes.
    fn layer(&self) -> Layer {
        Layer::Full
    }

    /// Whether keys that arrived before its first frame was drawn are thrown away, because the first of them could
    /// confirm what nobody has seen.
    fn guarded(&self) -> bool {
        false
    }
}

/// How much of the terminal a screen takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// Everything between the first and the last line.
    Full,
    /// A bordered box in the middle, with an inner area of at most this size; what is below stays visible.
    Popup {
        /// Columns inside the border.
        width: u16,
        /// Rows inside the border.
        height: u16,
    },
    /// As `Full`, and nothing but its own keys works, quitting, suspending and repainting aside: the sign-in and the
    /// idle lock. `Esc` and `q` do not close it.
    Lock,
}
