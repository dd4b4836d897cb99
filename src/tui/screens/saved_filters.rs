//! The saved filters and the reports, to choose from; and saving the filter of the list under a name.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::confirm::Confirm;
use crate::directory::saved_filters::{self, LONGEST_NAME, REPORTS, Saved};
use crate::error::Kind;
use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::input::{Input, Key, code, ctrl};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::screen::{Layer, Screen};
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::cells;
use crate::tui::widgets::dialog;
use crate::tui::widgets::fields::Fields;
use crate::tui::widgets::picker::{Choice, Picker};
use crate::tui::widgets::text_field::TextField;

/// Its keys.
pub const KEYS: &[Binding] = &[
    Binding::new(&[code(Key::Enter)], Action::Choose, "use it"),
    Binding::new(&[code(Key::F(2)), ctrl('r')], Action::FilterRename, "another name"),
    Binding::new(&[ctrl('x')], Action::FilterDelete, "delete"),
    Binding::new(&[code(Key::Esc)], Action::No, "leave"),
];

/// The keys of the dialog for a name.
pub const NAME_KEYS: &[Binding] = &[
    Binding::new(&[code(Key::Enter)], Action::Choose, "save"),
    Binding::new(&[code(Key::Esc)], Action::No, "leave"),
];

/// Tells the list which line was chosen.
pub const CHOSEN: Slot<String> = Slot::latest("filters.chosen");

const LIST: Slot<Vec<Saved>> = Slot::latest("filters.list");
const CHANGE: Slot<()> = Slot::latest("filters.change");
const SAVE: Slot<String> = Slot::latest("filters.save");

/// Wide enough for a filter.
const WIDTH: u16 = 76;

/// The list.
pub struct SavedFilters {
    saved: Vec<Saved>,
    picker: Picker,
}

impl Default for SavedFilters {
    fn default() -> Self {
        let mut list = Self { saved: Vec::new(), picker: Picker::new(Vec::new(), 0) };
        list.show();
        list
    }
}

impl SavedFilters {
    fn show(&mut self) {
        let note = |saved: &Saved| match saved.gone.as_slice() {
            [] => saved.line.clone(),
            gone => format!("gone: {}", gone.join(", ")),
        };
        let saved = self.saved.iter().map(|saved| Choice::new(&saved.name, note(saved)));
        let reports = REPORTS.iter().map(|report| Choice::new(report.title, report.line));
        self.picker = Picker::new(saved.chain(reports).collect(), 0);
    }

    fn read(cx: &mut Cx) {
        cx.start(&LIST, "loading filters", |portal| async move { saved_filters::list(&portal).await });
    }

    fn current(&self) -> Option<&Saved> {
        self.saved.get(self.picker.chosen()?)
    }

    fn choose(&self, cx: &mut Cx) {
        let Some(at) = self.picker.chosen() else { return };
        let line = match (self.saved.get(at), at.checked_sub(self.saved.len()).and_then(|at| REPORTS.get(at)))
        {
            (Some(saved), _) if !saved.gone.is_empty() => {
                let words = format!(
                    "'{}' is about what is not there any more: {}.",
                    saved.name,
                    saved.gone.join(", ")
                );
                return cx.refuse(words);
            }
            (Some(saved), _) => saved.line.clone(),
            (None, Some(report)) => report.line.to_owned(),
            (None, None) => return,
        };
        cx.close_telling(&CHOSEN, line);
    }

    fn delete(&self, cx: &mut Cx) {
        let Some(saved) = self.current() else { return };
        let (name, question) =
            (saved.name.clone(), format!("Delete the saved filter '{}'? {}", saved.name, saved.line));
        cx.push(Confirm::new("Delete a filter", question, "deletes it", move |cx| {
            cx.start(&CHANGE, "deleting the filter", move |portal| async move {
                saved_filters::remove(&portal, name).await
            });
        }));
    }
}

