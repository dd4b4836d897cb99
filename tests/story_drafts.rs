//! A form whose line to the server is cut while it saves: everything that was typed stays there and in the draft, and
//! the same form saves it once the server is back.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;
#[path = "support/proxy.rs"]
mod proxy;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::stream;
use portaldesk::change::{Account, Actor};
use portaldesk::db::{Db, Dialect};
use portaldesk::directory::accounts::{self, Draft, Rows};
use portaldesk::directory::drafts::{self, About};
use portaldesk::directory::{Portal, Settings, groups, users};
use portaldesk::tui::event_loop::{NoHost, from_stream};
use portaldesk::tui::screens::memberships::Memberships;
use portaldesk::tui::screens::user_form::UserForm;
use portaldesk::tui::{App, EventLoop, Head, Input, Key, Keymap, Screen, Setup, Theme, code, ctrl, key};
use proxy::{Fault, Proxy};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Size;

/// A folder for drafts, removed with this value.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("portaldesk-story-drafts-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn files(&self) -> usize {
        std::fs::read_dir(&self.0).map_or(0, Iterator::count)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The portal as its superuser `root` sees it, keeping drafts in this folder.
async fn portal(db: &Db, drafts: &Path) -> Portal {
    let settings = Settings { drafts_folder: Some(drafts.to_owned()), ..Settings::default() };
    Portal::over(db.clone(), settings, Actor::unix("tester", None)).await.unwrap()
}

async fn create(portal: &Portal, draft: Draft, name: &str) -> i64 {
    let plan = accounts::create(portal, &draft.with("username", name)).await.unwrap();
    portal.writer().unwrap().apply(plan).await.unwrap();
    users::find(portal, name).await.unwrap()
}

struct Program(EventLoop<TestBackend, NoHost>);

impl Program {
    fn new(portal: &Portal, first: impl Screen + 'static) -> Self {
        let setup = Setup {
            tabs: vec![Box::new(portaldesk::tui::screens::message::Message::new("Home", "home"))],
            first: Some(Box::new(first)),
            portal: Some(portal.clone()),
            head: Head::default(),
            keymap: Keymap::default(),
            theme: Theme { colours: false, ascii: false },
            commands: Vec::new(),
            lock: None,
        };
        let terminal = Terminal::new(TestBackend::new(100, 30)).unwrap();
        Self(EventLoop::new(App::new(setup, Size::new(100, 30)), terminal, NoHost::default()))
    }

    /// Gives these inputs and waits until everything that they start is done and drawn.
    async fn feed(&mut self, inputs: Vec<Input>) {
        self.0.run(&mut from_stream(stream::iter(inputs))).await;
    }

    async fn keys(&mut self, keys: &str) {
        let chord = |c| match c {
            '⇥' => code(Key::Tab),
            '⎋' => code(Key::Esc),
            '§' => ctrl('s'),
            c => key(c),
        };
        self.feed(keys.chars().map(|c| Input::Key(chord(c))).collect()).await;
    }

    fn titles(&self) -> Vec<String> {
        self.0.app.titles()
    }

    fn toast(&self) -> String {
        self.0.app.toast().map(|toast| toast.text().to_owned()).unwrap_or_default()
    }

    fn has(&self, words: &str) -> bool {
        self.0.terminal.backend().to_string().contains(words)
    }
}

stories! {
    async fn a_line_that_is_lost_at_saving_loses_nothing_of_the_form(db: TestDb) {
        let folder = Folder::new();
        let before = portal(&db.db, &folder.0).await;
        before.writer().unwrap().apply(groups::setup(&before).await.unwrap()).await.unwrap();
        let root = create(&before, Draft::default().with("is_superuser", "true"), "root").await;
        let bela = create(&before, Draft::default().with("first_name", "Bela"), "bela").await;
        let account = Account { id: root, username: "root".to_owned() };

        // Where there is no line to cut, only the keeping is seen.
        let proxy = (db.dialect() != Dialect::Sqlite).then(|| Proxy::new(db.target()));
        let line = match &proxy {
            Some(proxy) => Db::open(proxy.target()).await.unwrap(),
            None => db.second().await,
        };
        let portal = portal(&line, &folder.0).await.signed_in(account.clone());

        let mut program = Program::new(&portal, UserForm::edit(bela));
        program.feed(Vec::new()).await;
        program.keys("⇥2").await;
        let [(draft, false)] = <[_; 1]>::try_from(offered(&portal).await).unwrap() else { panic!("bela is there") };
        assert_eq!(draft.unsaved.mine["first_name"], "Bela2");
        program.keys("§").await;
        assert_eq!(program.titles().last().unwrap(), "Edit bela");
        if let Some(proxy) = &proxy {
            proxy.arm(Fault::LoseCommit);
            program.keys("y").await;
            assert!(proxy.has_struck());
            assert_eq!(program.titles(), ["Home", "Edit bela"], "{}", program.toast());
            assert!(program.has("Bela2") && !program.toast().is_empty());
            assert_eq!(offered(&portal).await, [(draft, false)], "it is still kept");
            program.keys("⎋§").await;
        }
        program.keys("y").await;
        assert_eq!(program.toast(), "Changed bela · u undoes");
        assert_eq!(Rows::read(&portal, bela).await.unwrap().user.text("first_name"), Some("Bela2"));
        assert_eq!((offered(&portal).await, folder.files()), (vec![], 0), "what is saved is not kept");
    }

    async fn what_is_ticked_survives_the_line_and_is_gone_on_with(db: TestDb) {
        let folder = Folder::new();
        let before = portal(&db.db, &folder.0).await;
        before.writer().unwrap().apply(groups::setup(&before).await.unwrap()).await.unwrap();
        let root = create(&before, Draft::default().with("is_superuser", "true"), "root").await;
        let bela = create(&before, Draft::default(), "bela").await;
        let portal = before.signed_in(Account { id: root, username: "root".to_owned() });

        let mut program = Program::new(&portal, Memberships::new(bela));
        program.feed(Vec::new()).await;
        program.keys(" ").await;
        drop(program);
        let [(draft, false)] = <[_; 1]>::try_from(offered(&portal).await).unwrap() else { panic!("bela is there") };
        assert_eq!(draft.unsaved.about, About::Memberships { id: bela, username: "bela".to_owned() });

        let mut program = Program::new(&portal, Memberships::resume(&draft.unsaved));
        program.feed(Vec::new()).await;
        assert!(program.has("loses nothing") && !program.has("gains nothing"));
        program.keys("§").await;
        program.keys("y").await;
        assert_eq!(program.toast(), "Changed bela · u undoes");
        assert_eq!(Rows::read(&portal, bela).await.unwrap().group_ids().len(), 1);
        assert_eq!(offered(&portal).await, []);

        // Somebody has gone on with it elsewhere meanwhile: there is nothing left to do, and it is said.
        let mut program = Program::new(&portal, Memberships::resume(&draft.unsaved));
        program.feed(Vec::new()).await;
        assert_eq!(program.toast(), "Nothing is left to be saved: the account holds it already.");
    }
}

async fn offered(portal: &Portal) -> Vec<(drafts::Draft, bool)> {
    drafts::offered(portal).await.unwrap().drafts
}
