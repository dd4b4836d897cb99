//! The terminal, as far as it can be told without taking it.

use crate::directory::doctor::{Item, Status};
use crate::tui::terminal;

const AREA: &str = "terminal";

/// The least size at which every screen is useful, and the least at which it is usable.
const USEFUL: (u16, u16) = (80, 24);
const USABLE: (u16, u16) = (40, 10);

/// What there is to say; `variable` reads the environment.
pub(super) fn answers(variable: impl Fn(&str) -> Option<String>) -> Vec<Item> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    if !terminal::is_there() {
        return vec![Item::new(AREA, "terminal", Status::Ok, "none here; the commands need none")];
    }
    let mut items = Vec::new();
    if let Ok(size) = rustix::termios::tcgetwinsize(std::io::stdout()) {
        items.push(of_size(size.ws_col, size.ws_row));
    }
    items.push(of_type(set("TERM").as_deref()));
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set);
    items.push(of_locale(locale.as_deref()));
    let colours = if set("NO_COLOR").is_some() { "off, by NO_COLOR" } else { "the sixteen of the terminal" };
    items.push(Item::new(AREA, "colours", Status::Ok, colours));
    let multiplexers = [("TMUX", "tmux"), ("STY", "screen"), ("ZELLIJ", "zellij")];
    let multiplexer = multiplexers.into_iter().find(|(name, _)| set(name).is_some());
    items.push(match multiplexer {
        Some((_, "tmux")) => Item::new(AREA, "multiplexer", Status::Ok, "tmux")
            .mend("set -sg escape-time 10, or Esc comes late"),
        Some((_, name)) => Item::new(AREA, "multiplexer", Status::Ok, name),
        None => Item::new(AREA, "multiplexer", Status::Ok, "none"),
    });
    items.push(Item::new(AREA, "keys", Status::Ok, "as every xterm sends them; no key protocol is needed"));
    items
}

fn of_size(columns: u16, rows: u16) -> Item {
    let message = format!("{columns}×{rows}");
    let fits = |(width, height): (u16, u16)| columns >= width && rows >= height;
    if fits(USEFUL) {
        Item::new(AREA, "size", Status::Ok, message)
    } else if fits(USABLE) {
        Item::new(AREA, "size", Status::Note, message).mend("From 80×24 on every screen shows all it has.")
    } else {
        Item::new(AREA, "size", Status::Warning, message).mend("Make it 40×10 at least, better 80×24.")
    }
}

fn of_type(name: Option<&str>) -> Item {
    match name {
        None | Some("dumb") => Item::new(AREA, "TERM", Status::Warning, name.unwrap_or("not set"))
            .mend("Set TERM to what the terminal is, such as xterm-256color."),
        Some(name) => Item::new(AREA, "TERM", Status::Ok, name),
    }
}

fn of_locale(locale: Option<&str>) -> Item {
    let is_utf8 = locale.is_some_and(|locale| {
        let locale = locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    });
    let name = locale.unwrap_or("none");
    if is_utf8 {
        Item::new(AREA, "locale", Status::Ok, name)
    } else {
        Item::new(
            AREA,
            "locale",
            Status::Note,
            format!("{name}, no UTF-8: borders and signs are plain characters"),
        )
        .mend("Set LANG, such as LANG=C.UTF-8.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_terminals_and_dumb_ones_are_named() {
        assert_eq!(of_size(80, 24).status, Status::Ok);
        assert_eq!(of_size(79, 24).status, Status::Note);
        assert_eq!(of_size(39, 24).status, Status::Warning);
        assert_eq!(of_type(Some("xterm-256color")).status, Status::Ok);
        assert_eq!((of_type(None).status, of_type(Some("dumb")).status), (Status::Warning, Status::Warning));
        assert_eq!(of_locale(Some("de_DE.UTF-8")).status, Status::Ok);
        assert_eq!((of_locale(Some("C")).status, of_locale(None).status), (Status::Note, Status::Note));
    }
}