impl Screen for SavedFilters {
    fn title(&self) -> String {
        "Saved filters and reports".to_owned()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn enabled(&self, action: Action) -> Result<(), String> {
        match action {
            Action::FilterRename | Action::FilterDelete if self.current().is_none() => {
                Err("A report is always there.".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn opened(&mut self, cx: &mut Cx) {
        Self::read(cx);
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::Choose => self.choose(cx),
            Action::FilterDelete => self.delete(cx),
            Action::FilterRename => {
                let Some(saved) = self.current() else { return };
                cx.push(NameFilter::again(&saved.name, &self.saved));
            }
            _ => cx.close(),
        }
    }

    fn takes_text(&self) -> bool {
        true
    }

    fn input(&mut self, input: &Input, _cx: &mut Cx) -> bool {
        self.picker.input(input)
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        if let Some(result) = LIST.take(reply) {
            match result {
                Ok(saved) => {
                    self.saved = saved;
                    self.show();
                }
                Err(error) if error.kind == Kind::Interrupted => {}
                Err(error) => cx.fail(&error),
            }
        } else if let Some(result) =
            CHANGE.take(reply).or_else(|| SAVE.take(reply).map(|result| result.map(drop)))
        {
            if let Err(error) = result {
                cx.fail(&error);
            }
            Self::read(cx);
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        self.picker.draw(frame, area, theme);
    }

    fn layer(&self) -> Layer {
        Layer::Popup { width: WIDTH, height: cells(self.picker.len() + 1) }
    }
}

/// What a name is for.
enum Purpose {
    /// A new filter, of this line.
    Save(String),
    /// The filter that has this name now.
    Rename(String),
}

/// Asks for the name of a filter.
pub struct NameFilter {
    purpose: Purpose,
    taken: Vec<String>,
    fields: Fields,
}

impl NameFilter {
    /// To save this line.
    #[must_use]
    pub fn new(line: &str) -> Self {
        Self::asking(Purpose::Save(line.to_owned()), "", &[])
    }

    /// To call a filter something else.
    fn again(name: &str, saved: &[Saved]) -> Self {
        Self::asking(Purpose::Rename(name.to_owned()), name, saved)
    }

    fn asking(purpose: Purpose, name: &str, saved: &[Saved]) -> Self {
        let fields = Fields::new(vec![("Name", TextField::line(name, LONGEST_NAME))]);
        Self { purpose, taken: saved.iter().map(|saved| saved.name.clone()).collect(), fields }
    }

    fn name(&self) -> &str {
        self.fields.value(0).trim()
    }

    fn words(&self) -> String {
        match &self.purpose {
            Purpose::Save(line) => format!(
                "{line}\n\nDepartments and groups are kept by what they are, not by name: the filter goes on to mean them \
                 when they are renamed."
            ),
            Purpose::Rename(from) => format!("The saved filter '{from}' is called so from now on."),
        }
    }

    fn save(&self, cx: &mut Cx) {
        let name = self.name().to_owned();
        if name.is_empty() {
            return cx.refuse("Give it a name.");
        }
        let is_taken =
            self.taken.contains(&name) && !matches!(&self.purpose, Purpose::Rename(from) if *from == name);
        let work: Box<dyn FnOnce(&mut Cx)> = match &self.purpose {
            Purpose::Save(line) => {
                let (name, line) = (name.clone(), line.clone());
                Box::new(move |cx| {
                    cx.start(&SAVE, "saving the filter", move |portal| async move {
                        saved_filters::save(&portal, &name, &line).await?;
                        Ok(name)
                    });
                })
            }
            Purpose::Rename(from) => {
                let (name, from) = (name.clone(), from.clone());
                Box::new(move |cx| {
                    cx.start(&SAVE, "saving the filter", move |portal| async move {
                        saved_filters::rename(&portal, from, &name).await?;
                        Ok(name)
                    });
                })
            }
        };
        if is_taken {
            let question = format!("There is a saved filter '{name}' already.");
            return cx.close_then(move |cx| {
                cx.push(Confirm::new("Replace a filter", question, "replaces it", work));
            });
        }
        cx.close_then(work);
    }
}

/// Takes what became of saving, for the list; says whether the reply was that.
pub fn reply(reply: &mut Reply, cx: &mut Cx) -> bool {
    match SAVE.take(reply) {
        Some(Ok(name)) => cx.done(format!("Saved as '{name}' · f opens it")),
        Some(Err(error)) => cx.fail(&error),
        None => return false,
    }
    true
}

impl Screen for NameFilter {
    fn title(&self) -> String {
        match self.purpose {
            Purpose::Save(_) => "Save this filter".to_owned(),
            Purpose::Rename(_) => "Rename a filter".to_owned(),
        }
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[NAME_KEYS]
    }

    fn opened(&mut self, cx: &mut Cx) {
        SavedFilters::read(cx);
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        if action == Action::Choose { self.save(cx) } else { cx.close() }
    }

    fn takes_text(&self) -> bool {
        true
    }

    fn input(&mut self, input: &Input, _cx: &mut Cx) -> bool {
        self.fields.input(input)
    }

    fn reply(&mut self, reply: &mut Reply, _cx: &mut Cx) {
        if let Some(Ok(saved)) = LIST.take(reply) {
            self.taken = saved.into_iter().map(|saved| saved.name).collect();
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        self.fields.draw(frame, area, theme);
        let used = (self.fields.rows() + 1).min(area.height);
        let below = Rect { y: area.y + used, height: area.height - used, ..area };
        dialog::draw_text(frame, below, &self.words(), Tone::Quiet, theme);
    }

    fn layer(&self) -> Layer {
        Layer::Popup { width: WIDTH, height: dialog::rows(&self.words(), WIDTH) + 2 }
    }
}
