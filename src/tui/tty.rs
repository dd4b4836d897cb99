//! The backend for a real terminal: one write per frame, and none for a frame that changes nothing.

use std::cell::RefCell;
use std::io::{self, Write};
use std::iter::Peekable;
use std::rc::Rc;

use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use rustix::termios::tcgetwinsize;

/// The terminal shows nothing of a frame until the end of it, where it knows this (DEC private mode 2026).
const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

/// Collects what a frame writes. Flushing does nothing: the frame goes out as a whole.
#[derive(Clone, Default)]
struct Collected(Rc<RefCell<Vec<u8>>>);

impl Write for Collected {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Standard output, as ratatui draws on it.
pub struct Tty<W: Write = io::Stdout> {
    inner: CrosstermBackend<Collected>,
    collected: Collected,
    out: W,
    cursor: Option<Position>,
}

impl<W: Write> Tty<W> {
    /// Draws on this; its cursor is hidden.
    pub fn new(out: W) -> Self {
        let collected = Collected::default();
        Self { inner: CrosstermBackend::new(collected.clone()), collected, out, cursor: None }
    }
}

impl<W: Write> Backend for Tty<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut content: Peekable<I> = content.peekable();
        if content.peek().is_none() {
            return Ok(());
        }
        if self.cursor.is_some() {
            // Drawing moves the cursor; whoever wants it shown says again where.
            self.hide_cursor()?;
        }
        self.inner.draw(content)
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if self.cursor.take().is_some() { self.inner.hide_cursor() } else { Ok(()) }
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        // Shown where it is put, which always follows.
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        // Asking the terminal would read its answer from under the thread that reads keys.
        Ok(self.cursor.unwrap_or_default())
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let position = position.into();
        let before = self.cursor.replace(position);
        if before == Some(position) {
            return Ok(());
        }
        self.inner.set_cursor_position(position)?;
        if before.is_none() { self.inner.show_cursor() } else { Ok(()) }
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        // After a suspension nobody knows whether the cursor is shown.
        self.cursor = None;
        self.inner.hide_cursor()?;
        self.inner.clear_region(clear_type)
    }

    fn size(&self) -> io::Result<Size> {
        let size = tcgetwinsize(io::stdout())?;
        Ok(Size::new(size.ws_col, size.ws_row))
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        let size = tcgetwinsize(io::stdout())?;
        Ok(WindowSize {
            columns_rows: Size::new(size.ws_col, size.ws_row),
            pixels: Size::new(size.ws_xpixel, size.ws_ypixel),
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        let frame = self.collected.0.take();
        if frame.is_empty() {
            return Ok(());
        }
        self.out.write_all(&[BEGIN, &frame, END].concat())?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(symbol: &'static str) -> Cell {
        Cell::new(symbol)
    }

    #[test]
    fn a_frame_that_changes_nothing_writes_nothing() {
        let mut tty = Tty::new(Vec::new());
        tty.draw(std::iter::empty()).expect("a vector takes everything");
        tty.hide_cursor().expect("a vector takes everything");
        tty.flush().expect("a vector takes everything");
        assert!(tty.out.is_empty());
    }

    #[test]
    fn a_frame_is_one_synchronized_write() {
        let mut tty = Tty::new(Vec::new());
        let x = cell("x");
        tty.draw([(0, 0, &x)].into_iter()).expect("a vector takes everything");
        assert!(tty.out.is_empty());
        tty.flush().expect("a vector takes everything");
        assert!(tty.out.starts_with(BEGIN) && tty.out.ends_with(END));
    }

    #[test]
    fn a_cursor_that_stays_costs_nothing() {
        let mut tty = Tty::new(Vec::new());
        for _ in 0..2 {
            tty.show_cursor().expect("a vector takes everything");
            tty.set_cursor_position((3, 4)).expect("a vector takes everything");
            tty.flush().expect("a vector takes everything");
        }
        let shown = String::from_utf8(tty.out).expect("ASCII");
        assert_eq!(shown.matches("\x1b[5;4H").count(), 1);
        assert_eq!(shown.matches("\x1b[?25h").count(), 1);
    }
}
